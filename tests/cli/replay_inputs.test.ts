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
  for (const path of ["100%", "%", "%zz", "%E0%A4%A", "//", "?%"]) {
    for (
      const url of [`https://api.binance.com/api/v3/depth?symbol=${path}`, `https://api.binance.com/${path}`, path]
    ) {
      const { code, report, err } = await replay([OPEN, { t: OPEN.t, dir: "http", url, data: "{}" }, TRADE]);
      assert.equal(code, 0, err);
      assert.equal(report.events.trade, 1);
    }
  }
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
