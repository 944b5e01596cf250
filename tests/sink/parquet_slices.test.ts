import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { type EventBatch, type EventKind, type Level, ROW_GROUP_ROWS_MAX } from "../../src/model/mod.ts";
import { OpenPart } from "../../src/sink/parquet/open_part.ts";
import { batchOf } from "../support/batches.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";

const LEVELS: readonly Level[] = Array.from({ length: 500 }, (_, at) => [`${60000 + at}.10`, "0.125"]);

function openPart(kind: EventKind, batch: EventBatch, times: number): OpenPart {
  const part = new OpenPart({
    partition: { kind, exchange: "alpha", symbol: null, day: 0 },
    ...{ first: { offset: 0, index: 0 }, sinceMs: 0, exactDigits: true, symbolColumn: true, collector: null },
  });
  for (let i = 0; i < times; i++) for (let event = 0; event < batch.length; event++) part.append(batch, event);
  return part;
}

Deno.test("OpenPart.seal() works in slices of at most one column of a row group", () => {
  const trades = batchOf(Array.from({ length: 1000 }, (_, at) => envelope(at, trade(), { symbol: `S${at % 7}` })));
  const deltas = batchOf([envelope(1, {
    ...{ kind: "book_delta", bids: LEVELS, asks: LEVELS },
    ...{ first_sequence: null, last_sequence: "1", previous_sequence: null },
  })]);
  for (const [kind, batch, times] of [["trade", trades, 100], ["book_delta", deltas, 100]] as const) {
    const part = openPart(kind, batch, times);
    const slices = [...part.seal()];
    assert.ok(Math.max(...slices) < ROW_GROUP_ROWS_MAX + 2 * LEVELS.length, `${kind}: ${Math.max(...slices)} rows`);
    const encoded = slices.reduce((sum, rows) => sum + rows, 0);
    assert.ok(encoded >= 10 * part.rows, `${kind}: all columns of ${part.rows} rows are counted: ${encoded}`);
  }
});

Deno.test("parquet sink lets the loop turn while it encodes, and gives what it holds in one file", async () => {
  const host = denoHost();
  const dir = await host.files.makeTempDir("slices");
  let turns = 0;
  const turn = () => {
    turns++;
    return host.clock.turn?.() ?? Promise.resolve();
  };
  const plan = { type: "parquet", name: "p", kinds: null, options: { dir, part_seconds: 3600, exact_digits: false } };
  const { sink, ...made } = makeSink(plan, { ...host, clock: { ...host.clock, turn } });
  await made.open(0);
  await made.write(Array.from({ length: 20_000 }, (_, at) => envelope(at, trade())));
  await made.flush();
  await made.close();
  assert.equal(sink.files, 1);
  assert.ok(turns >= 15, `${turns} turns`);
  await host.files.removeTree(dir);
});
