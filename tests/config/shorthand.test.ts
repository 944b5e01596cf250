import assert from "node:assert/strict";
import { loadDescriptor } from "../../src/config/mod.ts";
import { DESCRIPTOR, issueLines } from "./support.ts";

/** The rules that a descriptor's text gives, and what is wrong with it. */
function load(rules: string) {
  const text = DESCRIPTOR.slice(0, DESCRIPTOR.indexOf("[parse]")) + rules;
  const { frames, issues } = loadDescriptor({
    file: { path: "okx.toml", text },
    readText: () => null,
    environment: () => undefined,
  });
  return { events: frames?.events ?? [], issues: issueLines(issues), text };
}

/** Line of the file on which a text stands first. */
function lineOf(text: string, part: string): number {
  return text.slice(0, text.indexOf(part)).split("\n").length;
}

Deno.test("[event_defaults] gives rules the keys that they do not name and may have", () => {
  const { events, issues } = load(`
[event_defaults]
rows = "/data/*"
symbol = "/s"
price = "/p"
bids = "/b/*"

[[events]]
kind = "trade"
size = "/q"
[[events]]
kind = "quote"
rows = "/best/*"
[[events]]
kind = "book"
asks = "/a/*"
`);
  assert.deepEqual(issues, []);
  assert.deepEqual(events.map(({ rows, symbol }) => [rows.source, symbol?.sources[0].source]), [
    ["/data/*", "/s"],
    ["/best/*", "/s"],
    ["/data/*", "/s"],
  ]);
  assert.deepEqual(events.map(({ fields }) => Object.keys(fields)), [["price", "size"], [], []]);
  assert.equal(events[2].book?.bids?.source, "/b/*");
});

Deno.test("[event_defaults] leaves rules of another source alone", () => {
  const { events, issues } = load(`
[rest]
base_urls = ["https://example.com"]
[[rest.requests]]
name = "recent"
channel = "trades"
connection_id = "public"
path = "/trades?symbol={symbol}"

[event_defaults]
symbol = "/s"
price = "/p"

[[events]]
kind = "trade"
size = "/q"
[[events]]
kind = "trade"
source = "recent"
price = "/price"
size = "/q"
`);
  assert.deepEqual(issues, []);
  assert.deepEqual(events.map(({ symbol }) => symbol === null), [false, true]);
});

Deno.test("[event_defaults] is blamed once for what is wrong with its values", () => {
  const rules = (defaults: string) =>
    `[event_defaults]\nsymbol = "/s"\n${defaults}\n[[events]]\nkind = "trade"\nprice = "/p"\nsize = "/q"\n` +
    `[[events]]\nkind = "quote"\n`;
  const shape = load(rules("skip_first_frame = 1"));
  assert.deepEqual(shape.issues, [
    `okx.toml:${
      lineOf(shape.text, "skip_first")
    }:20+1 error -: Wrong value of "skip_first_frame": expected true or false, found 1`,
  ]);
  const language = load(rules('exchange_ts = "a b"'));
  assert.equal(language.issues.length, 1);
  assert.match(language.issues[0], new RegExp(`^okx.toml:${lineOf(language.text, "exchange_ts")}:18\\+1 error`));
  const key = load(rules('exchange_tz = "/T"'));
  assert.deepEqual(key.issues, [
    `okx.toml:${lineOf(key.text, "exchange_tz")}:1+11 error -: Unknown key "exchange_tz" in [event_defaults]: ` +
    'did you mean "exchange_ts"?',
  ]);
});

/** The same descriptor written out and in short, with what is wrong with each. */
function read(text: string) {
  const { frames, issues } = loadDescriptor({
    file: { path: "x.toml", text },
    readText: () => null,
    environment: () => undefined,
  });
  return { frames, issues: issueLines(issues) };
}

const LONG = `[meta]
name = "x"
version = "1.4"

[[ws.connections]]
id = "a"
urls = ["wss://a.example/ws"]
keepalive = { mode = "none" }

[[ws.connections]]
id = "b"
urls = ["wss://b.example/ws"]
keepalive = { mode = "none" }
read_timeout_ms = 9000

[rest]
base_urls = ["https://a.example"]

[[rest.instruments]]
path = "/spot"
rows = "/data/*"
native = "/id"
canonical = "concat(base, '/', quote)"

[[rest.instruments]]
path = "/margin"
rows = "/data/*"
native = "/id"
canonical = "concat(base, '/', quote)"

[[rest.instruments]]
path = "/swap"
rows = "/data/*"
native = "/name"
canonical = "concat(base, '/', quote)"

[[subscriptions]]
connection_id = "a"
generator = '''foreach (s in symbols) { emit('{"op":"sub","args":["{symbol}"]}'); }'''
batch = { at = "/args" }

[[subscriptions]]
connection_id = "b"
generator = '''foreach (s in symbols) { emit('{"op":"sub","args":["b{symbol}"]}'); }'''
batch = { at = "/args" }

[[events]]
kind = "trade"
when = { "/t" = "trade" }
rows = "/d/*"
symbol = "/s"
price = "/p"
size = "/q"
trade_id = { at = "/i", absent = ["0"] }

[[events]]
kind = "liquidation"
when = { "/t" = "liquidation" }
rows = "/d/*"
symbol = "/s"
price = "/p"
size = "/q"
id = { at = "/l", absent = ["-"] }

[[events]]
kind = "quote"
when = { "/t" = "quote" }
symbol = "/s"
bid_price = { at = "/b", absent = ["-"] }
bid_size = { at = "/B", absent = ["-"] }
ask_price = { at = "/a/0", absent = ["-"] }
ask_size = { at = "/a/1", absent = [""] }

[[events]]
kind = "candle"
when = { "/t" = "candle" }
symbol = "/s"
interval = "/i"
open_ts = "/ts"
open = "/o"
high = "/h"
low = "/l"
close = "/c"
volume = "/v"
`;

const SHORT = `[meta]
name = "x"
version = "1.4"

[connection_defaults]
urls = ["wss://b.example/ws"]
keepalive = { mode = "none" }

[[ws.connections]]
id = "a"
urls = ["wss://a.example/ws"]

[[ws.connections]]
id = "b"
read_timeout_ms = 9000

[rest]
base_urls = ["https://a.example"]

[instrument_defaults]
rows = "/data/*"
native = "/id"
canonical = "concat(base, '/', quote)"

[[rest.instruments]]
path = ["/spot", "/margin"]

[[rest.instruments]]
path = "/swap"
native = "/name"

[subscription_defaults]
batch = { at = "/args" }

[[subscriptions]]
connection_id = "a"
generator = '''foreach (s in symbols) { emit('{"op":"sub","args":["{symbol}"]}'); }'''

[[subscriptions]]
connection_id = "b"
generator = '''foreach (s in symbols) { emit('{"op":"sub","args":["b{symbol}"]}'); }'''

[event_defaults]
symbol = "/s"

[[events]]
kind = "trade"
when = { "/t" = "trade" }
rows = "/d/*"
price = "/p"
size = "/q"
trade_id = { at = "/i", absent = ["0"] }

[[events]]
kind = "liquidation"
like = "trade"
when = { "/t" = "liquidation" }
id = { at = "/l", absent = ["-"] }

[[events]]
kind = "quote"
when = { "/t" = "quote" }
absent = ["-"]
fields = { bid_price = "/b", bid_size = "/B", ask_price = "/a/0", ask_size = { at = "/a/1", absent = [""] } }

[[events]]
kind = "candle"
when = { "/t" = "candle" }
interval = "/i"
open_ts = "/ts"
fields = { open = "/o", high = "/h", low = "/l", close = "/c", volume = "/v" }
`;

Deno.test("a descriptor in short has the rules of the one that is written out", () => {
  const [long, short] = [read(LONG), read(SHORT)];
  assert.deepEqual(short.issues, []);
  assert.deepEqual(short.frames, long.frames);
  assert.equal(long.frames?.events.length, 4);
});

Deno.test("what is wrong with a short form is said where it stands", () => {
  const wrong = (from: string, to: string) => read(SHORT.replace(from, to)).issues;
  const at = (part: string, text = SHORT) => `x.toml:${lineOf(text, part)}`;
  const canonical = wrong("concat(base, '/', quote)", "concat(base, '/'");
  assert.equal(canonical.length, 1, canonical.join("\n"));
  assert.ok(canonical[0].startsWith(at("canonical = ")), canonical[0]);
  const native = wrong('native = "/name"', 'native = "no(name)"');
  assert.ok(native.length === 1 && native[0].startsWith(at('native = "/name"')), native.join("\n"));
  const size = wrong('"/B",', '"upper(",');
  assert.ok(size.length === 1 && size[0].startsWith(at("fields = { bid_price")), size.join("\n"));
  const few = wrong(', close = "/c"', "");
  assert.ok(few.length === 1 && few[0].includes('Missing key "close"'), few.join("\n"));
  const spelt = wrong("close =", "clsoe =");
  assert.ok(spelt.length === 1 && spelt[0].startsWith(at("fields = { open")), spelt.join("\n"));
  assert.ok(spelt[0].includes('did you mean "close"?'), spelt[0]);
  const beside = wrong("open_ts =", 'open = "/o"\nopen_ts =');
  assert.ok(beside.length === 1 && beside[0].includes("Key open stands in `fields` and beside it"), beside.join("\n"));
  const own = wrong("{ open =", '{ kind = "trade", open =');
  assert.ok(own.length === 1 && own[0].includes("Key kind stands in `fields`"), own.join("\n"));
  const like = wrong('like = "trade"', 'like = "candle"');
  assert.ok(like.some((issue) => issue.includes("No rule candle before this one")), like.join("\n"));
  const unknown = wrong("batch = { at", "batsch = { at");
  assert.ok(unknown.length === 1 && unknown[0].includes("[subscription_defaults]"), unknown.join("\n"));
});

Deno.test("a number that stands for a text is the text that is written, in `fields` as beside it", () => {
  const when = 'when = { "/t" = 1.10 }';
  const long = read(LONG.replace('when = { "/t" = "quote" }', when));
  const short = read(SHORT.replace('when = { "/t" = "quote" }\n', "").replace("{ bid_price", `{ ${when}, bid_price`));
  assert.deepEqual([long.issues, short.issues], [[], []]);
  assert.deepEqual(short.frames, long.frames);
});

const PAGES = `
[[rest.requests]]
name = "spot_book"
channel = "book"
connection_id = "a"
path = "/spot/book?pair={symbol}"
recorded = true

[[rest.requests]]
name = "swap_book"
channel = "book"
connection_id = "a"
path = "/swap/{symbol}/book"

[[events]]
kind = "book"
source = ["spot_book", "swap_book"]
snapshot = true
bids = "/b/*"
asks = "/a/*"
`;

Deno.test("a rule with a list of sources is so many rules of their names", () => {
  const { issues, frames } = read(SHORT + PAGES);
  assert.deepEqual(issues, []);
  assert.deepEqual(frames?.events.slice(-2).map(({ name, source, kind }) => [name, source, kind]), [
    ["spot_book", "spot_book", "book"],
    ["swap_book", "swap_book", "book"],
  ]);
  const wrong = read(SHORT + PAGES.replace('"swap_book"]', '"swop_book"]')).issues;
  const line = lineOf(SHORT + PAGES, 'source = ["spot_book"');
  assert.ok(wrong.some((one) => one.startsWith(`x.toml:${line}:24`) && one.includes("swop_book")), wrong.join("\n"));
});

const LISTED = `[meta]
name = "x"
version = "1.4"

[[ws.connections]]
id = "a"
urls = ["wss://a.example/ws"]

[[ws.connections]]
id = "b"
urls = ["wss://b.example/ws"]

[rest]
base_urls = ["https://example.test"]

[[rest.requests]]
name = "image"
channel = "book"
connection_id = "a"
path = "/book?symbol={symbol}"

[[rest.backfill]]
name = "past"
channel = "trades"
connection_id = ["a", "b"]
path = "/trades?symbol={symbol}&after={from_id}"
direction = "forward"

[[control]]
name = "pong"
text = "pong"
action = "pong"

[[events]]
kind = "trade"
symbol = "/s"
price = "/p"
size = "/q"

[[events]]
kind = "book"
name = "changes"
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
last_sequence = "/u"

[[events]]
kind = "book"
name = "image"
source = "image"
snapshot = true
bids = "/bids/*"
asks = "/asks/*"
sequence = "/u"

[[events]]
kind = "trade"
name = "past"
source = "past"
rows = "/*"
price = "/price"
size = "/size"
trade_id = "/id"

[[books]]
name = "all"
kind = "rest"
snapshot_request = "image"
sequence = "next"
`;

const NAMED = `[meta]
name = "x"
version = "1.4"

[ws.connections]
a = { urls = ["wss://a.example/ws"] }
b = { urls = ["wss://b.example/ws"] }

[rest]
base_urls = ["https://example.test"]

[rest.requests.image]
channel = "book"
connection_id = "a"
path = "/book?symbol={symbol}"
event = { snapshot = true, bids = "/bids/*", asks = "/asks/*", sequence = "/u" }

[rest.backfill.past]
channel = "trades"
connection_id = ["a", "b"]
path = "/trades?symbol={symbol}&after={from_id}"
direction = "forward"
event = { rows = "/*", price = "/price", size = "/size", trade_id = "/id" }

[control]
pong = { text = "pong", action = "pong" }

[events.trade]
fields = { symbol = "/s", price = "/p", size = "/q" }

[events.changes]
kind = "book"
fields = { symbol = "/s", bids = "/b/*", asks = "/a/*", last_sequence = "/u" }

[books]
all = { kind = "rest", snapshot_request = "image", sequence = "next" }
`;

Deno.test("tables by their names are the lists of them, and the event of a request is a rule that reads its answers", () => {
  const long = read(LISTED);
  const short = read(NAMED);
  assert.deepEqual([long.issues, short.issues], [[], []]);
  assert.ok(long.frames !== null);
  assert.deepEqual(short.frames, long.frames);
});

Deno.test("what is wrong in a named table is reported where it stands", () => {
  const wrong = (from: string, to: string) => {
    const text = NAMED.replace(from, to);
    assert.notEqual(text, NAMED);
    return { issues: read(text).issues, at: (part: string) => `x.toml:${lineOf(text, part)}:` };
  };
  const key = wrong("pong = { text", "pong = { txet");
  assert.ok(
    key.issues.length > 0 && key.issues.every((one) => one.startsWith(key.at("pong = "))),
    key.issues.join("\n"),
  );
  const price = wrong('price = "/price"', 'price = "no(price)"');
  assert.ok(
    price.issues.length === 1 && price.issues[0].startsWith(price.at("event = { rows")),
    price.issues.join("\n"),
  );
  const kind = wrong("[events.trade]", "[events.trades]");
  assert.ok(kind.issues.length > 0 && kind.issues[0].startsWith(kind.at("[events.trades]")), kind.issues.join("\n"));
  const size = wrong(', size = "/q"', "");
  assert.ok(size.issues.length === 1 && size.issues[0].startsWith(size.at("[events.trade]")), size.issues.join("\n"));
  const table = wrong("event = { snapshot", 'event = "x" # { snapshot');
  assert.ok(table.issues.some((one) => one.startsWith(table.at('event = "x"'))), table.issues.join("\n"));
  const scalar = wrong("[control]\npong = {", "[control]\nother = 1\npong = {");
  assert.ok(
    scalar.issues.length === 1 && scalar.issues[0].startsWith(scalar.at("other = 1")),
    scalar.issues.join("\n"),
  );
});

Deno.test("what names no connection is of the descriptor's only one", () => {
  const one = (text: string) =>
    text.replace('b = { urls = ["wss://b.example/ws"] }\n', "").replace('["a", "b"]', '"a"');
  const long = read(one(NAMED));
  const short = read(one(NAMED).replaceAll('connection_id = "a"\n', ""));
  assert.deepEqual([long.issues, short.issues], [[], []]);
  assert.deepEqual(short.frames, long.frames);
  assert.ok(read(NAMED.replace('connection_id = "a"\n', "")).issues.length > 0);
});
