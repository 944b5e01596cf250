import assert from "node:assert/strict";
import fc from "fast-check";
import { microsFromIsoBytes, microsFromText, TIME_UNITS, type TimeUnit } from "../../src/model/mod.ts";

Deno.test("microsFromText() reads each unit and cuts below the microsecond", () => {
  const cases: readonly (readonly [string, TimeUnit, number | null])[] = [
    ["1700000000", "s", 1_700_000_000_000_000],
    ["1700000000.1234567", "s", 1_700_000_000_123_456],
    ["1700000000123", "ms", 1_700_000_000_123_000],
    ["1700000000123.9", "ms", 1_700_000_000_123_900],
    ["999", "ms", 999_000],
    ["-5", "ms", -5000],
    ["1700000000123456", "us", 1_700_000_000_123_456],
    ["1700000000123456789", "ns", 1_700_000_000_123_456],
    ["2023-11-14T22:13:20.1234567Z", "iso", 1_700_000_000_123_456],
    ["2023-11-15T00:13:20+02:00", "iso", 1_700_000_000_000_000],
    ["2023-11-14 22:13:20", "iso", 1_700_000_000_000_000],
  ];
  for (const [text, unit, micros] of cases) assert.equal(microsFromText(text, unit), micros, `${text} ${unit}`);
});

Deno.test("microsFromText() refuses what is no time, whatever JavaScript would make of it", () => {
  const texts = [
    "9999999999e99",
    "0x0123456789a",
    "1e12",
    " 1700000000123",
    "1700000000123 ",
    "",
    "-",
    "1.5e3",
    "NaN",
    "∞",
  ];
  for (const text of texts) {
    for (const unit of ["s", "ms", "us", "ns", "iso"] as const) assert.equal(microsFromText(text, unit), null, text);
  }
});

Deno.test("microsFromText() refuses times that integers cannot hold", () => {
  for (const text of ["9999999999999", "9007199254741", "12345678901234567890"]) {
    assert.equal(microsFromText(text, "ms"), null, text);
  }
  for (const text of ["9999-12-31T23:59:60Z", "0001-01-01T00:00:00.000000Z"]) {
    assert.equal(microsFromText(text, "iso"), null, text);
  }
  assert.equal(microsFromText("9007199254740", "ms"), 9_007_199_254_740_000);
});

Deno.test("microsFromText() gives a safe integer or null for any text", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^-?[0-9]{1,25}(\.[0-9]{0,9})?([eE][+-]?[0-9]{1,3})?$/));
  fc.assert(fc.property(text, fc.constantFrom(...TIME_UNITS), (text, unit) => {
    const micros = microsFromText(text, unit);
    assert.ok(micros === null || Number.isSafeInteger(micros), `${text} ${unit}: ${micros}`);
  }));
});

Deno.test("microsFromText() and microsFromIsoBytes() read ISO times as the calendar of the platform does", () => {
  const two = (max: number) => fc.integer({ min: 0, max }).map((value) => String(value).padStart(2, "0"));
  const parts = fc.record({
    year: fc.integer({ min: 1965, max: 2260 }),
    month: two(13),
    day: two(32),
    hour: two(23),
    minute: two(59),
    second: two(59),
    fraction: fc.option(fc.stringMatching(/^\d{1,12}$/)),
  });
  fc.assert(fc.property(parts, ({ year, month, day, hour, minute, second, fraction }) => {
    const date = `${year}-${month}-${day}`;
    const whole = Date.parse(`${date}T${hour}:${minute}:${second}Z`);
    const isDate = !Number.isNaN(whole) && new Date(whole).toISOString().startsWith(date);
    const micros = whole * 1000 + Number(((fraction ?? "") + "000000").slice(0, 6));
    const expected = isDate && Number.isSafeInteger(micros) ? micros : null;
    const text = `${date}T${hour}:${minute}:${second}${fraction === null ? "" : `.${fraction}`}Z`;
    assert.equal(microsFromText(text, "iso"), expected, text);
    const bytes = new TextEncoder().encode(`"${text}"`);
    const isRead = expected !== null && year >= 1970 && year < 2255;
    assert.equal(microsFromIsoBytes(bytes, 1, bytes.length - 1), isRead ? expected : null, text);
  }));
});
