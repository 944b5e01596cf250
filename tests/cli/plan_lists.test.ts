import assert from "node:assert/strict";
import { runCli } from "../support/captured_cli.ts";

const LIST = {
  symbols: ["FOO", "BAR"].map((base) => ({
    symbol: `${base}USDT`,
    baseAsset: base,
    quoteAsset: "USDT",
    status: "TRADING",
  })),
};

/** A folder with a configuration that selects by a pattern, and an exchange that answers as told. */
class PlanRig {
  readonly dir: string;
  readonly asked: string[] = [];
  readonly #server: Deno.HttpServer;

  constructor(answer: () => Response | Promise<Response>) {
    this.dir = Deno.makeTempDirSync({ prefix: "plan-" });
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }) => {
      this.asked.push(new URL(url).pathname);
      return answer();
    });
    const { port } = this.#server.addr as Deno.NetAddr;
    Deno.writeTextFileSync(
      `${this.dir}/collector.toml`,
      `[run]
http_port = 8090
data_dir = "${this.dir}/data"
[[sink]]
name = "out"
type = "ndjson"
dir = "${this.dir}/out"
[[exchange]]
name = "one"
descriptor_path = "builtin:binance"
symbols = ["*/USDT"]
channels = ["trades"]
[exchange.overrides]
urls = ["ws://127.0.0.1:9/stream"]
base_urls = ["http://127.0.0.1:${port}"]
`,
    );
  }

  keep(symbols: Readonly<Record<string, string>>): void {
    Deno.mkdirSync(`${this.dir}/data/instruments`, { recursive: true });
    const path = `${this.dir}/data/instruments/one.json`;
    Deno.writeTextFileSync(path, JSON.stringify(symbols));
    const threeHoursAgo = Date.now() / 1000 - 3 * 3600 - 1;
    Deno.utimeSync(path, threeHoursAgo, threeHoursAgo);
  }

  async plan(...options: readonly string[]) {
    const outcome = await runCli(["plan", "--config", `${this.dir}/collector.toml`, ...options]);
    assert.equal(outcome.code, 0, outcome.err);
    return outcome.out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.dir, { recursive: true });
  }
}

Deno.test("plan shows what a pattern means by the list that the exchange gives now, and keeps nothing", async () => {
  await using rig = new PlanRig(() => Response.json(LIST));
  rig.keep({ "OLD/USDT": "OLDUSDT" });
  const before = await Deno.readTextFile(`${rig.dir}/data/instruments/one.json`);
  const out = await rig.plan();
  assert.match(out, /symbols by the exchange's list of now: 2 instruments\n {2}"\*\/USDT" selects 2\n/);
  assert.match(out, /FOO\/USDT = FOOUSDT/);
  assert.doesNotMatch(out, /OLD/);
  assert.deepEqual(rig.asked, ["/api/v3/exchangeInfo"]);
  assert.equal(await Deno.readTextFile(`${rig.dir}/data/instruments/one.json`), before);
  assert.deepEqual([...Deno.readDirSync(`${rig.dir}/data`)].map(({ name }) => name), ["instruments"]);
});

Deno.test("plan --offline asks nobody and says how old the kept list is", async () => {
  await using rig = new PlanRig(() => Response.json(LIST));
  rig.keep({ "OLD/USDT": "OLDUSDT" });
  const out = await rig.plan("--offline");
  assert.match(out, /symbols by the list that was kept 3 h 00 min ago: 1 instruments\n {2}"\*\/USDT" selects 1\n/);
  assert.deepEqual(rig.asked, []);
});

Deno.test("plan takes the kept list where the exchange does not answer in time, and says why", async () => {
  const never = Promise.withResolvers<Response>();
  await using rig = new PlanRig(() => never.promise);
  rig.keep({ "OLD/USDT": "OLDUSDT" });
  const out = await rig.plan("--timeout", "50ms");
  assert.match(out, /kept 3 h 00 min ago: 1 instruments; the exchange gave no list within 0\.05 s\n/);
  never.resolve(new Response());
});

Deno.test("plan says that nothing is known where neither the exchange nor an earlier run gave a list", async () => {
  await using rig = new PlanRig(() => Response.json({ code: -1003, msg: "Too much" }));
  const { exchanges } = JSON.parse(await rig.plan("--timeout", "200ms", "--json"));
  const { from, instruments, reason } = exchanges[0].instrument_list;
  assert.deepEqual([from, instruments], ["none", 0]);
  assert.match(reason, /^no list within 0\.2 s(: .*lists no instrument: \{"code":-1003.*)?$/);
  assert.match(await rig.plan("--offline"), /no list of the exchange is known\n/);
});

Deno.test("plan heeds what an earlier run was told to wait", async () => {
  await using rig = new PlanRig(() => Response.json(LIST));
  await Deno.mkdir(`${rig.dir}/data`);
  const config = await Deno.readTextFile(`${rig.dir}/collector.toml`);
  const host = new URL(/base_urls = \["([^"]+)"/.exec(config)?.[1] ?? "").host;
  const blocked = { host, opens: [], requests: [], opensBlockedUntil: 0, requestsBlockedUntil: Date.now() + 60_000 };
  await Deno.writeTextFile(`${rig.dir}/data/limits.json`, JSON.stringify({ version: 1, hosts: [blocked] }));
  assert.match(await rig.plan("--timeout", "50ms"), /no list of the exchange is known: no list within 0\.05 s/);
  assert.deepEqual(rig.asked, []);
});
