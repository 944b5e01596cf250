import fc from "fast-check";
import type { Envelope, Level, MarketEvent } from "../../src/model/mod.ts";

/** Midnight UTC of 2026-11-22, µs. */
export const DAY_START = 1_795_305_600_000_000;

/** An envelope that shows only what a test says. */
export function envelope(offset: number, event: MarketEvent, rest: Partial<Envelope> = {}): Envelope {
  return {
    exchange: "alpha",
    symbol: "BTC/USDT",
    native_symbol: "BTCUSDT",
    exchange_ts: DAY_START + offset,
    received_ts: DAY_START + offset + 250,
    session: 7,
    offset,
    index: 0,
    event,
    ...rest,
  };
}

/** A trade with the price given. */
export function trade(price = "60000.10"): MarketEvent {
  return { kind: "trade", trade_id: "123456789012345678901", price, size: "0.00100000", side: "buy" };
}

const decimal = fc.tuple(fc.integer({ min: 0, max: 99999 }), fc.nat(9999)).map(([a, b]) => `${a}.${b}`);
const text = fc.oneof(
  fc.constantFrom(
    "",
    "1",
    'say "hi", twice',
    "line\nbreak\r\nand more",
    "ünïcödé 💰",
    "123456789012345678901",
    "\u0000",
  ),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const micros = fc.integer({ min: 0, max: 4_000_000_000_000_000 });
const levels: fc.Arbitrary<readonly Level[]> = fc.array(fc.tuple(decimal, decimal), { maxLength: 6 });
const side = fc.constantFrom("buy" as const, "sell" as const, "unknown" as const);

/** Events of every kind, with nulls, empty lists and odd texts. */
export const anyEvent: fc.Arbitrary<MarketEvent> = fc.oneof(
  fc.record({ kind: fc.constant("trade" as const), trade_id: maybe(text), price: decimal, size: decimal, side }),
  fc.record({ kind: fc.constant("book_snapshot" as const), bids: levels, asks: levels, sequence: maybe(text) }),
  fc.record({
    kind: fc.constant("book_delta" as const),
    bids: levels,
    asks: levels,
    first_sequence: maybe(text),
    last_sequence: maybe(text),
    previous_sequence: maybe(text),
  }),
  fc.record({ kind: fc.constant("book_top" as const), bids: levels, asks: levels, sequence: maybe(text) }),
  fc.record({
    kind: fc.constant("quote" as const),
    bid_price: maybe(decimal),
    bid_size: maybe(decimal),
    ask_price: maybe(decimal),
    ask_size: maybe(decimal),
  }),
  fc.record({
    kind: fc.constant("ticker" as const),
    last: maybe(decimal),
    open: maybe(decimal),
    high: maybe(decimal),
    low: maybe(decimal),
    volume: maybe(decimal),
    quote_volume: maybe(decimal),
  }),
  fc.record({
    kind: fc.constant("candle" as const),
    interval: maybe(text),
    open_ts: maybe(micros),
    open: decimal,
    high: decimal,
    low: decimal,
    close: decimal,
    volume: maybe(decimal),
    trades: maybe(fc.nat().map(String)),
    closed: maybe(fc.boolean()),
  }),
  fc.record({
    kind: fc.constant("derivative_ticker" as const),
    last_price: maybe(decimal),
    mark_price: maybe(decimal),
    index_price: maybe(decimal),
    funding_rate: maybe(decimal.map((rate) => `-${rate}`)),
    next_funding_ts: maybe(micros),
    predicted_funding_rate: maybe(decimal),
    open_interest: maybe(decimal),
  }),
  fc.record({
    kind: fc.constant("option_summary" as const),
    option_type: maybe(fc.constantFrom("call", "put")),
    strike_price: maybe(decimal),
    expiration_ts: maybe(micros),
    bid_price: maybe(decimal),
    bid_size: maybe(decimal),
    bid_iv: maybe(decimal),
    ask_price: maybe(decimal),
    ask_size: maybe(decimal),
    ask_iv: maybe(decimal),
    last_price: maybe(decimal),
    mark_price: maybe(decimal),
    mark_iv: maybe(decimal),
    open_interest: maybe(decimal),
    delta: maybe(decimal.map((delta) => `-${delta}`)),
    gamma: maybe(decimal),
    vega: maybe(decimal),
    theta: maybe(decimal),
    rho: maybe(decimal),
    underlying_price: maybe(decimal),
    underlying_index: maybe(text),
  }),
  fc.record({
    kind: fc.constant("funding" as const),
    funding_rate: decimal.map((rate) => `-${rate}`),
    funding_ts: maybe(micros),
    interval: maybe(text),
    mark_price: maybe(decimal),
  }),
  fc.record({ kind: fc.constant("liquidation" as const), id: maybe(text), price: decimal, size: decimal, side }),
  fc.record({
    kind: fc.constant("gap" as const),
    gap_id: text,
    state: fc.constantFrom("opened" as const, "closed" as const),
    stream: maybe(fc.constantFrom("trades" as const, "book" as const)),
    cause: fc.constantFrom("disconnect" as const, "sequence" as const, "rejected" as const),
    from_ts: maybe(micros),
    to_ts: maybe(micros),
    from_sequence: maybe(text),
    to_sequence: maybe(text),
    detail: text,
    action: text,
  }),
  fc.record({
    kind: fc.constant("raw" as const),
    channel: maybe(text),
    sequence: maybe(text),
    message_id: maybe(text),
    payload: text,
  }),
);

/** Envelopes in order, several a record, over three days, two exchanges and odd symbols; offsets from 1000. */
export const anyEnvelopes: fc.Arbitrary<readonly Envelope[]> = fc.array(
  fc.record({
    event: anyEvent,
    exchange: fc.constantFrom("alpha", "beta-2"),
    symbol: fc.constantFrom("BTC/USDT", "BTC/USD:BTC-260327", "", "../etc", "ü %/💰", "BTC-USDT"),
    native_symbol: fc.constantFrom("BTCUSDT", "tBTC", ""),
    exchange_ts: maybe(micros),
    day: fc.integer({ min: 0, max: 2 }),
    sameRecord: fc.boolean(),
  }),
  { maxLength: 40 },
).map((list) => {
  let offset = 1000;
  let index = 0;
  return list.map(({ day, sameRecord, ...rest }, at) => {
    index = sameRecord && at > 0 ? index + 1 : 0;
    if (index === 0) offset += 1 + day;
    return { ...rest, received_ts: DAY_START + day * 86_400_000_000 + at, session: 999, offset, index };
  });
});
