import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { denoHost } from "../../src/host/mod.ts";
import { openJournal } from "../../src/journal/mod.ts";
import {
  Failure,
  JOURNAL_REFUSED_BYTES,
  type JournalPlan,
  type JournalRecord,
  type Observation,
  RECENT_WAIT_MS_MAX,
} from "../../src/model/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import { Intake, RecentEvents } from "../../src/runtime/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

const TRADE = new TextEncoder().encode(
  '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"s":"BTCUSDT","t":1,"p":"61800.1","q":"0.1","T":1723161256321,"m":true}}',
);

const QUOTE = new TextEncoder().encode(
  '{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"61800.1","B":"1","a":"61800.2","A":"2"}}',
);

/** A frame that compression makes little of. */
function noise(seed: number): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({ noise: createHash("sha512").update(String(seed)).digest("base64") }),
  );
}

/** Room for about a hundred trades. */
const ROOM_BYTES = 20 * 1024;

/** An intake on a real journal, with a small recent, a clock that stands still and a session that is open. */
async function createRig(journalPlan: Partial<JournalPlan> = {}) {
  const real = denoHost();
  const clock = new ManualClock();
  const dir = await real.files.makeTempDir("intake");
  const { frames: plan } = loadShipped("binance");
  const dedup = { enabled: false, windowSeconds: 0, keysMax: 0 };
  const pipeline = new Pipeline([plan], dedup);
  const journal = await openJournal({
    host: real,
    dir,
    plan: {
      syncMs: 5,
      segmentBytes: 2 ** 26,
      totalBytesMax: 2 ** 40,
      retainHours: 0,
      archiveDir: null,
      onFull: "block",
      ...journalPlan,
    },
    observer: () => {},
    checkpoint: () => pipeline.saveState(),
  });
  const recent = new RecentEvents(journal.next, ROOM_BYTES);
  const pressure: boolean[] = [];
  const seen: Observation[] = [];
  const intake = new Intake({
    host: { ...real, clock },
    journal,
    pipeline,
    recent,
    onFull: journalPlan.onFull ?? "block",
    observe: (observation) => seen.push(observation),
    onPause: (paused) => pressure.push(paused),
  });
  const { offset: session } = intake.append({
    kind: "opened",
    at: clock.nowMicros(),
    exchange: "binance",
    connection: "public",
    url: "",
    descriptorHash: "",
    planHash: null,
    streams: [],
  });
  const takeFrames = (count: number, payloadOf: (index: number) => Uint8Array = () => TRADE) => {
    for (let i = 0; i < count; i++) {
      intake.takeFrame(session, "binance", { at: clock.nowMicros(), binary: false, payload: payloadOf(i) });
    }
  };
  return {
    ...{ clock, recent, pressure, takeFrames, journal, seen, intake, session },
    end: async () => {
      await journal.close();
      await real.files.removeTree(dir);
    },
  };
}

Deno.test("Intake stops reading while a sink that follows would fall behind, and goes on when it has taken some", async () => {
  const { recent, pressure, takeFrames, clock, end } = await createRig();
  const reader = recent.join(recent.start, "wait");
  takeFrames(60);
  assert.deepEqual(pressure, []);
  takeFrames(20);
  assert.deepEqual(pressure, [true]);
  reader.advance(recent.end - 10);
  assert.deepEqual(pressure, [true, false]);
  assert.equal(clock.timers, 0);
  await end();
});

Deno.test("Intake goes on without a sink that hangs after the time that sockets wait", async () => {
  const { recent, pressure, takeFrames, clock, end } = await createRig();
  recent.join(recent.start, "wait");
  takeFrames(80);
  clock.advance(RECENT_WAIT_MS_MAX - 1);
  assert.deepEqual(pressure, [true]);
  clock.advance(1);
  assert.deepEqual(pressure, [true, false]);
  takeFrames(200);
  assert.deepEqual(pressure, [true, false], "it is not waited for again");
  assert.ok(recent.bytes <= ROOM_BYTES);
  await end();
});

Deno.test("Intake goes on at once when the sink that it waits for has failed", async () => {
  const { recent, pressure, takeFrames, end } = await createRig();
  const reader = recent.join(recent.start, "wait");
  takeFrames(80);
  reader.leave();
  assert.deepEqual(pressure, [true, false]);
  await end();
});

Deno.test("Intake goes on when the full journal has compressed a segment, though nothing more is received", async () => {
  const { pressure, takeFrames, journal, end } = await createRig({ segmentBytes: 10_000, totalBytesMax: 10_000 });
  takeFrames(80);
  assert.equal(journal.full, true);
  assert.deepEqual(pressure, [true]);
  await journal.sync();
  await journal.whenSealed();
  assert.equal(journal.full, false);
  assert.deepEqual(pressure, [true, false]);
  await end();
});

Deno.test("Intake goes on when a passed segment of the full journal was deleted, though nothing more is received", async () => {
  const plan = { segmentBytes: 5_000, totalBytesMax: 5_000, retainHours: 1000 };
  const { pressure, takeFrames, journal, end } = await createRig(plan);
  await journal.loadCursor("sink");
  takeFrames(100, noise);
  await journal.sync();
  await journal.whenSealed();
  assert.equal(journal.full, true, "compressed, it is still too much");
  assert.deepEqual(pressure, [true]);
  await journal.commitCursor("sink", journal.synced);
  await journal.removePassed();
  assert.equal(journal.full, false);
  assert.deepEqual(pressure, [true, false]);
  await end();
});

for (
  const { onFull, kept } of [
    { onFull: "drop_all", kept: [] },
    { onFull: "drop_ticker_depth_keep_trade", kept: ["trade", "trade", "trade"] },
  ] as const
) {
  Deno.test(`Intake with ${onFull} counts what it drops at the cap and tells all of it as gaps`, async () => {
    const plan = { totalBytesMax: 2_000, onFull };
    const { pressure, takeFrames, journal, recent, seen, intake, session, clock, end } = await createRig(plan);
    for (let i = 0; i < 100 && !journal.full; i++) takeFrames(1, () => noise(i));
    assert.equal(journal.full, true);
    const before = journal.next;
    takeFrames(6, (index) => index % 2 === 0 ? TRADE : QUOTE);
    takeFrames(2, () => QUOTE);
    intake.endSession(session, clock.nowMicros(), "shutdown", null, "");
    const events = recent.readBatch(before, journal.next, 1_000)?.rows.envelopes() ?? [];
    assert.deepEqual(events.filter(({ event }) => event.kind !== "gap").map(({ event }) => event.kind), kept);
    const gaps = events.flatMap(({ event }) => event.kind === "gap" && event.cause === "dropped" ? [event.detail] : []);
    const counted = seen.flatMap((one) => one.kind === "frames_dropped" ? [one.frames] : []);
    assert.equal(counted.reduce((sum, frames) => sum + frames, 0), 8 - kept.length);
    const told = gaps.map((detail) => Number(/^(\d+) frames: journal full$/.exec(detail)?.[1]));
    assert.equal(told.reduce((sum, frames) => sum + frames, 0), 8 - kept.length);
    assert.deepEqual(pressure, [], "sockets go on");
    await end();
  });
}

Deno.test("Intake writes a step of the clock before what is received after it, and by itself where nothing is", async () => {
  const { intake, journal, takeFrames, end } = await createRig();
  takeFrames(1);
  intake.noteClockStep({ fromTs: 10, toTs: 4 });
  takeFrames(1);
  intake.noteClockStep({ fromTs: 5, toTs: 11 });
  await Promise.resolve();
  await journal.sync();
  const kinds: string[] = [];
  for await (const chunk of journal.read(journal.oldest, { to: journal.synced })) {
    for (const { record } of chunk) {
      if (record.kind === "clock") kinds.push(`clock ${record.fromTs} ${record.toTs} ${record.at}`);
      else if (record.kind !== "checkpoint") kinds.push(record.kind);
    }
  }
  assert.deepEqual(kinds, ["opened", "frame", "clock 10 4 4", "frame", "clock 5 11 11"]);
  await end();
});

/** An intake over a journal that takes nothing while it is told so. */
async function createRefusingRig(journalPlan: Partial<JournalPlan> = {}) {
  const rig = await createRig(journalPlan);
  const { journal } = rig;
  const append = journal.append.bind(journal);
  const state = { isRefusing: false };
  journal.append = (record) => {
    if (state.isRefusing) throw new Failure("busy", "Cannot append to the journal: injected");
    return append(record);
  };
  return { ...rig, state };
}

Deno.test("Intake keeps acks, rejections and ends that the journal does not take, and writes them in order before the rest", async () => {
  const { state, intake, journal, session, clock, takeFrames, seen, end } = await createRefusingRig();
  const streams = [{ channel: "trades", symbol: "BTC/USDT" }] as const;
  takeFrames(1);
  state.isRefusing = true;
  const from = journal.next;
  intake.acked(session, streams, clock.nowMicros());
  intake.rejected(session, streams, "no", clock.nowMicros());
  takeFrames(3);
  intake.endSession(session, clock.nowMicros(), "peer", 1006, "gone");
  assert.equal(journal.next, from, "nothing was taken");
  state.isRefusing = false;
  intake.resumeIfPossible();
  await journal.sync();
  const kinds: string[] = [];
  for await (const chunk of journal.read(from, { exact: true })) kinds.push(...chunk.map(({ record }) => record.kind));
  assert.deepEqual(kinds, ["acked", "rejected", "dropped", "closed"]);
  assert.equal(seen.filter((one) => one.kind === "frames_dropped").length, 3);
  await end();
});

Deno.test("Intake tells how many frames were dropped while the journal took nothing in one record, however many", async () => {
  const { state, intake, journal, takeFrames, end } = await createRefusingRig();
  takeFrames(1);
  state.isRefusing = true;
  const from = journal.next;
  takeFrames(20_000);
  state.isRefusing = false;
  takeFrames(1);
  await journal.sync();
  const records: JournalRecord[] = [];
  for await (const chunk of journal.read(from, { exact: true })) records.push(...chunk.map(({ record }) => record));
  assert.deepEqual(records.map(({ kind }) => kind), ["dropped", "frame"]);
  assert.ok(records[0].kind === "dropped" && records[0].frames === 20_000);
  assert.equal(intake.frames, 20_002);
  await end();
});

Deno.test("Intake.takeHttp() refuses an answer that cannot be kept, counts it and tells it as a gap of its session", async () => {
  const { state, intake, journal, session, recent, clock, takeFrames, seen, end } = await createRefusingRig();
  takeFrames(1);
  const before = journal.next;
  state.isRefusing = true;
  const at = clock.nowMicros();
  const answer = { exchange: "binance", planHash: null, request: "depth", native: "BTCUSDT", url: "", status: 200 };
  assert.throws(
    () => intake.takeHttp({ kind: "http", at, session, ...answer, body: TRADE }),
    (error) => error instanceof Failure && error.code === "busy" && error.retry,
  );
  state.isRefusing = false;
  takeFrames(1);
  assert.equal(seen.filter((one) => one.kind === "frames_dropped").length, 1);
  await journal.sync();
  const kinds: string[] = [];
  for await (const chunk of journal.read(before, { exact: true })) {
    kinds.push(...chunk.map(({ record }) => record.kind));
  }
  assert.deepEqual(kinds, ["dropped", "frame"]);
  assert.ok(recent.end > before);
  await end();
});

Deno.test("Intake.takeHttp() refuses answers while the journal is at its cap", async () => {
  const { intake, journal, session, clock, takeFrames, end } = await createRig({ totalBytesMax: 2_000 });
  for (let i = 0; i < 100 && !journal.full; i++) takeFrames(1, () => noise(i));
  const { totalBytes } = journal;
  const answer = { exchange: "binance", planHash: null, request: "depth", native: "BTCUSDT", url: "", status: 200 };
  for (let i = 0; i < 10; i++) {
    assert.throws(
      () => intake.takeHttp({ kind: "http", at: clock.nowMicros(), session, ...answer, body: new Uint8Array(1000) }),
      { code: "busy" },
    );
  }
  assert.equal(journal.totalBytes, totalBytes);
  await end();
});

Deno.test("the bound of the journal's buffer holds for answers as for frames", async () => {
  const { intake, journal, session, clock, end } = await createRig();
  const answer = { exchange: "binance", planHash: null, request: "depth", native: "BTCUSDT", url: "", status: 200 };
  const body = new Uint8Array(5 * 1024 * 1024);
  let refused = 0;
  for (let i = 0; i < 40; i++) {
    try {
      intake.takeHttp({ kind: "http", at: clock.nowMicros(), session, ...answer, body });
    } catch (error) {
      assert.ok(error instanceof Failure && error.code === "busy");
      refused++;
    }
    assert.ok(journal.bufferedBytes <= JOURNAL_REFUSED_BYTES, `${journal.bufferedBytes}`);
  }
  assert.ok(refused > 25);
  await end();
});

Deno.test("Intake tells a long pause as a gap of each session, from the last frame before to the first one after", async () => {
  const plan = { segmentBytes: 5_000, totalBytesMax: 5_000, retainHours: 1000 };
  const { pressure, takeFrames, journal, recent, seen, session, clock, end } = await createRig(plan);
  await journal.loadCursor("sink");
  takeFrames(99, noise);
  const lastTs = clock.nowMicros();
  takeFrames(1, noise);
  assert.deepEqual(pressure, [true]);
  await journal.sync();
  await journal.whenSealed();
  clock.advance(14_000);
  await journal.commitCursor("sink", journal.synced);
  await journal.removePassed();
  assert.deepEqual(pressure, [true, false]);
  const paused = seen.flatMap((one) => one.kind === "reading_paused" ? [one] : []);
  assert.deepEqual(paused.map(({ exchange, durationMs }) => [exchange, durationMs]), [["binance", 14_000]]);
  const from = journal.next;
  clock.advance(1_000);
  takeFrames(2, () => TRADE);
  const events = recent.readBatch(from, journal.next, 100)?.rows.envelopes() ?? [];
  const gaps = events.flatMap(({ event, session: of }) => event.kind === "gap" ? [{ event, of }] : []);
  assert.equal(gaps.length, 1, "once");
  const { event, of } = gaps[0];
  assert.deepEqual([of, event.cause, event.from_ts, event.to_ts], [session, "dropped", lastTs, clock.nowMicros()]);
  assert.match(
    event.detail,
    /nothing was read for 14\.0 s because the journal is full; .*time at which they were read/,
  );
  await end();
});

Deno.test("Intake with drop_ticker_depth_keep_trade drops frames of books that wait, though they yield no event", async () => {
  const plan = { totalBytesMax: 2_000, onFull: "drop_ticker_depth_keep_trade" as const };
  const { takeFrames, journal, seen, end } = await createRig(plan);
  const delta = new TextEncoder().encode(
    '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":5,"u":6,"b":[["1","1"]],"a":[]}}',
  );
  for (let i = 0; i < 100 && !journal.full; i++) takeFrames(1, () => noise(i));
  const before = journal.next;
  takeFrames(5, () => delta);
  assert.equal(journal.next, before, "none was kept");
  assert.equal(seen.filter((one) => one.kind === "frames_dropped").length, 5);
  await end();
});
