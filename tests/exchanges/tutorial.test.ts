import assert from "node:assert/strict";
import { loadConfig, loadDescriptor } from "../../src/config/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { readRecording, testOnRecordings } from "../support/recordings.ts";

const PAGE = new URL("../../docs/adding_an_exchange.md", import.meta.url);

/** The TOML blocks of the tutorial: the descriptor, then the configuration. */
function blocks(): readonly string[] {
  return [...Deno.readTextFileSync(PAGE).matchAll(/```toml\n([\s\S]*?)```/g)].map(([, text]) => text);
}

Deno.test("the tutorial's descriptor and configuration are without errors", () => {
  const [descriptor, collector] = blocks();
  const files: Readonly<Record<string, string>> = {
    "collector.toml": collector,
    "exchanges/bitstamp.toml": descriptor,
  };
  const loaded = loadConfig({
    path: "collector.toml",
    readText: (path) => files[path] ?? null,
    environment: () => undefined,
    builtin: () => null,
  });
  assert.deepEqual(loaded.issues.filter(({ severity }) => severity === "error").map(({ message }) => message), []);
  const items = loaded.exchanges[0].runnable?.connections.flatMap(({ requests }) =>
    requests.map(({ items }) => items[0])
  );
  assert.deepEqual(items?.map(({ echo }) => echo), ["live_trades_btcusd", "diff_order_book_btcusd"]);
});

testOnRecordings(["bitstamp-20220105-ws1"], "the tutorial's descriptor accounts for every frame of a recording", () => {
  const lines = readRecording("bitstamp-20220105-ws1");
  assert.ok(lines !== null);
  const file = { path: "exchanges/bitstamp.toml", text: blocks()[0] };
  const { frames } = loadDescriptor({ file, readText: () => null, environment: () => undefined });
  assert.ok(frames !== null);
  const normalizer = new FrameReader(frames);
  const counts: Record<string, number> = {};
  for (const line of lines.filter(({ dir }) => dir === "in")) {
    const { payload, binary, t } = line;
    const read = normalizer.read({ session: 1, connectionId: "public", payload, binary, receivedTs: t });
    assert.deepEqual(read.faults, []);
    const name = read.signal?.rule ?? read.events[0]?.event.kind ?? "nothing";
    counts[name] = (counts[name] ?? 0) + 1;
  }
  assert.deepEqual(counts, { ack: 20, trade: 10, book_delta: 717 });
});
