import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { denoHost } from "../../src/host/mod.ts";
import { openJournal } from "../../src/journal/mod.ts";
import { type JournalPlan, type Observation, TAIL_WAIT_MS_MAX } from "../../src/model/mod.ts";
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

/** An intake on a real journal, with a small tail, a clock that stands still and a session that is open. */
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
    plan: { syncMs: 5, segmentBytes: 2 ** 26, totalBytesMax: 2 ** 40, retainHours: 0, onFull: "block", ...journalPlan },
    observer: () => {},
    checkpoint: () => [pipeline.saveState()],
  });
  const tail = new RecentEvents(journal.next, 64 * 1024);
  const pressure: boolean[] = [];
  const seen: Observation[] = [];
  const intake = new Intake({
    host: { ...real, clock },
    journal,
    pipeline,
    tail,
    onFull: journalPlan.onFull ?? "block",
    plans: () => [plan],
    dedup,
    observe: (observation) => seen.push(observation),
    onPressure: (paused) => pressure.push(paused),
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
    ...{ clock, tail, pressure, takeFrames, journal, seen, intake, session },
    end: async () => {
      await journal.close();
      await real.files.removeTree(dir);
    },
  };
}

Deno.test("Intake stops reading while a sink that follows would fall behind, and goes on when it has taken some", async () => {
  const { tail, pressure, takeFrames, clock, end } = await createRig();
  const reader = tail.join(tail.start, "wait");
  takeFrames(60);
  assert.deepEqual(pressure, []);
  takeFrames(20);
  assert.deepEqual(pressure, [true]);
  reader.advance(tail.end - 10);
  assert.deepEqual(pressure, [true, false]);
  assert.equal(clock.timers, 0);
  await end();
});

Deno.test("Intake goes on without a sink that hangs after the time that sockets wait", async () => {
  const { tail, pressure, takeFrames, clock, end } = await createRig();
  tail.join(tail.start, "wait");
  takeFrames(80);
  clock.advance(TAIL_WAIT_MS_MAX - 1);
  assert.deepEqual(pressure, [true]);
  clock.advance(1);
  assert.deepEqual(pressure, [true, false]);
  takeFrames(200);
  assert.deepEqual(pressure, [true, false], "it is not waited for again");
  assert.ok(tail.bytes <= 64 * 1024);
  await end();
});

Deno.test("Intake goes on at once when the sink that it waits for has failed", async () => {
  const { tail, pressure, takeFrames, end } = await createRig();
  const reader = tail.join(tail.start, "wait");
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
    const { pressure, takeFrames, journal, tail, seen, intake, session, clock, end } = await createRig(plan);
    for (let i = 0; i < 100 && !journal.full; i++) takeFrames(1, () => noise(i));
    assert.equal(journal.full, true);
    const before = journal.next;
    takeFrames(6, (index) => index % 2 === 0 ? TRADE : QUOTE);
    takeFrames(2, () => QUOTE);
    intake.endSession(session, clock.nowMicros(), "shutdown", null, "");
    const events = tail.readBatch(before, journal.next, 1_000)?.events ?? [];
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
