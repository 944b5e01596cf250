import assert from "node:assert/strict";
import { describedFrames, DescribedReader } from "../support/described.ts";

const LISTS = `
[parse]
channel = "/c"
symbol = "/s"
[[subscriptions]]
connection_id = "public"
generator = "// nothing"
ack = { when = { "/data/ok" = { exists = true } }, correlation_pointer = "/id", accepted = "/data/ok/*", rejected = "/data/failed/*/topic", echo = [""], item = [""] }
`;

Deno.test("read() gives the items that an acknowledgement lists as accepted and as not accepted", () => {
  const reader = new DescribedReader(describedFrames(LISTS));
  const { signal } = reader.read('{"id":"7","data":{"ok":["a.B","c.D"],"failed":[{"topic":"e.F"}]}}');
  assert.deepEqual(
    [signal?.action, signal?.correlation, signal?.echoes, signal?.accepted, signal?.rejected],
    ["ack", "7", [], ["a.B", "c.D"], ["e.F"]],
  );
  assert.deepEqual(reader.read('{"id":"7","data":{"ok":[]}}').signal?.accepted, []);
});
