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

Deno.test("microsFromText() reads counts with exponents, signs and bare points exactly", () => {
  const cases: readonly (readonly [string, TimeUnit, number | null])[] = [
    ["1.7672256e12", "ms", 1_767_225_600_000_000],
    ["1.7672256E+12", "ms", 1_767_225_600_000_000],
    ["17672256000001e-1", "ms", 1_767_225_600_000_100],
    ["1.767225600123456789e9", "s", 1_767_225_600_123_456],
    ["1767225600123456789e-9", "s", 1_767_225_600_123_456],
    ["1.767225600123456789e18", "ns", 1_767_225_600_123_456],
    ["1.767225600123456e15", "us", 1_767_225_600_123_456],
    ["1.7672256e12", "auto", 1_767_225_600_000_000],
    ["1.7672256e9", "auto", 1_767_225_600_000_000],
    ["1767225600000000e-6", "auto", 1_767_225_600_000_000],
    ["+1767225600", "s", 1_767_225_600_000_000],
    ["1767225600.", "s", 1_767_225_600_000_000],
    [".5", "s", 500_000],
    ["5e-7", "s", 0],
    ["-5e-7", "s", 0],
    ["-5e-4", "s", -500],
    ["0e999", "ms", 0],
    ["0e-999999999", "ns", 0],
    ["1e999999999", "ms", null],
    ["1e-999999999", "ms", 0],
    ["9.007199254740991e15", "us", 9_007_199_254_740_991],
    ["9.007199254740992e15", "us", null],
  ];
  for (const [text, unit, micros] of cases) assert.equal(microsFromText(text, unit), micros, `${text} ${unit}`);
});

Deno.test("microsFromText() reads the instants that ISO 8601 and RFC 3339 allow", () => {
  const midnight = 1_767_225_600_000_000;
  const cases: readonly (readonly [string, number | null])[] = [
    ["2026-01-01t00:00:00z", midnight],
    ["2026-01-01T00:00:00.000z", midnight],
    ["2026-01-01t00:00:00.000001Z", midnight + 1],
    ["2026-01-01T00:00:00+00", midnight],
    ["2026-01-01T00:00:00-00:00", midnight],
    ["2026-01-01T05:30:00+0530", midnight],
    ["2026-01-01T05:30:00+05:30", midnight],
    ["2026-01-01T05:00+05", midnight],
    ["2025-12-31T19:00:00\u221205:00", midnight],
    ["2025-12-31T24:00:00Z", midnight],
    ["2025-12-31T23:59:60Z", midnight],
    ["2026-01-01", midnight],
    ["2026-01-01T00Z", midnight],
    ["2026-01-01 00:00", midnight],
    ["2026-01-01T00:00,5Z", midnight + 30_000_000],
    ["2026-01-01T00.5Z", midnight + 1_800_000_000],
    ["2026-01-01T00:00:00,5Z", midnight + 500_000],
    ["2026-01-01T00:00:00.1234567890123456Z", midnight + 123_456],
    ["20260101T000000Z", midnight],
    ["20260101T000000.25Z", midnight + 250_000],
    ["20260101T0000+0000", midnight],
    ["2026-001T00:00:00Z", midnight],
    ["2026001T000000Z", midnight],
    ["2026-W01-4T00:00:00Z", midnight],
    ["2026W014T000000Z", midnight],
    ["2025-365T24:00:00Z", midnight],
    ["+002026-01-01T00:00:00Z", midnight],
    ["2024-366", 1_735_603_200_000_000],
    ["2026-366", null],
    ["2026-000", null],
    ["2026-W54-1", null],
    ["2020-W53-5", midnight - 1826 * 86_400_000_000],
    ["2026-W53-1", 1_798_416_000_000_000],
    ["2025-W53-1", null],
    ["2026-01-01T24:00:01Z", null],
    ["2026-01-01T24:00:00.5Z", null],
    ["2026-01-01T25:00:00Z", null],
    ["2026-01-01T00:60:00Z", null],
    ["2026-01-01T00:00:00+24:00", null],
    ["2026-02-29T00:00:00Z", null],
    ["2026-13-01T00:00:00Z", null],
    ["Thu, 01 Jan 2026 00:00:00 GMT", null],
    ["2026/01/01 00:00:00", null],
  ];
  for (const [text, micros] of cases) {
    assert.equal(microsFromText(text, "iso"), micros, text);
    if (!/^\d+$/.test(text)) assert.equal(microsFromText(text, "auto"), micros, `${text} auto`);
  }
});

Deno.test("microsFromText() reads a count as exact arithmetic does, wherever its point stands", () => {
  const shift = { s: 6, ms: 3, us: 0, ns: -3 } as const;
  const count = fc.record({
    digits: fc.bigInt({ min: 0n, max: 10n ** 20n }),
    exponent: fc.integer({ min: -25, max: 5 }),
    unit: fc.constantFrom("s", "ms", "us", "ns"),
    isNegative: fc.boolean(),
  });
  fc.assert(fc.property(count, ({ digits, exponent, unit, isNegative }) => {
    const power = exponent + shift[unit];
    const exact = power >= 0 ? digits * 10n ** BigInt(power) : digits / 10n ** BigInt(-power);
    const expected = exact > BigInt(Number.MAX_SAFE_INTEGER)
      ? null
      : Number(exact) * (isNegative && exact > 0n ? -1 : 1);
    const text = `${isNegative ? "-" : ""}${digits}e${exponent}`;
    assert.equal(microsFromText(text, unit), expected, `${text} ${unit}`);
  }));
});

Deno.test("microsFromText() refuses what is no time, whatever JavaScript would make of it", () => {
  const texts = [
    "9999999999e99",
    "0x0123456789a",
    " 1700000000123",
    "1700000000123 ",
    "",
    "-",
    "e3",
    "1e",
    "1e1.5",
    "1.7e3s",
    "+-1",
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
