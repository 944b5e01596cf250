import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";
import { listFiles } from "../support/stored_events.ts";

interface SinkBody {
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly committed_offset: number;
}

async function sinksOf(rig: ServiceRig): Promise<readonly SinkBody[]> {
  return JSON.parse((await rig.get("/healthz")).text).sinks;
}

/** Ids of the trades in the lines of a folder, in their order. */
async function tradesIn(dir: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const path of await listFiles(denoHost().files, dir)) {
    if (!path.endsWith(".ndjson")) continue;
    for (const line of (await Deno.readTextFile(path)).trimEnd().split("\n")) {
      const { kind, trade_id } = JSON.parse(line);
      if (kind === "trade") ids.push(trade_id);
    }
  }
  return ids;
}

const sent = (simulator: Simulator) => simulator.statistics().symbols[0]?.trades.ids ?? [];

const extra = (rig: ServiceRig, dir: string, more = "") =>
  `[[sink]]\nname = "extra"\ntype = "ndjson"\ndir = "${rig.dir}/${dir}"\n${more}`;

Deno.test("Service.reload() adds, reopens and removes sinks; each trade stands once over all of a sink's folders", async () => {
  const simulator = await startSimulator({
    host: denoHost(),
    dialect: "binance",
    port: 0,
    speed: 0,
    symbols: ["BTC/USDT"],
  });
  const exchange = instanceOf(simulator, { symbols: ["BTC/USDT"], channels: ["trades"] });
  await using rig = await ServiceRig.start({ config: exchange });
  try {
    await rig.until("subscribed", () => simulator.subscriptions().some((own) => [...own].length > 0));
    simulator.advance(100);
    await rig.reload(exchange + extra(rig, "first"));
    const two = await sinksOf(rig);
    assert.deepEqual(two.map(({ name }) => name).sort(), ["extra", "lines"]);
    await rig.until(
      "the new sink has what the journal holds",
      async () => (await tradesIn(`${rig.dir}/first`)).length === sent(simulator).length,
    );
    assert.ok(rig.log.some((line) => line.includes("sinks added: extra")), "the change is told");

    simulator.advance(100);
    await rig.reload(exchange + extra(rig, "second", 'kinds = ["trade"]\n'));
    simulator.advance(100);
    await rig.until(
      "both folders have everything",
      async () =>
        (await tradesIn(`${rig.dir}/first`)).length + (await tradesIn(`${rig.dir}/second`)).length ===
          sent(simulator).length,
    );
    const told = [...await tradesIn(`${rig.dir}/first`), ...await tradesIn(`${rig.dir}/second`)];
    assert.deepEqual(told.sort(), [...sent(simulator)].sort());
    assert.ok((await tradesIn(`${rig.dir}/second`)).length > 0);
    assert.ok(rig.log.some((line) => line.includes("sinks opened anew: extra")));

    await rig.reload(exchange);
    assert.deepEqual((await sinksOf(rig)).map(({ name }) => name), ["lines"]);
    assert.ok(rig.log.some((line) => line.includes("sinks removed: extra")));
    assert.deepEqual((await rig.health()).config_needs_restart, []);
    simulator.advance(50);
    await rig.until(
      "the other sink goes on",
      async () => (await rig.events()).filter(({ kind }) => kind === "trade").length === sent(simulator).length,
    );
    const left = (await tradesIn(`${rig.dir}/first`)).length + (await tradesIn(`${rig.dir}/second`)).length;
    assert.equal(left, told.length, "a removed sink gets nothing more");
    assert.equal(simulator.statistics().connectionsOpened, 1, "no socket saw anything of it");
  } finally {
    await simulator.stop();
  }
});

Deno.test("Service.reload() replaces a sink that fails by the one that the file asks for now", async () => {
  await using rig = await ServiceRig.start({ config: "" });
  const blocked = `${rig.dir}/blocked`;
  await Deno.writeTextFile(blocked, "a file where a folder has to be");
  await rig.reload(extra(rig, "blocked"));
  await rig.until(
    "it fails",
    async () =>
      (await sinksOf(rig)).some(({ name, state }) => name === "extra" && (state === "failing" || state === "blocked")),
  );
  await rig.reload(extra(rig, "free"));
  await rig.until(
    "it delivers",
    async () => (await sinksOf(rig)).some(({ name, state }) => name === "extra" && state === "delivering"),
  );
});
