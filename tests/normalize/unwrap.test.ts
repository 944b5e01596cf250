import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deflateRawSync, gzipSync } from "node:zlib";
import { explainFrame } from "../../src/explain/mod.ts";
import { describedFrames, DescribedReader } from "../support/described.ts";

const rules = (encoding: string) => `
[[events]]
kind = "derivative_ticker"
when = { "/channel" = "contexts" }
unwrap = { at = "/data", encoding = "${encoding}" }
rows = "/*"
where = "root.channel == 'contexts' && root.live == 'yes'"
symbol = "concat(root.dex, ':', key_of(row))"
exchange_ts = { at = "root.time", unit = "auto" }
mark_price = "/markPx"
last_price = "root.prices"
`;

function frame(data: string): string {
  return JSON.stringify({ channel: "contexts", live: "yes", dex: "x", time: 1700000000123, prices: [1], data });
}

const INSIDE = '{"BTC":{"markPx":"61.50"},"ETH":{"markPx":0.10}}';
const BLOBS: Readonly<Record<string, string>> = {
  json: INSIDE,
  base64_gzip: gzipSync(INSIDE).toString("base64"),
  base64_deflate_raw: deflateRawSync(INSIDE).toString("base64"),
};

for (const [encoding, blob] of Object.entries(BLOBS)) {
  Deno.test(`unwrap reads rows and fields from a text of ${encoding}, and root stays the frame`, () => {
    const reader = new DescribedReader(describedFrames(rules(encoding)));
    const { events, faults } = reader.read(frame(blob));
    assert.deepEqual(faults, []);
    assert.deepEqual(
      events.map(({ symbol, exchange_ts, event }) =>
        event.kind === "derivative_ticker" && [symbol, exchange_ts, event.mark_price, event.last_price]
      ),
      [["x:BTC", 1700000000123000, "61.50", null], ["x:ETH", 1700000000123000, "0.10", null]],
    );
  });
}

Deno.test("unwrap makes a fault of a blob that is missing, damaged or no JSON", () => {
  const reader = new DescribedReader(describedFrames(rules("base64_deflate_raw")));
  const codes = (text: string) => reader.read(text).faults.map(({ code, where }) => `${code} ${where}`);
  const where = "derivative_ticker.unwrap /data";
  assert.deepEqual(codes('{"channel":"contexts"}'), [`missing_field ${where}`]);
  assert.deepEqual(codes(frame("?")), [`undecodable ${where}`]);
  assert.deepEqual(codes(frame(Buffer.from("abc").toString("base64"))), [`undecodable ${where}`]);
  assert.deepEqual(codes(frame(deflateRawSync("{").toString("base64"))), [`not_json ${where}`]);
});

Deno.test("unwrap tells what is wrong inside as a fault of the frame", () => {
  const reader = new DescribedReader(describedFrames(rules("json")));
  const { events, faults } = reader.read(frame('{"BTC":{"markPx":"x"},"ETH":{"markPx":"2"}}'));
  assert.deepEqual(events.map(({ symbol }) => symbol), ["x:ETH"]);
  assert.deepEqual(faults.map(({ code, example }) => [code, example.startsWith('{"channel"')]), [[
    "bad_decimal",
    true,
  ]]);
});

Deno.test("explainFrame() shows the rows of the document inside", () => {
  const { rules: explained } = explainFrame(describedFrames(rules("json")), {
    origin: { kind: "ws", connectionId: "public", binary: false },
    payload: new TextEncoder().encode(frame(INSIDE)),
  });
  assert.deepEqual(explained[0].rows.map(({ source }) => source), ['{"markPx":"61.50"}', '{"markPx":0.10}']);
});

Deno.test("unwrap passes on the unmapped symbols of the document inside", () => {
  const reader = new DescribedReader(describedFrames(rules("json")));
  assert.deepEqual(reader.read(frame(INSIDE)).unmapped, ["x:BTC", "x:ETH"]);
  assert.deepEqual(reader.read(frame(INSIDE)).unmapped, []);
});
