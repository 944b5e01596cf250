import assert from "node:assert/strict";
import { deriveRecord, Pipeline, type PipelineResult } from "../../src/derive/mod.ts";
import type { FrameRecord, JournalRecord, Offset } from "../../src/model/mod.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

const TRADE =
  '{"stream":"btcusdt@trade","data":{"e":"trade","E":2,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":true}}';

/** A pipeline with a bug that shows at one offset. */
class BuggyPipeline extends Pipeline {
  override process(offset: Offset, record: JournalRecord): PipelineResult {
    if (offset === 12) throw new TypeError("x is undefined");
    return super.process(offset, record);
  }
}

function frame(offset: number): FrameRecord {
  return { kind: "frame", session: 10, at: offset, binary: false, payload: new TextEncoder().encode(TRADE) };
}

Deno.test("deriveRecord() quarantines a record that uncovers a bug, tells a gap and goes on", () => {
  const pipeline = new BuggyPipeline([loadShipped("binance").frames], { enabled: false, windowSeconds: 0, keysMax: 0 });
  const opened = {
    exchange: "binance",
    connection: "public",
    url: "",
    descriptorHash: "",
    planHash: null,
    streams: [],
  };
  deriveRecord(pipeline, 10, { kind: "opened", at: 1, ...opened });
  const before = deriveRecord(pipeline, 11, frame(11)).envelopes;
  assert.deepEqual(before.map(({ event }) => event.kind), ["trade"]);
  const result = deriveRecord(pipeline, 12, frame(12));
  assert.equal(result.bug, "TypeError: x is undefined");
  assert.equal(result.exchange, "binance");
  assert.equal(result.envelopes.length, 1, "nothing of the record before");
  const [{ event, session, offset }] = result.envelopes;
  assert.ok(event.kind === "gap");
  assert.deepEqual([session, offset, event.cause, event.state, event.from_ts], [10, 12, "undecodable", "closed", 12]);
  assert.match(event.detail, /record 12: TypeError: x is undefined/);
  assert.equal(before.length, 1, "what was handed out stays as it was");
  const after = deriveRecord(pipeline, 13, frame(13));
  assert.equal(after.bug, null);
  assert.deepEqual(after.envelopes.map(({ event }) => event.kind), ["trade"]);
});
