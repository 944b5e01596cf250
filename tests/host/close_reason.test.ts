import assert from "node:assert/strict";
import { cutReason } from "../../src/host/close_reason.ts";

Deno.test("cutReason() leaves a reason that a close frame has room for", () => {
  assert.equal(cutReason("x".repeat(123)), "x".repeat(123));
});

Deno.test("cutReason() cuts a longer one to 123 bytes of UTF-8, between two characters", () => {
  assert.equal(cutReason("x".repeat(124)), "x".repeat(123));
  const cut = cutReason(`xx${"€".repeat(100)}`);
  assert.equal(cut, `xx${"€".repeat(40)}`);
});
