import assert from "node:assert/strict";
import type { Envelope } from "../../src/model/mod.ts";

/** Follows the ids of trades, and the gaps between them: what an exchange sent and nobody delivered has to be inside one. */
export class ToldTrades {
  readonly #last = new Map<string, number>();
  /** Exchange and symbol (empty: all of the exchange) of gaps that were told since the last trade of a stream. */
  readonly #gapped = new Map<string, Set<string>>();
  /** Exchange and symbol of gaps that have no end yet: what still comes of a stream that was given up ends none. */
  readonly #open = new Map<string, string>();
  /** Ids that are missing, by stream: each may be fetched later, once. */
  readonly #missing = new Map<string, Set<number>>();
  /** Holes in the ids of the record at `offset`: the gap that tells one may follow in the same record. */
  readonly #between: (stream: string, after: number, before: number) => readonly number[];
  #holes: { readonly offset: number; readonly stream: string; readonly text: string }[] = [];
  #trades = 0;
  #missed = 0;
  #filled = 0;
  #opened = 0;
  #closed = 0;
  #dropped = 0;

  /** `between`: the ids of trades that an exchange has sent between two; all where it is not given. */
  constructor(between: (stream: string, after: number, before: number) => readonly number[] = idsBetween) {
    this.#between = between;
  }

  saw({ exchange, symbol, event, offset, backfilled }: Envelope): void {
    if (this.#holes.length > 0 && this.#holes[0].offset !== offset) this.#checkHoles();
    if (event.kind === "gap") {
      if (event.state === "opened") {
        this.#opened++;
        if (event.stream === null || event.stream === "trades") this.#open.set(event.gap_id, `${exchange} ${symbol}`);
      } else if (event.state === "closed") {
        this.#closed++;
        this.#open.delete(event.gap_id);
      }
      if (event.cause === "dropped") this.#dropped++;
      if (event.stream !== null && event.stream !== "trades") return;
      this.#holes = this.#holes.filter(({ stream }) => !(stream === `${exchange} ${symbol}`));
      for (const stream of this.#last.keys()) {
        if (stream !== `${exchange} ${symbol}` && !(symbol === "" && stream.startsWith(`${exchange} `))) continue;
        this.#gapped.set(stream, (this.#gapped.get(stream) ?? new Set()).add(event.gap_id));
      }
      return;
    }
    if (event.kind !== "trade") return;
    this.#trades++;
    const stream = `${exchange} ${symbol}`;
    const id = Number(event.trade_id);
    if (backfilled === true) {
      const wasMissing = this.#missing.get(stream)?.delete(id) ?? false;
      assert.ok(wasMissing, `${stream}: trade ${id} is fetched at offset ${offset} and was not missing`);
      this.#filled++;
      return;
    }
    const last = this.#last.get(stream);
    if (last !== undefined) {
      assert.ok(id > last, `${stream}: trade ${id} comes after ${last} at offset ${offset}`);
      const lost = this.#between(stream, last, id);
      if (lost.length > 0) {
        const isTold = this.#gapped.has(stream) ||
          [...this.#open.values()].some((of) => of === stream || of === `${exchange} `);
        const text = `trades ${lost[0]} to ${lost[lost.length - 1]} are missing before offset ${offset}`;
        if (!isTold) this.#holes.push({ offset, stream, text });
        this.#missed += lost.length;
        const missing = this.#missing.get(stream) ?? new Set();
        for (const one of lost) missing.add(one);
        this.#missing.set(stream, missing);
      }
    }
    this.#last.set(stream, id);
    this.#gapped.delete(stream);
  }

  #checkHoles(): void {
    const [hole] = this.#holes;
    assert.ok(hole === undefined, `${hole?.stream}: ${hole?.text} and no gap tells it`);
  }

  get figures() {
    this.#checkHoles();
    return {
      trades: this.#trades,
      missedTrades: this.#missed,
      filledTrades: this.#filled,
      gapsOpened: this.#opened,
      gapsClosed: this.#closed,
      droppedGaps: this.#dropped,
    };
  }
}

/** All numbers between two: what an exchange sends that counts its trades without a hole. */
function idsBetween(_stream: string, after: number, before: number): readonly number[] {
  return Array.from({ length: Math.max(0, before - after - 1) }, (_, at) => after + 1 + at);
}
