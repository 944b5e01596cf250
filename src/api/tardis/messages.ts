import type { Level } from "../../model/mod.ts";

/** An event with its envelope's fields and its own side by side, as in an NDJSON line. */
export type FlatEvent = Readonly<Record<string, unknown>>;

/** A normalised message of Tardis (https://docs.tardis.dev/tardis-machine/data-types). Times are ISO 8601 in ms. */
export interface TardisMessage {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A price level of a message. */
export interface TardisLevel {
  readonly price: number;
  readonly amount: number;
}

/** Returns the message of an event; null for kinds that have none. Prices and sizes are the nearest doubles. */
export function tardisMessage(event: FlatEvent): TardisMessage | null {
  const head = { symbol: event.native_symbol, exchange: event.exchange };
  const times = { timestamp: iso(event.exchange_ts ?? event.received_ts), localTimestamp: iso(event.received_ts) };
  switch (event.kind) {
    case "trade":
      return {
        type: "trade",
        ...head,
        id: event.trade_id ?? undefined,
        price: number(event.price),
        amount: number(event.size),
        side: event.side,
        ...times,
      };
    case "book_snapshot":
    case "book_delta":
      return {
        type: "book_change",
        ...head,
        isSnapshot: event.kind === "book_snapshot",
        bids: levels(event.bids),
        asks: levels(event.asks),
        ...times,
      };
    case "quote":
      return {
        type: "book_ticker",
        ...head,
        askAmount: number(event.ask_size),
        askPrice: number(event.ask_price),
        bidPrice: number(event.bid_price),
        bidAmount: number(event.bid_size),
        ...times,
      };
    case "derivative_ticker":
      return {
        type: "derivative_ticker",
        ...head,
        lastPrice: number(event.last_price),
        openInterest: number(event.open_interest),
        fundingRate: number(event.funding_rate),
        fundingTimestamp: iso(event.next_funding_ts),
        predictedFundingRate: number(event.predicted_funding_rate),
        indexPrice: number(event.index_price),
        markPrice: number(event.mark_price),
        ...times,
      };
    case "liquidation":
      return {
        type: "liquidation",
        ...head,
        id: event.id ?? undefined,
        price: number(event.price),
        amount: number(event.size),
        side: event.side,
        ...times,
      };
    case "option_summary":
      return { type: "option_summary", ...head, ...optionFields(event), ...times };
    default:
      return null;
  }
}

/** Formats a time as Tardis does; undefined if there is none. */
export function iso(micros: unknown): string | undefined {
  return typeof micros === "number" ? new Date(micros / 1000).toISOString() : undefined;
}

function optionFields(event: FlatEvent): FlatEvent {
  return {
    optionType: event.option_type ?? undefined,
    strikePrice: number(event.strike_price),
    expirationDate: iso(event.expiration_ts),
    bestBidPrice: number(event.bid_price),
    bestBidAmount: number(event.bid_size),
    bestBidIV: number(event.bid_iv),
    bestAskPrice: number(event.ask_price),
    bestAskAmount: number(event.ask_size),
    bestAskIV: number(event.ask_iv),
    lastPrice: number(event.last_price),
    openInterest: number(event.open_interest),
    markPrice: number(event.mark_price),
    markIV: number(event.mark_iv),
    delta: number(event.delta),
    gamma: number(event.gamma),
    vega: number(event.vega),
    theta: number(event.theta),
    rho: number(event.rho),
    underlyingPrice: number(event.underlying_price),
    underlyingIndex: event.underlying_index ?? "",
  };
}

/** Returns the nearest double; undefined if there is no value. */
function number(decimal: unknown): number | undefined {
  return decimal === null || decimal === undefined ? undefined : Number(decimal);
}

/** Converts the levels of a book. */
export function levels(list: unknown): readonly TardisLevel[] {
  return (list as readonly Level[]).map(([price, amount]) => ({ price: Number(price), amount: Number(amount) }));
}
