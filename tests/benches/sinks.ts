/**
 * `deno task bench sinks [name…]`: how fast each sink takes events and makes them safe, with the ratio to the Parquet
 * sink in the same run. Client and server share this machine, and one batch is under way: figures order sinks and promise
 * nothing. It measures and asserts nothing.
 */
import { denoHost } from "../../src/host/mod.ts";
import { EventRows, type MarketEvent } from "../../src/model/mod.ts";
import { createSink, RowsBatch } from "../../src/sink/mod.ts";
import { DAY_START } from "../support/envelopes.ts";
import { SINK_TARGETS, type SinkTarget } from "./sink_targets.ts";

/** Rows of one round, and events of one batch. */
const ROWS = 100_000;
const BATCH_ROWS = 5_000;
const ROUNDS = 3;
const LEVELS = 10;
const SYMBOLS = Array.from({ length: 20 }, (_, at) => `S${at}/USDT`);
const JOURNAL = "11111111-1111-4111-8111-111111111111";

/** What is measured: events of one kind, and the rows that one makes in a table. */
const LOADS = [
  { name: "trades", rows: 1, make: makeTrade },
  { name: "book deltas of 10 levels", rows: LEVELS, make: makeDelta },
] as const;

export async function benchSinks(names: readonly string[]): Promise<void> {
  const targets = SINK_TARGETS.filter(({ name, type }, at) =>
    at === 0 || names.length === 0 || names.includes(name) || names.includes(type)
  );
  for (const load of LOADS) {
    print(
      `\n${load.name}: ${ROWS.toLocaleString("en")} rows a round, batches of ${
        BATCH_ROWS.toLocaleString("en")
      } rows, all made safe; median of ${ROUNDS}`,
    );
    print(`  ${"".padEnd(22)} ${"rows/s".padStart(10)}  × parquet`);
    let referee: number | null = null;
    for (const target of targets) {
      const rate = target.absent === null ? await measure(target, load) : null;
      referee ??= rate;
      const shown = rate === null
        ? `not measured: ${target.absent}`
        : `${Math.round(rate).toLocaleString("en").padStart(10)}  ${(rate / (referee ?? rate)).toFixed(2).padStart(9)}`;
      print(`  ${target.name.padEnd(22)} ${shown}`);
    }
  }
}

async function measure(target: SinkTarget, load: typeof LOADS[number]): Promise<number> {
  const host = denoHost();
  const dir = await host.files.makeTempDir("bench");
  const { keys, stop } = await target.start(`${dir}/out`);
  try {
    const plan = { type: target.type, name: "bench", kinds: null, options: keys };
    const sink = createSink(plan, {
      ...{ host, name: "bench", collector: "bench", journal: JOURNAL, sinks: ["bench"] },
      ...{ end: () => Number.MAX_SAFE_INTEGER, observe: () => {} },
    });
    const { signal } = new AbortController();
    await sink.open(0, signal);
    const rates: number[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      const batches = Array.from(
        { length: ROWS / BATCH_ROWS },
        (_, at) => batch(load, (round + 1) * ROWS / BATCH_ROWS + at),
      );
      const began = host.clock.monotonicMs();
      for (const one of batches) await sink.write(one, signal);
      await sink.flush(batches[batches.length - 1].next, signal);
      // The first round makes code and caches warm.
      if (round >= 0) rates.push(ROWS / (host.clock.monotonicMs() - began) * 1000);
    }
    await sink.close();
    return rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)];
  } finally {
    await stop();
    await host.files.removeTree(dir);
  }
}

/** A batch of columns, as a delivery hands it over. */
function batch({ rows, make }: typeof LOADS[number], number: number): RowsBatch {
  const events = BATCH_ROWS / rows;
  const from = 1_000_000 + number * events;
  const envelopes = Array.from({ length: events }, (_, place) => {
    const offset = from + place;
    const symbol = SYMBOLS[offset % SYMBOLS.length];
    const received_ts = DAY_START + offset * 7;
    return {
      ...{ exchange: "alpha", symbol, native_symbol: symbol, session: 7, index: 0 },
      ...{ exchange_ts: received_ts - 900, received_ts, offset, event: make(offset) },
    };
  });
  return new RowsBatch(EventRows.from(envelopes), from, from + events);
}

function makeTrade(at: number): MarketEvent {
  const [price, size] = [(60_000 + (at % 997) / 10).toFixed(2), (0.001 + (at % 89) / 1000).toFixed(5)];
  return { kind: "trade", trade_id: String(3_000_000_000 + at), price, size, side: at % 3 === 0 ? "buy" : "sell" };
}

function makeDelta(at: number): MarketEvent {
  const size = (0.001 + (at % 89) / 1000).toFixed(5);
  const levels = Array.from({ length: LEVELS / 2 }, (_, level) => [(60_000 + level / 10).toFixed(2), size] as const);
  return {
    kind: "book_delta",
    bids: levels,
    asks: levels,
    first_sequence: String(9_000_000_000 + at * 3),
    last_sequence: String(9_000_000_002 + at * 3),
    previous_sequence: null,
  };
}

function print(text: string): void {
  console.log(text);
}
