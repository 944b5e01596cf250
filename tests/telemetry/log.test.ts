import assert from "node:assert/strict";
import { type LogLevel, Secrets } from "../../src/model/mod.ts";
import { createLog, LOG_EVENTS } from "../../src/telemetry/mod.ts";
import { startApi } from "../support/api_rig.ts";
import { EVERY_OBSERVATION, instance, snapshot } from "./builders.ts";

/** A log in memory with a clock that the test moves. */
function memoryLog(options: { readonly level?: LogLevel; readonly format?: "text" | "json" } = {}) {
  const lines: string[] = [];
  const clock = { nowMs: 0 };
  const observe = createLog({
    level: options.level ?? "info",
    format: options.format ?? "text",
    color: false,
    write: (line) => lines.push(line),
    nowMs: () => clock.nowMs,
  });
  return { lines, clock, observe };
}

Deno.test("log writes one line an observation that the table names, none for the counted ones", () => {
  for (const seen of Object.values(EVERY_OBSERVATION)) {
    const { lines, observe } = memoryLog({ level: "trace" });
    observe(seen);
    assert.equal(lines.length, LOG_EVENTS[seen.kind] === null ? 0 : 1, seen.kind);
  }
});

Deno.test("log writes JSON with the time, level, message, event and fields", () => {
  const { lines, observe } = memoryLog({ format: "json" });
  observe(EVERY_OBSERVATION.config_issue);
  const line = JSON.parse(lines[0]);
  assert.equal(line.message, "collector.toml:3:5: error: Unknown key {prot}");
  assert.equal(line.level, "ERROR");
  assert.equal(line.event, "config_issue");
  assert.equal(line.issue.line, 3);
  assert.ok(!Number.isNaN(Date.parse(line["@timestamp"])));
});

Deno.test("log writes text with the message, braces as they are", () => {
  const { lines, observe } = memoryLog();
  observe(EVERY_OBSERVATION.frame_fault);
  assert.equal(lines.length, 1);
  assert.ok(lines[0].includes('alpha frame 9: bad_decimal trade /p: {"p":"x"}'), lines[0]);
});

Deno.test("log leaves out lines below its level", () => {
  const { lines, observe } = memoryLog({ level: "error" });
  observe(EVERY_OBSERVATION.started);
  observe(EVERY_OBSERVATION.gap);
  assert.deepEqual(lines, []);
  observe(EVERY_OBSERVATION.journal_failed);
  assert.equal(lines.length, 1);
});

Deno.test("log counts a fault that repeats within a minute and tells the count with the next line after it", () => {
  const { lines, clock, observe } = memoryLog({ format: "json" });
  for (let offset = 0; offset < 1000; offset++) observe({ ...EVERY_OBSERVATION.frame_fault, offset });
  assert.equal(lines.length, 1);
  clock.nowMs = 60_000;
  observe(EVERY_OBSERVATION.sink_recovered);
  assert.equal(lines.length, 3);
  const told = JSON.parse(lines[1]);
  assert.equal(told.repeated, 999);
  assert.equal(told.offset, 999);
  assert.match(told.message, /the latest of 999 more like it/);
});

Deno.test("log tells at the stop what it has counted", () => {
  const { lines, observe } = memoryLog({ format: "json" });
  observe(EVERY_OBSERVATION.gap);
  observe(EVERY_OBSERVATION.gap);
  observe(EVERY_OBSERVATION.stopped);
  assert.deepEqual(lines.map((line) => [JSON.parse(line).event, JSON.parse(line).repeated ?? null]), [
    ["gap", null],
    ["gap", 1],
    ["stopped", null],
  ]);
});

Deno.test("log writes different faults within a minute each", () => {
  const { lines, observe } = memoryLog();
  observe(EVERY_OBSERVATION.frame_fault);
  observe({ ...EVERY_OBSERVATION.frame_fault, where: "trade /q" });
  observe({ ...EVERY_OBSERVATION.frame_fault, exchange: "beta" });
  assert.equal(lines.length, 3);
});

Deno.test("a clean start does not speak of a torn tail, one after a kill does", () => {
  const text = (cutBytes: number) =>
    LOG_EVENTS.journal_recovered?.text({ kind: "journal_recovered", segment: "1.journal", cutBytes, records: 8 }) ?? "";
  assert.doesNotMatch(text(0), /torn|Recovered/);
  assert.match(text(17), /17 bytes of a torn tail/);
});

Deno.test("log says in words what is wrong with a book, and when a stream or a book is whole again", () => {
  const { lines, observe } = memoryLog();
  const { gap, stream_state: state, book_resync: resync } = EVERY_OBSERVATION;
  observe({ ...resync, cause: "sequence", action: "rest" });
  observe({ ...gap, cause: "sequence", detail: "expected 7, received 9", ends: false, toTs: null });
  observe({ ...gap, cause: "sequence", detail: "expected 7, received 9", ends: true });
  observe({ ...state, state: "live", before: "stale", reason: null });
  observe({ ...state, state: "live", before: "acked", reason: null });
  const messages = lines.map((line) => line.slice(line.indexOf("alpha")));
  assert.deepEqual(messages, [
    "alpha book BTC/USDT: an update is missing; requesting a snapshot over HTTP",
    "alpha book SECRET/SYMBOL has a gap: sequence: expected 7, received 9",
    "alpha book SECRET/SYMBOL is valid again after 2.0 s: sequence",
    "alpha public trades SECRET/SYMBOL is live again",
  ]);
});

Deno.test("log and health show no value of the environment, whoever spelled it", async () => {
  const secrets = new Secrets();
  secrets.add("{env:TOKEN}", "s3cret-token");
  for (const format of ["text", "json"] as const) {
    const lines: string[] = [];
    const observe = createLog({
      level: "trace",
      format,
      color: false,
      write: (line) => lines.push(line),
      secrets,
      nowMs: () => 0,
    });
    observe({ ...EVERY_OBSERVATION.connect_failed, reason: "denied: s3cret%2Dtoken" });
    observe({ ...EVERY_OBSERVATION.frame_fault, example: '{"token":"s3cret-token"}' });
    assert.equal(lines.length, 2);
    for (const line of lines) assert.ok(!/s3cret/.test(line) && line.includes("{env:TOKEN}"), line);
  }
  const refused = snapshot({ instances: [instance({ errors: ["cannot read s3cret-token"] })] });
  await using rig = await startApi({ current: () => refused, secrets });
  const answer = await fetch(`${rig.base}/healthz`);
  const body = await answer.text();
  assert.ok(!body.includes("s3cret") && body.includes("{env:TOKEN}"), body);
});
