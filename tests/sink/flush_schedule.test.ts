import assert from "node:assert/strict";
import { FlushSchedule, WAIT_FACTOR } from "../../src/sink/parquet/flush_schedule.ts";

const HOUR_MS = 3_600_000;

/** When parts are written in so many hours, looked at every second while events come in without end. */
function flushes(
  options: { readonly parts: number; readonly hours: number; readonly filesPerHour?: number },
): number[] {
  const { parts, hours, filesPerHour = 2000 } = options;
  const schedule = new FlushSchedule({ everyMs: 300_000, filesPerHour });
  const times: number[] = [];
  for (let now = 0; now < hours * HOUR_MS; now += 1000) {
    schedule.begin(now);
    if (!schedule.isDue(now, { parts, isLarge: false })) continue;
    schedule.spend(parts, now);
    schedule.end();
    times.push(now);
  }
  return times;
}

Deno.test("flushSchedule writes the first parts within seconds and later ones by their age", () => {
  const [first, second, third, ...later] = flushes({ parts: 12, hours: 1 });
  assert.deepEqual([first, second, third], [5000, 26_000, 107_000]);
  assert.deepEqual(later.slice(1).map((time, at) => time - later[at]).filter((ms) => ms !== 301_000), []);
});

Deno.test("flushSchedule keeps to the files of any hour", () => {
  for (const parts of [1, 12, 125, 250, 500, 666]) {
    const times = flushes({ parts, hours: 4 });
    for (const from of times) {
      const inHour = times.filter((time) => time >= from && time < from + HOUR_MS).length * parts;
      assert.ok(inHour <= 2000 + parts, `${inHour} files of ${parts} parts`);
      if (parts <= 250) assert.ok(inHour <= 2000, `${inHour} files of ${parts} parts`);
    }
  }
});

Deno.test("flushSchedule lets no part wait longer than its bound, however many there are", () => {
  const times = flushes({ parts: 5000, hours: 4 });
  const waits = times.slice(1).map((time, at) => time - times[at]);
  assert.ok(waits.every((ms) => ms <= 300_000 * WAIT_FACTOR + 1000), String(waits));
  assert.ok(waits.length > 5);
});

Deno.test("flushSchedule does not wait for the age of parts that hold enough, as long as files are allowed", () => {
  const schedule = new FlushSchedule({ everyMs: 300_000, filesPerHour: 100 });
  assert.equal(schedule.isDue(0, { parts: 1, isLarge: true }), false, "nothing is open");
  schedule.begin(0);
  assert.equal(schedule.isDue(0, { parts: 20, isLarge: true }), true);
  schedule.spend(20, 0);
  assert.equal(schedule.isDue(0, { parts: 20, isLarge: true }), false);
  schedule.drop();
  assert.equal(schedule.isDue(HOUR_MS, { parts: 1, isLarge: false }), false);
});
