import assert from "node:assert/strict";
import { FrameReader } from "../support/frame_reader.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

/** What exchanges and the machines before them answer with status 200 where they have nothing to say. */
const NO_ANSWERS = [
  '{"code":-1003,"msg":"Too much request weight used; current limit is 6000"}',
  '{"retCode":10006,"retMsg":"Too many visits","result":{},"time":1767225600000}',
  '{"code":"429000","msg":"Too Many Requests","data":null}',
  '{"success":false,"code":200,"data":{}}',
  '{"code":0,"data":[]}',
  '{"error":["EService:Busy"],"result":null}',
  '{"bids":[["1","2"]]}',
  '{"lastUpdateId":5,"data":{"sequence":"5","bids":null,"asks":null}}',
  "<html><head><title>502 Bad Gateway</title></head></html>",
  "",
  "null",
  "{}",
  "[]",
  '"maintenance"',
  "0",
];

for (const entry of Deno.readDirSync(new URL("../../config/exchanges/", import.meta.url))) {
  if (!entry.isFile) continue;
  const name = entry.name.replace(/\.toml$/, "");
  const { frames, requests } = loadShipped(name);
  if (requests.length === 0) continue;
  Deno.test(`readHttp() takes no error for an answer, whatever its status: ${name}`, () => {
    for (const { name: request } of requests) {
      for (const body of NO_ANSWERS) {
        for (const native of ["XYZ", ""]) {
          const read = new FrameReader(frames).readHttp({
            session: 1,
            request,
            native,
            body: new TextEncoder().encode(body),
            receivedTs: 1_767_225_600_000_000,
          });
          assert.ok(!read.isAnswer, `${request}: ${body}`);
          assert.deepEqual(read.events, [], `${request}: ${body}`);
          assert.ok(read.faults.length > 0, `${request}: ${body}`);
        }
      }
    }
  });
}

const at = 1_767_225_600_000_000;

function readDepth(body: string, native = "BTCUSDT") {
  const reader = new FrameReader(loadShipped("binance").frames);
  return reader.readHttp({
    session: 1,
    request: "depth_snapshot",
    native,
    body: new TextEncoder().encode(body),
    receivedTs: at,
  });
}

Deno.test("readHttp() takes a snapshot with both sides and its number, also where a side is empty", () => {
  const whole = readDepth('{"lastUpdateId":5,"bids":[["1","2"]],"asks":[["3","4"]]}');
  assert.deepEqual([whole.isAnswer, whole.faults, whole.events.length], [true, [], 1]);
  const oneSided = readDepth('{"lastUpdateId":5,"bids":[["1","2"]],"asks":[]}');
  assert.deepEqual([oneSided.isAnswer, oneSided.faults, oneSided.events.length], [true, [], 1]);
});

for (
  const [what, body] of [
    ["its number", '{"bids":[["1","2"]],"asks":[["3","4"]]}'],
    ["its number (null)", '{"lastUpdateId":null,"bids":[["1","2"]],"asks":[["3","4"]]}'],
    ["bids", '{"lastUpdateId":5,"asks":[["3","4"]]}'],
    ["asks (null)", '{"lastUpdateId":5,"bids":[["1","2"]],"asks":null}'],
    ["a size", '{"lastUpdateId":5,"bids":[["1"]],"asks":[["3","4"]]}'],
  ]
) {
  Deno.test(`readHttp() takes a snapshot without ${what} for a fault`, () => {
    const read = readDepth(body);
    assert.deepEqual([read.isAnswer, read.events], [false, []]);
    assert.equal(read.faults[0].code, "missing_field");
    assert.ok(read.faults[0].example.startsWith("{"));
  });
}

Deno.test("readHttp() names an answer without data, with an example", () => {
  const read = new FrameReader(loadShipped("binance-usdm").frames).readHttp({
    session: null,
    request: "open_interest",
    native: "BTCUSDT",
    body: new TextEncoder().encode("[]"),
    receivedTs: at,
  });
  assert.equal(read.isAnswer, false);
  assert.ok(["empty_answer", "unmatched", "missing_field"].includes(read.faults[0].code), read.faults[0].code);
  assert.equal(read.faults[0].example, "[]");
});
