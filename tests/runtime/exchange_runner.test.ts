import assert from "node:assert/strict";
import { Pipeline } from "../../src/derive/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import type { Journal } from "../../src/journal/mod.ts";
import {
  buildDerivation,
  Failure,
  type JournalRecord,
  type Observation,
  type Offset,
  writeDerivation,
} from "../../src/model/mod.ts";
import { HostLimits, RestClient } from "../../src/rest/mod.ts";
import { ExchangeRunner, Intake, RecentEvents } from "../../src/runtime/mod.ts";
import { withSiblings } from "../../src/config/plan/connections.ts";
import { loadInstance } from "../exchanges/shipped.ts";
import { type SimulatedConnection, SimulatedHost } from "../support/simulated_host.ts";

const HOUR_MS = 3_600_000;
/** Rotations of each connection; `deno task rotations` makes a thousand of the whole program. */
const ROTATIONS = 200;

/** A journal in memory that takes what `fault` lets through. */
function memoryJournal() {
  const records: JournalRecord[] = [];
  const state = { fault: (_record: JournalRecord): void => {} };
  const journal = {
    append: (record: JournalRecord): Offset => {
      state.fault(record);
      records.push(record);
      return records.length;
    },
    get next() {
      return records.length + 1;
    },
    synced: 0,
    oldest: 0,
    bufferedBytes: 0,
    totalBytes: 0,
    full: false,
    failure: null,
    openSessions: [],
    whenSynced: () => () => {},
    whenFreed: () => () => {},
  };
  return { records, state, journal: journal as unknown as Journal };
}

function runnableOf(...symbols: readonly string[]) {
  const { exchanges } = loadInstance({ name: "binance", symbols: [...symbols], channels: ["trades"] });
  const runnable = exchanges[0]?.runnable ?? null;
  assert.ok(runnable !== null);
  return runnable;
}

/** A runner of the shipped descriptor of an exchange in simulated time, whose dials all succeed. */
function rig(change: (runnable: ReturnType<typeof runnableOf>) => ReturnType<typeof runnableOf> = (same) => same) {
  const simulated = new SimulatedHost();
  const { clock } = simulated;
  const host = { ...denoHost(), ...simulated };
  const sockets: SimulatedConnection[] = [];
  const dial = simulated.dialer.dial.bind(simulated.dialer);
  simulated.dialer.dial = (...args) => {
    const opening = dial(...args);
    void simulated.dialer.last.open();
    return opening.then((connection) => {
      sockets.push(connection as SimulatedConnection);
      return connection;
    });
  };
  const runnable = change(runnableOf("BTC/USDT"));
  const dedup = { enabled: false, windowSeconds: 0, keysMax: 0 };
  const { records, state, journal } = memoryJournal();
  const seen: Observation[] = [];
  const observe = (observation: Observation) => void seen.push(observation);
  const intakeOptions = {
    host,
    journal,
    pipeline: new Pipeline([runnable.frames], dedup),
    recent: new RecentEvents(1, 64 * 1024),
    onFull: "block" as const,
    plans: () => [runnable.frames],
    dedup,
    observe,
    onPause: () => {},
  };
  const intake = new Intake(intakeOptions);
  const { hash, body } = writeDerivation(buildDerivation(runnable.frames, { dedup, bookTops: null }));
  intake.append({ kind: "plan", at: clock.nowMicros(), hash, body });
  const runnerOptions = {
    name: "binance",
    descriptorHash: "",
    planHash: hash,
    runnable,
    intake,
    host,
    observe,
    rest: new RestClient({ host, limits: new HostLimits(clock), observe }),
    collects: true,
    compareBooksEveryMs: 0,
    follow: () => () => {},
  };
  const runner = new ExchangeRunner(runnerOptions);
  const busy = (kinds: readonly JournalRecord["kind"][]) => {
    state.fault = (record) => {
      if (kinds.includes(record.kind)) throw new Failure("busy", "Journal is busy");
    };
  };
  return { clock, sockets, records, state, busy, runner, intake, seen, fetcher: simulated.fetcher };
}

const TRADE = (id: number) =>
  `{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"s":"BTCUSDT","t":${id},"p":"61800.1","q":"0.1","T":1723161256321,"m":true}}`;

Deno.test("ExchangeRunner goes on after a journal that took nothing, whatever it was asked to take", async () => {
  const kinds = ["opened", "frame", "acked", "closed"] as const;
  for (const busy of [...kinds.map((kind) => [kind]), kinds]) {
    const { clock, sockets, records, runner, state, ...given } = rig();
    runner.start();
    await clock.advance(0);
    given.busy(busy);
    sockets[0].frame(TRADE(1));
    sockets[0].frame('{"result":null,"id":1}');
    await clock.advance(1000);
    sockets[0].end(1001, "going away");
    await clock.advance(HOUR_MS / 2);
    state.fault = () => {};
    await clock.advance(HOUR_MS / 2);
    const last = sockets[sockets.length - 1];
    assert.equal(last.ended, false, busy.join());
    assert.ok(last.texts.some((text) => text.includes("SUBSCRIBE")), busy.join());
    assert.ok(sockets.slice(0, -1).every(({ ended }) => ended), "no socket is left open");
    last.frame(TRADE(2));
    const opened = records.filter(({ kind }) => kind === "opened").length;
    const closed = records.filter(({ kind }) => kind === "closed").length;
    assert.equal(opened, closed + 1, `${busy.join()}: every session that was recorded has its end recorded`);
    const stopping = runner.stop();
    await clock.advance(2000);
    await stopping;
    assert.equal(records.filter(({ kind }) => kind === "closed").length, opened);
    assert.ok(sockets.every(({ ended }) => ended));
  }
});

Deno.test("ExchangeRunner records every frame or counts it as dropped, while the journal comes and goes", async () => {
  const { clock, sockets, records, runner, state, seen, busy } = rig();
  runner.start();
  await clock.advance(0);
  let sent = 0;
  for (let round = 0; round < 40; round++) {
    if (round % 4 === 1) busy(["opened", "frame", "acked", "closed", "dropped"]);
    if (round % 4 === 3) state.fault = () => {};
    const socket = sockets[sockets.length - 1];
    if (!socket.ended && socket.closing === null) {
      socket.frame(TRADE(++sent));
      if (round % 6 === 5) socket.end(1006, "");
    }
    await clock.advance(20_000);
  }
  state.fault = () => {};
  const stopping = runner.stop();
  await clock.advance(2000);
  await stopping;
  const kept = records.filter(({ kind }) => kind === "frame").length;
  const dropped = seen.reduce((sum, one) => sum + (one.kind === "frames_dropped" ? one.frames : 0), 0);
  assert.ok(kept > 0 && dropped > 0);
  assert.equal(kept + dropped, sent);
});

Deno.test("ExchangeRunner.resubscribe() lets what new streams have missed be fetched by the plan that has them", async () => {
  const { clock, records, runner, intake } = rig();
  const runnable = runnableOf("BTC/USDT", "ETH/USDT");
  const [backfill] = runnable.rest.backfills;
  const end = { id: null, ts: 1 };
  intake.fillsOf = () => [{
    gapId: "7-0",
    cause: "disconnect",
    exchange: "binance",
    connectionId: backfill.connectionId,
    request: backfill.name,
    channel: "trades",
    symbol: "ETH/USDT",
    native: "ETHUSDT",
    from: end,
    to: end,
  }];
  runner.resubscribe(runnable, "wider");
  runner.start();
  await clock.advance(60_000);
  const told = records.flatMap((record) => record.kind === "http" ? [record] : []);
  assert.deepEqual(told.map(({ planHash, native }) => [planHash, native]), [["wider", "ETHUSDT"]]);
  assert.match(new TextDecoder().decode(told[0].body), /events have no ids/);
  const stopping = runner.stop();
  await clock.advance(2000);
  await stopping;
});

Deno.test("ExchangeRunner fetches no history once it has stopped, and writes down no wish for it", async () => {
  const { clock, records, runner } = rig();
  const [backfill] = runnableOf("BTC/USDT").rest.backfills;
  const [target] = backfill.targets;
  const stretch = (at: number) => ({
    ...{ request: backfill.name, native: target.native, connectionId: backfill.connectionId },
    ...{ channel: "trades" as const, symbol: target.symbol, known: [], gaps: [] },
    from: { id: "1", ts: at },
    to: { id: "9", ts: at + 1 },
  });
  runner.start();
  await clock.advance(0);
  const underWay = assert.rejects(runner.fetchHistory(stretch(1)), /binance was stopped or changed meanwhile/);
  const stopping = runner.stop();
  await clock.advance(2000);
  await stopping;
  await underWay;
  const written = records.length;
  await assert.rejects(runner.fetchHistory(stretch(3)), /binance was stopped or changed meanwhile/);
  assert.equal(records.length, written);
});

/** A runner whose sockets may live for 30 s. */
function rotatingRig(redundancy: number) {
  return rig((runnable) => ({
    ...runnable,
    connections: withSiblings(runnable.connections.map((plan) => ({ ...plan, maxAgeMs: 30_000 })), redundancy),
  }));
}

type Rig = ReturnType<typeof rig>;

/** Lets the exchange answer and send a trade a second on every socket that is open. */
async function live({ clock, sockets }: Rig, seconds: number, ids: { next: number }): Promise<void> {
  const answered = answeredOf.get(sockets) ?? new Map<SimulatedConnection, number>();
  answeredOf.set(sockets, answered);
  for (let second = 0; second < seconds; second++) {
    const id = ids.next++;
    for (const socket of sockets.slice(-6)) {
      if (socket.ended) continue;
      for (const text of socket.texts.slice(answered.get(socket) ?? 0)) {
        socket.frame(JSON.stringify({ result: null, id: JSON.parse(text).id }));
      }
      answered.set(socket, socket.texts.length);
      if (socket.texts.length > 0) socket.frame(TRADE(id));
      socket.pong();
    }
    await clock.advance(1000);
  }
}

const answeredOf = new WeakMap<readonly SimulatedConnection[], Map<SimulatedConnection, number>>();

/** Trades and gaps as the journal's records give them. */
function derive(records: readonly JournalRecord[]) {
  const pipeline = new Pipeline([runnableOf("BTC/USDT").frames], { enabled: false, windowSeconds: 0, keysMax: 0 });
  return records.flatMap((record, index) => pipeline.process(index + 1, record).envelopes.map(({ event }) => event));
}

for (const redundancy of [1, 2]) {
  Deno.test(`ExchangeRunner opens a successor before a socket's age is up: ${redundancy} of each, no trade is missing or twice`, async () => {
    const given = rotatingRig(redundancy);
    const { clock, sockets, records, runner } = given;
    const ids = { next: 1 };
    runner.start();
    await clock.advance(0);
    for (let round = 0; sockets.length < ROTATIONS * redundancy; round++) {
      assert.ok(round < ROTATIONS * 3);
      await live(given, 15, ids);
      assert.ok(runner.connections.every(({ state }) => state.kind === "live"));
      assert.equal(runner.connections.length, redundancy);
    }
    assert.ok(sockets.filter(({ ended }) => !ended).length <= 2 * redundancy);
    const events = derive(records);
    const trades = events.flatMap((event) => event.kind === "trade" ? [Number(event.trade_id)] : []);
    assert.deepEqual(trades, Array.from({ length: trades.length }, (_, index) => trades[0] + index));
    assert.ok(trades.length >= ids.next - 3);
    assert.deepEqual(events.filter(({ kind }) => kind === "gap"), []);
    const closed = records.flatMap((record) => record.kind === "closed" ? [record.cause] : []);
    assert.deepEqual(new Set(closed), new Set(["max_age"]));
    const keys = new Set(records.flatMap((record) => record.kind === "opened" ? [record.connection] : []));
    assert.ok(keys.size <= 2 * redundancy, [...keys].join());
    const stopping = runner.stop();
    await clock.advance(2000);
    await stopping;
    assert.ok(sockets.every(({ ended }) => ended));
  });
}

Deno.test("ExchangeRunner goes on with the socket that it has where a successor does not come, and connects anew at its end", async () => {
  const given = rotatingRig(1);
  const { clock, sockets, records, runner } = given;
  const ids = { next: 1 };
  runner.start();
  await clock.advance(0);
  await live(given, 23, ids);
  given.busy(["opened"]);
  await live(given, 9, ids);
  given.state.fault = () => {};
  await live(given, 60, ids);
  assert.ok(sockets.filter(({ ended }) => !ended).length <= 2);
  const events = derive(records);
  const trades = events.flatMap((event) => event.kind === "trade" ? [Number(event.trade_id)] : []);
  assert.equal(new Set(trades).size, trades.length);
  const gaps = events.flatMap((event) => event.kind === "gap" ? [`${event.state} ${event.cause}`] : []);
  assert.deepEqual(gaps.slice(0, 2), ["opened disconnect", "closed disconnect"]);
  const stopping = runner.stop();
  await clock.advance(2000);
  await stopping;
});

Deno.test("ExchangeRunner lets a socket's age end it where the exchange allows none beside it, and tells the gap", async () => {
  const given = rig((runnable) => ({
    ...runnable,
    connections: runnable.connections.map((plan) => ({ ...plan, maxAgeMs: 30_000, socketsMax: 1 })),
  }));
  const { clock, sockets, records, runner } = given;
  runner.start();
  await clock.advance(0);
  for (let second = 0; second < 100; second++) {
    await live(given, 1, { next: 1 + second });
    assert.ok(sockets.filter(({ ended }) => !ended).length <= 1);
  }
  assert.ok(sockets.length >= 3);
  const gaps = derive(records).flatMap((event) => event.kind === "gap" ? [`${event.state} ${event.cause}`] : []);
  assert.deepEqual(gaps.slice(0, 2), ["opened disconnect", "closed disconnect"]);
  const stopping = runner.stop();
  await clock.advance(2000);
  await stopping;
});

Deno.test("ExchangeRunner reads nothing from a successor that is opened while it is paused", async () => {
  const given = rotatingRig(1);
  const { clock, sockets, runner } = given;
  runner.start();
  await clock.advance(0);
  await live(given, 20, { next: 1 });
  runner.setPaused(true);
  await clock.advance(8000);
  assert.deepEqual(sockets.map(({ paused, ended }) => [paused, ended]), [[true, false], [true, false]]);
  runner.setPaused(false);
  assert.deepEqual(sockets.map(({ paused }) => paused), [false, false]);
  const stopping = runner.stop();
  await clock.advance(2000);
  await stopping;
});

Deno.test("ExchangeRunner asks again for a stream that stands still, and the gap between its trades is in the events", async () => {
  const given = rig((runnable) => ({
    ...runnable,
    connections: runnable.connections.map((plan) => ({ ...plan, stallAfterMs: null })),
  }));
  const { clock, sockets, records, runner, seen } = given;
  const ids = { next: 1 };
  runner.start();
  await clock.advance(0);
  await live(given, 120, ids);
  const sent = sockets[0].texts.length;
  for (let second = 0; second < 12; second++) {
    await clock.advance(1000);
    sockets[0].pong();
  }
  assert.deepEqual(records.flatMap((record) => record.kind === "stalled" ? [record.action] : []), [
    "asked again for it",
  ]);
  const asked = sockets[0].texts.slice(sent).map((text) => JSON.parse(text).method);
  assert.deepEqual(asked, ["UNSUBSCRIBE", "SUBSCRIBE"]);
  assert.deepEqual([...runner.streams()].map(({ state }) => state), ["stale"]);
  await live(given, 2, ids);
  assert.deepEqual([...runner.streams()].map(({ state }) => state), ["live"]);
  const gaps = derive(records).flatMap((event) => event.kind === "gap" ? [event] : []);
  assert.deepEqual(gaps.slice(0, 2).map(({ cause, state }) => [cause, state]), [["stalled", "opened"], [
    "stalled",
    "closed",
  ]]);
  assert.equal(gaps[0].gap_id, gaps[1].gap_id);
  const lastBefore = records.findLast((record, index) =>
    record.kind === "frame" && index < records.findIndex(({ kind }) => kind === "stalled")
  );
  assert.equal(gaps[1].from_ts, lastBefore?.at);
  assert.deepEqual(
    seen.flatMap((one) => one.kind === "stream_stalled" ? [one.step] : []),
    ["resubscribe", "resumed"],
  );
  const stopping = runner.stop();
  await clock.advance(2000);
  await stopping;
});

/** A stream whose trades of a second stop after two minutes, and an exchange that is asked about it. */
async function silent(trades: (from: number) => readonly object[] | null, seconds: number) {
  const given = rig((runnable) => ({
    ...runnable,
    connections: runnable.connections.map((plan) => ({ ...plan, stallAfterMs: null })),
  }));
  const { clock, sockets, records, runner, seen, fetcher } = given;
  fetcher.answer = ({ url }) => {
    const rows = trades(Number(new URL(url).searchParams.get("fromId")));
    return rows === null ? new Failure("connect", "No route") : { status: 200, body: JSON.stringify(rows) };
  };
  runner.start();
  await clock.advance(0);
  await live(given, 120, { next: 1 });
  const sent = sockets[0].texts.length;
  let askedAt = null as number | null;
  for (let second = 1; second <= seconds; second++) {
    await clock.advance(1000);
    sockets[0].pong();
    if (askedAt === null && sockets[0].texts.length > sent) askedAt = second;
  }
  const stalls = records.flatMap((record) => record.kind === "stalled" ? [record.reason] : []);
  const steps = seen.flatMap((one) => one.kind === "stream_stalled" ? [one.step] : []);
  const stopping = runner.stop();
  await clock.advance(2000);
  await stopping;
  return { stalls, steps, askedAt, sockets: sockets.length, requests: fetcher.requests.length };
}

/** A trade as the exchange's history has it. */
const row = (id: number) => ({ id, price: "1", qty: "1", quoteQty: "1", time: 1_723_161_256_321, isBuyerMaker: true });

Deno.test("ExchangeRunner tears nothing down for a silent stream of which the exchange has nothing later", async () => {
  const { stalls, steps, sockets, requests } = await silent((from) => [row(from)], 600);
  assert.deepEqual([stalls, sockets], [[], 1]);
  assert.ok(steps.length > 0 && steps.every((step) => step === "quiet"));
  assert.ok(requests < 10, "an answer holds for as long again as the silence had lasted");
});

Deno.test("ExchangeRunner asks anew for a silent stream of which the exchange has later data", async () => {
  const { stalls, steps, askedAt } = await silent((from) => [row(from), row(from + 1)], 30);
  assert.match(stalls[0], /the exchange has later data/);
  assert.equal(steps[0], "resubscribe");
  assert.ok(askedAt !== null && askedAt <= 14);
});

Deno.test("ExchangeRunner takes the steps about a silent stream as before where the exchange does not answer", async () => {
  const { stalls, steps } = await silent(() => null, 40);
  assert.match(stalls[0], /its usual gap is/);
  assert.equal(steps[0], "resubscribe");
});
