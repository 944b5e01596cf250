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

Deno.test("where chooses the rows of an answer, and a frame none of whose rows it chooses is no such answer", () => {
  const reader = new DescribedReader(describedFrames(`
[parse]
channel = "/c"
symbol = "/s"
[[subscriptions]]
connection_id = "public"
generator = "// nothing"
reject = { when = { "/type" = "subscriptions" }, rows = "/channels/*", where = { "/error" = { exists = true } }, echo = ["/name"], reason = "/channels/0/error" }
ack = { when = { "/type" = "subscriptions" }, rows = "/channels/*/symbols/*", where = "!has(parent.error)", echo = ["parent.name", ""], item = ["/name", "/symbol"] }
`));
  const read = (channels: object) => {
    const { signal } = reader.read(JSON.stringify({ type: "subscriptions", channels }));
    return [signal?.action, signal?.echoes];
  };
  assert.deepEqual(read([{ name: "a", symbols: ["X", "Y"] }]), ["ack", ["a\u0000X", "a\u0000Y"]]);
  assert.deepEqual(read([{ name: "a", symbols: ["X"] }, { name: "b", error: "forbidden" }]), ["reject", ["b"]]);
  assert.equal(reader.read('{"type":"subscriptions","channels":[]}').signal, null);
});
