import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { type DialectName, type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { CollectorProcess, freePort } from "../support/collector_process.ts";
import { deriveDescriptor, instanceOf, ServiceRig } from "../support/service_rig.ts";
import { listFiles } from "../support/stored_events.ts";
import { seeded } from "../support/seeded.ts";
import { untilAnswer } from "../support/until_answer.ts";

const BTC = "BTC/USDT";
const ETH = "ETH/USDT";

async function simulate(dialect: DialectName): Promise<Simulator & AsyncDisposable> {
  const simulator = await startSimulator({
    host: denoHost(),
    dialect,
    port: 0,
    rate: 100,
    symbols: [BTC, ETH],
    limitsConnections: false,
  });
  return { ...simulator, [Symbol.asyncDispose]: () => simulator.stop() };
}

/** An instance whose channel does not exist. */
const BROKEN = `
[[exchange]]
name = "broken"
descriptor_path = "builtin:okx"
symbols = ["BTC/USDT"]
channels = ["tradez"]
`;

Deno.test("a broken instance beside a good one leaves it running, and /healthz says which and why", async () => {
  await using simulator = await simulate("binance");
  await using rig = await ServiceRig.start({
    config: instanceOf(simulator, { symbols: [BTC], channels: ["quotes"] }) + BROKEN,
  });
  await rig.untilLive("binance", 1);
  const { status, text } = await rig.get("/healthz");
  const health = JSON.parse(text);
  assert.deepEqual([status, health.status, health.config_error], [200, "degraded", null]);
  assert.equal(health.descriptors_loaded_count, 1);
  const [good, broken] = health.instances;
  assert.deepEqual([good.state, good.validation_status, good.errors], ["live", "ok", []]);
  assert.deepEqual([broken.name, broken.state, broken.validation_status], ["broken", "invalid", "error"]);
  assert.match(broken.errors.join("\n"), /collector\.toml:\d+:\d+: .*tradez/);
  assert.equal((await rig.get("/readyz")).status, 503);
  assert.match(rig.log.join("\n"), /tradez/);
  assert.ok(await rig.metric("collector_config_issues_total", { severity: "error" }) >= 1);
});

Deno.test("a repaired configuration starts to collect without a restart", async () => {
  await using simulator = await simulate("binance");
  const good = instanceOf(simulator, { symbols: [BTC], channels: ["quotes"] });
  await using rig = await ServiceRig.start({ config: `log_levl = "info"\n${good}` });
  const { status, text } = await rig.get("/healthz");
  const health = JSON.parse(text);
  assert.deepEqual([status, health.status, health.config_loaded], [503, "error", false]);
  assert.match(health.config_error, /collector\.toml:4:1: .*log_levl.*log_level/);
  assert.equal((await rig.get("/readyz")).status, 503);
  await rig.reload(good);
  await rig.untilLive("binance", 1);
  assert.deepEqual((await rig.health()).config_error, null);
  assert.equal((await rig.get("/readyz")).status, 200);
  assert.equal(await rig.metric("collector_config_reloads_total", { outcome: "accepted" }), 1);
});

Deno.test("a repaired configuration that cannot be started is told, and can be repaired again", async () => {
  await using simulator = await simulate("binance");
  const good = instanceOf(simulator, { symbols: [BTC], channels: ["quotes"] });
  await using rig = await ServiceRig.start({ config: `log_levl = "info"\n${good}`, files: { data: "not a folder" } });
  await rig.reload(good);
  const { status, text } = await rig.get("/healthz");
  assert.deepEqual([status, JSON.parse(text).config_loaded], [503, false]);
  assert.match(JSON.parse(text).config_error, /data/);
  assert.equal(await rig.metric("collector_config_reloads_total", { outcome: "refused" }), 1);
  await Deno.remove(`${rig.dir}/data`);
  await rig.reload(good);
  await rig.untilLive("binance", 1);
  assert.equal((await rig.health()).config_error, null);
});

Deno.test("a broken new configuration is refused, and what runs runs on", async () => {
  await using simulator = await simulate("binance");
  const good = instanceOf(simulator, { symbols: [BTC], channels: ["quotes"] });
  await using rig = await ServiceRig.start({ config: good });
  await rig.untilLive("binance", 1);
  for (const bad of [`log_levl = "info"\n${good}`, good + BROKEN, "nonsense = [\n"]) {
    await rig.reload(bad);
    const { state, reconnects } = await rig.connection("binance");
    assert.deepEqual([state, reconnects], ["live", 0]);
    const { status, problems } = await rig.health();
    assert.deepEqual([status, problems.map(({ scope, code }) => `${scope} ${code}`)], ["degraded", ["config refused"]]);
    assert.match(problems[0].text, /collector\.toml:\d+:\d+: |exchange "/);
    assert.equal((await rig.get("/readyz")).status, 503);
  }
  assert.equal(await rig.metric("collector_config_reloads_total", { outcome: "refused" }), 3);
  await rig.reload(good);
  assert.deepEqual((await rig.health()).problems, [], "an accepted reload forgets what was refused");
  assert.equal(simulator.statistics().connectionsOpened, 1);
});

Deno.test("a reload applies new symbols, new and removed exchanges, and leaves the unchanged ones alone", async () => {
  await using binance = await simulate("binance");
  await using okx = await simulate("okx");
  const unchanged = instanceOf(binance, { symbols: [BTC], channels: ["quotes"] });
  const other = (symbols: readonly string[]) => instanceOf(okx, { symbols, channels: ["quotes"] });
  await using rig = await ServiceRig.start({ config: unchanged });
  await rig.untilLive("binance", 1);
  const opened = (exchange: string) => rig.metric("collector_sessions_opened_total", { exchange });

  await rig.reload(unchanged + other([BTC]));
  await rig.untilLive("okx", 1);
  await rig.reload(unchanged + other([BTC, ETH]));
  await rig.untilLive("okx", 2);
  assert.deepEqual([await opened("binance"), await opened("okx")], [1, 1], "new streams need no new socket");

  await rig.reload(unchanged);
  assert.deepEqual((await rig.health()).instances.map(({ name }) => name), ["binance"]);
  await rig.until("the socket of the removed exchange is gone", () => okx.statistics().connectionsOpen === 0);
  assert.deepEqual([await opened("binance"), (await rig.connection("binance")).reconnects], [1, 0]);
  await rig.stop();
  const symbols = (await rig.events()).filter(({ exchange, kind }) => exchange === "okx" && kind === "quote")
    .map(({ symbol }) => symbol);
  assert.deepEqual([...new Set(symbols)].sort(), [BTC, ETH]);
});

Deno.test("streams that leave and come back are asked for on the socket that lives, and their absence is one gap", async () => {
  await using exchange = await simulate("binance");
  const config = (symbols: readonly string[]) => instanceOf(exchange, { symbols, channels: ["trades", "book"] });
  await using rig = await ServiceRig.start({ config: config([BTC]) });
  await rig.untilLive("binance", 2);
  await rig.reload(config([BTC, ETH]));
  await rig.untilLive("binance", 4);
  const books = async () => (await rig.health()).instances[0].books;
  await rig.until("the new book is valid", async () => (await books()).valid === 2);
  await rig.reload(config([BTC]));
  await rig.until("two streams are left", async () => (await rig.connection("binance")).streams.live === 2);
  assert.equal((await books()).valid, 1);
  await rig.reload(config([BTC, ETH]));
  await rig.untilLive("binance", 4);
  await rig.until("its book is valid again", async () => (await books()).valid === 2);
  assert.equal(await rig.metric("collector_sessions_opened_total", { exchange: "binance" }), 1);
  await rig.stop();
  const events = await rig.events();
  const gaps = events.filter(({ kind, cause }) => kind === "gap" && cause === "unsubscribed")
    // What an exchange offers the past of is told once more when it was fetched.
    .filter(({ state }) => state !== "filled");
  const told = gaps.map(({ symbol, stream, state }) => `${symbol} ${stream} ${state}`).sort();
  assert.deepEqual(told, [
    `${ETH} book closed`,
    `${ETH} book opened`,
    `${ETH} trades closed`,
    `${ETH} trades opened`,
  ]);
  assert.equal(new Set(gaps.map(({ gap_id }) => gap_id)).size, 2, "each ends under the id it began with");
  const others = events.filter(({ kind, cause, symbol }) =>
    kind === "gap" && cause !== "unsubscribed" && symbol === BTC
  );
  assert.deepEqual(others, [], "the streams that stay see nothing of it");
  const images = events.filter(({ kind, symbol }) => kind === "book_snapshot" && symbol === ETH);
  assert.equal(images.length, 2);
});

Deno.test("whatever reloads ask for in turn, the exchange is asked for exactly that, on one socket", async () => {
  await using exchange = await simulate("okx");
  const kinds = { trades: "trade", quotes: "quote", ticker: "ticker" } as const;
  const channels = Object.keys(kinds) as (keyof typeof kinds)[];
  const all = [BTC, ETH].flatMap((symbol) => channels.map((channel) => ({ symbol, channel })));
  const seed = Number(Deno.env.get("SEED") ?? 1);
  const random = seeded(seed);
  const sent = () =>
    all.map(({ symbol, channel }) => {
      const found = exchange.statistics().symbols.find((one) => one.symbol === symbol);
      return found?.events[kinds[channel]] ?? 0;
    });
  const config = (symbols: readonly string[], wanted: readonly string[]) =>
    instanceOf(exchange, { symbols, channels: wanted });
  await using rig = await ServiceRig.start({ config: config([BTC], ["trades"]) });
  await rig.untilLive("okx", 1);
  for (let round = 0; round < Number(Deno.env.get("ROUNDS") ?? 8); round++) {
    const symbols = [BTC, ETH].filter(() => random() < 0.6);
    const wanted = channels.filter(() => random() < 0.6);
    if (symbols.length === 0 || wanted.length === 0) continue;
    await rig.reload(config(symbols, wanted));
    const isWanted = all.map(({ symbol, channel }) => symbols.includes(symbol) && wanted.includes(channel));
    await rig.untilLive("okx", isWanted.filter(Boolean).length);
    await rig.until(
      `the exchange sends what is asked for and nothing else (seed ${seed}, round ${round})`,
      async () => {
        const before = sent();
        await rig.until(
          "all streams go on",
          () => sent().every((count, at) => !isWanted[at] || count > before[at] + 1),
        );
        return sent().every((count, at) => isWanted[at] || count === before[at]);
      },
    );
  }
  const closed = rig.log.filter((line) => line.includes("session_closed"));
  assert.deepEqual(closed, []);
  assert.equal(await rig.metric("collector_sessions_opened_total", { exchange: "okx" }), 1);
});

Deno.test("a reload takes over what only REST requests and books show of an argument", async () => {
  await using binance = await simulate("binance");
  const descriptor = await deriveDescriptor("binance", {
    "[args]\n": '[args]\nlimit = "1000"\nkept = "400"\n',
    "&limit=1000": "&limit={arg:limit}",
    "book = { rules": 'book = { depth = "{arg:kept}", rules',
  });
  const config = (overrides: string) =>
    instanceOf(binance, { symbols: [BTC], channels: ["book"], descriptor: "own.toml", overrides });
  await using rig = await ServiceRig.start({ config: config(""), files: { "own.toml": descriptor } });
  await rig.untilLive("binance", 1);
  const opened = () => rig.metric("collector_sessions_opened_total", { exchange: "binance" });
  await rig.reload(config(""));
  assert.equal(await opened(), 1, "the same plan is left alone");
  await rig.reload(config('limit = "500"'));
  await rig.until("REST requests take effect", async () => await opened() === 2);
  await rig.reload(config('limit = "500"\nkept = "100"'));
  await rig.until("the depth of books takes effect", async () => await opened() === 3);
});

Deno.test("run lives on with a broken file, shows why on its own port, and collects after SIGHUP", async () => {
  await using simulator = await simulate("binance");
  const dir = await Deno.makeTempDir({ prefix: "collector-hup-" });
  const path = `${dir}/collector.toml`;
  const port = freePort();
  const text = (run: string) =>
    `[run]\nhttp_port = ${port}\ndata_dir = "${dir}/data"\n${run}\n` +
    instanceOf(simulator, { symbols: [BTC], channels: ["quotes"] });
  await Deno.writeTextFile(path, text("sync_ms = 5"));
  const program = new CollectorProcess(["run", "--config", path]);
  try {
    const broken = await untilAnswer(`http://127.0.0.1:${port}/healthz`, () => true);
    assert.equal(broken.status, 503);
    assert.match(JSON.parse(broken.text).config_error, /sync_ms/);
    await Deno.writeTextFile(path, text(""));
    program.kill("SIGHUP");
    await untilAnswer(`http://127.0.0.1:${port}/readyz`, ({ status }) => status === 200);
  } finally {
    program.kill("SIGTERM");
    const { code, err } = await program.end();
    await Deno.remove(dir, { recursive: true });
    assert.equal(code, 0, err);
  }
});

Deno.test("run --fail-fast exits 78 for a single broken instance", async () => {
  const dir = await Deno.makeTempDir({ prefix: "collector-failfast-" });
  try {
    await Deno.writeTextFile(`${dir}/collector.toml`, `[run]\nhttp_port = 8090\ndata_dir = "${dir}"\n${BROKEN}`);
    const { code, err } = await runCli(["run", "--fail-fast", "--config", `${dir}/collector.toml`]);
    assert.equal(code, 78);
    assert.match(err, /tradez/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a disabled instance needs no descriptor, and a missing symbol map is a warning", async () => {
  await using simulator = await simulate("binance");
  await using rig = await ServiceRig.start({
    config: instanceOf(simulator, { symbols: ["BTCUSDT"], channels: ["quotes"], descriptor: "descriptor.toml" }) + `
[[exchange]]
name = "later"
enabled = false
descriptor_path = "not/there/yet.toml"
symbols = []
channels = []
`,
    files: {
      "descriptor.toml": (await deriveDescriptor("binance", {})).replace(
        /symbol_map_file = .*/,
        'symbol_map_file = "nowhere.toml"',
      ),
    },
  });
  await rig.untilLive("binance", 1);
  const { status, instances } = await rig.health();
  assert.equal(status, "ok");
  assert.equal((await rig.get("/readyz")).status, 200);
  assert.deepEqual([instances[0].validation_status, instances[0].errors], ["warning", []]);
  assert.match(instances[0].warnings.join(), /nowhere\.toml/);
  assert.deepEqual([instances[1].state, instances[1].errors], ["disabled", []]);
});

/** A book as the REST endpoint gives it. */
const SNAPSHOT = '{"lastUpdateId":1,"bids":[["1.0","2.0"]],"asks":[]}';

Deno.test("secrets of the environment are sent, and shown nowhere", async () => {
  const secrets = {
    URL_TOKEN: "url-token-0f3a91",
    WHOLE: "whole-url-9d8e7f",
    HEADER_KEY: "header-key-77c2d4",
    REST_KEY: "rest-key-c0ffee",
  };
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push(`${request.url} ${[...request.headers].flat().join(" ")}`);
    return request.url.includes("/depth") ? new Response(SNAPSHOT) : new Response("no", { status: 401 });
  });
  const address = `127.0.0.1:${server.addr.port}`;
  const variables = { ...secrets, WHOLE_URL: `ws://${address}/whole?key=${secrets.WHOLE}` };
  await using simulator = await simulate("binance");
  const instance = (name: string, urls: string) => `
[[exchange]]
name = "${name}"
descriptor_path = "descriptor.toml"
symbols = ["BTC/USDT"]
channels = ["book"]
[exchange.overrides]
urls = [${urls}]
base_urls = ["http://127.0.0.1:1/\${REST_KEY}", "http://${address}/\${REST_KEY}"]
`;
  const token = "?token=\${URL_TOKEN}";
  const config =
    instance("refused", `"ws://${address}/stream${token}", "\${WHOLE_URL}", "ws://127.0.0.1:1/\${URL_TOKEN}/x"`) +
    instance("accepted", `"${simulator.urls.ws.stream}${token}"`);
  const descriptor = await deriveDescriptor("binance", {
    "[ws.connections.public]\n": '[ws.connections.public]\nheaders = { "X-Api-Key" = "{env:HEADER_KEY}" }\n',
    "[rest]\n": '[rest]\nheaders = { "X-Api-Key" = "{env:HEADER_KEY}" }\n',
  });
  try {
    await using rig = await ServiceRig.start({ config, variables, files: { "descriptor.toml": descriptor } });
    await rig.until("every address was tried", async () => {
      const refused = { exchange: "refused", code: "http_status" };
      const answered = { exchange: "accepted", request: "depth_snapshot", status: "2xx" };
      const unreachable = { exchange: "refused", code: "connect" };
      return await rig.metric("collector_connects_failed_total", refused) >= 3 &&
        await rig.metric("collector_connects_failed_total", unreachable) >= 1 &&
        await rig.metric("collector_http_requests_total", answered) >= 1;
    });
    const shown = [(await rig.get("/healthz")).text, (await rig.get("/metrics")).text];
    for (const args of [["plan"], ["plan", "--json"], ["validate"], ["validate", "--json"]]) {
      const { code, out, err } = await runCli([...args, "--config", `${rig.dir}/collector.toml`], { variables });
      assert.equal(code, 0, err);
      shown.push(out, err);
    }
    const bad = config.replace("channels", "chanels").replaceAll("ws://", "http://").replaceAll(
      "http://127",
      "ftp://127",
    );
    await Deno.writeTextFile(`${rig.dir}/bad.toml`, `[run]\nhttp_port = 8090\n${bad}`);
    const refused = await runCli(["validate", "--config", `${rig.dir}/bad.toml`], { variables });
    assert.equal(refused.code, 78);
    shown.push(refused.out, refused.err);
    await rig.stop();
    shown.push(...rig.log);
    for (const path of await listFiles(rig.host.files, `${rig.dir}/data`)) {
      shown.push(new TextDecoder().decode(await Deno.readFile(path)));
    }
    assert.ok(rig.log.some((line) => line.includes("{env:REST_KEY}")), "the failed REST call was logged");
    const sent = requests.join("\n");
    for (const secret of Object.values(secrets)) {
      assert.ok(sent.includes(secret), `${secret} was sent`);
      const leak = shown.find((text) => text.includes(secret)) ?? "";
      const at = leak.indexOf(secret);
      assert.equal(at < 0 ? "" : leak.slice(Math.max(0, at - 200), at + 60), "", `${secret} is not shown`);
    }
  } finally {
    await server.shutdown();
  }
});
