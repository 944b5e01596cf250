import assert from "node:assert/strict";
import fc from "fast-check";
import { type Envelope, EventBatch, EventRows } from "../../../src/model/mod.ts";
import { eventJson } from "../../../src/sink/mod.ts";
import { writeEventJson } from "../../../src/sink/event_text.ts";
import { TextBuffer } from "../../../src/sink/text_buffer.ts";
import { batchOf } from "../../support/batches.ts";
import { anyEnvelopes } from "../../support/envelopes.ts";

Deno.test("EventBatch gives back every event with every field, its own and copied ones, also after it was cleared", () => {
  const copy = new EventBatch();
  fc.assert(fc.property(anyEnvelopes, (made) => {
    const envelopes = made.map((envelope) => ({ ...envelope, event: { ...envelope.event } }));
    const batch = batchOf(envelopes);
    assert.deepEqual(batch.envelopes(), envelopes);
    copy.clear();
    copy.copyAll(batch);
    copy.copyAll(batch);
    assert.deepEqual(copy.envelopes(), [...envelopes, ...envelopes]);
    assert.deepEqual(
      EventRows.of(batch).filter((_, event) => event % 2 === 1).envelopes(),
      envelopes.filter((_, at) => at % 2 === 1),
    );
  }));
});

Deno.test("EventRows.from() keeps which events were fetched later and which collectors saw them", () => {
  fc.assert(fc.property(anyEnvelopes, (made) => {
    const envelopes = made.map((envelope): Envelope => {
      const { received_ts, session, offset, index } = envelope;
      return {
        ...envelope,
        backfilled: true,
        seen_by: [{ collector: "a", received_ts, session, offset, index }],
        event: { ...envelope.event },
      };
    });
    assert.deepEqual(EventRows.from(envelopes).envelopes(), envelopes);
  }));
});

Deno.test("writeEventJson() writes what eventJson() gives, byte by byte", () => {
  fc.assert(fc.property(anyEnvelopes, (envelopes) => {
    const batch = batchOf(envelopes);
    for (const [event, envelope] of envelopes.entries()) {
      const out = new TextBuffer();
      writeEventJson(out, batch, event);
      assert.equal(new TextDecoder().decode(out.bytes), eventJson(envelope));
    }
  }));
});

Deno.test("EventBatch.weigh() counts levels and long texts, and no number", () => {
  const batch = new EventBatch();
  const head = {
    exchange: "a",
    symbol: "b",
    native_symbol: "b",
    exchange_ts: null,
    received_ts: 1,
    session: 1,
    offset: 1,
    index: 0,
  };
  batch.append(head, { kind: "book_top", bids: [], asks: [], sequence: null });
  batch.append(head, { kind: "book_top", bids: [["1", "2"]], asks: [["3", "4"]], sequence: "12" });
  batch.append(head, { kind: "raw", channel: null, sequence: null, message_id: null, payload: "" });
  batch.append(head, { kind: "raw", channel: null, sequence: "77", message_id: null, payload: "x".repeat(1000) });
  assert.equal(batch.weigh(1) - batch.weigh(0), 36);
  assert.equal(batch.weigh(3) - batch.weigh(2), 2000);
});
