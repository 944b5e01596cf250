import assert from "node:assert/strict";
import { type Connection, denoHost, type Dialer, type Host } from "../../src/host/mod.ts";
import { SIBLING_JOIN_US } from "../../src/model/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { type EventLine, instanceOf, ServiceRig } from "../support/service_rig.ts";

const BTC = "BTC/USDT";

/** A host whose WebSockets a test can cut, and whose frames it can lose. */
function lossyHost(host: Host, loses: (socket: number, text: string) => boolean) {
  const sockets: Connection[] = [];
  const decoder = new TextDecoder();
  let dials = 0;
  const dialer: Dialer = {
    dial: async (options, callbacks, signal) => {
      const socket = dials++;
      const connection = await host.dialer.dial(options, {
        onFrame: (payload, binary, at) => {
          if (!loses(socket, decoder.decode(payload))) callbacks.onFrame(payload, binary, at);
        },
        onPing: (at) => callbacks.onPing(at),
        onPong: (at) => callbacks.onPong(at),
        onClose: (code, reason) => callbacks.onClose(code, reason),
      }, signal);
      sockets[socket] = connection;
      return connection;
    },
  };
  return { host: { ...host, dialer }, sockets };
}

function assertContiguous(ids: readonly number[], what: string): void {
  assert.ok(ids.length > 100, `${what}: ${ids.length}`);
  ids.forEach((id, index) => assert.equal(id, ids[0] + index, `${what} at ${index}`));
}

/** Asserts that updates follow one another, or a whole book stands between them. */
function assertBook(lines: readonly EventLine[]): void {
  let last: bigint | null = null;
  for (const { kind, sequence, first_sequence: first, last_sequence: to } of lines) {
    if (kind === "book_snapshot") last = BigInt(String(sequence));
    else if (kind === "book_delta") {
      assert.ok(last !== null && BigInt(String(first)) <= last + 1n, `after ${last} came ${first} to ${to}`);
      last = BigInt(String(to));
    }
  }
}

Deno.test("two sockets lose different frames and are cut in turn: every trade comes once, and nothing is in a gap", async () => {
  await using simulator = await startSimulator({
    host: denoHost(),
    dialect: "binance",
    port: 0,
    limitsConnections: false,
    rate: 300,
    symbols: [BTC],
  }).then((started) => ({ ...started, [Symbol.asyncDispose]: () => started.stop() }));
  let isLossy = false;
  const { host, sockets } = lossyHost(denoHost(), (socket, text) => {
    if (!isLossy) return false;
    const trade = /"e":"trade".*"t":(\d+)/.exec(text);
    return trade !== null && Number(trade[1]) % 10 === (socket % 2 === 0 ? 3 : 7);
  });
  const config = instanceOf(simulator, { symbols: [BTC], channels: ["trades", "book"] });
  await using rig = await ServiceRig.start({
    config: config.replace("[exchange.overrides]", "redundancy = 2\n[exchange.overrides]"),
    wrapHost: (used) => ({ ...used, dialer: host.dialer }),
  });
  const bothLive = async () => {
    for (const key of ["public", "public~2"]) await rig.untilLive("binance", 2, key);
    await rig.until("both books valid", async () => {
      const { instances } = await rig.health();
      return instances[0].books.valid === 2;
    });
    await framesSent(200);
    // Each loses something that the other has.
    isLossy = true;
    await framesSent(400);
    isLossy = false;
    await framesSent(100);
  };
  const framesSent = async (count: number) => {
    const { dataFrames } = simulator.statistics();
    await rig.until("news was sent", () => simulator.statistics().dataFrames > dataFrames + count);
  };
  await bothLive();
  for (let cuts = 0; cuts < 4; cuts++) {
    // The elder of the two that are open.
    sockets[cuts].close(1000, "");
    await rig.until("it was opened again", () => sockets.length === 3 + cuts);
    await bothLive();
  }
  simulator.freeze();
  await rig.stop();
  const events = await rig.events();
  assertContiguous(
    events.filter(({ kind }) => kind === "trade").map(({ trade_id }) => Number(trade_id)).sort((a, b) => a - b),
    "trades",
  );
  assertBook(events);
  assert.deepEqual(
    events.filter(({ kind }) => kind === "gap").map(({ state, stream, cause, detail }) =>
      `${state} ${stream} ${cause} ${detail}`
    ),
    [],
  );
  assert.equal(new Set(events.filter(({ kind }) => kind === "trade").map(({ session }) => session)).size, 6);
});

Deno.test("two sockets of a feed with images and checksums are cut in turn: nothing comes twice, nothing is in a gap", async () => {
  const symbol = "BTC/USD";
  await using simulator = await startSimulator({
    host: denoHost(),
    dialect: "kraken",
    port: 0,
    limitsConnections: false,
    rate: 100,
    symbols: [symbol],
  }).then((started) => ({ ...started, [Symbol.asyncDispose]: () => started.stop() }));
  const { host, sockets } = lossyHost(denoHost(), () => false);
  const config = instanceOf(simulator, { symbols: [symbol], channels: ["trades", "book", "ticker"] });
  await using rig = await ServiceRig.start({
    config: config.replace("[exchange.overrides]", "redundancy = 2\n[exchange.overrides]"),
    wrapHost: (used) => ({ ...used, dialer: host.dialer }),
  });
  const bothLive = async () => {
    for (const key of ["public", "public~2"]) await rig.untilLive("kraken", 3, key);
    // The image of each subscription is shown by nobody else, and holds its stream up for a second.
    const { clock } = rig.host;
    const [{ dataFrames }, since] = [simulator.statistics(), clock.nowMicros()];
    await rig.until(
      "news was sent",
      () => simulator.statistics().dataFrames > dataFrames + 400 && clock.nowMicros() > since + 2 * SIBLING_JOIN_US,
    );
  };
  await bothLive();
  for (let cuts = 0; cuts < 2; cuts++) {
    sockets[cuts].close(1000, "");
    await rig.until("it was opened again", () => sockets.length === 3 + cuts);
    await bothLive();
  }
  simulator.freeze();
  await rig.stop();
  const events = await rig.events();
  const trades = events.filter(({ kind }) => kind === "trade").map(({ trade_id }) => Number(trade_id));
  assertContiguous(trades.sort((a, b) => a - b), "trades");
  assert.deepEqual(events.filter(({ kind }) => kind === "gap"), []);
});
