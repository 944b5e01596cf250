import {
  ChoiceColumn,
  DigitsColumn,
  EVENT_KINDS,
  type EventBatch,
  type FieldColumn,
  fieldsOf,
  LevelsColumn,
} from "../model/mod.ts";
import type { TextBuffer } from "./text_buffer.ts";

/** The text The text The text `,"name":` of each field, by kind. */
const FIELD_KEYS = EVENT_KINDS.map((kind) => fieldsOf(kind).map(([name]) => `,${JSON.stringify(name)}:`));
const HEADS = EVENT_KINDS.map((kind) => `{"kind":${JSON.stringify(kind)},"exchange":`);
const COMMA = 44;
const OPEN = 91;
const CLOSE = 93;
const END = 125;

/** Writes an event of a batch in the form of `eventJson`. */
export function writeEventJson(
  out: TextBuffer,
  batch: EventBatch,
  event: number,
  collector: string | null = null,
): void {
  const kind = batch.kinds[event];
  out.text(HEADS[kind]);
  out.jsonString(batch.exchanges[event]);
  out.text(',"symbol":');
  out.jsonString(batch.symbols[event]);
  out.text(',"native_symbol":');
  out.jsonString(batch.nativeSymbols[event]);
  out.text(',"exchange_ts":');
  writeNumber(out, batch.exchangeTs.values[event]);
  out.text(',"received_ts":');
  out.number(batch.receivedTs.values[event]);
  const copies = batch.seenBy(event);
  const name = copies?.[0].collector ?? collector;
  if (name !== null) {
    out.text(',"collector":');
    out.jsonString(name);
  }
  out.text(',"session":');
  out.number(batch.sessions.values[event]);
  out.text(',"offset":');
  out.number(batch.offsets.values[event]);
  out.text(',"index":');
  out.number(batch.indexes.values[event]);
  const columns = batch.columnsOf(kind);
  const keys = FIELD_KEYS[kind];
  const row = batch.rows[event];
  for (let i = 0; i < columns.length; i++) {
    out.text(keys[i]);
    writeField(out, columns[i], row);
  }
  if (batch.isBackfilled(event)) out.text(',"backfilled":true');
  if (copies !== null) out.text(`,"seen_by":${JSON.stringify(copies)}`);
  out.byte(END);
}

function writeField(out: TextBuffer, column: FieldColumn, row: number): void {
  if (column instanceof DigitsColumn) out.jsonDigits(column, row);
  else if (column instanceof LevelsColumn) writeLevels(out, column, row);
  else if (column instanceof ChoiceColumn) {
    const value = column.get(row);
    if (typeof value === "string") out.jsonString(value);
    else out.text(String(value));
  } else writeNumber(out, column.values[row]);
}

function writeNumber(out: TextBuffer, value: number): void {
  if (Number.isNaN(value)) out.text("null");
  else out.number(value);
}

function writeLevels(out: TextBuffer, column: LevelsColumn, row: number): void {
  const { prices, sizes } = column.levels;
  const end = column.ends[row];
  const start = column.starts[row];
  out.byte(OPEN);
  for (let level = start; level < end; level++) {
    if (level > start) out.byte(COMMA);
    out.byte(OPEN);
    out.jsonDigits(prices, level);
    out.byte(COMMA);
    out.jsonDigits(sizes, level);
    out.byte(CLOSE);
  }
  out.byte(CLOSE);
}
