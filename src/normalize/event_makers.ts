import { type Decimal, fieldsOf, type FieldSpec, isZero, type MarketEvent, type RowKind, SIDES } from "../model/mod.ts";
import type { CompiledEvent } from "../program/mod.ts";
import { createBookMaker } from "./book_maker.ts";
import type { ReadContext } from "./context.ts";
import { type EventMaker, optionalField, requiredField } from "./rule_fields.ts";

/** Compiles how a rule's rows become events. Every event of a kind has all fields, always in the same order. */
export function createEventMaker(rule: CompiledEvent): EventMaker {
  switch (rule.kind) {
    case "trade":
      return createTradeMaker(rule);
    case "book":
      return createBookMaker(rule);
    case "quote":
      return createQuoteMaker(rule);
    case "checksum":
      // Proves a book and is no event.
      return () => null;
    default:
      return createRowMaker(rule, rule.kind);
  }
}

/** Written out because trades are the most frequent rows: the type holds it to the table of events. */
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
    if (isOneSided && bid === null && ask === null && rule.merge === null) return null;
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

/** A value of a row; null where it is missing or at fault. */
type RowValue = string | number | boolean | null;
type ValueReader = (context: ReadContext) => RowValue;

/**
 * Compiles rows of the fields that the table of events gives the kind. A row that carries none of them, of a kind without
 * required fields (a partial update of something else), says nothing.
 */
function createRowMaker(rule: CompiledEvent, kind: RowKind): EventMaker {
  const fields = fieldsOf(kind);
  const names = fields.map(([name]) => name);
  const readers = fields.map(([name, spec]) => valueReader(rule, name, spec));
  const isPartial = fields.every(([, { nullable }]) => nullable);
  // Copies of one object have one shape, whatever order their fields are set in.
  const blank: Readonly<Record<string, RowValue>> = { kind, ...Object.fromEntries(names.map((name) => [name, null])) };
  return (context) => {
    const event: Record<string, RowValue> = { ...blank };
    let found = false;
    for (let i = 0; i < readers.length; i++) {
      const value = readers[i](context);
      if (value === null) continue;
      found = true;
      event[names[i]] = value;
    }
    if (context.rowFailed || (isPartial && !found)) return null;
    return event as unknown as MarketEvent;
  };
}

function valueReader(rule: CompiledEvent, name: string, { type, nullable }: FieldSpec): ValueReader {
  if (type === "side") {
    const side = optionalField(rule, name);
    return side === null ? () => "unknown" : (context) => side.oneOf(context, SIDES, "unknown");
  }
  const field = nullable ? optionalField(rule, name) : requiredField(rule, name);
  if (field === null) return () => null;
  switch (type) {
    case "decimal":
      return (context) => field.decimal(context);
    case "micros":
      return (context) => field.micros(context);
    case "boolean":
      return (context) => field.boolean(context);
    default:
      return (context) => field.text(context);
  }
}
