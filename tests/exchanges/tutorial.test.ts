import assert from "node:assert/strict";
import { loadConfig, loadDescriptor } from "../../src/config/mod.ts";
import { BookKeeper } from "../../src/book/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { runCli } from "../support/captured_cli.ts";
import { readBooks } from "../support/recorded_books.ts";
import { readRecording, testOnRecordings } from "../support/recordings.ts";

const PAGE = new URL("../../docs/adding_an_exchange.md", import.meta.url);

/** The blocks of the tutorial in one language; in TOML the descriptor, then the configuration. */
function blocks(language: "toml" | "jsonl" = "toml"): readonly string[] {
  const pattern = new RegExp("```" + language + "\\n([\\s\\S]*?)```", "g");
  return [...Deno.readTextFileSync(PAGE).matchAll(pattern)].map(([, text]) => text);
}

Deno.test("the tutorial's descriptor and configuration are without errors or warnings", () => {
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
  assert.deepEqual(loaded.issues.map(({ message }) => message), []);
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

const BOOK_FILES = ["bitstamp-20220105-ws1", "bitstamp-20220105-http"];

testOnRecordings(BOOK_FILES, "the tutorial's books emit no delta that is older than the snapshot before it", () => {
  const file = { path: "exchanges/bitstamp.toml", text: blocks()[0] };
  const { frames, requests } = loadDescriptor({ file, readText: () => null, environment: () => undefined });
  assert.ok(frames !== null);
  const books = readBooks({ frames, requests }, BOOK_FILES);
  assert.ok(books !== null);
  let deltas = 0;
  for (const { rule, frames } of books) {
    const keeper = new BookKeeper(rule);
    let snapshotAt: bigint | null = null;
    for (const updates of frames) {
      const { emit, gaps } = keeper.apply(updates, { receivedTs: 1, mayPass: true });
      assert.deepEqual(gaps, []);
      for (const { event } of emit) {
        if (event.kind === "book_snapshot") {
          snapshotAt = BigInt(event.sequence ?? 0);
        } else {
          deltas++;
          assert.ok(
            snapshotAt !== null && BigInt(event.last_sequence ?? 0) > snapshotAt,
            "a delta follows its snapshot",
          );
        }
      }
    }
    assert.equal(keeper.state, "valid");
  }
  assert.equal(books.length, 10);
  assert.ok(deltas > 0);
});

Deno.test("the tutorial's evidence proves every rule of its descriptor", async () => {
  const dir = await Deno.makeTempDir({ prefix: "collector-tutorial-" });
  try {
    await Deno.mkdir(`${dir}/evidence`);
    await Deno.writeTextFile(`${dir}/bitstamp.toml`, blocks()[0]);
    await Deno.writeTextFile(`${dir}/evidence/bitstamp.jsonl`, blocks("jsonl")[0]);
    const { code, out, err } = await runCli(["test", "--strict", `${dir}/bitstamp.toml`]);
    assert.equal(code, 0, out + err);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the README says how long the shipped descriptors are", () => {
  const folder = new URL("../../config/exchanges/", import.meta.url);
  const lengths = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".toml")).map(({ name }) =>
    Deno.readTextFileSync(new URL(name, folder)).trimEnd().split("\n").length
  );
  const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));
  const said = /_descriptor_ of (\d+) to (\d+) lines/.exec(readme);
  const tens = [Math.floor(Math.min(...lengths) / 10) * 10, Math.ceil(Math.max(...lengths) / 10) * 10];
  assert.deepEqual(said?.slice(1).map(Number), tens);
});
