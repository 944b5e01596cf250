import assert from "node:assert/strict";
import { type Gap, missedAnswerBody } from "../../src/model/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

const AT = 1_767_225_600_000_000;
const SECOND = 1_000_000;

Deno.test("a poll without an answer has a gap from its last answer to its next", () => {
  const { frames } = loadShipped("binance-usdm");
  const pipeline = new Pipeline([frames], { enabled: false, windowSeconds: 300, keysMax: 1000 });
  let offset = 0;
  const give = (at: number, status: number, body: Uint8Array): Gap[] =>
    pipeline.process(offset++, {
      kind: "http",
      at,
      exchange: frames.exchange,
      planHash: null,
      session: null,
      request: "open_interest",
      native: "BTCUSDT",
      url: "",
      status,
      body,
    }).envelopes.flatMap(({ event }) => event.kind === "gap" ? [event] : []);
  const answer = new TextEncoder().encode('{"openInterest":"10.5","symbol":"BTCUSDT","time":1767225600000}');
  assert.deepEqual(give(AT, 200, answer), []);
  const missed = missedAnswerBody({ from: AT, reason: "status 503" });
  const [opened] = give(AT + 21 * SECOND, 0, missed);
  assert.deepEqual([opened.state, opened.from_ts, opened.to_ts, opened.detail], ["opened", AT, null, "status 503"]);
  assert.deepEqual(give(AT + 25 * SECOND, 0, missed), [], "one gap, however often it is told");
  const [closed] = give(AT + 30 * SECOND, 200, answer);
  assert.deepEqual(
    [closed.gap_id, closed.state, closed.from_ts, closed.to_ts],
    [opened.gap_id, "closed", AT, AT + 30 * SECOND],
  );
});
