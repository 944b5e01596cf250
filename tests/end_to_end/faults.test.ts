import assert from "node:assert/strict";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/mod.ts";
import {
  deriveDescriptor,
  type EventLine,
  instanceOf,
  ServiceRig,
  type ServiceRigOptions,
} from "../support/service_rig.ts";

const BTC = "BTC/USDT";
const ETH = "ETH/USDT";

/** A simulated exchange; it goes with the scope. */
async function simulate(
  options: Omit<SimulatorOptions, "host" | "port" | "limitsConnections" | "symbols"> & { symbols?: readonly string[] },
): Promise<Simulator & AsyncDisposable> {
  const simulator = await startSimulator({
    host: denoHost(),
    port: 0,
    limitsConnections: false,
    rate: 200,
    symbols: [BTC],
    ...options,
  });
  return { ...simulator, [Symbol.asyncDispose]: () => simulator.stop() };
}

const start = (options: ServiceRigOptions) => ServiceRig.start(options);

const gapsOf = (events: readonly EventLine[]) => events.filter(({ kind }) => kind === "gap");
/** Without what was emitted once more of a gap when its history had been asked for, which may be soon or late. */
const ownGapsOf = (events: readonly EventLine[]) =>
  gapsOf(events).filter(({ action }) => !String(action).includes("filled"));
const ofKind = (events: readonly EventLine[], kind: string) => events.filter((event) => event.kind === kind);

/** Sum of what a simulator sent of a kind. */
function sent(simulator: Simulator, kind: "trade" | "book_delta" | "quote", part: "events" | "duplicated" = "events") {
  return simulator.statistics().symbols.reduce((sum, symbol) => sum + (symbol[part][kind] ?? 0), 0);
}

/** Lets what was sent arrive: the markets stand still and as many events are counted as were sent. */
async function settle(rig: ServiceRig, simulator: Simulator): Promise<void> {
  simulator.freeze();
  await rig.until("everything sent arrived", async () => {
    const received = await rig.metric("collector_frames_received_total", { exchange: simulator.dialect });
    const { dataFrames, controlFrames, garbageFrames } = simulator.statistics();
    return received === dataFrames + controlFrames + garbageFrames;
  });
}

/** Asserts that each gap of a stream reaches from its last data before to its first data after. */
function assertBounds(gaps: readonly EventLine[], all: readonly EventLine[]): void {
  // What was fetched for an earlier gap may come at any time.
  const data = all.filter(({ backfilled }) => backfilled !== true);
  for (const gap of gaps) {
    const after = data.find((event) => event.offset === gap.offset);
    assert.ok(after !== undefined, "the gap stands at the frame that ends it");
    assert.equal(gap.to_ts, after.received_ts);
    const before = data.filter((event) => event.offset < gap.offset).at(-1);
    assert.ok(before !== undefined && before.session < after.session, "the data before is of an earlier session");
    assert.equal(gap.from_ts, before.received_ts);
  }
}

Deno.test("a disconnect ends in a new session, and each stream has a gap from its last to its first frame", async () => {
  await using simulator = await simulate({
    dialect: "binance",
    faults: { disconnectEvery: { kind: "frames", count: 60 } },
  });
  await using rig = await start({
    config: instanceOf(simulator, { symbols: [BTC], channels: ["trades", "quotes"] }),
  });
  await rig.until("disconnected three times", () => simulator.statistics().forcedDisconnects >= 3);
  simulator.freeze();
  const { forcedDisconnects } = simulator.statistics();
  await rig.until("live again", async () => {
    const { state, reconnects } = await rig.connection("binance");
    return state === "live" && reconnects === forcedDisconnects;
  });
  assert.equal(
    await rig.metric("collector_sessions_closed_total", { exchange: "binance", cause: "peer" }),
    forcedDisconnects,
  );
  const counted = await rig.metric("collector_gaps_total", { exchange: "binance", cause: "disconnect" });
  await rig.stop();
  const events = await rig.events();
  const gaps = ownGapsOf(events);
  assert.ok(gaps.length >= 2 * 2, `${gaps.length} gaps of two streams`);
  assert.equal(gaps.filter(({ state }) => state === "opened").length, counted, "each gap is counted once");
  for (const gap of gaps) {
    assert.equal(gap.cause, "disconnect");
    assert.equal(gap.detail, "peer 1001: Going away");
  }
  const ended = gaps.filter(({ state }) => state === "closed");
  assertBounds(ended.filter(({ stream }) => stream === "trades"), ofKind(events, "trade"));
  assertBounds(ended.filter(({ stream }) => stream === "quotes"), ofKind(events, "quote"));
  const live = ofKind(events, "trade").filter(({ backfilled }) => backfilled !== true);
  assert.equal(live.length, sent(simulator, "trade"), "what was sent before each end was kept");
});

Deno.test("a silent socket is closed after read_timeout_ms and opened again", async () => {
  await using simulator = await simulate({
    dialect: "kraken",
    symbols: ["BTC/USD"],
    faults: { silenceAfter: { kind: "frames", count: 50 } },
  });
  await using rig = await start({
    config: instanceOf(simulator, {
      symbols: ["BTC/USD"],
      channels: ["trades", "book"],
      overrides: "read_timeout_ms = 400",
    }),
  });
  const closed = { exchange: "kraken", cause: "read_timeout" };
  const gaps = { exchange: "kraken", cause: "disconnect" };
  await rig.until("two gaps of two streams", async () => await rig.metric("collector_gaps_total", gaps) >= 4);
  await rig.until("connected again", async () => (await rig.connection("kraken")).reconnects >= 2);
  assert.ok(await rig.metric("collector_sessions_closed_total", closed) >= 2);
  await rig.stop();
  const events = await rig.events();
  for (const { cause, detail } of ownGapsOf(events)) {
    assert.equal(cause, "disconnect");
    assert.match(String(detail), /^read_timeout\b.*: nothing received for 400 ms$/);
  }
  const ended = ownGapsOf(events).filter(({ stream, state }) => stream === "trades" && state === "closed");
  assertBounds(ended, ofKind(events, "trade"));
});

for (
  const { dialect, good, bad, words } of [
    { dialect: "binance", good: BTC, bad: ETH, words: /not available/ },
    { dialect: "okx", good: BTC, bad: ETH, words: /ETH-USDT/ },
    { dialect: "kraken", good: "BTC/USD", bad: "ETH/USD", words: /./ },
  ] as const
) {
  Deno.test(`a symbol that ${dialect} rejects rejects itself alone, and says so in health, metrics and data`, async () => {
    await using simulator = await simulate({ dialect, symbols: [good, bad], faults: { rejectSubscriptions: [bad] } });
    await using rig = await start({
      config: instanceOf(simulator, { symbols: [good, bad], channels: ["quotes"] }),
    });
    await rig.until("settled", async () => {
      const { state, streams } = await rig.connection(dialect);
      return state === "live" && streams.live === 1 && streams.rejected === 1;
    });
    const { rejected, reconnects } = await rig.connection(dialect);
    assert.equal(reconnects, 0);
    assert.deepEqual(rejected.map(({ stream }) => stream), [`quotes ${bad}`]);
    assert.match(rejected[0].reason, words);
    const { status, instances } = await rig.health();
    assert.deepEqual([status, instances[0].state], ["degraded", "degraded"]);
    assert.equal((await rig.get("/healthz")).status, 200);
    assert.equal((await rig.get("/readyz")).status, 503);
    assert.equal(await rig.metric("collector_streams", { exchange: dialect, state: "rejected" }), 1);
    const changed = { exchange: dialect, channel: "quotes", state: "rejected" };
    assert.equal(await rig.metric("collector_stream_changes_total", changed), 1);
    assert.equal(await rig.metric("collector_gaps_total", { exchange: dialect, cause: "rejected" }), 1);
    await rig.stop();
    const [gap, ...others] = gapsOf(await rig.events());
    assert.deepEqual(others, []);
    assert.deepEqual(
      [gap.symbol, gap.stream, gap.cause, gap.to_ts, gap.detail],
      [bad, "quotes", "rejected", null, rejected[0].reason],
    );
  });
}

Deno.test("an acknowledgement that is late is asked for again and counted, and costs no data", async () => {
  await using simulator = await simulate({ dialect: "binance", faults: { slowAckMs: 450 } });
  await using rig = await start({
    config: instanceOf(simulator, { symbols: [BTC], channels: ["trades", "quotes"], descriptor: "descriptor.toml" }),
    files: {
      "descriptor.toml": await deriveDescriptor("binance", {
        'correlation_pointer = "/id" }\nreject': 'correlation_pointer = "/id", timeout_ms = 150 }\nreject',
      }),
    },
  });
  await rig.until("asked again", async () => {
    return await rig.metric("collector_requests_failed_total", { exchange: "binance", outcome: "ack_timeout" }) > 0;
  });
  const waiting = await rig.connection("binance");
  assert.deepEqual([waiting.state, waiting.streams.pending], ["subscribing", 2]);
  await rig.untilLive("binance", 2);
  assert.ok(await rig.metric("collector_requests_sent_total", { exchange: "binance" }) >= 2);
  assert.equal((await rig.connection("binance")).reconnects, 0);
  await settle(rig, simulator);
  await rig.stop();
  const events = await rig.events();
  assert.deepEqual(gapsOf(events), []);
  assert.equal(ofKind(events, "trade").length, sent(simulator, "trade"));
});

Deno.test("garbage is counted, kept in the journal and a gap at its frame, and the session goes on", async () => {
  await using simulator = await simulate({ dialect: "okx", faults: { garbageEvery: { kind: "frames", count: 10 } } });
  await using rig = await start({
    config: instanceOf(simulator, { symbols: [BTC], channels: ["trades", "quotes"] }),
  });
  await rig.until("garbage came", () => simulator.statistics().garbageFrames >= 6);
  await settle(rig, simulator);
  const { garbageFrames } = simulator.statistics();
  const faults = { exchange: "okx", code: "not_json" };
  assert.equal(await rig.metric("collector_frame_faults_total", faults), garbageFrames);
  assert.equal(await rig.metric("collector_gaps_total", { exchange: "okx", cause: "undecodable" }), garbageFrames);
  const { state, reconnects } = await rig.connection("okx");
  assert.deepEqual([state, reconnects], ["live", 0]);
  await rig.stop();
  const events = await rig.events();
  const gaps = gapsOf(events);
  assert.equal(gaps.length, garbageFrames);
  for (const gap of gaps) {
    assert.deepEqual([gap.cause, gap.stream, gap.action], ["undecodable", null, "frame kept in the journal"]);
    assert.deepEqual([gap.from_ts, gap.to_ts], [gap.received_ts, gap.received_ts]);
  }
  assert.equal(ofKind(events, "trade").length, sent(simulator, "trade"));
});

for (const enabled of [false, true]) {
  Deno.test(`duplicates are ${enabled ? "left out and counted with" : "passed on without"} [dedup]`, async () => {
    await using simulator = await simulate({
      dialect: "binance",
      faults: { duplicateEvery: { kind: "frames", count: 5 } },
    });
    await using rig = await start({
      config: `[dedup]\nenabled = ${enabled}\n` +
        instanceOf(simulator, { symbols: [BTC], channels: ["trades", "quotes"] }),
    });
    await rig.untilLive("binance", 2);
    await rig.until("duplicates came", () => simulator.statistics().duplicatedFrames >= 20);
    await settle(rig, simulator);
    const dropped = await rig.metric("collector_duplicates_dropped_total", { exchange: "binance" });
    assert.equal(dropped, enabled ? simulator.statistics().duplicatedFrames : 0);
    const { state, reconnects } = await rig.connection("binance");
    assert.deepEqual([state, reconnects], ["live", 0]);
    await rig.stop();
    const events = await rig.events();
    assert.deepEqual(gapsOf(events), []);
    for (const kind of ["trade", "quote"] as const) {
      const copies = enabled ? sent(simulator, kind, "duplicated") : 0;
      assert.equal(ofKind(events, kind).length, sent(simulator, kind) - copies, kind);
    }
  });
}

/** A descriptor that passes updates of books on without checking them. */
function withoutBooks(descriptor: string): string {
  const without = descriptor.replace(/^\[books\]\n(?:(?!\[).*\n)*/m, "");
  assert.notEqual(without, descriptor);
  return without;
}

Deno.test("a frame that the exchange held back shows in the sequences where no book is kept: they are passed on as they came", async () => {
  await using simulator = await simulate({ dialect: "binance", faults: { gapEvery: { kind: "frames", count: 4 } } });
  await using rig = await start({
    config: instanceOf(simulator, { symbols: [BTC], channels: ["book"], descriptor: "descriptor.toml" }),
    files: { "descriptor.toml": withoutBooks(await deriveDescriptor("binance", {})) },
  });
  await rig.until("frames were held back", () => simulator.statistics().droppedFrames >= 3);
  const { dataFrames } = simulator.statistics();
  await rig.until("data after the last one", () => simulator.statistics().dataFrames > dataFrames);
  await settle(rig, simulator);
  const { state, reconnects } = await rig.connection("binance");
  assert.deepEqual([state, reconnects], ["live", 0]);
  const { droppedFrames } = simulator.statistics();
  await rig.stop();
  const deltas = ofKind(await rig.events(), "book_delta");
  assert.equal(deltas.length, sent(simulator, "book_delta"));
  const breaks = deltas.slice(1).filter((delta, index) =>
    BigInt(String(delta.first_sequence)) !== BigInt(String(deltas[index].last_sequence)) + 1n
  );
  assert.ok(
    droppedFrames - breaks.length <= 1 && breaks.length >= 3,
    `${droppedFrames} held back, ${breaks.length} breaks`,
  );
});

const PINGING = {
  'keepalive = { mode = "none" }': 'keepalive = { mode = "ping_frame", interval_ms = 250, pong_timeout_ms = 150 }',
};

Deno.test("a server that answers no ping is left, although its data flows", async () => {
  await using simulator = await simulate({ dialect: "binance", faults: { ignoresPings: true } });
  await using rig = await start({
    config: instanceOf(simulator, { symbols: [BTC], channels: ["trades"], descriptor: "descriptor.toml" }),
    files: { "descriptor.toml": await deriveDescriptor("binance", PINGING) },
  });
  await rig.until("reconnected", async () => (await rig.connection("binance")).reconnects >= 1);
  await rig.untilLive("binance", 1);
  assert.ok(await rig.metric("collector_sessions_closed_total", { exchange: "binance", cause: "pong_timeout" }) >= 1);
  await rig.stop();
  const [gap] = gapsOf(await rig.events());
  assert.deepEqual([gap.cause, gap.stream], ["disconnect", "trades"]);
  assert.match(String(gap.detail), /^pong_timeout\b.*: ping not answered within 150 ms$/);
});

/** A host whose dialer counts the pongs that come. */
function countPongs(host: Host): { readonly host: Host; readonly pongs: () => number } {
  let pongs = 0;
  const counting: Host = {
    ...host,
    dialer: {
      dial: (options, callbacks, signal) =>
        host.dialer.dial(options, {
          onFrame: (payload, binary, at) => callbacks.onFrame(payload, binary, at),
          onPing: (at) => callbacks.onPing(at),
          onClose: (code, reason) => callbacks.onClose(code, reason),
          onPong: (at) => {
            pongs++;
            callbacks.onPong(at);
          },
        }, signal),
    },
  };
  return { host: counting, pongs: () => pongs };
}

Deno.test("a market without trades is quiet, not dead: pongs are life enough", async () => {
  await using simulator = await simulate({ dialect: "okx", speed: 0 });
  let pongs = () => 0;
  await using rig = await start({
    config: instanceOf(simulator, {
      symbols: [BTC],
      channels: ["trades"],
      descriptor: "descriptor.toml",
      overrides: "read_timeout_ms = 300",
    }),
    files: {
      "descriptor.toml": await deriveDescriptor("okx", {
        'keepalive = { mode = "application", when = "idle", interval_ms = 25_000, template = "ping" }':
          'keepalive = { mode = "ping_frame", interval_ms = 100, pong_timeout_ms = 5000 }\nfirst_data_timeout_ms = 200',
      }),
    },
    wrapHost: (host) => {
      const counting = countPongs(host);
      pongs = counting.pongs;
      return counting.host;
    },
  });
  // Twelve intervals are four times the read timeout and six times the deadline of the first data.
  await rig.until("pinged for a while", () => pongs() >= 12);
  const { state, reconnects, streams } = await rig.connection("okx");
  assert.deepEqual([state, reconnects, streams.acked, streams.stale], ["live", 0, 1, 0]);
  assert.equal((await rig.health()).status, "ok");
  simulator.advance(200);
  await rig.untilLive("okx", 1);
  await rig.stop();
  assert.deepEqual(gapsOf(await rig.events()), [], "a quiet stretch is no gap");
});

Deno.test("a socket that never shows data is stale from its subscription on, and the next address is tried", async () => {
  await using dead = await simulate({ dialect: "binance", faults: { silenceAfter: { kind: "frames", count: 1 } } });
  await using simulator = await simulate({ dialect: "binance" });
  await using rig = await start({
    config: instanceOf(simulator, {
      symbols: [BTC],
      channels: ["quotes"],
      descriptor: "descriptor.toml",
      urlsBefore: [dead.urls.ws.stream],
    }),
    files: {
      "descriptor.toml": await deriveDescriptor("binance", {
        ...PINGING,
        "first_data_timeout_ms = 60_000": "first_data_timeout_ms = 400",
      }),
    },
  });
  await rig.untilLive("binance", 1);
  const { url, reconnects } = await rig.connection("binance");
  assert.deepEqual([url, reconnects], [simulator.urls.ws.stream, 1]);
  assert.equal(await rig.metric("collector_sessions_closed_total", { exchange: "binance", cause: "stale" }), 1);
  const changed = { exchange: "binance", channel: "quotes", state: "stale" };
  assert.equal(await rig.metric("collector_stream_changes_total", changed), 1);
  await rig.stop();
  const [gap] = gapsOf(await rig.events());
  assert.deepEqual([gap.cause, gap.stream], ["disconnect", "quotes"]);
  assert.match(String(gap.detail), /^stale\b.*: no stream showed data within 400 ms$/);
});

Deno.test("a stream that stays silent beside live ones is stale by name, and its socket is left alone", async () => {
  await using simulator = await simulate({ dialect: "binance" });
  await using rig = await start({
    // This exchange acknowledges symbols that it does not have.
    config: instanceOf(simulator, { symbols: [BTC, ETH], channels: ["quotes"], descriptor: "descriptor.toml" }),
    files: {
      "descriptor.toml": await deriveDescriptor("binance", {
        "first_data_timeout_ms = 60_000": "first_data_timeout_ms = 300",
      }),
    },
  });
  await rig.until("one stale", async () => (await rig.connection("binance")).streams.stale === 1);
  const { state, reconnects, streams } = await rig.connection("binance");
  assert.deepEqual([state, reconnects, streams.live], ["live", 0, 1]);
  const { status, instances } = await rig.health();
  assert.deepEqual([status, instances[0].state], ["degraded", "degraded"]);
  assert.equal(await rig.metric("collector_streams", { exchange: "binance", state: "stale" }), 1);
  assert.equal((await rig.get("/readyz")).status, 503);
});
