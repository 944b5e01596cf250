import type { EventBatch, EventKind } from "../../model/mod.ts";
import { dateOfDay, dayOf, exchangePart, pathPart } from "../path_part.ts";

/**
 * Layout of an archive's folders: `exchange` has one file for all symbols of a kind and exchange, sorted by symbol, so
 * that neither files nor folders grow with the number of symbols; `symbol` a folder for each symbol.
 */
export const LAYOUTS = ["exchange", "symbol"] as const;
export type Layout = typeof LAYOUTS[number];

/** What all rows of a part share; determines its folder. */
export interface Partition {
  readonly kind: EventKind;
  readonly exchange: string;
  /** Null if a part holds all symbols. */
  readonly symbol: string | null;
  /** Days since the epoch of `received_ts`, UTC. */
  readonly day: number;
}

/** Returns the partition of an event. */
export function partitionOf(batch: EventBatch, event: number, layout: Layout): Partition {
  return {
    kind: batch.kindAt(event),
    exchange: batch.exchanges[event],
    symbol: layout === "symbol" ? batch.symbols[event] : null,
    day: dayOf(batch.receivedTs.values[event]),
  };
}

/** `kind=trade/exchange=binance/date=2026-11-22`, or `kind=trade/exchange=binance/symbol=BTC-USDT/date=2026-11-22`. */
export function partitionPath({ kind, exchange, symbol, day }: Partition): string {
  const middle = symbol === null ? "" : `symbol=${pathPart(symbol)}/`;
  return `kind=${kind}/exchange=${exchangePart(exchange)}/${middle}date=${dateOfDay(day)}`;
}
