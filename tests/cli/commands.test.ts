import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { runCli } from "../support/captured_cli.ts";

const CONFIG = new URL("../../config/collector.toml", import.meta.url).pathname;

async function withDir(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "collector-cli-" });
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("cli prints its version", async () => {
  assert.deepEqual(await runCli(["--version"]), { code: 0, out: `crypto-collector ${manifest.version}\n`, err: "" });
});

Deno.test("cli without a command prints the help and exits 64", async () => {
  const { code, out } = await runCli([]);
  assert.equal(code, 64);
  for (
    const command of [
      "run",
      "validate",
      "plan",
      "config",
      "simulate",
      "demo",
      "replay",
      "journal",
      "test",
      "explain",
      "schema",
    ]
  ) {
    assert.match(out, new RegExp(`^  ${command}\\b`, "m"));
  }
});

Deno.test("every command has a task of its name, but for `test`, whose task runs the tests of the code", () => {
  for (
    const command of ["run", "validate", "plan", "config", "simulate", "demo", "replay", "journal", "explain", "schema"]
  ) {
    assert.match(
      Object.entries(manifest.tasks).find(([name]) => name === command)?.[1] ?? "",
      new RegExp(` ${command}$`),
    );
  }
  assert.match(manifest.tasks["test-descriptors"], / test$/);
});

Deno.test("tasks may do all that their commands offer: replay to a server, repair, read standard input", () => {
  const needed = {
    run: ["net", "read", "write"],
    init: ["read", "write"],
    doctor: ["net", "read", "write"],
    health: ["net", "read"],
    simulate: ["net", "read", "write"],
    replay: ["net", "read", "write"],
    export: ["net", "read", "write"],
    compact: ["read", "write"],
    journal: ["net", "read", "write"],
  } as const;
  for (const [task, permissions] of Object.entries(needed)) {
    const line = Object.entries(manifest.tasks).find(([name]) => name === task)?.[1] ?? "";
    for (const permission of permissions) assert.ok(line.includes(` --allow-${permission} `), `${task}: ${permission}`);
  }
});

Deno.test("cli exits 64 for what it does not know, and says so in one line", async () => {
  for (const args of [["rn"], ["run", "--confg", "x"], ["schema", "nothing"], ["run", "--for", "soon"]]) {
    const { code, err } = await runCli(args);
    assert.equal(code, 64, args.join(" "));
    assert.match(err, /^error: /);
    assert.doesNotMatch(err, /\n\s+at /);
  }
});

Deno.test("validate accepts the shipped configuration", async () => {
  const { code, out } = await runCli(["validate", "--config", CONFIG]);
  assert.equal(code, 0, out);
  assert.match(out, /No issues/);
});

Deno.test("validate exits 78 and shows line, column and caret of a mistake", async () => {
  await withDir(async (dir) => {
    const path = `${dir}/collector.toml`;
    await Deno.writeTextFile(path, '[run]\nhttp_port = 8090\nlog_levl = "info"\n');
    const { code, out } = await runCli(["validate", "--config", path]);
    assert.equal(code, 78);
    assert.match(out, /collector\.toml:3:1: error: .*log_levl.*log_level/);
    assert.match(out, /\^{8}/);
  });
});

Deno.test("validate --json gives every issue as plain values", async () => {
  await withDir(async (dir) => {
    const path = `${dir}/collector.toml`;
    await Deno.writeTextFile(path, "[run]\nhttp_port = 99999\n");
    const { code, out } = await runCli(["validate", "--config", path, "--json"]);
    assert.equal(code, 78);
    const body = JSON.parse(out);
    assert.equal(body.valid, false);
    assert.deepEqual([body.errors, body.issues.length], [1, 2], "the port, and that nothing is collected");
    const [port] = body.issues.filter(({ severity }: { severity: string }) => severity === "error");
    assert.deepEqual([port.line, port.column], [2, 13]);
  });
});

Deno.test("validate of a file that is not there exits 78 and names it", async () => {
  const { code, out } = await runCli(["validate", "--config", "nowhere/collector.toml"]);
  assert.equal(code, 78);
  assert.match(out, /nowhere\/collector\.toml/);
});

Deno.test("plan shows the exact subscribe messages", async () => {
  const { code, out } = await runCli(["plan", "--config", CONFIG, "--exchange", "binance"]);
  assert.equal(code, 0);
  assert.match(out, /send \{"method":"SUBSCRIBE","params":\["btcusdt@trade".*\],"id":1\}/);
});

Deno.test("plan shows what would be asked for behind a gap", async () => {
  const { code, out } = await runCli(["plan", "--config", CONFIG, "--exchange", "binance"]);
  assert.equal(code, 0);
  assert.match(
    out,
    /backfill trade_history, forward, for trades\n {4}GET \S+historicalTrades\?symbol=\w+&fromId=\{from_id\}/,
  );
});

Deno.test("plan --json is JSON and hides environment values", async () => {
  await withDir(async (dir) => {
    const descriptor = `
[meta]
name = "x"
version = "1.4"
[[ws.connections]]
id = "main"
urls = ["wss://x.invalid/{env:SECRET_TOKEN}"]
[[subscriptions]]
connection_id = "main"
generator = 'foreach (s in symbols) { emit("{symbol} {env:SECRET_TOKEN}"); }'
ack = { field = "/ok", value = true }
[parse]
channel = "/c"
symbol = "/s"
`;
    await Deno.writeTextFile(`${dir}/x.toml`, descriptor);
    await Deno.writeTextFile(
      `${dir}/collector.toml`,
      `[run]\nhttp_port = 8090\n[[exchange]]\nname = "x"\ndescriptor_path = "x.toml"\nsymbols = ["A"]\nchannels = ["trades"]\n`,
    );
    const variables = { SECRET_TOKEN: "do-not-show-me" };
    const { code, out, err } = await runCli(["plan", "--config", `${dir}/collector.toml`, "--json"], { variables });
    assert.equal(code, 0, err);
    assert.doesNotMatch(out + err, /do-not-show-me/);
    assert.match(JSON.stringify(JSON.parse(out)), /env:SECRET_TOKEN/);
  });
});

Deno.test("plan says that frames become raw events where a descriptor has no event rules", async () => {
  await withDir(async (dir) => {
    const descriptor = `[meta]
name = "own"
version = "1.4"
[[ws.connections]]
id = "main"
urls = ["wss://example.com/ws"]
[[subscriptions]]
connection_id = "main"
generator = 'foreach(s in symbols) { emit("{symbol}"); }'
[parse]
channel = "/channel"
symbol = "/symbol"
`;
    await Deno.writeTextFile(`${dir}/own.toml`, descriptor);
    const instance = 'name = "own"\ndescriptor_path = "own.toml"\nsymbols = ["BTC"]\nchannels = ["trades"]\n';
    await Deno.writeTextFile(`${dir}/collector.toml`, `[run]\nhttp_port = 8090\n[[exchange]]\n${instance}`);
    const { code, out } = await runCli(["plan", "--config", `${dir}/collector.toml`]);
    assert.equal(code, 0);
    assert.match(out, /event rules\n\s+none: frames become raw events/);
  });
});

Deno.test("plan names the instances there are when asked for another", async () => {
  const { code, err } = await runCli(["plan", "--config", CONFIG, "--exchange", "binanze"]);
  assert.equal(code, 64);
  assert.match(err, /binanze.*binance, okx, kraken/);
});

Deno.test("schema sink says what a type of sinks needs, and refuses a name that is none", async () => {
  const plain = await runCli(["schema", "sink", "parquet"]);
  assert.deepEqual([plain.code, plain.out.trim()], [0, "A sink of type parquet needs nothing at its destination"]);
  for (const args of [["sink", "nothing"], ["sink"], ["config", "trade"]]) {
    const { code, err } = await runCli(["schema", ...args]);
    assert.equal(code, 64);
    assert.ok(err.length > 0);
  }
});

Deno.test("schema prints a JSON Schema with descriptions", async () => {
  for (const what of ["config", "descriptor"]) {
    const { code, out } = await runCli(["schema", what]);
    assert.equal(code, 0);
    const schema = JSON.parse(out);
    assert.match(schema.$schema, /draft-07/);
    assert.ok(JSON.stringify(schema).includes('"description"'));
  }
});

Deno.test("run --fail-fast exits 78 with a broken configuration", async () => {
  await withDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/collector.toml`, "[run]\n");
    const { code, err } = await runCli(["run", "--fail-fast", "--config", `${dir}/collector.toml`]);
    assert.equal(code, 78);
    assert.match(err, /http_port/);
  });
});

/** Two configurations in a folder of their own, compared by `config diff`. */
async function configDiff(before: string, after: string, ...options: readonly string[]) {
  let result = { code: -1, out: "", err: "" };
  await withDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/before.toml`, before);
    await Deno.writeTextFile(`${dir}/after.toml`, after);
    result = { ...await runCli(["config", "diff", `${dir}/before.toml`, `${dir}/after.toml`, ...options]) };
  });
  return result;
}

const configText = (port: number, symbols: string, overrides = "") =>
  `[run]
http_port = ${port}
[[exchange]]
name = "one"
descriptor_path = "builtin:kraken"
symbols = [${symbols}]
channels = ["trades", "book"]
[exchange.overrides]
${overrides}
`;

Deno.test("config diff shows what a reload would do, for people", async () => {
  const before = configText(8090, '"BTC/USD"');
  assert.deepEqual(await configDiff(before, before), { code: 0, out: "no difference\n", err: "" });
  const more = await configDiff(before, configText(8091, '"BTC/USD", "ETH/USD"'));
  assert.deepEqual([more.code, more.err], [0, ""]);
  assert.equal(
    more.out,
    "exchange one: resubscribe: +trades ETH/USD, +book ETH/USD\n" +
      "takes effect after a restart: run.http_port\n",
  );
  const deeper = await configDiff(before, configText(8090, '"BTC/USD"', 'depth = "25"'));
  assert.match(deeper.out, /^exchange one: restart: .*frames\.books\.\w+/);
});

Deno.test("config diff gives the same as JSON", async () => {
  const { code, out } = await configDiff(configText(8090, '"BTC/USD"'), configText(8091, '"ETH/USD"'), "--json");
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), {
    same: false,
    instances: [{
      name: "one",
      kind: "resubscribe",
      added: [{ channel: "trades", symbol: "ETH/USD" }, { channel: "book", symbol: "ETH/USD" }],
      removed: [{ channel: "trades", symbol: "BTC/USD" }, { channel: "book", symbol: "BTC/USD" }],
    }],
    sinks: [],
    applied: [],
    needs_restart: ["run.http_port"],
  });
});

Deno.test("config diff exits 78 where one of the two is broken or missing, and says why", async () => {
  const good = configText(8090, '"BTC/USD"');
  for (
    const [before, after] of [[good, "[run]\nhttp_prt = 1\n"], ["[run", good], [good, good.replace("trades", "tradez")]]
  ) {
    const { code, out, err } = await configDiff(before, after);
    assert.deepEqual([code, out], [78, ""]);
    assert.match(err, /error/);
  }
  const { code, err } = await runCli(["config", "diff", "/nowhere/a.toml", "/nowhere/b.toml"]);
  assert.equal(code, 78);
  assert.match(err, /a\.toml/);
});
