import { type Decimal, isZero, SIDES, unreachable } from "../model/mod.ts";
import type { CompiledEvent } from "../program/mod.ts";
import { createBookMaker } from "./book_maker.ts";
import type { ReadContext } from "./context.ts";
import { type EventMaker, optionalField, requiredField } from "./rule_fields.ts";
import { FieldReader } from "./field.ts";

/**
 * Compiles how a rule's rows become events. Every event of a kind has all fields, always in the same order. The events are
 * written out as literals, which are made many times faster than by a loop over the table; their types hold them to it.
 */
export function createEventMaker(rule: CompiledEvent): EventMaker {
  switch (rule.kind) {
    case "trade":
      return createTradeMaker(rule);
    case "book":
      return createBookMaker(rule);
    case "quote":
      return createQuoteMaker(rule);
    case "ticker":
      return createTickerMaker(rule);
    case "candle":
      return createCandleMaker(rule);
    case "derivative_ticker":
      return createDerivativeMaker(rule);
    case "option_summary":
      return createOptionMaker(rule);
    case "funding":
      return createFundingMaker(rule);
    case "liquidation":
      return createLiquidationMaker(rule);
    case "checksum":
      // Proves a book and is no event.
      return () => null;
    default:
      return unreachable(rule.kind);
  }
}

function createTradeMaker(rule: CompiledEvent): EventMaker {
  const tradeId = optionalField(rule, "trade_id");
  const price = requiredField(rule, "price");
  const size = requiredField(rule, "size");
  const side = optionalField(rule, "side");
  return (context) => {
    const trade_id = tradeId === null ? null : tradeId.text(context);
    const priceText = price.decimal(context);
    const sizeText = size.decimal(context);
    const sideText = side === null ? "unknown" : side.oneOf(context, SIDES, "unknown");
    if (context.rowFailed || priceText === null || sizeText === null) return null;
    return { kind: "trade", trade_id, price: priceText, size: sizeText, side: sideText };
  };
}

function createLiquidationMaker(rule: CompiledEvent): EventMaker {
  const id = optionalField(rule, "id");
  const price = requiredField(rule, "price");
  const size = requiredField(rule, "size");
  const side = optionalField(rule, "side");
  return (context) => {
    const idText = id === null ? null : id.text(context);
    const priceText = price.decimal(context);
    const sizeText = size.decimal(context);
    const sideText = side === null ? "unknown" : side.oneOf(context, SIDES, "unknown");
    if (context.rowFailed || priceText === null || sizeText === null) return null;
    return { kind: "liquidation", id: idText, price: priceText, size: sizeText, side: sideText };
  };
}

/** A best price or size of zero stands for a side without orders, however it is spelled. */
function createQuoteMaker(rule: CompiledEvent): EventMaker {
  const bidPrice = optionalField(rule, "bid_price");
  const bidSize = optionalField(rule, "bid_size");
  const askPrice = optionalField(rule, "ask_price");
  const askSize = optionalField(rule, "ask_size");
  return (context) => {
    const bid_price = bidPrice === null ? null : bidPrice.decimal(context);
    const bid_size = bidSize === null ? null : bidSize.decimal(context);
    const ask_price = askPrice === null ? null : askPrice.decimal(context);
    const ask_size = askSize === null ? null : askSize.decimal(context);
    if (context.rowFailed) return null;
    const bid = unlessZero(bid_price);
    const ask = unlessZero(ask_price);
    // Both sides zero, or both null, say that the book is empty; a single side that is zero says nothing of the other.
    const isOneSided = (bid_price === null) !== (ask_price === null);
    if (bid === null && ask === null && rule.merge === null) {
      context.note("empty_quote", rule.name);
      if (isOneSided) return null;
    }
    return {
      kind: "quote",
      bid_price: bid,
      bid_size: bid_price !== null && isZero(bid_price) ? null : unlessZero(bid_size),
      ask_price: ask,
      ask_size: ask_price !== null && isZero(ask_price) ? null : unlessZero(ask_size),
    };
  };
}

function unlessZero(text: Decimal | null): Decimal | null {
  return text !== null && isZero(text) ? null : text;
}

/** A row that carries none of the statistics (a partial update of something else) says nothing. */
function createTickerMaker(rule: CompiledEvent): EventMaker {
  const decimals = decimalFields(rule, ["last", "open", "high", "low", "volume", "quote_volume"]);
  return (context) => {
    const values = readDecimals(context, decimals);
    if (context.rowFailed || values === null) return null;
    const [last, open, high, low, volume, quote_volume] = values;
    return { kind: "ticker", last, open, high, low, volume, quote_volume };
  };
}

/** A row that carries nothing of the derivative's state (a partial update of something else) says nothing. */
function createDerivativeMaker(rule: CompiledEvent): EventMaker {
  const decimals = decimalFields(rule, [
    "last_price",
    "mark_price",
    "index_price",
    "funding_rate",
    "predicted_funding_rate",
    "open_interest",
  ]);
  const nextFunding = optionalField(rule, "next_funding_ts");
  return (context) => {
    const values = readDecimals(context, decimals);
    const next_funding_ts = nextFunding === null ? null : nextFunding.micros(context);
    if (context.rowFailed || (values === null && next_funding_ts === null)) return null;
    const [last_price, mark_price, index_price, funding_rate, predicted_funding_rate, open_interest] = values ??
      NOTHING;
    return {
      kind: "derivative_ticker",
      last_price,
      mark_price,
      index_price,
      funding_rate,
      next_funding_ts,
      predicted_funding_rate,
      open_interest,
    };
  };
}

/** A row that carries nothing of the option's state but what its name says too says nothing. */
function createOptionMaker(rule: CompiledEvent): EventMaker {
  const optionType = optionalField(rule, "option_type");
  const strikePrice = optionalField(rule, "strike_price");
  const expiration = optionalField(rule, "expiration_ts");
  const underlyingIndex = optionalField(rule, "underlying_index");
  const decimals = decimalFields(rule, [
    "bid_price",
    "bid_size",
    "bid_iv",
    "ask_price",
    "ask_size",
    "ask_iv",
    "last_price",
    "mark_price",
    "mark_iv",
    "open_interest",
    "delta",
    "gamma",
    "vega",
    "theta",
    "rho",
    "underlying_price",
  ]);
  return (context) => {
    const option_type = optionType === null ? null : optionType.text(context);
    const strike_price = strikePrice === null ? null : strikePrice.decimal(context);
    const expiration_ts = expiration === null ? null : expiration.micros(context);
    const underlying_index = underlyingIndex === null ? null : underlyingIndex.text(context);
    const values = readDecimals(context, decimals);
    if (context.rowFailed || values === null) return null;
    const [bid_price, bid_size, bid_iv, ask_price, ask_size, ask_iv, last_price, mark_price, mark_iv, ...rest] = values;
    const [open_interest, delta, gamma, vega, theta, rho, underlying_price] = rest;
    return {
      kind: "option_summary",
      option_type,
      strike_price,
      expiration_ts,
      bid_price,
      bid_size,
      bid_iv,
      ask_price,
      ask_size,
      ask_iv,
      last_price,
      mark_price,
      mark_iv,
      open_interest,
      delta,
      gamma,
      vega,
      theta,
      rho,
      underlying_price,
      underlying_index,
    };
  };
}

function createFundingMaker(rule: CompiledEvent): EventMaker {
  const rate = requiredField(rule, "funding_rate");
  const fundingTs = optionalField(rule, "funding_ts");
  const interval = optionalField(rule, "interval");
  const markPrice = optionalField(rule, "mark_price");
  return (context) => {
    const funding_rate = rate.decimal(context);
    const funding_ts = fundingTs === null ? null : fundingTs.micros(context);
    const intervalText = interval === null ? null : interval.text(context);
    const mark_price = markPrice === null ? null : markPrice.decimal(context);
    if (context.rowFailed || funding_rate === null) return null;
    return { kind: "funding", funding_rate, funding_ts, interval: intervalText, mark_price };
  };
}

const NOTHING: readonly (string | null)[] = [null, null, null, null, null, null];

function createCandleMaker(rule: CompiledEvent): EventMaker {
  const interval = optionalField(rule, "interval");
  const openTs = optionalField(rule, "open_ts");
  const open = requiredField(rule, "open");
  const high = requiredField(rule, "high");
  const low = requiredField(rule, "low");
  const close = requiredField(rule, "close");
  const volume = optionalField(rule, "volume");
  const trades = optionalField(rule, "trades");
  const closed = optionalField(rule, "closed");
  return (context) => {
    const intervalText = interval === null ? null : interval.text(context);
    const open_ts = openTs === null ? null : openTs.micros(context);
    const openText = open.decimal(context);
    const highText = high.decimal(context);
    const lowText = low.decimal(context);
    const closeText = close.decimal(context);
    const volumeText = volume === null ? null : volume.decimal(context);
    const tradesText = trades === null ? null : trades.decimal(context);
    const isClosed = closed === null ? null : closed.boolean(context);
    if (context.rowFailed || openText === null || highText === null || lowText === null || closeText === null) {
      return null;
    }
    return {
      kind: "candle",
      interval: intervalText,
      open_ts,
      open: openText,
      high: highText,
      low: lowText,
      close: closeText,
      volume: volumeText,
      trades: tradesText,
      closed: isClosed,
    };
  };
}

function decimalFields(rule: CompiledEvent, names: readonly string[]): readonly (FieldReader | null)[] {
  return names.map((name) => optionalField(rule, name));
}

/** The values in order; null where all of them are missing. */
function readDecimals(context: ReadContext, fields: readonly (FieldReader | null)[]): (string | null)[] | null {
  const values: (string | null)[] = [];
  let found = false;
  for (const field of fields) {
    const value = field === null ? null : field.decimal(context);
    if (value !== null) found = true;
    values.push(value);
  }
  return found ? values : null;
}
