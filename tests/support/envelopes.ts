import fc from "fast-check";
import {
  CHANNELS,
  type Envelope,
  EVENT_KINDS,
  fieldsOf,
  type FieldType,
  GAP_CAUSES,
  type InstrumentFields,
  type Level,
  type MarketEvent,
} from "../../src/model/mod.ts";

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

/** An instrument with the fields given. */
export function instrument(fields: Partial<InstrumentFields> = {}): MarketEvent {
  return {
    kind: "instrument",
    type: "perpetual",
    base: "BTC",
    quote: "USDT",
    settle: "USDT",
    tick_size: null,
    lot_size: null,
    contract_size: null,
    contract_unit: null,
    min_size: null,
    min_notional: null,
    expiration_ts: null,
    strike_price: null,
    option_type: null,
    status: null,
    listed_ts: null,
    ...fields,
  };
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

/** Values of each type of field. */
const VALUES: Readonly<Record<FieldType, fc.Arbitrary<unknown>>> = {
  id: text,
  text,
  word: fc.constantFrom("call", "put", "1m"),
  payload: text,
  decimal: fc.oneof(decimal, decimal.map((value) => `-${value}`)),
  micros,
  boolean: fc.boolean(),
  side: fc.constantFrom("buy", "sell", "unknown"),
  levels,
  channel: fc.constantFrom(...CHANNELS),
  gap_state: fc.constantFrom("opened", "closed"),
  gap_cause: fc.constantFrom(...GAP_CAUSES),
};

/** Events of every kind, with nulls, empty lists and odd texts. */
export const anyEvent: fc.Arbitrary<MarketEvent> = fc.oneof(
  ...EVENT_KINDS.map((kind) => {
    const fields = fieldsOf(kind).map(([name, { type, nullable }]) =>
      [name, nullable ? maybe(VALUES[type]) : VALUES[type]] as const
    );
    // The table says of each kind which fields an event of it has.
    return fc.record({ kind: fc.constant(kind), ...Object.fromEntries(fields) }) as unknown as fc.Arbitrary<
      MarketEvent
    >;
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
