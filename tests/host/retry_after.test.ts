import assert from "node:assert/strict";
import fc from "fast-check";
import { parseRetryAfter } from "../../src/host/mod.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 20, 0, 0);

Deno.test("parseRetryAfter() reads both forms of RFC 9110 and nothing else", () => {
  const table: readonly (readonly [string | null, number | null])[] = [
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7000],
    ["Sun, 22 Nov 2026 20:00:30 GMT", 30_000],
    ["Sun, 22 Nov 2026 19:00:00 GMT", 0],
    ["99999999", 24 * 3_600_000],
    ["", null],
    [null, null],
    ["-1", null],
    ["1.5", null],
    ["soon", null],
    ["Sun, 22 Nox 2026 20:00:30 GMT", null],
    ["2026-11-22T20:00:30Z", null],
  ];
  for (const [header, expected] of table) assert.equal(parseRetryAfter(header, NOW_MS), expected, String(header));
});

Deno.test("parseRetryAfter() inverts the date form for any second", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 86_400 }), (seconds) => {
    const header = new Date(NOW_MS + seconds * 1000).toUTCString();
    assert.equal(parseRetryAfter(header, NOW_MS), seconds * 1000);
  }));
});
