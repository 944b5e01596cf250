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
