import assert from "node:assert/strict";
import { runCli } from "../support/captured_cli.ts";

const OPEN = { t: 1723161255000000, dir: "open", url: "wss://stream.binance.com:9443/stream" };
const TRADE = {
  t: 1723161255000001,
  dir: "in",
  data:
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255000,"s":"BTCUSDT","t":1,"p":"1.5","q":"2","T":1723161254999,"m":true}}',
};
const BROKEN_TRADE = { ...TRADE, data: '{"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT"}}' };

async function replay(lines: readonly unknown[], options: { readonly head?: string; readonly pipe?: boolean } = {}) {
  const dir = await Deno.makeTempDir({ prefix: "collector-inputs-" });
  try {
    const text = (options.head ?? "") + lines.map((line) => JSON.stringify(line)).join("\n");
    const path = `${dir}/r.jsonl`;
    if (options.pipe === true) {
      assert.ok((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
      const writing = Deno.writeTextFile(path, text);
      const ran = await runCli(["replay", path, "--report", `${dir}/report.json`]);
      await writing;
      return { ...ran, report: JSON.parse(await Deno.readTextFile(`${dir}/report.json`)) };
    }
    await Deno.writeTextFile(path, text);
    const ran = await runCli(["replay", path, "--report", `${dir}/report.json`]);
    return { ...ran, report: JSON.parse(await Deno.readTextFile(`${dir}/report.json`)) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("replay reads a recording that begins with a byte order mark", async () => {
  const { code, report, err } = await replay([OPEN, TRADE], { head: "\uFEFF" });
  assert.equal(code, 0, err);
  assert.equal(report.events.trade, 1);
});

Deno.test({
  name: "replay reads a recording from a pipe, and recognises its exchange",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { code, report, err } = await replay([OPEN, TRADE], { pipe: true });
    assert.equal(code, 0, err);
    assert.deepEqual([report.exchange, report.events.trade], ["binance", 1]);
  },
});

Deno.test("replay takes addresses as a recorder wrote them, escaped or not", async () => {
  const paths = ["100%", "%", "%zz", "%E0%A4%A", "//", "?%"];
  const urls = paths.flatMap((path) => [
    ...[`https://api.binance.com/api/v3/depth?symbol=${path}`, `https://api.binance.com/${path}`, path],
  ]);
  const answers = urls.map((url) => ({ t: OPEN.t, dir: "http", url, data: "{}" }));
  const { code, report, err } = await replay([OPEN, ...answers, TRADE]);
  assert.equal(code, 0, err);
  assert.equal(report.events.trade, 1);
});

Deno.test("replay counts frames whose rule gave nothing but faults apart", async () => {
  const { out, report } = await replay([OPEN, TRADE, BROKEN_TRADE]);
  assert.equal(report.faulty, 1);
  assert.match(out, /turned into events or filtered +1\n/);
  assert.match(out, /faulty +1\n/);
});

Deno.test("~/ of an argument is the home folder, also behind an equals sign", async () => {
  const name = `collector-absent-${crypto.randomUUID()}.toml`;
  for (
    const args of [["validate", `--config=~/${name}`], ["validate", "--config", `~/${name}`], ["replay", `~/${name}`]]
  ) {
    const { out, err } = await runCli(args);
    const told = out + err;
    assert.ok(told.includes(`${Deno.env.get("HOME")}/${name}`), told);
  }
});

Deno.test("replay recognises a recording of an unknown address by its frames, names what it took, and never guesses", async () => {
  const elsewhere = { ...OPEN, url: "wss://old.example/feed" };
  const bitstamp = {
    ...TRADE,
    data:
      '{"event":"trade","channel":"live_trades_btcusd","data":{"id":1,"amount_str":"2","price_str":"1.5","type":0,' +
      '"microtimestamp":"1641390000000000"}}',
  };
  const ran = await replay([elsewhere, bitstamp, bitstamp]);
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.err, /taken for bitstamp, which reads 2 of the first 2 frames/);
  const dir = await Deno.makeTempDir({ prefix: "collector-inputs-" });
  try {
    const path = `${dir}/r.jsonl`;
    const strange = { ...TRADE, data: '{"hello":"world"}' };
    await Deno.writeTextFile(
      path,
      [elsewhere, strange, strange, bitstamp].map((line) => JSON.stringify(line)).join("\n"),
    );
    const { code, err } = await runCli(["replay", path]);
    assert.equal(code, 64);
    assert.match(err, /Cannot tell which exchange this is \(of the first 3 frames descriptors read: .*\(1\)/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

async function replayFiles(files: Readonly<Record<string, readonly unknown[]>>, more: readonly string[] = []) {
  const dir = await Deno.makeTempDir({ prefix: "collector-inputs-" });
  try {
    for (const [name, lines] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${name}`, lines.map((line) => JSON.stringify(line)).join("\n"));
    }
    return await runCli(["replay", ...Object.keys(files).map((name) => `${dir}/${name}`), ...more]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const KRAKEN_OPEN = { ...OPEN, url: "wss://ws.kraken.com/v2" };
const KRAKEN_TRADE = {
  ...TRADE,
  data: '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":1.5,"qty":2,' +
    '"ord_type":"market","trade_id":7,"timestamp":"2024-08-08T23:54:15.000000Z"}]}',
};
const STRANGE = { ...OPEN, url: "wss://old.example/feed" };

Deno.test("replay takes each of several recordings for the exchange that it is of", async () => {
  const { code, out, err } = await replayFiles(
    { "a.jsonl": [OPEN, TRADE], "b.jsonl": [KRAKEN_OPEN, KRAKEN_TRADE] },
    ["--to", "stdout"],
  );
  assert.equal(code, 0, err);
  const events = out.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(events.map(({ exchange, symbol }) => [exchange, symbol]).sort(), [
    ["binance", "BTC/USDT"],
    ["kraken", "BTC/USD"],
  ]);
});

Deno.test("replay recognises recordings of unknown addresses by their frames, whichever of the inputs has any", async () => {
  const { code, err } = await replayFiles({ "a.jsonl": [STRANGE], "b.jsonl": [STRANGE, KRAKEN_TRADE, KRAKEN_TRADE] });
  assert.equal(code, 0, err);
  assert.match(err, /b\.jsonl: taken for kraken, which reads 2 of the first 2 frames/);
});

Deno.test("replay refuses a journal's lines beside other inputs, whose sessions it could not tell apart", async () => {
  const line = { t: 1, dir: "open", url: OPEN.url, offset: 1, record: { kind: "opened" } };
  const { code, err } = await replayFiles({ "a.jsonl": [OPEN, TRADE], "j.jsonl": [line] });
  assert.equal(code, 64);
  assert.match(err, /j\.jsonl holds the records of a journal, which can only be replayed alone/);
});

Deno.test("replay shows the first gap of a cause with the frame that showed it, and folds unmatched frames by shape", async () => {
  const depth = (U: number, u: number) => ({
    ...TRADE,
    data:
      `{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255000,"s":"BTCUSDT","U":${U},"u":${u},` +
      `"b":[["10","1"]],"a":[]}}`,
  });
  const snapshot = {
    t: TRADE.t,
    dir: "http",
    url: "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000",
    data: '{"lastUpdateId":5,"bids":[["10","7"]],"asks":[["11","7"]]}',
  };
  const unknown = (name: string, values: readonly string[]) => ({
    ...TRADE,
    data: JSON.stringify({ hello: name, list: values, map: { [`${name}1`]: { x: 1 }, [`${name}2`]: { x: 2 } } }),
  });
  const { code, out, report } = await replay([
    OPEN,
    depth(4, 5),
    snapshot,
    depth(6, 7),
    depth(90, 91),
    unknown("a", ["b"]),
    unknown("a long name".repeat(20), ["c", "d"]),
  ]);
  assert.equal(code, 0, out);
  assert.match(report.gap_examples.sequence.frame, /"U":90/);
  assert.match(out, /1 × sequence\n {4}for example BTC\/USDT: .+\n {4}at the frame \{.*"U":90/);
  assert.deepEqual(Object.keys(report.unmatched), ["{hello,list:[…],map:{…:{x}}}"]);
});

Deno.test("replay names --pass-books where updates of a book were withheld, and not where none were", async () => {
  const delta = {
    ...TRADE,
    data: '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255000,"s":"BTCUSDT","U":4,"u":5,' +
      '"b":[["10","1"]],"a":[]}}',
  };
  assert.match((await replay([OPEN, delta])).out, /--pass-books/);
  assert.doesNotMatch((await replay([OPEN, TRADE])).out, /--pass-books/);
});

Deno.test("replay starts a book from the recorded REST image whose address names the symbol in the exchange's spelling", async () => {
  const frame = (t: number, data: unknown) => ({ t, dir: "in", data: JSON.stringify(data) });
  const update = (t: number, first: number, last: number, bids: readonly unknown[]) =>
    frame(t, {
      time: 1690000000,
      time_ms: 1690000000001,
      channel: "spot.order_book_update",
      event: "update",
      result: { t: 1690000000000, e: "depthUpdate", s: "ABC_USDT", U: first, u: last, b: bids, a: [] },
    });
  const { code, report, err } = await replay([
    { t: 1690000000001000, dir: "open", url: "wss://api.gateio.ws/ws/v4/" },
    update(1690000000003000, 10, 12, [["1.0", "5"]]),
    {
      t: 1690000000004000,
      dir: "http",
      url: "https://api.gateio.ws/api/v4/spot/order_book?currency_pair=ABC_USDT&limit=100&with_id=true",
      data: '{"id":11,"current":1690000000000,"update":1690000000000,"asks":[["1.2","3"]],"bids":[["0.9","2"]]}',
    },
    update(1690000000005000, 13, 14, [["0.9", "0"]]),
    update(1690000000006000, 17, 18, [["0.8", "1"]]),
  ]);
  assert.equal(code, 0, err);
  assert.equal(report.exchange, "gateio");
  assert.deepEqual([report.events.book_snapshot, report.events.gap], [1, 1]);
});

Deno.test("replay of an empty standard input says that it holds no frames", async () => {
  const { code, err } = await runCli(["replay", "-"], { stdin: "" });
  assert.equal(code, 64);
  assert.match(err, /^error: Cannot tell which exchange \S+\/0 standard input is of: it holds no frames\. Name it/);
});
