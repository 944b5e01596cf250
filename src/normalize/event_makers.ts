import {
  ChoiceColumn,
  DigitsColumn,
  EVENT_KINDS,
  EVENT_SPECS,
  type FieldColumn,
  fieldsOf,
  type FieldSpec,
  NumberColumn,
  type RowKind,
  type Side,
  SIDES,
  unreachable,
} from "../model/mod.ts";
import type { CompiledEvent } from "../program/mod.ts";
import { createBookMaker } from "./book_maker.ts";
import type { ReadContext } from "./context.ts";
import { type EventMaker, NO_EVENT, optionalField, requiredField } from "./rule_fields.ts";

/** Fields that only describe the instrument: a row with no other fields emits nothing. */
const NAMING_FIELDS: { readonly [K in RowKind]?: readonly string[] } = {
  option_summary: ["option_type", "strike_price", "expiration_ts", "underlying_index"],
};

/** Compiles the function that turns rows of a rule into events, by appending a value to each column of EVENT_SPECS. */
export function createEventMaker(rule: CompiledEvent): EventMaker {
  switch (rule.kind) {
    case "book":
      return createBookMaker(rule);
    case "checksum":
      // A checksum verifies a book and is no event.
      return () => NO_EVENT;
    case "quote":
      return createQuoteMaker(rule);
    default:
      return createRowMaker(rule, rule.kind);
  }
}

/** Appends the value of a field to its column. */
type FieldWriter = (context: ReadContext, column: FieldColumn) => void;

function createRowMaker(rule: CompiledEvent, kind: RowKind): EventMaker {
  const place = EVENT_KINDS.indexOf(kind);
  const fields = fieldsOf(kind);
  const writers = fields.map(([name, spec]) => createWriter(rule, name, spec));
  // A row without any field of the kind (a partial update of something else) emits nothing.
  const contentColumns = EVENT_SPECS[kind].merges
    ? fields.flatMap(([name], at) => NAMING_FIELDS[kind]?.includes(name) === true ? [] : [at])
    : null;
  return (context, batch) => {
    const columns = batch.begin(place);
    for (let i = 0; i < writers.length; i++) writers[i](context, columns[i]);
    if (!context.rowFailed && (contentColumns === null || hasValue(columns, contentColumns))) return place;
    batch.undo();
    return NO_EVENT;
  };
}

/** Whether the last value of any of these columns is not null. */
function hasValue(columns: readonly FieldColumn[], places: readonly number[]): boolean {
  for (let i = 0; i < places.length; i++) {
    const column = columns[places[i]];
    const row = column.length - 1;
    if (column instanceof DigitsColumn ? !column.isNull(row) : column.get(row) !== null) return true;
  }
  return false;
}

function createWriter(rule: CompiledEvent, name: string, { type, nullable }: FieldSpec): FieldWriter {
  // Without a rule for it, the side is `unknown`.
  const reader = nullable || type === "side" ? optionalField(rule, name) : requiredField(rule, name);
  if (reader === null) {
    return type === "side" ? (_, column) => addSide(column, "unknown") : (_, column) => addNull(column);
  }
  switch (type) {
    case "decimal":
      return (context, column) => reader.decimalInto(context, column as DigitsColumn);
    case "id":
    case "text":
    case "word":
    case "payload":
      return (context, column) => reader.textInto(context, column as DigitsColumn);
    case "micros":
      return (context, column) => (column as NumberColumn).append(reader.micros(context));
    case "boolean":
      return (context, column) => (column as ChoiceColumn<boolean>).append(reader.boolean(context));
    case "side":
      return (context, column) => addSide(column, reader.oneOf(context, SIDES, "unknown"));
    case "levels":
    case "channel":
    case "gap_state":
    case "gap_cause":
      throw new Error(`Cannot compile rule ${rule.name}: rows have no field of type ${type}`);
    default:
      return unreachable(type);
  }
}

function addSide(column: FieldColumn, side: Side): void {
  (column as ChoiceColumn<string>).append(side);
}

function addNull(column: FieldColumn): void {
  if (column instanceof DigitsColumn) column.appendNull();
  else column.append(null as never);
}

/** Creates the maker of quotes. A best price or size of zero, in any spelling, means a side without orders. */
function createQuoteMaker(rule: CompiledEvent): EventMaker {
  const bidPrice = optionalField(rule, "bid_price");
  const bidSize = optionalField(rule, "bid_size");
  const askPrice = optionalField(rule, "ask_price");
  const askSize = optionalField(rule, "ask_size");
  const place = EVENT_KINDS.indexOf("quote");
  return (context, batch) => {
    batch.begin(place);
    const { bid_price, bid_size, ask_price, ask_size } = batch.table("quote");
    const row = bid_price.length;
    if (bidPrice === null) bid_price.appendNull();
    else bidPrice.decimalInto(context, bid_price);
    if (bidSize === null) bid_size.appendNull();
    else bidSize.decimalInto(context, bid_size);
    if (askPrice === null) ask_price.appendNull();
    else askPrice.decimalInto(context, ask_price);
    if (askSize === null) ask_size.appendNull();
    else askSize.decimalInto(context, ask_size);
    if (context.rowFailed) {
      batch.undo();
      return NO_EVENT;
    }
    const isOneSided = bid_price.isNull(row) !== ask_price.isNull(row);
    clearEmptySide(bid_price, bid_size, row);
    clearEmptySide(ask_price, ask_size, row);
    // Both sides zero, or both null, mean an empty book; one zero side says nothing about the other.
    if (rule.merge === null && bid_price.isNull(row) && ask_price.isNull(row)) {
      context.note("empty_quote", rule.name);
      if (isOneSided) {
        batch.undo();
        return NO_EVENT;
      }
    }
    return place;
  };
}

function clearEmptySide(price: DigitsColumn, size: DigitsColumn, row: number): void {
  if (price.isZero(row)) {
    price.setNull(row);
    size.setNull(row);
  } else if (size.isZero(row)) size.setNull(row);
}
