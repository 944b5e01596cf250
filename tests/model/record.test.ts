import assert from "node:assert/strict";
import { EXAMPLE_CHARS_MAX, missedAnswerBody, readMissedAnswer } from "../../src/model/mod.ts";

Deno.test("readMissedAnswer() reads what missedAnswerBody() wrote, and nothing else", () => {
  const missed = { from: 1_767_225_600_000_000, reason: 'status 503: "<html>"' };
  assert.deepEqual(readMissedAnswer(missedAnswerBody(missed)), missed);
  const long = readMissedAnswer(missedAnswerBody({ ...missed, reason: "x".repeat(10_000) }));
  assert.equal(long?.reason.length, EXAMPLE_CHARS_MAX);
  for (const text of ["", "refused", "null", "[]", '{"from":"1","reason":"x"}', '{"from":1}']) {
    assert.equal(readMissedAnswer(new TextEncoder().encode(text)), null, text);
  }
});
