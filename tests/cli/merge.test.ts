import assert from "node:assert/strict";
import { runCli } from "../support/captured_cli.ts";
import { denoHost } from "../../src/host/mod.ts";
import { type ParquetRow, readParquetFolder } from "../support/stored_events.ts";

const T = 1_723_161_255_000_000;

/** Writes a recording of trades, received at `T` plus the ms that stand beside each id. */
async function recording(path: string, trades: readonly (readonly [id: number, ms: number])[]): Promise<void> {
  const lines = [
    { t: T, dir: "open", url: "wss://stream.binance.com:9443/stream" },
    ...trades.map(([id, ms]) => ({
      t: T + ms * 1000,
      dir: "in",
      data: JSON.stringify({
        stream: "btcusdt@trade",
        data: { e: "trade", E: 1723161255000, s: "BTCUSDT", t: id, p: "1.50", q: "2", T: 1723161255000, m: true },
      }),
    })),
  ];
  await Deno.writeTextFile(path, lines.map((line) => JSON.stringify(line)).join("\n"));
}

async function inFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "collector-merge-" });
  try {
    await recording(`${dir}/eu.jsonl`, [[1, 10], [2, 20], [4, 40]]);
    await recording(`${dir}/us.jsonl`, [[2, 15], [3, 35], [4, 55]]);
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

interface Line {
  readonly kind: string;
  readonly state?: string;
  readonly action?: string;
  readonly trade_id: string;
  readonly collector: string;
  readonly received_ts: number;
  readonly seen_by: readonly { readonly collector: string; readonly received_ts: number }[];
}

const linesOf = (text: string) => text.trim().split("\n").map((line) => JSON.parse(line)) as Line[];
const told = (text: string) =>
  linesOf(text).filter(({ kind }) => kind === "trade").map(({ trade_id, collector, seen_by }) =>
    [trade_id, collector, ...seen_by.map((copy) => `${copy.collector} ${(copy.received_ts - T) / 1000}`)].join(" ")
  );

const EXPECTED = ["1 eu eu 10", "2 us us 15 eu 20", "3 us us 35", "4 eu eu 40 us 55"];

Deno.test("merge gives every event once with who has seen it and when, in either order of the inputs", async () => {
  await inFolder(async (dir) => {
    for (const [inputs, names] of [[["eu", "us"], "eu,us"], [["us", "eu"], "us,eu"]] as const) {
      const paths = inputs.map((name) => `${dir}/${name}.jsonl`);
      const { code, out, err } = await runCli(["merge", ...paths, "--to", "stdout", "--names", names]);
      assert.equal(code, 0, err);
      assert.deepEqual(told(out), EXPECTED);
      const gaps = linesOf(out).filter(({ kind }) => kind === "gap").map(({ state, action }) => `${state} ${action}`);
      assert.deepEqual(gaps, ["filled filled by us"]);
      assert.match(err, /7 events read, 5 written\n2 copies of others/);
    }
  });
});

Deno.test("merge takes folders of NDJSON, by the collectors that their lines name, and its own output", async () => {
  await inFolder(async (dir) => {
    for (const name of ["eu", "us"]) {
      const args = ["replay", `${dir}/${name}.jsonl`, "--collector", name, "--to", `ndjson:${dir}/${name}`];
      assert.equal((await runCli(args)).code, 0);
    }
    const first = await runCli(["merge", `${dir}/us`, `${dir}/eu`, "--to", `ndjson:${dir}/both`]);
    assert.equal(first.code, 0, first.err);
    const [day] = Array.from(Deno.readDirSync(`${dir}/both/trade`), ({ name }) => name);
    assert.deepEqual(told(await Deno.readTextFile(`${dir}/both/trade/${day}`)), EXPECTED);
    const again = await runCli(["merge", `${dir}/us`, `${dir}/eu`, "--to", `ndjson:${dir}/again`]);
    assert.equal(again.code, 0, again.err);
    const read = (name: string) => Deno.readTextFile(`${dir}/${name}/trade/${day}`);
    assert.equal(await read("again"), await read("both"));
  });
});

Deno.test("merge into Parquet names the collector of each row and writes down the other copies beside it", async () => {
  await inFolder(async (dir) => {
    const paths = [`${dir}/eu.jsonl`, `${dir}/us.jsonl`];
    const { code, err } = await runCli(["merge", ...paths, "--names", "eu,us", "--to", `parquet:${dir}/p`]);
    assert.equal(code, 0, err);
    const rows: ParquetRow[] = [];
    for await (const part of readParquetFolder(denoHost().files, `${dir}/p`)) {
      if (part.kind === "trade") rows.push(...part.rows);
    }
    assert.deepEqual(rows.map(({ trade_id, collector }) => `${trade_id} ${collector}`), [
      "1 eu",
      "2 us",
      "3 us",
      "4 eu",
    ]);
    const copies = (await Deno.readTextFile(`${dir}/p/_seen_by.ndjson`)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    const counts = copies.map(({ offset, seen_by }) => [offset, seen_by.length]);
    assert.deepEqual(counts, [[1, 1], [2, 2], [3, 1], [4, 2], [5, 1]]);
  });
});

Deno.test("merge gives the same of archives of Parquet as of NDJSON, books too", async () => {
  await inFolder(async (dir) => {
    for (const [name, loses] of [["eu", 3], ["us", 5]] as const) {
      const depth = (u: number) =>
        JSON.stringify({
          stream: "btcusdt@depth@100ms",
          data: {
            e: "depthUpdate",
            E: 1723161255000 + u,
            s: "BTCUSDT",
            U: u,
            u,
            b: [[`1${u}.10`, "0.50"], ["9.00", "0"]],
            a: u % 2 === 0 ? [] : [[`2${u}.00`, "1.25"]],
          },
        });
      const lines = [
        { t: T, dir: "open", url: "wss://stream.binance.com:9443/stream" },
        ...Array.from({ length: 8 }, (_, at) => ({ t: T + (at + 1) * 1000 + loses, dir: "in", data: depth(at + 1) }))
          .filter((_, at) => at !== loses),
      ];
      await Deno.writeTextFile(`${dir}/${name}-book.jsonl`, lines.map((line) => JSON.stringify(line)).join("\n"));
      for (const kind of ["trades", "book"]) {
        const input = `${dir}/${name}${kind === "book" ? "-book" : ""}.jsonl`;
        for (const to of ["ndjson", "parquet"]) {
          const args = [
            "replay",
            input,
            "--collector",
            name,
            "--pass-books",
            "--to",
            `${to}:${dir}/${to}-${kind}-${name}`,
          ];
          const { code, err } = await runCli(args);
          assert.equal(code, 0, err);
        }
      }
    }
    for (const kind of ["trades", "book"]) {
      const [lines, rows] = await Promise.all(["ndjson", "parquet"].map(async (from) => {
        const inputs = ["eu", "us"].map((name) => `${dir}/${from}-${kind}-${name}`);
        const { code, out, err } = await runCli(["merge", ...inputs, "--to", "stdout"]);
        assert.equal(code, 0, err);
        return out;
      }));
      assert.ok(lines.split("\n").length > 4);
      assert.equal(rows, lines);
    }
  });
});

Deno.test("merge refuses what it cannot merge, in words", async () => {
  await inFolder(async (dir) => {
    const [eu, us] = [`${dir}/eu.jsonl`, `${dir}/us.jsonl`];
    const refused = async (args: readonly string[], part: RegExp, expected = 64) => {
      const { code, err } = await runCli(["merge", ...args]);
      assert.equal(code, expected, err);
      assert.match(err, part);
    };
    await refused([eu, "--to", "stdout"], /two inputs or more/);
    await refused([eu, us, "--to", "stdout", "--names", "a"], /a name for each of the 2 inputs/);
    await refused([eu, us, "--to", "stdout", "--names", "a,a"], /gives a to two inputs/);
    await refused([eu, us, "--to", "stdout", "--window", "soon"], /Not a duration: soon/);
    await refused([eu, us, "--to", "nowhere"], /--to takes/);
    await refused([eu, eu, "--to", "stdout"], /both .* collector named "eu.jsonl".*--names/i);
    await refused([eu, `${dir}/none`, "--to", "stdout"], /no such file or folder/, 1);
    await Deno.writeTextFile(`${dir}/bad.ndjson`, '{"kind":"trade","exchange":"a"}\n');
    await refused([eu, `${dir}/bad.ndjson`, "--to", "stdout"], /bad\.ndjson:1: symbol is missing/, 1);
  });
});
