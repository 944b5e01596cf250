import { denoHost } from "../../src/host/mod.ts";
import type { Envelope, MarketEvent } from "../../src/model/mod.ts";
import { makeSink } from "../support/made_sink.ts";
import { DAY_START } from "../support/envelopes.ts";

/**
 * How fast the Parquet sink takes events, flushes included, on one core: trades, quotes and book deltas of ten levels
 * over twenty symbols. Run: `deno run --allow-read --allow-write --allow-env --allow-sys tests/benches/parquet.ts`.
 */
const ROUNDS = 20;
const BATCH = 10_000;
const SYMBOLS = Array.from({ length: 20 }, (_, at) => `S${at}/USDT`);

function makeEvent(kind: string, at: number): MarketEvent {
  const price = (60_000 + (at % 997) / 10).toFixed(2);
  const size = (0.001 + (at % 89) / 1000).toFixed(5);
  if (kind === "trade") {
    return { kind, trade_id: String(3_000_000_000 + at), price, size, side: at % 3 ? "buy" : "sell" };
  }
  if (kind === "quote") return { kind, bid_price: price, bid_size: size, ask_price: price, ask_size: size };
  const levels = Array.from({ length: 5 }, (_, level) => [(60_000 + level / 10).toFixed(2), size] as const);
  return {
    kind: "book_delta",
    bids: levels,
    asks: levels,
    first_sequence: String(9_000_000_000 + at * 3),
    last_sequence: String(9_000_000_002 + at * 3),
    previous_sequence: null,
  };
}

function makeBatch(kind: string, round: number): readonly Envelope[] {
  return Array.from({ length: BATCH }, (_, place) => {
    const offset = round * BATCH + place;
    const symbol = SYMBOLS[offset % SYMBOLS.length];
    const received_ts = DAY_START + offset * 7;
    const event = makeEvent(kind, offset);
    return {
      ...{ exchange: "alpha", symbol, native_symbol: symbol, session: 7, index: 0 },
      ...{ exchange_ts: received_ts - 900, received_ts, offset, event },
    };
  });
}

const host = denoHost();
for (const kind of ["trade", "quote", "book_delta"]) {
  const dir = await host.files.makeTempDir("bench");
  const options = { dir, part_seconds: 3600 };
  const sink = makeSink({ type: "parquet", name: "bench", kinds: null, options }, host);
  await sink.open(0);
  let writeMs = 0;
  let flushMs = 0;
  let flushes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const batch = makeBatch(kind, round);
    const started = host.clock.monotonicMs();
    await sink.write(batch);
    const written = host.clock.monotonicMs();
    writeMs += written - started;
    if (round < ROUNDS - 1 && !sink.wantsFlush) continue;
    await sink.flush();
    flushes++;
    flushMs += host.clock.monotonicMs() - written;
  }
  await sink.close();
  await host.files.removeTree(dir);
  const events = ROUNDS * BATCH;
  const perEvent = (ms: number) => `${(ms * 1e6 / events).toFixed(0)} ns`;
  host.terminal.print(
    `${kind.padEnd(10)} write ${perEvent(writeMs)}/event, flush ${perEvent(flushMs)}/event in ${flushes}, ` +
      `${Math.round(events / (writeMs + flushMs) * 1000).toLocaleString("en")} events/s\n`,
  );
}
