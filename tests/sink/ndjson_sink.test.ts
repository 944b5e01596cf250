import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { eventJson } from "../../src/sink/mod.ts";
import { DAY_START, envelope } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import { filesBelow, type SinkUnderTest, testSink } from "./conformance.ts";
import { testFolderSink } from "./folder_conformance.ts";

const SINK: SinkUnderTest = {
  type: "ndjson",
  exactlyOnce: true,
  plan: (dir) => ({ type: "ndjson", name: "lines", kinds: null, options: { dir } }),
  expected: (event) => ({
    group: `${event.event.kind}/${new Date(event.received_ts / 1000).toISOString().slice(0, 10)}.ndjson`,
    rows: [eventJson(event)],
  }),
  read: async (dir, host) => {
    const held = new Map<string, string[]>();
    for (const path of await filesBelow(dir, host)) {
      const text = await host.files.readText(path) ?? "";
      if (!path.endsWith(".ndjson")) continue;
      assert.ok(text.endsWith("\n"), `${path} ends in a whole line`);
      held.set(path.slice(dir.length + 1), text.slice(0, -1).split("\n"));
    }
    return held;
  },
};
testSink(SINK);
testFolderSink(SINK);

Deno.test("eventJson() gives common fields first, times as integers and digits as text", () => {
  const event = envelope(9, {
    kind: "book_delta",
    bids: [["60000.10", "0.00100000"]],
    asks: [],
    first_sequence: "9007199254740993",
    last_sequence: null,
    previous_sequence: null,
  });
  assert.equal(
    eventJson({ ...event, exchange_ts: null }),
    `{"kind":"book_delta","exchange":"alpha","symbol":"BTC/USDT","native_symbol":"BTCUSDT","exchange_ts":null,` +
      `"received_ts":${
        DAY_START + 259
      },"session":7,"offset":9,"index":0,"bids":[["60000.10","0.00100000"]],"asks":[],` +
      `"first_sequence":"9007199254740993","last_sequence":null,"previous_sequence":null}`,
  );
});

Deno.test("ndjson sink refuses to go on from an undo file that is not its own", async () => {
  const host = denoHost();
  const dir = await host.files.makeTempDir("sink");
  try {
    await host.files.writeAtomic(`${dir}/_undo.json`, new TextEncoder().encode('{"rounds":[{"first":"x"}]}'));
    const sink = makeSink({ type: "ndjson", name: "lines", kinds: null, options: { dir } }, host);
    await assert.rejects(sink.open(0), { code: "corrupt" });
  } finally {
    await host.files.removeTree(dir);
  }
});
