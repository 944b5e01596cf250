import assert from "node:assert/strict";
import { loadDescriptor } from "../../src/config/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";

const DESCRIPTOR = `
[meta]
name = "x"
version = "1.4"
[[ws.connections]]
id = "main"
urls = ["wss://x.example/ws"]
[parse]
socket_sequence = "/n"
[[events]]
kind = "trade"
when = { "/e" = "t" }
symbol = "/s"
exchange_ts = { at = "/T", unit = "UNIT" }
price = "/p"
size = "/q"
[[events]]
kind = "book"
when = { "/e" = "b" }
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
first_sequence = "/U"
last_sequence = "/u"
previous_sequence = "/pu"
[[events]]
kind = "derivative_ticker"
when = { "/e" = "d" }
symbol = "/s"
next_funding_ts = { at = "/T", unit = "UNIT" }
[[events]]
kind = "candle"
when = { "/e" = "c" }
symbol = "/s"
open_ts = { at = "/T", unit = "UNIT" }
open = "/p"
high = "/p"
low = "/p"
close = "/p"
trades = "/x"
`;

/** Reads one frame by the descriptor above. */
function read(frame: string, unit = "auto") {
  const { frames, issues } = loadDescriptor({
    file: { path: "x.toml", text: DESCRIPTOR.replaceAll("UNIT", unit) },
    readText: () => null,
    environment: () => undefined,
  });
  assert.ok(frames !== null, issues.map(({ message }) => message).join("\n"));
  const { events, faults, socketSequence } = new FrameReader(frames).read({
    session: 1,
    connectionId: "main",
    payload: new TextEncoder().encode(frame),
    binary: false,
    receivedTs: 0,
  });
  return structuredClone({ events, faults, socketSequence });
}

/** Spellings of 2026-01-01T00:00:00Z as JSON values, by unit. */
const MIDNIGHT: readonly (readonly [unit: string, values: readonly string[]])[] = [
  ["ms", ["1767225600000", "1.7672256e12", "1.7672256E+12", '"1.7672256e12"', "17672256000000e-1", "1767225600000.0"]],
  ["s", ["1767225600", "1.7672256e9", '"1767225600.000"', "1767225600000e-3"]],
  ["us", ["1767225600000000", "1.7672256e15"]],
  ["ns", ["1767225600000000000", "1.7672256e18"]],
  ["iso", ['"2026-01-01T00:00:00Z"', '"2026-01-01t00:00:00z"', '"2026-01-01T00:00:00+00"', '"2025-12-31T24:00:00Z"']],
  ["auto", [
    "1.7672256e12",
    "1.7672256e9",
    '"2026-01-01t00:00:00z"',
    '"2026-01-01T05:30:00+0530"',
    '"20260101T000000Z"',
    '"2026\\u002d01-01T00:00:00Z"',
  ]],
];

for (const [unit, values] of MIDNIGHT) {
  Deno.test(`read() takes every spelling of a time in ${unit}, for each field that is a time`, () => {
    for (const value of values) {
      const frames = {
        t: `{"e":"t","s":"A","T":${value},"p":1,"q":1}`,
        d: `{"e":"d","s":"A","T":${value}}`,
        c: `{"e":"c","s":"A","T":${value},"p":1}`,
      };
      const times = Object.values(frames).map((frame) => {
        const { events: [found], faults } = read(frame, unit);
        assert.deepEqual(faults, [], frame);
        const { event } = found;
        return event.kind === "trade"
          ? found.exchange_ts
          : event.kind === "derivative_ticker"
          ? event.next_funding_ts
          : event.kind === "candle"
          ? event.open_ts
          : null;
      });
      assert.deepEqual(times, [1_767_225_600_000_000, 1_767_225_600_000_000, 1_767_225_600_000_000], value);
    }
  });
}

Deno.test("read() keeps the digits of a decimal in every spelling of JSON", () => {
  for (const digits of ["1.5E-8", "1E+2", "1e400", "-0.0", "0e0", "61800.30", "1e2"]) {
    for (const value of [digits, `"${digits}"`]) {
      const { events, faults } = read(`{"e":"t","s":"A","T":1,"p":${value},"q":${value}}`, "ms");
      assert.deepEqual(faults, [], value);
      const [{ event }] = events;
      assert.deepEqual(event.kind === "trade" ? [event.price, event.size] : null, [digits, digits]);
    }
  }
});

Deno.test("read() gives sequences as digits, however they are written, and other texts as they are", () => {
  const spellings = {
    "1e3": "1000",
    '"1.0e3"': "1000",
    "1000.0": "1000",
    "1000": "1000",
    '"0x10"': "0x10",
    "1.5": "1.5",
  };
  for (const [value, digits] of Object.entries(spellings)) {
    const frame = `{"e":"b","s":"A","b":[],"a":[],"U":${value},"u":${value},"pu":${value},"n":${value}}`;
    const { events: [{ event }], socketSequence } = read(frame);
    assert.ok(event.kind === "book_delta");
    const { first_sequence, last_sequence, previous_sequence } = event;
    assert.deepEqual([first_sequence, last_sequence, previous_sequence, socketSequence], Array(4).fill(digits), value);
  }
});
