import type { Channel } from "./channel.ts";
import type { Decimal } from "./decimal.ts";
import type { Offset, SessionId } from "./frame.ts";
import type { Micros } from "./micros.ts";

/** The taker's side of a trade, or the order side of a liquidation; `unknown` where the exchange does not say. */
export type Side = "buy" | "sell" | "unknown";

/** One price level: price and absolute size; size zero removes the level in a delta. */
export type Level = readonly [price: Decimal, size: Decimal];

/** One execution. `size` is in the exchange's own unit: base currency, or contracts on many derivatives. */
export interface Trade {
  readonly kind: "trade";
  readonly trade_id: string | null;
  readonly price: Decimal;
  readonly size: Decimal;
  readonly side: Side;
}

/** The whole book of an instrument, as far as the exchange shows it; replaces what was known before. */
export interface BookSnapshot {
  readonly kind: "book_snapshot";
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly sequence: string | null;
}

/** Changed levels with absolute sizes. Sequences are as the exchange numbers its updates; null where it does not. */
export interface BookDelta {
  readonly kind: "book_delta";
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly first_sequence: string | null;
  readonly last_sequence: string | null;
  readonly previous_sequence: string | null;
}

/** The best levels of a kept book, best first, at an interval of exchange time: derived here, not sent by an exchange. */
export interface BookTop {
  readonly kind: "book_top";
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  /** Of the book's last update; null where the exchange does not number it. */
  readonly sequence: string | null;
}

/** Best bid and ask from a native top-of-book feed; a side that is empty is null. */
export interface Quote {
  readonly kind: "quote";
  readonly bid_price: Decimal | null;
  readonly bid_size: Decimal | null;
  readonly ask_price: Decimal | null;
  readonly ask_size: Decimal | null;
}

/** Rolling statistics, 24 hours unless the exchange says otherwise. `quote_volume` is in quote currency. */
export interface Ticker {
  readonly kind: "ticker";
  readonly last: Decimal | null;
  readonly open: Decimal | null;
  readonly high: Decimal | null;
  readonly low: Decimal | null;
  readonly volume: Decimal | null;
  readonly quote_volume: Decimal | null;
}

/** A candle as the exchange computes it. `closed` is null where the exchange does not say. */
export interface Candle {
  readonly kind: "candle";
  /** As the exchange spells it: `1m`, `1`, `60`. */
  readonly interval: string | null;
  readonly open_ts: Micros | null;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  readonly volume: Decimal | null;
  /** How many trades it holds. */
  readonly trades: string | null;
  readonly closed: boolean | null;
}

/** State of a derivative: what this frame carries; null otherwise. Rates are fractions for one funding interval. */
export interface DerivativeTicker {
  readonly kind: "derivative_ticker";
  readonly last_price: Decimal | null;
  readonly mark_price: Decimal | null;
  readonly index_price: Decimal | null;
  readonly funding_rate: Decimal | null;
  readonly next_funding_ts: Micros | null;
  readonly predicted_funding_rate: Decimal | null;
  readonly open_interest: Decimal | null;
}

/** A forced order. `side`: sell = a long was liquidated. */
export interface Liquidation {
  readonly kind: "liquidation";
  readonly id: string | null;
  readonly price: Decimal;
  readonly size: Decimal;
  readonly side: Side;
}

/**
 * Why something is missing. `reset`: the exchange's numbers began again. `stalled`: the stream stood still while its
 * connection lived. `takeover`: another collector took the stream over. `clock`: the machine's clock was set.
 */
export type GapCause =
  | "disconnect"
  | "sequence"
  | "reset"
  | "checksum"
  | "stale"
  | "stalled"
  | "undecodable"
  | "dropped"
  | "rejected"
  | "takeover"
  | "clock";

/** All causes, in the order in which reports list them. */
export const GAP_CAUSES: readonly GapCause[] = [
  "disconnect",
  "sequence",
  "reset",
  "checksum",
  "stale",
  "stalled",
  "undecodable",
  "dropped",
  "rejected",
  "takeover",
  "clock",
];

/**
 * `opened`: the gap has begun and not ended. `closed`: it has ended; the event repeats the opening's id and beginning, or
 * stands alone where the gap was known only once it was over. `filled`: what was missing was fetched later.
 */
export type GapState = "opened" | "closed" | "filled";

/** A stretch of a stream that is missing or not to be trusted, and what was done about it. */
export interface Gap {
  readonly kind: "gap";
  /** `<offset>-<index>` of the event that told of the gap first. */
  readonly gap_id: string;
  readonly state: GapState;
  /** The stream's channel; null where a whole connection or frame is concerned. */
  readonly stream: Channel | null;
  readonly cause: GapCause;
  /** Receive time of the last good frame before; null where there was none. */
  readonly from_ts: Micros | null;
  /** Receive time of the first good frame after; null while the gap is open. */
  readonly to_ts: Micros | null;
  readonly from_sequence: string | null;
  readonly to_sequence: string | null;
  /** In the exchange's or our own words: close code, rejection text, what failed to decode. */
  readonly detail: string;
  /** What was done about it: `reconnected`, `recovered`, `suppressed until the next snapshot`. */
  readonly action: string;
}

/** A frame as it came with what the parse table reads off it, for descriptors without event rules. */
export interface RawEvent {
  readonly kind: "raw";
  readonly channel: string | null;
  readonly sequence: string | null;
  readonly message_id: string | null;
  /** The frame's text. */
  readonly payload: string;
}

/** Every event, told apart by `kind`. Field names are those of the files. */
export type MarketEvent =
  | Trade
  | BookSnapshot
  | BookDelta
  | BookTop
  | Quote
  | Ticker
  | Candle
  | DerivativeTicker
  | Liquidation
  | Gap
  | RawEvent;

/** The kinds of events. */
export type EventKind = MarketEvent["kind"];

/** All kinds, in the order in which reports list them. */
export const EVENT_KINDS: readonly EventKind[] = [
  "trade",
  "book_snapshot",
  "book_delta",
  "book_top",
  "quote",
  "ticker",
  "candle",
  "derivative_ticker",
  "liquidation",
  "gap",
  "raw",
];

/** An event with where and when. `offset` and `index` together are its identity. */
export interface Envelope {
  /** The name of the exchange instance. */
  readonly exchange: string;
  /** Canonical; the native spelling where no map translates it; empty where an event concerns no single symbol. */
  readonly symbol: string;
  readonly native_symbol: string;
  /** Null where the exchange gives none. */
  readonly exchange_ts: Micros | null;
  readonly received_ts: Micros;
  readonly session: SessionId;
  /** The journal record it was derived from. */
  readonly offset: Offset;
  /** Its place among the events of that record, from 0. */
  readonly index: number;
  readonly event: MarketEvent;
}
