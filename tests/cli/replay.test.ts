import assert from "node:assert/strict";
import { runCli } from "../support/captured_cli.ts";

/** A session of an exchange that the program ships, with one frame of each end that a frame can come to. */
const FRAMES = [
  '{"result":null,"id":1}',
  '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255000,"s":"BTCUSDT","t":12345678901234567890,"p":"61650.10","q":"0.00100000","T":1723161254999,"m":true,"M":true}}',
  '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255001,"s":"BTCUSDT","t":12345678901234567891,"p":"61650.20","q":"0.5","T":1723161255001,"m":false,"M":true}}',
  '{"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT"}}',
  '{"something":"new"}',
  '{"torn":',
];

async function withRecording(
  frames: readonly string[],
  test: (path: string, dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "collector-replay-" });
  try {
    const lines = [
      { t: 1723161255000000, dir: "open", url: "wss://stream.binance.com:9443/stream" },
      ...frames.map((data, i) => ({ t: 1723161255000001 + i, dir: "in", data })),
    ];
    await Deno.writeTextFile(`${dir}/r.jsonl`, lines.map((line) => JSON.stringify(line)).join("\n"));
    await test(`${dir}/r.jsonl`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("replay accounts for every frame in its report", async () => {
  await withRecording(FRAMES, async (path, dir) => {
    const { code, err } = await runCli(["replay", path, "--report", `${dir}/report.json`]);
    assert.equal(code, 0, err);
    const report = JSON.parse(await Deno.readTextFile(`${dir}/report.json`));
    assert.equal(report.exchange, "binance");
    assert.equal(report.frames, FRAMES.length);
    const accounted = Object.values<number>(report.accounted).reduce((sum, count) => sum + count, 0);
    assert.equal(accounted, FRAMES.length);
    assert.deepEqual(report.accounted, { matched: 3, control: 1, unmatched: 1, undecodable: 1, orphaned: 0 });
    assert.deepEqual(report.events, { trade: 2, gap: 2 });
    assert.match(JSON.stringify(report.unmatched), /something/);
    assert.match(JSON.stringify(report.faults), /missing_field/);
  });
});

Deno.test("replay --to stdout writes one JSON event a line with all digits", async () => {
  await withRecording(FRAMES, async (path) => {
    const { code, out } = await runCli(["replay", path, "--to", "stdout"]);
    assert.equal(code, 0);
    const events = out.trim().split("\n").map((line) => JSON.parse(line));
    const trades = events.filter((event) => event.kind === "trade");
    assert.deepEqual(trades.map(({ trade_id, price, size, side }) => ({ trade_id, price, size, side })), [
      { trade_id: "12345678901234567890", price: "61650.10", size: "0.00100000", side: "sell" },
      { trade_id: "12345678901234567891", price: "61650.20", size: "0.5", side: "buy" },
    ]);
    assert.deepEqual(
      [trades[0].exchange, trades[0].symbol, trades[0].native_symbol, trades[0].exchange_ts, trades[0].received_ts],
      ["binance", "BTC/USDT", "BTCUSDT", 1723161254999000, 1723161255000002],
    );
  });
});

Deno.test("replay gives the same events every time", async () => {
  await withRecording(FRAMES, async (path) => {
    const first = await runCli(["replay", path, "--to", "stdout"]);
    const second = await runCli(["replay", path, "--to", "stdout"]);
    assert.equal(first.out, second.out);
  });
});

Deno.test("replay refuses a folder that is not empty", async () => {
  await withRecording(FRAMES, async (path, dir) => {
    const { code, err } = await runCli(["replay", path, "--to", `parquet:${dir}`]);
    assert.equal(code, 64);
    assert.match(err, /not empty/);
  });
});

Deno.test("replay names the line of a recording that is broken", async () => {
  await withRecording(FRAMES, async (path) => {
    await Deno.writeTextFile(path, '\n{"t":1,"dir":"in"', { append: true });
    const { code, err } = await runCli(["replay", path]);
    assert.equal(code, 1);
    assert.match(err, /r\.jsonl:8/);
  });
});

Deno.test("replay says which descriptors there are when it cannot tell the exchange", async () => {
  await withRecording(FRAMES, async (path) => {
    await Deno.writeTextFile(path, JSON.stringify({ t: 1, dir: "open", url: "wss://unknown.invalid/ws" }));
    const { code, err } = await runCli(["replay", path]);
    assert.equal(code, 64);
    assert.match(err, /--exchange.*binance/);
  });
});

Deno.test("replay of a file that is not there fails with its name", async () => {
  const { code, err } = await runCli(["replay", "nowhere.jsonl"]);
  assert.equal(code, 1);
  assert.match(err, /nowhere\.jsonl/);
});

/** A book over REST whose differences and whole image stand in two files, as recorders keep them. */
async function withSplitRecording(test: (paths: readonly string[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "collector-replay-" });
  const delta = (u: number, U: number, pu: number) =>
    `{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255000,"T":1723161255000,"s":"BTCUSDT","U":${U},"u":${u},"pu":${pu},"b":[["10","${u}"]],"a":[]}}`;
  const socket = [
    { t: 100, dir: "open", url: "wss://fstream.binance.com/stream" },
    { t: 101, dir: "in", data: delta(5, 4, 3) },
    { t: 102, dir: "in", data: delta(8, 6, 5) },
    { t: 104, dir: "in", data: delta(9, 9, 8) },
  ];
  const rest = [{
    t: 103,
    dir: "http",
    url: "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000",
    data: '{"lastUpdateId":7,"E":1,"T":1,"bids":[["10","7"]],"asks":[["11","7"]]}',
  }];
  try {
    const write = (name: string, lines: readonly unknown[]) =>
      Deno.writeTextFile(`${dir}/${name}`, lines.map((line) => JSON.stringify(line)).join("\n"));
    await write("ws.jsonl", socket);
    await write("http.jsonl", rest);
    await test([`${dir}/http.jsonl`, `${dir}/ws.jsonl`]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("replay joins REST answers of one file with the session of another", async () => {
  await withSplitRecording(async (paths) => {
    const { code, out, err } = await runCli(["replay", ...paths, "--to", "stdout"]);
    assert.equal(code, 0, err);
    const events = out.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(events.map(({ kind }) => kind), ["book_snapshot", "book_delta"]);
    assert.deepEqual(events[0].bids, [["10", "8"]]);
    assert.equal(events[1].last_sequence, "9");
    assert.match(err, /suppressed while a book was broken: .*2 book_delta/);
  });
});

Deno.test("replay --pass-books tells every book update as it came", async () => {
  await withSplitRecording(async (paths) => {
    const { code, out } = await runCli(["replay", ...paths, "--pass-books", "--to", "stdout"]);
    assert.equal(code, 0);
    const kinds = out.trim().split("\n").map((line) => JSON.parse(line).kind);
    assert.deepEqual(kinds, ["book_delta", "book_delta", "book_snapshot", "book_delta"]);
  });
});
