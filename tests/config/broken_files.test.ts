import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/mod.ts";
import { SINK_TYPES } from "../../src/sink/mod.ts";
import {
  buildNothing,
  COLLECTOR,
  DESCRIPTOR,
  INSTANCE,
  issueLines,
  loadFiles,
  RUN,
  type TestFiles,
} from "./support.ts";

const SINKS = SINK_TYPES.map(({ name }) => JSON.stringify(name)).join(", ");

const SINK_NAME = "a name of at most 64 letters, digits, `_`, `-` and `.` that begins with none of the last two";

/** A hand-made broken file, and every issue that it has to give. */
interface BrokenFile {
  readonly what: string;
  readonly files: TestFiles;
  readonly issues: readonly string[];
}

function brokenCollector(what: string, text: string, issues: readonly string[]): BrokenFile {
  return { what, files: { [COLLECTOR]: text, "okx.toml": DESCRIPTOR }, issues };
}

function brokenDescriptor(what: string, text: string, issues: readonly string[]): BrokenFile {
  return { what, files: { [COLLECTOR]: RUN + INSTANCE, "okx.toml": text }, issues };
}

const CASES: readonly BrokenFile[] = [
  brokenCollector("misspelt keys and tables", `[run]\nhttp_prt = 8090\n[jurnal]\nsync_ms = 5\n${INSTANCE}`, [
    'collector.toml:2:1+8 error -: Unknown key "http_prt" in [run]: did you mean "http_port"?',
    'collector.toml:3:2+6 error -: Unknown key "jurnal" in the file: did you mean "journal"?',
  ]),
  brokenCollector("a missing table", INSTANCE, [
    'collector.toml:1:1+1 error -: Missing key "run" in the file: expected a table',
  ]),
  brokenCollector("a missing port", `[run]\nlog_level = "info"\n${INSTANCE}`, [
    'collector.toml:1:2+3 error -: Missing key "http_port" in [run]: expected an integer from 1 to 65535',
  ]),
  brokenCollector(
    "a port out of range and a text for a number",
    `[run]\nhttp_port = 70_000\nshutdown_timeout_ms = "10s"\n${INSTANCE}`,
    [
      'collector.toml:2:13+6 error -: Wrong value of "http_port": expected an integer from 1 to 65535, found 70000',
      'collector.toml:3:23+5 error -: Wrong value of "shutdown_timeout_ms": expected an integer from 1 to 2147483647, ' +
      'found text "10s"',
    ],
  ),
  brokenCollector(
    "words that are not in the list",
    `${RUN}log_level = "inf"\n[journal]\non_full = "drop"\n${INSTANCE}`,
    [
      'collector.toml:3:13+5 error -: Wrong value of "log_level": expected one of "trace", "debug", "info", "warn", "error", ' +
      'found text "inf"; did you mean "info"?',
      'collector.toml:5:11+6 error -: Wrong value of "on_full": expected one of "block", "drop_all", ' +
      '"drop_ticker_depth_keep_trade", found text "drop"',
    ],
  ),
  brokenCollector(
    "sinks of an unknown type, with a key of another type, and of one name",
    `${RUN}[[sink]]\nname = "a"\ntype = "parket"\n[[sink]]\nname = "b"\ntype = "ndjson"\npart_rows = 5\n${INSTANCE}`,
    [
      `collector.toml:5:8+8 error -: Wrong value of "type": expected one of ${SINKS}, ` +
      'found text "parket"; did you mean "parquet"?',
      'collector.toml:9:1+9 error -: Unknown key "part_rows" in [[sink]]: expected one of "type", "name", "dir", "kinds", "exchanges", ' +
      '"symbols"',
    ],
  ),
  brokenCollector("a journal whose cap is below one segment", `${RUN}[journal]\nmax_total_mb = 50\n${INSTANCE}`, [
    "collector.toml:4:16+2 error -: Journal cap of 50 MiB is below the size of one segment, 64 MiB: make " +
    '"max_total_mb" at least 64, or set "segment_mb" to 50 or less',
  ]),
  brokenCollector(
    "sinks that share a name and a folder",
    `${RUN}[[sink]]\nname = "a"\ntype = "csv"\n[[sink]]\nname = "a"\ntype = "csv"\n${INSTANCE}`,
    [
      'collector.toml:6:3+4 error -: Sink "a" writes to the same folder as "a": give it a dir of its own',
      'collector.toml:7:8+3 error -: Sink name "a" is given twice: names have to be unique',
    ],
  ),
  brokenCollector(
    "sinks whose names differ in capitals alone, begin with a dot, or are too long",
    `${RUN}${
      ["a", "A", ".b", "c".repeat(65)].map((name) => `[[sink]]\nname = "${name}"\ntype = "stdout"\n`).join("")
    }${INSTANCE}`,
    [
      'collector.toml:7:8+3 error -: Sink names "a" and "A" differ in capitals alone: they would share files',
      `collector.toml:10:8+4 error -: Wrong value of "name": expected ${SINK_NAME}, found text ".b"`,
      `collector.toml:13:8+67 error -: Wrong value of "name": expected ${SINK_NAME}, found text "${"c".repeat(60)}…"`,
    ],
  ),
  brokenCollector(
    "a sink that writes into the journal's folder",
    `${RUN}[[sink]]\nname = "a"\ntype = "ndjson"\ndir = "data/journal"\n${INSTANCE}`,
    [
      'collector.toml:6:7+14 error -: Sink "a" writes to the same folder as the journal: give it a dir of its own',
    ],
  ),
  brokenCollector(
    "an enabled exchange without symbols and with a wrong channel",
    `${RUN}${INSTANCE.replace('["BTC/USDT"]', "[]").replace('"trades"', '"trade"')}`,
    [
      'collector.toml:6:11+2 error okx: No symbols: an enabled exchange needs at least one; write symbols = ["BTC/USDT"], ' +
      "or enabled = false",
      'collector.toml:7:13+7 error okx: Wrong value of "channels" #1: expected one of "trades", "book", "quotes", "ticker", ' +
      '"candles", "derivative", "options", "funding", "liquidations", "orders", "instruments", found text "trade"; did you mean "trades"?',
    ],
  ),
  brokenCollector("two exchanges of one name", RUN + INSTANCE + INSTANCE, [
    'collector.toml:9:8+5 error okx: Exchange name "okx" is given twice: names have to be unique',
  ]),
  brokenCollector("a table where a list of tables belongs", `${RUN}[exchange]\nname = "okx"\n`, [
    'collector.toml:3:2+8 error -: Wrong value of "exchange": expected a list of tables, found a table',
  ]),
  brokenCollector("text without quotes", `${RUN}log_level = info\n${INSTANCE}`, [
    "collector.toml:3:16+1 error -: Cannot read TOML: each key-value declaration must be followed by an end-of-line; " +
    "text stands in quotes",
  ]),
  brokenDescriptor("an old version and a wrong table", DESCRIPTOR.replace("1.4", "1.3").replace("[parse]", "[prase]"), [
    'okx.toml:3:11+5 error okx: Wrong value of "version": expected "1.4", found text "1.3"; did you mean "1.4"?',
    'okx.toml:19:2+5 error okx: Unknown key "prase" in the file: did you mean "parse"?',
  ]),
  brokenDescriptor(
    "a connection without addresses and with a misspelt keepalive",
    DESCRIPTOR.replace(/urls = .*/, 'url = ["x"]\nkeepalive = {\n  mode = "pong_frame",\n  intervall_ms = 5,\n}'),
    [
      'okx.toml:7:1+3 error okx: Unknown key "url" in [[ws.connections]]: did you mean "urls"?',
      'okx.toml:9:10+12 error okx: Wrong value of "mode": expected one of "ping_frame", "application", "none", ' +
      'found text "pong_frame"; did you mean "ping_frame"?',
      'okx.toml:10:3+12 error okx: Unknown key "intervall_ms" in [ws.connections.keepalive]: did you mean "interval_ms"?',
    ],
  ),
  brokenDescriptor(
    "event rules of an unknown kind, with missing, misspelt and misplaced fields",
    `${DESCRIPTOR}
[[events]]
kind = "trades"
[[events]]
kind = "trade"
symbol = { at = "/s", mapp = { a = "b" } }
size = 5
bids = "/b"
when = { "/a" = { prefixx = "a" }, "/b" = [] }
`,
    [
      'okx.toml:23:3+6 error okx: Missing key "price" in [[events]]: expected text or a table',
      'okx.toml:23:3+6 error okx: Missing key "size" in [[events]]: expected text or a table',
      'okx.toml:24:8+8 error okx: Wrong value of "kind": expected one of "trade", "book", "quote", "ticker", "candle", ' +
      '"derivative_ticker", "option_summary", "funding", "liquidation", "order", "checksum", found text "trades"; did you mean "trade"?',
      'okx.toml:25:3+6 error okx: Missing key "price" in [[events]]: expected text or a table',
      'okx.toml:27:23+4 error okx: Unknown key "mapp" in [events.symbol]: did you mean "map"?',
      'okx.toml:28:8+1 error okx: Wrong value of "size": expected text or a table, found 5',
      'okx.toml:29:1+4 error okx: Unknown key "bids" in [[events]]: expected one of "kind", "name", "channel", "source", ' +
      '"connections", "like", "when", "unwrap", "rows", "where", "symbol", "fields", "exchange_ts", "absent", "symbols", "skip_first_frame", "trade_id", "price", "size", "side"',
      'okx.toml:30:19+7 error okx: Unknown key "prefixx" in [events.when./a]: did you mean "prefix"?',
      'okx.toml:30:43+2 error okx: Wrong value of "/b": expected text, a number, true or false, a non-empty list or a table, ' +
      "found an empty list",
    ],
  ),
  brokenDescriptor("a table header that is not closed", `${DESCRIPTOR}[maps\n`, [
    "okx.toml:22:6+1 error okx: Cannot read TOML: illegal character in key",
  ]),
];

/** Rules with a mistake each, of a kind that only comes to light when the descriptor is lowered. */
const CROSSED = `
[[events]]
kind = "trade"
symbol = "/s"
price = "/p"
size = "/q"
connections = ["nope"]
when = "a =="
[[books]]
kind = "rest"
sequence = "next"
rules = ["x"]
[args]
known = "1"
`;
const LOWERED = [
  "Unknown argument missing",
  "Unknown connection nope: the descriptor has public",
  "Expected a value, found the end",
  "No \`snapshot_request\`: kind rest needs the REST request that fetches snapshots",
  "Unknown book rule x: the descriptor has none",
];

/** What replaces what in the descriptor, the message that it gives, and those of `LOWERED` that it makes unsure. */
const WRONG_VALUES: readonly (readonly [string | RegExp, string, RegExp, number[]?])[] = [
  ['version = "1.4"', 'version = "1.3"', /expected "1.4", found text "1.3"/],
  ['version = "1.4"', "version = 1.4", /expected "1.4", found 1.4/],
  ['version = "1.4"\n', "", /Missing key "version"/],
  ['name = "okx"', "name = []", /Wrong value of "name"/],
  [/\[meta\]\nname.*\nversion.*\n/, "", /Missing key "meta"/],
  [/urls = .*/, "urls = []", /Wrong value of "urls"/],
  [/urls = .*/, "urls = [7]", /Wrong value of "urls" #1/],
  [/urls = .*/, "", /Missing key "urls"/],
  ['id = "public"', "id = 5", /Wrong value of "id"/, [1]],
  ['id = "public"\n', "", /Missing key "id"/, [1]],
  [/connection_id = .*/, "connection_id = {}", /Wrong value of "connection_id"/],
  ['symbol = "/s"', "symbol = 5", /Wrong value of "symbol"/],
  ['price = "/p"', "price = 5", /Wrong value of "price"/],
  ['price = "/p"', "", /Missing key "price"/],
  ['kind = "rest"', 'kind = "resd"', /did you mean "rest"/],
  ['sequence = "next"', "sequence = 1", /Wrong value of "sequence"/],
  ['known = "1"', "known = []", /Wrong value of "known"/],
  ["[[subscriptions]]", "[[subscription]]", /Unknown key "subscription"/],
  ['channel = "/channel"', 'chanel = "/channel"', /Unknown key "chanel"/],
  ["[args]", "[wholly_unlike]", /Unknown key "wholly_unlike"/],
];

for (const [from, to, message, unsure = []] of WRONG_VALUES) {
  Deno.test(`loadConfig() checks everything else beside ${JSON.stringify(to || String(from))}`, () => {
    const text = (DESCRIPTOR.replace("{ch}:", "{ch}:{arg:missing}{arg:known}") + CROSSED).replace(from, to);
    const files: TestFiles = { [COLLECTOR]: RUN + INSTANCE, "okx.toml": text };
    const { issues } = loadConfig({
      path: COLLECTOR,
      readText: (path) => files[path] ?? null,
      environment: () => undefined,
      builtin: () => null,
    });
    const messages = issues.map((issue) => issue.message.replace(": expected one of known", ""));
    assert.equal(messages.filter((text) => message.test(text)).length, 1, messages.join("\n"));
    const isKnownGone = to === "[wholly_unlike]";
    assert.deepEqual(
      new Set(messages.filter((text) => !message.test(text))),
      new Set([
        ...LOWERED.filter((_, index) => !unsure.includes(index)),
        ...isKnownGone ? ["Unknown argument known"] : [],
      ]),
    );
  });
}

Deno.test("loadConfig() checks the descriptor of an instance whose own table is broken", () => {
  const broken = INSTANCE.replace('name = "okx"\n', "").replace('["BTC/USDT"]', '"BTC/USDT"').replace(
    "trades",
    "trads",
  );
  for (const instance of [broken, INSTANCE.replace("[[exchange]]", "[[exchang]]")]) {
    const files: TestFiles = {
      [COLLECTOR]: `[run]\n[journal]\nmax_total_mb = 50\n${instance}`,
      "okx.toml": DESCRIPTOR.replace("emit(", "emitt("),
    };
    const { issues } = loadConfig({
      path: COLLECTOR,
      readText: (path) => files[path] ?? null,
      environment: () => undefined,
      builtin: () => null,
    });
    const messages = issues.map(({ message }) => message);
    for (const part of ["http_port", "Journal cap of 50 MiB", "Unknown statement emitt"]) {
      assert.equal(messages.filter((message) => message.includes(part)).length, 1, messages.join("\n"));
    }
    assert.ok(!messages.some((message) => message.includes("is not offered")), messages.join("\n"));
  }
});

for (const { what, files, issues } of CASES) {
  Deno.test(`loadWith() says what is wrong and where: ${what}`, () => {
    assert.deepEqual(issueLines(loadFiles(buildNothing, files).issues), issues);
  });
}
