import assert from "node:assert/strict";
import { sinkTypeOf } from "../../src/sink/mod.ts";
import fc from "fast-check";
import type { ExchangeInput } from "../../src/config/plan/input.ts";
import { OPEN_HTTP, Secrets } from "../../src/model/mod.ts";
import { buildNothing, COLLECTOR, DESCRIPTOR, INSTANCE, issueLines, loadFiles, RUN } from "./support.ts";

const GOOD = { [COLLECTOR]: RUN + INSTANCE, "okx.toml": DESCRIPTOR };

/** The options of a Parquet sink that says no more than these keys. */
function parquetOptions(keys: Readonly<Record<string, unknown>>): unknown {
  const options = sinkTypeOf({ type: "parquet" }).options(keys, { dataDir: "data" });
  assert.equal(options.dir, "data/parquet");
  return options;
}

Deno.test("loadWith() gives a plan with defaults where everything is right", () => {
  const { plan, issues, exchanges } = loadFiles(buildNothing, GOOD);
  assert.deepEqual(issueLines(issues), []);
  assert.deepEqual(plan?.run, {
    collector: null,
    shard: null,
    httpHost: "127.0.0.1",
    httpPort: 8090,
    httpAccess: OPEN_HTTP,
    logLevel: "info",
    logFormat: "auto",
    dataDir: "data",
    compareBooksEveryMs: 600_000,
    shutdownTimeoutMs: 10_000,
    certificates: true,
    certificateKeyPath: null,
  });
  assert.deepEqual(plan?.journal, {
    syncMs: 100,
    segmentBytes: 64 * 1024 * 1024,
    totalBytesMax: 10_240 * 1024 * 1024,
    retainHours: 24,
    archiveDir: null,
    onFull: "block",
  });
  assert.deepEqual(plan?.dedup, { enabled: false, windowSeconds: 300, keysMax: 100_000 });
  assert.deepEqual(plan?.sinks, [{
    type: "parquet",
    name: "archive",
    kinds: null,
    options: parquetOptions({}),
  }]);
  assert.equal(exchanges.length, 1);
  assert.deepEqual(
    [exchanges[0].name, exchanges[0].descriptorName, exchanges[0].descriptorVersion, exchanges[0].enabled],
    ["okx", "okx", "1.4", true],
  );
  assert.match(exchanges[0].descriptorHash, /^[0-9a-f]{16}$/);
  assert.notEqual(exchanges[0].runnable, null);
});

Deno.test("loadWith() lowers every type of sink with its folder", () => {
  const sinks = `
[[sink]]
name = "a"
type = "parquet"
part_seconds = 1.5
kinds = ["trade", "gap"]
[[sink]]
name = "b"
type = "ndjson"
dir = "elsewhere"
[[sink]]
name = "c"
type = "csv"
[[sink]]
name = "d"
type = "stdout"
`;
  const { plan, issues } = loadFiles(buildNothing, { ...GOOD, [COLLECTOR]: RUN + sinks + INSTANCE });
  assert.deepEqual(issueLines(issues), []);
  assert.deepEqual(plan?.sinks, [
    {
      type: "parquet",
      name: "a",
      kinds: ["trade", "gap"],
      options: parquetOptions({ part_seconds: 1.5 }),
    },
    { type: "ndjson", name: "b", kinds: null, options: { dir: "elsewhere" } },
    { type: "csv", name: "c", kinds: null, options: { dir: "data/csv" } },
    { type: "stdout", name: "d", kinds: null, options: {} },
  ]);
});

Deno.test("loadWith() reports a missing configuration file", () => {
  const { plan, issues } = loadFiles(buildNothing, {});
  assert.equal(plan, null);
  assert.deepEqual(issueLines(issues), [
    'collector.toml:1:1+1 error -: Cannot find configuration file "collector.toml"',
  ]);
});

Deno.test("loadWith() keeps good instances running beside broken ones", () => {
  const { plan, exchanges } = loadFiles(buildNothing, {
    ...GOOD,
    [COLLECTOR]: `${RUN}${INSTANCE}
[[exchange]]
name = "shape"
descriptor_path = 5
[[exchange]]
name = "descriptor"
descriptor_path = "broken.toml"
symbols = ["X"]
channels = ["trades"]
[[exchange]]
name = "missing"
descriptor_path = "none.toml"
symbols = ["X"]
channels = ["trades"]
`,
    "broken.toml": "[meta\n",
  });
  assert.notEqual(plan, null);
  assert.deepEqual(exchanges.map(({ name, runnable, issues }) => [name, runnable !== null, issues.length]), [
    ["okx", true, 0],
    // No text for its path, no symbols, no channels.
    ["shape", false, 3],
    ["descriptor", false, 1],
    ["missing", false, 1],
  ]);
});

Deno.test("loadWith() lets the descriptor of a disabled instance be missing, and checks the instance's shape", () => {
  const { issues, exchanges } = loadFiles(buildNothing, {
    [COLLECTOR]: `${RUN}[[exchange]]\nname = "off"\nenabled = false\ndescriptor_path = "none.toml"\nsymbol = ["X"]\n`,
  });
  assert.deepEqual(issueLines(issues), [
    'collector.toml:7:1+6 error off: Unknown key "symbol" in [[exchange]]: did you mean "symbols"?',
  ]);
  assert.equal(exchanges[0].enabled, false);
  assert.equal(exchanges[0].runnable, null);
});

Deno.test("loadWith() warns of a missing descriptor file with validateOnly, and refuses an unknown shipped one", () => {
  const files = { [COLLECTOR]: RUN + INSTANCE };
  const line =
    'Cannot find descriptor "okx.toml": write its path relative to this file, or "builtin:NAME" for a shipped one';
  assert.deepEqual(issueLines(loadFiles(buildNothing, files).issues), [`collector.toml:5:19+10 error okx: ${line}`]);
  assert.deepEqual(issueLines(loadFiles(buildNothing, files, { validateOnly: true }).issues), [
    `collector.toml:5:19+10 warning okx: ${line}`,
  ]);
  const shipped = { [COLLECTOR]: RUN + INSTANCE.replace("okx.toml", "builtin:okxx") };
  assert.deepEqual(issueLines(loadFiles(buildNothing, shipped, { validateOnly: true }).issues), [
    'collector.toml:5:19+14 error okx: No descriptor "okxx" is shipped with the program',
  ]);
});

Deno.test("loadWith() finds shipped descriptors and their maps, in the parent folder first", () => {
  const seen: ExchangeInput[] = [];
  const builtins = { okx: `${DESCRIPTOR}[maps]\nsymbol_map_file = "maps/okx.toml"\n` };
  const files = {
    [COLLECTOR]: RUN + INSTANCE.replace("okx.toml", "builtin:okx"),
    "shipped/maps/okx.toml": '"BTC/USDT" = "BTC-USDT"\n',
    "shipped/exchanges/maps/okx.toml": '"BTC/USDT" = "WRONG"\n',
  };
  const { issues } = loadFiles((input) => (seen.push(input), buildNothing()), files, { builtins });
  assert.deepEqual(issueLines(issues), []);
  assert.deepEqual({ ...seen[0].symbolMap?.values }, { "BTC/USDT": "BTC-USDT" });
});

Deno.test("loadWith() warns of a missing symbol map and goes on", () => {
  const descriptor = `${DESCRIPTOR}[maps]\nsymbol_map_file = "maps/okx.toml"\n`;
  const { issues, exchanges } = loadFiles(buildNothing, {
    [COLLECTOR]: RUN + INSTANCE.replace("okx.toml", "exchanges/okx.toml"),
    "exchanges/okx.toml": descriptor,
  });
  assert.deepEqual(issueLines(issues), [
    'exchanges/okx.toml:23:19+15 warning okx: Cannot find symbol map "maps/okx.toml" or "exchanges/maps/okx.toml": ' +
    "symbols are taken as the exchange's own spelling unless [[rest.instruments]] translates them",
  ]);
  assert.notEqual(exchanges[0].runnable, null);
});

Deno.test("loadWith() reads JSON symbol maps and reports broken ones at their place", () => {
  const seen: ExchangeInput[] = [];
  const descriptor = `${DESCRIPTOR}[maps]\nsymbol_map_file = "map.json"\n`;
  const load = (text: string) =>
    loadFiles((input) => (seen.push(input), buildNothing()), {
      [COLLECTOR]: RUN + INSTANCE,
      "okx.toml": descriptor,
      "map.json": text,
    });
  assert.deepEqual(issueLines(load('{\n  "BTC/USDT": "BTC-USDT",\n  "ETH/USDT": 5\n}').issues), []);
  assert.deepEqual({ ...seen[0].symbolMap?.values }, { "BTC/USDT": "BTC-USDT", "ETH/USDT": null });
  const position = seen[0].symbolMap?.locate(["ETH/USDT"]);
  assert.deepEqual([position?.line, position?.column], [3, 3]);
  const broken = load('{\n  "é": "x",,\n}').issues;
  assert.equal(broken.length, 1);
  assert.deepEqual([broken[0].file, broken[0].line, broken[0].severity], ["map.json", 2, "error"]);
  assert.equal(load("[]").issues.length, 1);
});

Deno.test("loadWith() puts overrides into the descriptor and points issues about them into collector.toml", () => {
  const seen: ExchangeInput[] = [];
  const overrides =
    `[exchange.overrides]\nurls = ["ws://127.0.0.1:1/x"]\nread_timeout_ms = 5\nstall_after_ms = 0\ndepth = 400\n`;
  const { issues } = loadFiles((input) => (seen.push(input), buildNothing()), {
    [COLLECTOR]: RUN + INSTANCE + overrides,
    "okx.toml": `${DESCRIPTOR}[args]\ndepth = "50"\nkeep = "1"\n`,
  });
  assert.deepEqual(issueLines(issues), []);
  const [{ descriptor, locateDescriptor }] = seen;
  assert.deepEqual(descriptor.args, { depth: "400", keep: "1" });
  assert.deepEqual(descriptor.ws.connections.map((c) => [c.urls, c.read_timeout_ms, c.stall_after_ms]), [
    [["ws://127.0.0.1:1/x"], 5, 0],
  ]);
  const place = (path: (string | number)[], offset?: number) => {
    const { file, line, column } = locateDescriptor(path, offset, 1);
    return `${file}:${line}:${column}`;
  };
  assert.equal(place(["ws", "connections", 0, "urls", 0], 3), "collector.toml:9:13");
  assert.equal(place(["args", "depth"]), "collector.toml:12:9");
  assert.equal(place(["args", "keep"]), "okx.toml:24:8");
});

Deno.test("loadWith() checks overrides against the descriptor", () => {
  const two = DESCRIPTOR.replace(
    "[[subscriptions]]",
    '[[ws.connections]]\nid = "business"\nurls = ["wss://x"]\n\n[[subscriptions]]',
  );
  const both = two.replace('connection_id = "public"', 'connection_id = ["public", "business"]');
  const load = (overrides: string, descriptor = both) =>
    issueLines(
      loadFiles(buildNothing, {
        [COLLECTOR]: `${RUN}${INSTANCE}[exchange.overrides]\n${overrides}\n`,
        "okx.toml": `${descriptor}[args]\ndepth = "50"\n`,
      }).issues,
    );
  assert.deepEqual(load('urls = ["wss://a"]', two), [], "nothing is asked for on the other one");
  assert.deepEqual(load('urls = { public = ["wss://a"], business = ["wss://b"] }'), []);
  assert.deepEqual(load('urls = ["wss://a"]'), [
    'collector.toml:9:8+11 error okx: Cannot tell which connection these URLs are for: the descriptor has "public", ' +
    '"business"; write urls = { public = […], business = […] }',
  ]);
  assert.deepEqual(load('urls = { publik = ["wss://a"] }'), [
    'collector.toml:9:10+6 error okx: Unknown connection "publik": did you mean "public"?',
  ]);
  assert.deepEqual(load('depht = "5"\nbase_urls = ["https://x"]'), [
    'collector.toml:9:1+5 error okx: Unknown key "depht" in [exchange.overrides]: did you mean "depth"?',
    "collector.toml:10:1+9 error okx: Cannot override base_urls: the descriptor has no [rest]",
  ]);
});

Deno.test("loadWith() fills in the environment, also where a number or a boolean is wanted", () => {
  const { plan, issues } = loadFiles(buildNothing, {
    ...GOOD,
    [COLLECTOR]: `[run]
http_port = "\${PORT}"
data_dir = "\${HOME_DIR:-/var/lib}/x-\${EMPTY:-none}-$\${kept}"
[dedup]
enabled = "\${DEDUP:-true}"
${INSTANCE}`,
  }, { environment: { PORT: "9100", EMPTY: "" } });
  assert.deepEqual(issueLines(issues), []);
  assert.deepEqual([plan?.run.httpPort, plan?.run.dataDir, plan?.dedup.enabled], [
    9100,
    "/var/lib/x-none-${kept}",
    true,
  ]);
});

Deno.test("loadWith() leaves a part of an address from the environment hidden behind its name", () => {
  const seen: ExchangeInput[] = [];
  const overrides = `[exchange.overrides]\nurls = ["wss://x/?t=\${TOKEN}&u=\${USER:-me}", "\${WHOLE}"]\n`;
  const { issues } = loadFiles((input) => (seen.push(input), buildNothing()), {
    [COLLECTOR]: RUN + INSTANCE + overrides,
    "okx.toml": DESCRIPTOR,
  }, { environment: { TOKEN: "hunter2", WHOLE: "ws://127.0.0.1:1" } });
  assert.deepEqual(issueLines(issues), []);
  const [{ descriptor, locateDescriptor }] = seen;
  assert.deepEqual(descriptor.ws.connections[0].urls, ["wss://x/?t={env:TOKEN}&u=me", "ws://127.0.0.1:1"]);
  const { line, column, length } = locateDescriptor(["ws", "connections", 0, "urls", 0], 12, 11);
  assert.deepEqual([line, column, length], [9, 9, 35]);
});

Deno.test("loadWith() reports missing variables and unreadable references at their place, once each", () => {
  const { plan, issues } = loadFiles(buildNothing, {
    ...GOOD,
    [COLLECTOR]: `[run]\nhttp_port = "\${PORT}"\ndata_dir = "a/\${bad-name}"\n${
      INSTANCE.replace("BTC/USDT", "\${SYMBOL}")
    }`,
  });
  assert.equal(plan, null);
  assert.deepEqual(issueLines(issues), [
    'collector.toml:2:14+7 error -: Missing environment variable "PORT": set it, or write ${PORT:-default}',
    "collector.toml:3:15+2 error -: Cannot read ${: write ${NAME}, ${NAME:-default}, or $${ for the characters themselves",
    'collector.toml:7:13+9 error okx: Missing environment variable "SYMBOL": set it, or write ${SYMBOL:-default}',
  ]);
});

Deno.test("loadWith() never shows a value of the environment", () => {
  const secret = 'hunter2"\\x';
  fc.assert(
    fc.property(
      fc.constantFrom(
        'http_port = "${SECRET}"',
        'http_port = 1\nlog_level = "${SECRET}"',
        'http_port = 1\nlog_level = "pre-${SECRET}"',
        'http_port = 1\n[[sink]]\nname = "${SECRET}"\ntype = "csv"',
        'http_port = 1\n[[sink]]\nname = "a"\ntype = "${SECRET}"',
        'http_port = 1\n[[exchange]]\nname = "x"\ndescriptor_path = "${SECRET}"\nsymbols = ["a"]\nchannels = ["trades"]',
        'http_port = 1\n[[exchange]]\nname = "x"\ndescriptor_path = "builtin:${SECRET}"\nsymbols = ["a"]\nchannels = ["${SECRET}"]',
      ),
      (run) => {
        const { issues } = loadFiles(buildNothing, { [COLLECTOR]: `[run]\n${run}\n` }, {
          environment: { SECRET: secret },
        });
        assert.ok(issues.length > 0);
        const shown = issues.map((issue) => issue.message + issue.sourceLine).join("\n");
        assert.ok(!shown.includes(secret) && !shown.includes("hunter2"), shown);
      },
    ),
  );
});

Deno.test("loadWith() registers what stands at a place of secrets, and not a folder, a host or a name", () => {
  const secrets = new Secrets();
  loadFiles(buildNothing, {
    ...GOOD,
    [COLLECTOR]: '[run]\nhttp_port = 1\ndata_dir = "${DIR}"\nhttp_host = "${HOST}"\n' +
      '[[sink]]\ntype = "ndjson"\nname = "n"\ndir = "${DIR}/out"\n' +
      `${INSTANCE}[exchange.overrides]\ntoken = "\${TOKEN}"\n`,
  }, { environment: { DIR: "/srv/market-data", HOST: "collector.example", TOKEN: "hunter2-hunter2" }, secrets });
  assert.equal(
    secrets.hide("in /srv/market-data/out at collector.example with hunter2-hunter2"),
    "in /srv/market-data/out at collector.example with {env:TOKEN}",
  );
});

Deno.test("loadWith() hides what a lowering reads from the environment", () => {
  const { issues } = loadFiles(
    (input) => {
      const value = input.environment("TOKEN") ?? "";
      const position = input.locateDescriptor([]);
      return { runnable: null, issues: [{ ...position, severity: "error", message: `Bad ${value}`, exchange: "okx" }] };
    },
    GOOD,
    { environment: { TOKEN: "abc-secret" } },
  );
  assert.deepEqual(issueLines(issues), ["okx.toml:1:1+1 error okx: Bad ${TOKEN}"]);
});

Deno.test("loadWith() hands on what the exchange's own instrument list gives", () => {
  const seen: ExchangeInput[] = [];
  loadFiles((input) => (seen.push(input), buildNothing()), GOOD, {
    instrumentMaps: new Map([["okx", {
      natives: new Map([["BTC/USDT", "BTC-USDT"], ["ETH/USDT", "ETH-USDT"]]),
      values: new Map([["ETH/USDT", { quote_volume: "7" }]]),
    }]]),
  });
  assert.deepEqual(seen[0].listed, [
    { canonical: "BTC/USDT", native: "BTC-USDT", values: {} },
    { canonical: "ETH/USDT", native: "ETH-USDT", values: { quote_volume: "7" } },
  ]);
});

Deno.test("loadWith() never throws, whatever the texts are", () => {
  const line = fc.constantFrom(
    "[run]",
    "http_port = 1",
    "http_port = 99999",
    "[[exchange]]",
    'name = "okx"',
    'descriptor_path = "okx.toml"',
    "[exchange]",
    "exchange = 5",
    "exchange = [5]",
    'symbols = ["a", 1]',
    "channels = 5",
    'channels = ["trades"]',
    "[exchange.overrides]",
    "urls = 5",
    'urls = ["x"]',
    "[[sink]]",
    'type = "csv"',
    "type = 5",
    "sink = 1",
    "run = 1",
    "[meta]",
    'version = "1.4"',
    "[[ws.connections]]",
    "ws = []",
    'id = "a"',
    'urls = { a = ["x"] }',
    "[[events]]",
    'kind = "trade"',
    "price = {}",
    "when = { a = {} }",
    "args = { a = 1.5 }",
    "__proto__ = { a = 1 }",
    "constructor = 5",
    'toString = "x"',
    "[__proto__]",
    'x = "${A}"',
    'x = "${A:-${B}"',
    "enabled = false",
    "a.b.c = [[1]]",
    "[maps]",
    'symbol_map_file = "okx.toml"',
  );
  const text = fc.oneof(
    fc.array(line, { maxLength: 16 }).map((lines) => lines.join("\n")),
    fc.string({ maxLength: 40 }),
  );
  fc.assert(
    fc.property(text, text, (collector, descriptor) => {
      const { plan, issues } = loadFiles(buildNothing, {
        [COLLECTOR]: collector,
        "okx.toml": descriptor,
      });
      assert.ok(plan !== null || issues.some((issue) => issue.severity === "error"));
      for (const { line, column, length, message } of issues) {
        assert.ok(line >= 1 && column >= 1 && length >= 1 && message !== "" && !message.endsWith("."));
      }
    }),
    { numRuns: 600 },
  );
});
