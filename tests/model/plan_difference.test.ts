import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/mod.ts";
import { comparePlans, isSamePlan, type Plan, Secret } from "../../src/model/mod.ts";

const DESCRIPTOR = `
[meta]
name = "testing"
version = "1.4"
[args]
depth = "10"
limit = "100"
agent = "one"
[maps]
symbol_map_file = "map.toml"
[[ws.connections]]
id = "public"
urls = ["wss://example.test/ws"]
headers = { "X-Token" = "{env:TOKEN}" }
[rest]
base_urls = ["https://example.test"]
headers = { "User-Agent" = "{arg:agent}" }
[[rest.requests]]
name = "image"
channel = "book"
connection_id = "public"
path = "/depth?symbol={symbol}&limit={arg:limit}"
[[subscriptions]]
connection_id = "public"
generator = '''
foreach (c in channels) { foreach (s in symbols) { emit('{"op":"sub","ch":"{ch}","s":"{symbol}"}'); } }
'''
ack = { when = { "/op" = "ack" } }
[[control]]
name = "ping"
action = "reply"
when = { "/op" = "ping" }
reply = '{"op":"pong"}'
[[events]]
kind = "trade"
when = { "/e" = "trade" }
symbol = "/s"
price = "/p"
size = "/q"
side = { at = "/m", map = { true = "sell", false = "buy" } }
[[events]]
kind = "book"
when = { "/e" = "book" }
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
snapshot = "/full"
last_sequence = "/u"
[[books]]
name = "book"
kind = "rest"
snapshot_request = "image"
sequence = "rising"
depth = "{arg:depth}"
`;

const MAP = `"BTC/USDT" = "BTCUSDT"\n"ETH/USDT" = "ETHUSDT"\n"SOL/USDT" = "SOLUSDT"\n`;

interface Texts {
  readonly run?: string;
  readonly more?: string;
  readonly sinks?: string;
  readonly exchanges?: string;
  readonly descriptor?: string;
  readonly map?: string;
  readonly token?: string;
}

function instance(
  name: string,
  options: { symbols?: string; channels?: string; overrides?: string; enabled?: boolean } = {},
): string {
  return `[[exchange]]
name = "${name}"
enabled = ${options.enabled ?? true}
descriptor_path = "testing.toml"
symbols = [${options.symbols ?? '"BTC/USDT"'}]
channels = [${options.channels ?? '"trades", "book"'}]
[exchange.overrides]
${options.overrides ?? ""}
`;
}

function planOf(texts: Texts = {}): Plan {
  const files: Readonly<Record<string, string>> = {
    "collector.toml": `[run]\nhttp_port = 8090\n${texts.run ?? ""}\n${texts.more ?? ""}\n${
      texts.sinks ?? '[[sink]]\ntype = "ndjson"\nname = "lines"\ndir = "lines"\n'
    }\n${texts.exchanges ?? instance("one")}`,
    "testing.toml": texts.descriptor ?? DESCRIPTOR,
    "map.toml": texts.map ?? MAP,
  };
  const { plan, issues } = loadConfig({
    path: "collector.toml",
    readText: (path) => files[path.replace(/^\.\//, "")] ?? null,
    environment: (name) => name === "TOKEN" ? texts.token ?? "hunter2" : undefined,
    builtin: () => null,
  });
  assert.deepEqual(issues.map(({ message }) => message), []);
  assert.ok(plan !== null);
  return plan;
}

Deno.test("comparePlans() finds no difference between plans of one text, nor where a comment or the layout differs", () => {
  assert.ok(isSamePlan(comparePlans(planOf(), planOf())));
  const commented = planOf({
    descriptor: `# another comment\n${DESCRIPTOR}`,
    more: "# here too\n[journal]\nsync_ms = 1000",
  });
  assert.deepEqual(comparePlans(planOf({ more: "[journal]\nsync_ms = 1000" }), commented).instances, []);
});

Deno.test("comparePlans() adds and removes what begins and ceases to run, also what is disabled", () => {
  const two = instance("one") + instance("two");
  const names = (before: string, after: string) =>
    comparePlans(planOf({ exchanges: before }), planOf({ exchanges: after })).instances.map(({ name, kind }) =>
      `${name} ${kind}`
    );
  assert.deepEqual(names(instance("one"), two), ["two add"]);
  assert.deepEqual(names(two, instance("one")), ["two remove"]);
  assert.deepEqual(names(two, instance("two") + instance("three")), ["three add", "one remove"]);
  assert.deepEqual(names(two, instance("one") + instance("two", { enabled: false })), ["two remove"]);
  assert.deepEqual(names(instance("one", { enabled: false }), instance("one")), ["one add"]);
  assert.deepEqual(names(two, instance("two") + instance("one")), [], "their order is nothing");
});

const CHANGES: readonly (readonly [what: string, texts: Texts, part: RegExp])[] = [
  [
    "the depth of a book, by an argument",
    { exchanges: instance("one", { overrides: 'depth = "25"' }) },
    /^frames\.books\.book$/,
  ],
  [
    "a REST path, by an argument",
    { exchanges: instance("one", { overrides: 'limit = "500"' }) },
    /^rest\.requests\.image$/,
  ],
  [
    "a REST header, by an argument",
    { exchanges: instance("one", { overrides: 'agent = "two"' }) },
    /^rest\.headers\.User-Agent$/,
  ],
  [
    "a base URL",
    { exchanges: instance("one", { overrides: 'base_urls = ["https://other.test"]' }) },
    /^rest\.baseUrls\.0$/,
  ],
  [
    "an address",
    { exchanges: instance("one", { overrides: 'urls = ["wss://other.test"]' }) },
    /^connections\.public\.urls$/,
  ],
  [
    "a timeout",
    { exchanges: instance("one", { overrides: "read_timeout_ms = 1234" }) },
    /^connections\.public\.readTimeoutMs$/,
  ],
  ["a secret", { token: "hunter3" }, /^connections\.public\.headers$/],
  ["a native symbol in the map", { map: MAP.replace("BTCUSDT", "BTC_USDT") }, /^frames\.connections\.public$/],
  [
    "a condition",
    { descriptor: DESCRIPTOR.replace('"/e" = "trade"', '"/e" = ["trade", "deal"]') },
    /^frames\.events\.trade$/,
  ],
  ["a value of a map", { descriptor: DESCRIPTOR.replace('true = "sell"', 'true = "buy"') }, /^frames\.events\.trade$/],
  ["a reply", { descriptor: DESCRIPTOR.replace('{"op":"pong"}', '{"op":"PONG"}') }, /^frames\.controls\.ping$/],
  [
    "a subscription's text",
    { descriptor: DESCRIPTOR.replace('"op":"sub"', '"op":"SUB"') },
    /^connections\.public\.requests$/,
  ],
];

for (const [what, texts, part] of CHANGES) {
  Deno.test(`comparePlans() restarts an instance when ${what} changes`, () => {
    const [change, ...others] = comparePlans(planOf(), planOf(texts)).instances;
    assert.deepEqual(others, []);
    assert.ok(change?.kind === "restart", JSON.stringify(change));
    assert.ok(change.parts.some((one) => part.test(one)), change.parts.join(", "));
  });
}

Deno.test("comparePlans() resubscribes where nothing but the streams of mapped symbols differs", () => {
  const of = (symbols: string) => planOf({ exchanges: instance("one", { symbols }) });
  const stream = (channel: string, symbol: string) => ({ channel, symbol });
  assert.deepEqual(comparePlans(of('"BTC/USDT"'), of('"BTC/USDT", "ETH/USDT"')).instances, [{
    name: "one",
    kind: "resubscribe",
    added: [stream("trades", "ETH/USDT"), stream("book", "ETH/USDT")],
    removed: [],
  }]);
  const [swapped] = comparePlans(of('"BTC/USDT", "ETH/USDT"'), of('"BTC/USDT", "SOL/USDT"')).instances;
  assert.deepEqual(
    swapped.kind === "resubscribe" &&
      [swapped.added.map(({ symbol }) => symbol), swapped.removed.map(({ symbol }) => symbol)],
    [["SOL/USDT", "SOL/USDT"], ["ETH/USDT", "ETH/USDT"]],
  );
});

Deno.test("comparePlans() resubscribes where channels come or go on connections that stay", () => {
  const less = { exchanges: instance("one", { channels: '"trades"' }) };
  const [removed] = comparePlans(planOf(), planOf(less)).instances;
  assert.deepEqual([removed.kind, removed.kind === "resubscribe" && removed.removed.map(({ channel }) => channel)], [
    "resubscribe",
    ["book"],
  ]);
  assert.equal(comparePlans(planOf(less), planOf()).instances[0].kind, "resubscribe");
});

Deno.test("comparePlans() restarts where streams and the path of a request that stays differ", () => {
  const after = planOf({
    exchanges: instance("one", { symbols: '"BTC/USDT", "ETH/USDT"', overrides: 'limit = "500"' }),
  });
  assert.deepEqual(comparePlans(planOf(), after).instances.map(({ kind }) => kind), ["restart"]);
});

Deno.test("comparePlans() restarts where streams and anything else differ together", () => {
  const after = planOf({
    exchanges: instance("one", { symbols: '"BTC/USDT", "ETH/USDT"', overrides: 'depth = "25"' }),
  });
  assert.deepEqual(comparePlans(planOf(), after).instances.map(({ kind }) => kind), ["restart"]);
});

Deno.test("comparePlans() adds, removes and reopens sinks by name", () => {
  const sink = (name: string, more = "", type = "ndjson") =>
    `[[sink]]\ntype = "${type}"\nname = "${name}"\ndir = "${name}"\n${more}\n`;
  const of = (before: string, after: string) => comparePlans(planOf({ sinks: before }), planOf({ sinks: after })).sinks;
  assert.deepEqual(of(sink("a"), sink("a") + sink("b")), [{ name: "b", kind: "add" }]);
  assert.deepEqual(of(sink("a") + sink("b"), sink("b")), [{ name: "a", kind: "remove" }]);
  assert.deepEqual(of(sink("a"), sink("a", 'kinds = ["trade"]')), [{ name: "a", kind: "reopen", parts: ["kinds"] }]);
  const [retyped] = of(sink("a"), sink("a", "", "csv"));
  assert.ok(retyped.kind === "reopen" && retyped.parts.includes("type"));
});

const SETTINGS: readonly (readonly [key: string, texts: Texts])[] = [
  ["run.http_host", { run: 'http_host = "0.0.0.0"' }],
  ["run.http_token", { run: 'http_token = "0123456789abcdef"' }],
  ["run.http_hosts", { run: 'http_hosts = ["collector.example"]' }],
  ["run.data_dir", { run: 'data_dir = "elsewhere"' }],
  ["journal.sync_ms", { more: "[journal]\nsync_ms = 1234" }],
  ["journal.segment_mb", { more: "[journal]\nsegment_mb = 7" }],
  ["journal.max_total_mb", { more: "[journal]\nmax_total_mb = 12345" }],
  ["journal.retain_hours", { more: "[journal]\nretain_hours = 123" }],
  ["journal.on_full", { more: '[journal]\non_full = "drop_all"' }],
  ["dedup.enabled", { more: "[dedup]\nenabled = true" }],
  ["dedup.window_seconds", { more: "[dedup]\nwindow_seconds = 12" }],
  ["dedup.max_keys", { more: "[dedup]\nmax_keys = 12" }],
  ["books", { more: "[books]\n" }],
];

for (const [key, texts] of SETTINGS) {
  Deno.test(`comparePlans() says that a change of ${key} needs a restart`, () => {
    assert.deepEqual(comparePlans(planOf(), planOf(texts)).needsRestart, [key]);
  });
}

Deno.test("comparePlans() restarts nothing where the map names more symbols, and does where it names one otherwise", () => {
  const more = planOf({ map: `${MAP}"XRP/USDT" = "XRPUSDT"\n` });
  const changes = (before: Plan, after: Plan) => comparePlans(before, after).instances;
  assert.deepEqual(changes(planOf(), more), [{ name: "one", kind: "resubscribe", added: [], removed: [] }]);
  assert.deepEqual(changes(more, planOf()), [{ name: "one", kind: "resubscribe", added: [], removed: [] }]);
  const other = planOf({ map: `${MAP}"RIPPLE/USDT" = "XRPUSDT"\n` });
  assert.equal(changes(more, other)[0].kind, "restart");
});

Deno.test("comparePlans() tells apart the settings that a reload takes over", () => {
  const after = planOf({ run: 'log_level = "trace"\nlog_format = "json"\nshutdown_timeout_ms = 1234' });
  const { applied, needsRestart } = comparePlans(planOf(), after);
  assert.deepEqual(applied, ["run.log_level", "run.log_format", "run.shutdown_timeout_ms"]);
  assert.deepEqual(needsRestart, []);
});

Deno.test("comparePlans() names the settings of books that differ", () => {
  const { needsRestart } = comparePlans(
    planOf({ more: "[books]\ntop_levels = 5\ninterval_ms = 100" }),
    planOf({ more: "[books]\ntop_levels = 6\ninterval_ms = 200" }),
  );
  assert.deepEqual(needsRestart, ["books.top_levels", "books.interval_ms"]);
});

type Container = Record<string, unknown>;

/** Every place of a plan that holds a value: the object around it, its key and its path. */
function* leavesOf(value: unknown, path = ""): Iterable<readonly [Container, string, string]> {
  if (typeof value !== "object" || value === null || value instanceof Secret) return;
  for (const [key, member] of Object.entries(value)) {
    const at = path === "" ? key : `${path}.${key}`;
    if (typeof member === "object" && member !== null && !(member instanceof Secret)) yield* leavesOf(member, at);
    else yield [value as Container, key, at];
  }
}

Deno.test("comparePlans() sees a change of any value anywhere in what an instance needs to run", () => {
  const before = planOf({ exchanges: instance("one", { symbols: '"BTC/USDT", "ETH/USDT"' }) });
  const after = planOf({ exchanges: instance("one", { symbols: '"BTC/USDT", "ETH/USDT"' }) });
  const leaves = [...leavesOf(after.exchanges[0].runnable)];
  assert.ok(leaves.length > 300);
  for (const [container, key] of leaves) {
    const kept = container[key];
    container[key] = typeof kept === "number" ? kept + 1 : typeof kept === "boolean" ? !kept : `${kept} changed`;
    const [change] = comparePlans(before, after).instances;
    assert.ok(change !== undefined, `${key} = ${String(kept)}`);
    container[key] = kept;
  }
  assert.ok(isSamePlan(comparePlans(before, after)));
});

/** Places of an instance's plan that only its streams determine; addresses in the frames recognise recordings alone. */
const OF_STREAMS =
  /^(?:instruments|instrumentsRefreshMs|channels|frames\.wanted|connections\.\d+\.requests|rest\.requests\.\d+\.targets|frames\.books\.\d+\.requests|frames\.connections\.\d+\.urls)\b/;

Deno.test("comparePlans() restarts where streams differ and with them any value that is not of a stream", () => {
  const of = (symbols: string) => planOf({ exchanges: instance("one", { symbols }) });
  const before = of('"BTC/USDT"');
  const after = of('"BTC/USDT", "ETH/USDT"');
  let tried = 0;
  for (const [container, key, path] of leavesOf(after.exchanges[0].runnable)) {
    if (OF_STREAMS.test(path)) continue;
    const kept = container[key];
    container[key] = typeof kept === "number" ? kept + 1 : typeof kept === "boolean" ? !kept : `${kept} changed`;
    const [change] = comparePlans(before, after).instances;
    container[key] = kept;
    assert.equal(change.kind, "restart", `${path} = ${String(kept)}`);
    tried++;
  }
  assert.ok(tried > 100);
  assert.equal(comparePlans(before, after).instances[0].kind, "resubscribe");
});
