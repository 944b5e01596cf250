import assert from "node:assert/strict";
import { describedFrames, describedIssues } from "../support/described.ts";

const RULES = `
[[events]]
kind = "book"
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
snapshot = true
`;

Deno.test("a channel's native name is refused where it is not known before it is sent", () => {
  for (const placeholder of ["{env:NAME}", "{id}", "{now_ms}"]) {
    const [message] = describedIssues(`[maps]\nchannel_map = { book = "book${placeholder}" }\n${RULES}`);
    assert.match(message, /cannot be used here|Unknown placeholder|is not set/, placeholder);
  }
});

Deno.test("an environment value is refused where a text is part of the plan and never sent", () => {
  const texts = [
    `[maps]\nchannel_map = { book = "book.{env:NAME}" }\n${RULES}`,
    `${RULES}\n[[books]]\nname = "book"\nkind = "pushed"\ndepth = "{env:NAME}"\n`,
  ];
  for (const text of texts) {
    const issues = describedIssues(text, () => "10");
    assert.deepEqual(issues.map((issue) => issue.replace(/:.*/, "")), ["{env"]);
    assert.match(issues[0], /^\{env:NAME\} cannot be used here: /);
  }
});

Deno.test("an argument fills such a text", () => {
  const frames = describedFrames(
    `[args]\nlevels = "10"\n[maps]\nchannel_map = { book = "book.{arg:levels}" }\n${RULES}`,
  );
  assert.deepEqual(frames.channels, { "book.10": "book" });
});
