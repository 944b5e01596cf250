import assert from "node:assert/strict";
import { GapSketch, Rhythm, RhythmStore } from "../../src/liveness/mod.ts";
import { seeded } from "../support/seeded.ts";
import { judge } from "./judged.ts";
import { BEGINNING, DAY, HOUR, MARKETS, type Moments } from "./markets.ts";

function listen(moments: Iterable<number>, untilMs: number, rhythm = new Rhythm()): Rhythm {
  for (const ms of moments) {
    if (ms > untilMs) break;
    rhythm.saw(ms, BEGINNING + ms * 1000);
  }
  return rhythm;
}

function market(name: string, seed: number): Moments {
  const found = MARKETS.find((each) => each.name === name);
  assert.ok(found !== undefined, name);
  return found.moments(seeded(seed));
}

function* every(gapMs: number, fromMs = 0): Moments {
  for (let ms = fromMs;; ms += gapMs) yield ms;
}

Deno.test("GapSketch.tail of gaps that know nothing of each other is the one of their law", () => {
  const random = seeded(7);
  const sketch = new GapSketch();
  for (let i = 0; i < 100_000; i++) sketch.add(-Math.log(1 - random()) * 1000);
  const { tail } = sketch;
  assert.ok(tail !== null && tail.shape < 0.1, JSON.stringify(tail));
  assert.ok(tail.scaleMs > 850 && tail.scaleMs < 1150, JSON.stringify(tail));
  assert.ok(Math.abs(sketch.meanMs - 1000) < 50);
  assert.ok(sketch.quantileMs(0.9) > 2200 && sketch.quantileMs(0.9) < 2900);
});

Deno.test("GapSketch forgets by halves, and what is left of a gap in the end", () => {
  const sketch = new GapSketch();
  sketch.add(3_600_000);
  for (let i = 0; i < 2_000_000; i++) sketch.add(10);
  assert.ok(sketch.total < 140_000);
  assert.ok(sketch.maxMs < 20, `${sketch.maxMs}`);
});

Deno.test("Rhythm judges nobody of whom it knows too little", () => {
  assert.equal(new Rhythm().limits(BEGINNING), null);
  assert.equal(listen(every(1000), 20_000).limits(BEGINNING), null);
  assert.notEqual(listen(every(1000), 60_000).limits(BEGINNING), null);
});

Deno.test("Rhythm waits for a stream longer than it was ever silent, and never less than five seconds", () => {
  const fast = listen(every(50), 600_000).limits(BEGINNING);
  assert.equal(fast?.limitMs, 5000);
  const slow = listen(every(60_000), 4 * HOUR).limits(BEGINNING);
  assert.ok(slow !== null && slow.limitMs > 120_000 && slow.limitMs < 600_000, JSON.stringify(slow));
});

Deno.test("Rhythm knows a quiet night from a busy day", () => {
  const rhythm = listen(market("day and night: 5 a second, 6 a minute", 1), 3.5 * DAY);
  const noon = rhythm.limits(BEGINNING + 3.5 * DAY * 1000)?.limitMs ?? NaN;
  const midnight = listen(market("day and night: 5 a second, 6 a minute", 1), 4 * DAY);
  const night = midnight.limits(BEGINNING + 4 * DAY * 1000)?.limitMs ?? NaN;
  assert.ok(noon < 60_000 && night > 2 * noon, `${noon} ${night}`);
});

Deno.test("Rhythm expects a silence at the hour at which it came before, and not at others", () => {
  const rhythm = listen(market("maintenance each day at 04:00 for half an hour", 1), 2 * DAY);
  const at = (hour: number) => rhythm.limits(BEGINNING + (2 * DAY + hour * HOUR) * 1000)?.limitMs ?? NaN;
  assert.ok(at(4) > HOUR / 2, `${at(4)}`);
  assert.ok(at(12) < 30_000, `${at(12)}`);
});

Deno.test("Rhythm learns that a stream has become slower", () => {
  const rhythm = listen(every(100), HOUR);
  listen(every(60_000, HOUR), 3 * HOUR, rhythm);
  assert.ok((rhythm.limits(BEGINNING)?.limitMs ?? 0) > 60_000);
});

Deno.test("Rhythm.interrupt() begins anew: what passed then is no gap", () => {
  const rhythm = listen(every(100), 60_000);
  rhythm.interrupt(null);
  assert.equal(rhythm.lastMs, null);
  listen(every(100, HOUR), HOUR + 60_000, rhythm);
  assert.equal(rhythm.limits(BEGINNING)?.limitMs, 5000);
});

Deno.test("Rhythm bears more behind an alarm, and less again with the days", () => {
  const rhythm = listen(every(1000), HOUR);
  const limit = () => rhythm.limits(BEGINNING)?.limitMs ?? NaN;
  const before = limit();
  rhythm.alarmed();
  assert.ok(limit() > 1.4 * before);
  listen(every(1000, HOUR), 4 * DAY, rhythm);
  assert.ok(limit() < 1.1 * before, `${limit()} ${before}`);
});

Deno.test("an hour in which a stream had several sockets was watched on one day", () => {
  const hoursOf = (sockets: number) => {
    const store = new RhythmStore();
    let rhythm = store.begin("alpha", "public", { channel: "trades", symbol: "BTC/USD" });
    for (let socket = 0; socket < sockets; socket++) {
      listen(every(1000, socket * 60_000), socket * 60_000 + 50_000, rhythm);
      rhythm = store.begin("alpha", "public", { channel: "trades", symbol: "BTC/USD" });
    }
    return rhythm.save().hours;
  };
  assert.deepEqual(hoursOf(5), hoursOf(1));
});

Deno.test("Rhythm gives trust back for the days between two sockets", () => {
  const rhythm = listen(every(1000), HOUR);
  rhythm.alarmed();
  const again = new Rhythm();
  assert.ok(again.restore(rhythm.save()));
  listen(every(1000, 4 * DAY), 4 * DAY + 60_000, again);
  assert.equal(again.save().caution, 1);
});

Deno.test("Rhythm.restore() goes on where save() was, and refuses what it did not write", () => {
  const rhythm = listen(market("bursts", 3), 6 * HOUR);
  const saved = JSON.parse(JSON.stringify(rhythm.save()));
  assert.ok(JSON.stringify(saved).length < 4000, "a state is small");
  const again = new Rhythm();
  assert.equal(again.restore(saved), true);
  const [before, after] = [rhythm.limits(BEGINNING), again.limits(BEGINNING)];
  assert.ok(before !== null && after !== null && Math.abs(after.limitMs / before.limitMs - 1) < 0.1);
  assert.deepEqual(again.save(), saved);
  const broken = [
    null,
    1,
    {},
    { ...saved, pace: "x" },
    { ...saved, cells: [] },
    { ...saved, caution: 0 },
    {
      ...saved,
      hours: [1],
    },
    { ...saved, hours: [...saved.hours.slice(0, 48), 0.5] },
    { ...saved, hours: [...saved.hours.slice(0, 48), 1, 1] },
    { ...saved, cells: saved.cells.map(() => [-1, 4]) },
    { ...saved, cells: saved.cells.map(() => [0, null]) },
  ];
  for (const each of broken) {
    const untouched = new Rhythm();
    assert.equal(untouched.restore(each), false, JSON.stringify(each).slice(0, 60));
    assert.equal(untouched.limits(BEGINNING), null);
  }
});

for (
  const [name, days, wantedShare] of [
    ["steady, 1 a second", 2, 0.9],
    ["steady, 6 a minute", 4, 0],
    ["steady, 1 an hour", 12, 0],
    ["a candle each minute", 2, 0.9],
    ["funding each 8 hours", 30, 0],
    ["bursts", 2, 0],
  ] as const
) {
  Deno.test(`a stream is not taken for dead while it lives: ${name}`, () => {
    const random = seeded(5);
    const { falseAlarms, found, wanted } = judge(market(name, 5), {
      untilMs: days * DAY,
      deathMs: HOUR,
      random,
    });
    assert.equal(falseAlarms, 0);
    const soon = found.filter((ms, i) => ms <= wanted[i]).length;
    assert.ok(soon >= wantedShare * found.length, `${soon} of ${found.length}`);
  });
}
