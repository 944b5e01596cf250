import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { certifyArchive } from "../../src/certificate/mod.ts";
import { compactArchive } from "../../src/lake/mod.ts";
import { type Envelope } from "../../src/model/mod.ts";
import { DAY_START, envelope, instrument, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import { isThere, SERVERS_DIR } from "../support/server_process.ts";

const PYTHON = `${SERVERS_DIR}/readers/bin/python`;
const CHDB = `${SERVERS_DIR}/chdb`;
const NO_READERS = isThere(PYTHON)
  ? ""
  : " (ignored: no DuckDB, Polars and PyArrow, .ci/servers readers installs them)";
const NO_CHDB = isThere(CHDB) ? "" : " (ignored: no ClickHouse engine, .ci/servers clickhouse installs it)";
const SYMBOLS = ["BTC/USDT", "BTC/USDT:USDT", "ETH/USDT", "ADA/USDT"];

/** Runs a program where `data/parquet` is an archive of two exchanges, some of it merged; resolves with what it printed. */
async function run(command: string, program: string): Promise<string> {
  const host = denoHost();
  const dir = await host.files.makeTempDir("queries");
  try {
    await writeArchive(`${dir}/data/parquet`);
    await host.files.writeAtomic(`${dir}/program.py`, new TextEncoder().encode(program));
    const { success, stdout, stderr } = await new Deno.Command(command, { args: ["program.py"], cwd: dir }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.ok(success, `${program}\n${decode(stderr)}`);
    return decode(stdout);
  } finally {
    await host.files.removeTree(dir);
  }
}

async function writeArchive(dir: string): Promise<void> {
  const host = denoHost();
  const sink = makeSink({ type: "parquet", name: "archive", kinds: null, options: { dir } }, host);
  await sink.open(0);
  const events: Envelope[] = [];
  for (let offset = 0; offset < 96_000; offset++) {
    const [exchange, symbol] = [offset % 3 === 0 ? "kraken" : "binance", SYMBOLS[offset % 4]];
    events.push(envelope(offset, trade(String(100 + offset % 7)), {
      ...{ exchange, symbol, received_ts: DAY_START + offset * 5000 },
    }));
  }
  for (const exchange of ["binance", "kraken"]) {
    const head = { exchange, symbol: "BTC/USDT:USDT", received_ts: DAY_START };
    events.push(envelope(events.length, instrument({ contract_size: "0.25", contract_unit: "BTC" }), head));
  }
  const none = { first_sequence: "1", last_sequence: "2", previous_sequence: null };
  for (const kind of ["book_snapshot", "book_delta"] as const) {
    const levels = { bids: [["1", "2"]], asks: [["3", "4"]] } as const;
    const event = kind === "book_delta" ? { kind, ...levels, ...none } : { kind, ...levels, sequence: "1" };
    events.push(envelope(events.length, event));
  }
  events.push(envelope(events.length, {
    ...{
      kind: "gap",
      gap_id: "1-0",
      state: "closed",
      stream: "trades",
      cause: "disconnect",
      detail: "",
      action: "none",
    },
    ...{ from_ts: MISSING.from, to_ts: MISSING.to, from_sequence: null, to_sequence: null },
  }, { exchange: "binance" }));
  for (let at = 0; at < events.length; at += 16_000) {
    await sink.write(events.slice(at, at + 16_000));
    await sink.flush();
  }
  await sink.close();
  await compactArchive({ host, dir, pause: () => Promise.resolve(), tell: (text) => assert.fail(text) });
  await certifyArchive({
    ...{ host, dir, key: null, journalDir: null, onlyNews: false, onlySafe: false, pause: () => Promise.resolve() },
    tell: (text) => assert.fail(text),
  });
}

/** A second that is missing from the trades of BTC/USDT on one exchange. */
const MISSING = { from: DAY_START + 100_000_000, to: DAY_START + 101_000_000 };

/** The code blocks of a language in docs/lake.md. */
async function blocks(language: string): Promise<readonly string[]> {
  const text = await Deno.readTextFile(new URL("../../docs/lake.md", import.meta.url));
  return [...text.matchAll(new RegExp("^```" + language + "\\n(.*?)^```", "gms"))].map(([, block]) => block);
}

/** Trades of BTC/USDT on an exchange in the archive. */
function expected(exchange: string): number {
  let count = 0;
  for (let offset = 0; offset < 96_000; offset += 4) if ((offset % 3 === 0) === (exchange === "kraken")) count++;
  return count;
}

/** Base currency that the trades of BTC/USDT:USDT on an exchange are of, by the contract size that its list gives. */
function coinsOf(exchange: string): number {
  let count = 0;
  for (let offset = 1; offset < 96_000; offset += 4) if ((offset % 3 === 0) === (exchange === "kraken")) count++;
  return count * 0.001 * 0.25;
}

/** Cells of the rows of printed tables whose first cell is such a text. */
function rowsOf(text: string, first: RegExp): readonly (readonly string[])[] {
  const rows = text.split("\n").map((line) =>
    line.split(/[│┆]|(?<=\w)\s{2,}/).map((cell) => cell.trim()).filter(Boolean)
  );
  return rows.filter(([cell]) => cell !== undefined && first.test(cell));
}

/** Trades of BTC/USDT on binance inside of the second that is missing. */
function doubtful(): number {
  let count = 0;
  for (let offset = 0; offset < 96_000; offset += 4) {
    const ts = DAY_START + offset * 5000;
    if (offset % 3 !== 0 && ts > MISSING.from && ts < MISSING.to) count++;
  }
  return count;
}

Deno.test({
  name: `the documented questions have answers in DuckDB, Polars, PyArrow and pandas${NO_READERS}`,
  ignore: NO_READERS !== "",
  fn: async () => {
    const [duckdb, coins, polars, pyarrow, ...more] = await blocks("python");
    assert.deepEqual(more, []);
    const found = await run(PYTHON, `${duckdb}\n${coins}\n${polars}\n${pyarrow}`);
    const near = (actual: number | undefined, expected: number) =>
      assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-6, `${actual} instead of ${expected} in\n${found}`);
    const candles = rowsOf(found, /^2026-11-2\d \d\d:\d\d:00/);
    near(candles.reduce((sum, row) => sum + Number(row.at(-1)), 0), expected("binance") * 0.001);
    for (const exchange of ["binance", "kraken"]) {
      const rows = rowsOf(found, new RegExp(`^${exchange}$`));
      const [late, complete, contracts, size, ...others] = rows;
      assert.deepEqual(others, [], found);
      near(Number(late[1]), expected("binance") * (exchange === "kraken" ? 2 : 4));
      near(Number(complete[1]), expected(exchange) - (exchange === "kraken" ? 0 : doubtful()));
      near(Number(contracts.at(-1)), coinsOf(exchange));
      near(Number(size[1]), expected(exchange) * 0.001);
    }
    const [polarsRow] = rowsOf(found, /^buy$/);
    assert.equal(Number(polarsRow[1]), expected("binance"), found);
    near(Number(polarsRow[2]), expected("binance") * 0.001);
    assert.ok(found.split("\n").includes(String(expected("binance"))), found);
  },
});

Deno.test({
  name: `readers pass over row groups of other symbols and agree with each other${NO_READERS}`,
  ignore: NO_READERS !== "",
  fn: async () => {
    const found = await run(
      PYTHON,
      `import json, duckdb, polars as pl, pyarrow.dataset as ds
dataset = ds.dataset("data/parquet/kind=trade", partitioning="hive")
wanted = ds.field("symbol") == "BTC/USDT"
fragments = list(dataset.get_fragments())
print(json.dumps({
  "groups": sum(fragment.num_row_groups for fragment in fragments),
  "read": sum(len(fragment.split_by_row_group(wanted)) for fragment in fragments),
  "arrow": dataset.to_table(filter=wanted).num_rows,
  "polars": pl.scan_parquet("data/parquet/kind=trade/**/*.parquet").filter(pl.col("symbol") == "BTC/USDT").collect().height,
  "duckdb": duckdb.sql("select count(*) from 'data/parquet/kind=trade/**/*.parquet' where symbol = 'BTC/USDT'").fetchall()[0][0],
}))
`,
    );
    const { groups, read, ...counts } = JSON.parse(found);
    const all = expected("kraken") + expected("binance");
    assert.deepEqual(counts, { arrow: all, polars: all, duckdb: all });
    assert.ok(read * 2 <= groups, `${read} of ${groups} row groups are read`);
  },
});

Deno.test({
  name: `the documented question has an answer in ClickHouse${NO_CHDB}`,
  ignore: NO_CHDB !== "",
  fn: async () => {
    const [query, ...more] = await blocks("sql");
    assert.deepEqual(more, []);
    const path = JSON.stringify(CHDB);
    const found = await run(
      "python3",
      `import sys, os; sys.path.insert(0, ${path})
import chdb
print(chdb.query(${JSON.stringify(query)}.replace("data/parquet", os.getcwd() + "/data/parquet"), "CSV"))
`,
    );
    const rows = found.trim().split("\n").map((line) => line.split(","));
    assert.deepEqual(
      rows.map(([exchange, symbol, trades, volume]) => [exchange, symbol, Number(trades), Number(volume)]),
      ["binance", "kraken"].map((exchange) => {
        const trades = expected(exchange);
        return [`"${exchange}"`, `"BTC/USDT"`, trades, Number((trades * 0.001).toFixed(8))];
      }),
    );
  },
});
