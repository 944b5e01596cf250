import assert from "node:assert/strict";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { runCli } from "../support/captured_cli.ts";

const TRADES = [1, 2, 3].map((at) =>
  JSON.stringify({
    stream: "btcusdt@trade",
    data: {
      e: "trade",
      E: 1723161255000,
      s: "BTCUSDT",
      t: at,
      p: `6165${at}.10`,
      q: "0.50",
      T: 1723161254999,
      m: at === 1,
    },
  })
);

async function withRecording(test: (path: string, dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "collector-export-" });
  try {
    const lines = [
      { t: 1723161255000000, dir: "open", url: "wss://stream.binance.com:9443/stream" },
      ...TRADES.map((data, i) => ({ t: 1723161255000000 + (i + 1) * 1_000_000, dir: "in", data })),
    ];
    await Deno.writeTextFile(`${dir}/r.jsonl`, lines.map((line) => JSON.stringify(line)).join("\n"));
    await test(`${dir}/r.jsonl`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const namesIn = (dir: string) => Array.from(Deno.readDirSync(dir), ({ name }) => name).sort();

Deno.test("export writes Tardis files of a day with its names and columns", async () => {
  await withRecording(async (path, dir) => {
    const { code, err } = await runCli(["export", path, "--to", "tardis", "--out", `${dir}/out`]);
    assert.equal(code, 0, err);
    assert.deepEqual(namesIn(`${dir}/out`), ["binance_trades_2024-08-08_BTC-USDT.csv.gz"]);
    const text = gunzipSync(await Deno.readFile(`${dir}/out/binance_trades_2024-08-08_BTC-USDT.csv.gz`)).toString();
    assert.deepEqual(text.split("\n").slice(0, 2), [
      "exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
      "binance,BTC/USDT,1723161254999000,1723161256000000,1,sell,61651.10,0.50",
    ]);
    assert.equal(text.trim().split("\n").length, 4);
  });
});

Deno.test("export keeps to a stretch of time and to symbols, and writes NDJSON and NumPy files", async () => {
  await withRecording(async (path, dir) => {
    const stretch = ["--from", "2024-08-08T23:54:17Z", "--until", "2024-08-08T23:54:18Z"];
    const { code, err } = await runCli(["export", path, "--to", "ndjson", "--out", `${dir}/n`, ...stretch]);
    assert.equal(code, 0, err);
    const lines = zstdDecompressSync(await Deno.readFile(`${dir}/n/trade_2024-08-08.ndjson.zst`)).toString().trim();
    assert.deepEqual(lines.split("\n").map((line) => JSON.parse(line).trade_id), ["2"]);
    const none = await runCli(["export", path, "--to", "hftbacktest", "--out", `${dir}/h`, "--symbol", "ETH/USDT"]);
    assert.equal(none.code, 0, none.err);
    assert.deepEqual(namesIn(`${dir}/h`), []);
    await runCli(["export", path, "--to", "hftbacktest", "--out", `${dir}/h`]);
    assert.deepEqual(namesIn(`${dir}/h`), ["binance_BTC-USDT_2024-08-08.npy"]);
    assert.equal((await Deno.readFile(`${dir}/h/binance_BTC-USDT_2024-08-08.npy`)).length, 256 + 3 * 64);
  });
});

Deno.test("export says what it cannot do", async () => {
  await withRecording(async (path, dir) => {
    for (
      const [args, text] of [
        [["--to", "excel", "--out", `${dir}/x`], /--to takes hftbacktest, tardis, ndjson/],
        [["--to", "ndjson", "--out", dir], /not empty/],
        [["--to", "ndjson", "--out", `${dir}/x`, "--from", "noon"], /--from takes a time/],
      ] as const
    ) {
      const { code, err } = await runCli(["export", path, ...args]);
      assert.notEqual(code, 0);
      assert.match(err, text);
    }
  });
});

Deno.test("export of an archive of Parquet or NDJSON gives what export of its recording gives", async () => {
  await withRecording(async (path, dir) => {
    for (const to of [`parquet:${dir}/parquet`, `ndjson:${dir}/lines`]) {
      const { code, err } = await runCli(["replay", path, "--to", to]);
      assert.equal(code, 0, err);
    }
    // Parquet has the shortest digits that give a number, the recording those of the exchange.
    const shown = async (path: string) =>
      path.endsWith(".gz")
        ? gunzipSync(await Deno.readFile(path)).toString().replaceAll(/(\.\d)0\b/g, "$1")
        : (await Deno.readFile(path)).toHex();
    const shownAll = (out: string) =>
      Promise.all(namesIn(out).map(async (name) => [name, await shown(`${out}/${name}`)]));
    for (const format of ["tardis", "hftbacktest"]) {
      const outs: unknown[] = [];
      for (const [at, input] of [path, `${dir}/parquet`, `${dir}/lines`].entries()) {
        const out = `${dir}/${format}${at}`;
        const { code, err } = await runCli(["export", input, "--to", format, "--out", out, "--symbol", "BTC/USDT"]);
        assert.equal(code, 0, err);
        outs.push(await shownAll(out));
      }
      assert.deepEqual(outs[1], outs[0]);
      assert.deepEqual(outs[2], outs[0]);
    }
  });
});

Deno.test("export of an archive passes over other exchanges, symbols and times, and is alone", async () => {
  await withRecording(async (path, dir) => {
    await runCli(["replay", path, "--to", `parquet:${dir}/parquet`, "--collector", "eu-1"]);
    const exported = async (name: string, ...args: string[]) => {
      const run = await runCli(["export", `${dir}/parquet`, "--to", "ndjson", "--out", `${dir}/${name}`, ...args]);
      if (run.code !== 0) return run.err;
      const lines = await Promise.all(
        namesIn(`${dir}/${name}`).filter((file) => file.startsWith("trade")).map(async (file) =>
          zstdDecompressSync(await Deno.readFile(`${dir}/${name}/${file}`)).toString().trim().split("\n")
        ),
      );
      return lines.flat().map((line) => JSON.parse(line)).map(({ trade_id, collector }) => `${collector} ${trade_id}`);
    };
    assert.deepEqual(await exported("all"), ["eu-1 1", "eu-1 2", "eu-1 3"]);
    assert.deepEqual(await exported("late", "--from", "2024-08-08T23:54:17Z"), ["eu-1 2", "eu-1 3"]);
    assert.deepEqual(await exported("day", "--from", "2024-08-09T00:00:00Z"), []);
    assert.deepEqual(await exported("eth", "--symbol", "ETH/USDT"), []);
    assert.deepEqual(await exported("okx", "--exchange", "okx"), []);
    const { code, err } = await runCli(["export", `${dir}/parquet`, path, "--to", "ndjson", "--out", `${dir}/two`]);
    assert.notEqual(code, 0);
    assert.match(err, /holds stored events, which are exported alone/);
    await Deno.writeFile(`${dir}/parquet/${partIn(`${dir}/parquet`)}`, new Uint8Array(40));
    assert.match(String(await exported("damaged")), /Cannot read .*\.parquet: /);
  });
});

function partIn(dir: string, below = ""): string {
  for (const { name, isDirectory } of Deno.readDirSync(`${dir}/${below}`)) {
    const path = `${below}${name}`;
    if (isDirectory) {
      const found = partIn(dir, `${path}/`);
      if (found !== "") return found;
    } else if (path.includes("kind=trade") && name.endsWith(".parquet")) return path;
  }
  return "";
}
