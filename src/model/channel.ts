/** Our kinds of streams. A *native channel* is the exchange's wire name for one. */
export type Channel =
  | "trades"
  | "book"
  | "quotes"
  | "ticker"
  | "candles"
  | "derivative"
  | "options"
  | "funding"
  | "liquidations"
  | "orders"
  | "instruments";

/** All channels, in the order in which documents list them. */
export const CHANNELS: readonly Channel[] = [
  "trades",
  "book",
  "quotes",
  "ticker",
  "candles",
  "derivative",
  "options",
  "funding",
  "liquidations",
  "orders",
  "instruments",
];

/** Channels whose events come in frames or REST answers: all but `instruments`, whose events come from lists. */
export const SENT_CHANNELS: readonly Channel[] = CHANNELS.filter((channel) => channel !== "instruments");

/** One stream of an exchange instance: a channel of an instrument. */
export interface Stream {
  readonly channel: Channel;
  /** Canonical symbol, as configured. */
  readonly symbol: string;
}

/** The key of a stream in maps and in `gap` events: `trades BTC/USDT`. */
export function streamKey(stream: Stream): string {
  return `${stream.channel} ${stream.symbol}`;
}
