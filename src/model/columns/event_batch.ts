import type { Envelope, EventCopy, MarketEvent } from "../event.ts";
import { EVENT_KINDS, type EventKind, fieldsOf } from "../event_specs.ts";
import type { Offset, SessionId } from "../frame.ts";
import type { Micros } from "../micros.ts";
import { NumberColumn } from "./columns.ts";
import { DigitsColumn } from "./digits_column.ts";
import { createColumns, type FieldColumn, type TableColumns, valueAt } from "./event_table.ts";
import { LevelColumns, LevelsColumn, type WithLevelSource } from "./level_columns.ts";

/** Estimated memory of an event beside its levels and texts, in bytes. */
const EVENT_BYTES = 200;
/** Memory of a price level, in bytes. */
const LEVEL_BYTES = 18;

/** The fields that events of all kinds share. */
export interface EventHead {
  readonly exchange: string;
  readonly symbol: string;
  readonly native_symbol: string;
  readonly exchange_ts: Micros | null;
  readonly received_ts: Micros;
  readonly session: SessionId;
  readonly offset: Offset;
  readonly index: number;
}

/** The columns of one kind, in the order of its fields. */
interface EventTable {
  readonly named: TableColumns<EventKind>;
  readonly columns: readonly FieldColumn[];
  readonly names: readonly string[];
  /** The columns that may keep texts. */
  readonly digits: readonly DigitsColumn[];
  readonly levels: readonly LevelsColumn[];
  length: number;
}

/**
 * Events as columns, from the normalizer to the sinks. The shared fields are columns over all events; the others are in
 * the table of the event's kind, at its `row`; all price levels are in two columns of the batch. Events are appended
 * and never changed. `envelope` returns one as an object, for people and slow paths.
 */
export class EventBatch {
  /** Rows in use. */
  length = 0;
  /** Index into EVENT_KINDS. */
  kinds = new Uint8Array(16);
  /** Row in the table of the event's kind. */
  rows = new Uint32Array(16);
  readonly exchanges: string[] = [];
  readonly symbols: string[] = [];
  readonly nativeSymbols: string[] = [];
  readonly exchangeTs = new NumberColumn();
  readonly receivedTs = new NumberColumn();
  readonly sessions = new NumberColumn();
  readonly offsets = new NumberColumn();
  readonly indexes = new NumberColumn();
  readonly levels = new LevelColumns();
  /** Kind of the open event, and the number of levels before it. */
  #open = 0;
  #levelsBefore = 0;
  /** Rows of backfilled events. A set, because they are few. */
  readonly #backfilled = new Set<number>();
  /** By row: which collectors saw an event, if collectors were merged. */
  readonly #seenBy = new Map<number, readonly EventCopy[]>();
  readonly #tables: (EventTable | null)[] = EVENT_KINDS.map(() => null);

  /** Returns the columns of a kind by field name. */
  table<K extends EventKind>(kind: K): TableColumns<K> {
    return this.#table(EVENT_KINDS.indexOf(kind)).named as unknown as TableColumns<K>;
  }

  /** Returns the columns of the kind with this index in EVENT_KINDS, in field order. */
  columnsOf(kind: number): readonly FieldColumn[] {
    return this.#table(kind).columns;
  }

  kindAt(event: number): EventKind {
    return EVENT_KINDS[this.kinds[event]];
  }

  /** Appends an event. */
  append(head: EventHead, event: WithLevelSource<MarketEvent>): void {
    this.begin(EVENT_KINDS.indexOf(event.kind));
    this.addFields(event);
    this.close(head);
  }

  /**
   * Opens an event of the kind with this index in EVENT_KINDS and returns its columns in field order. The caller
   * appends one value to each; `close` then ends the event, `undo` discards its values.
   */
  begin(kind: number): readonly FieldColumn[] {
    this.#open = kind;
    this.#levelsBefore = this.levels.length;
    return this.#table(kind).columns;
  }

  /** Appends all fields of the open event. */
  addFields(event: WithLevelSource<MarketEvent>): void {
    const { columns, names } = this.#table(this.#open);
    const fields: Readonly<Record<string, unknown>> = event;
    for (let i = 0; i < columns.length; i++) columns[i].append(fields[names[i]] as never);
  }

  /** Returns the open event. All its fields must have been appended. */
  openEvent(): MarketEvent {
    return this.#eventAt(this.#open, this.#table(this.#open).length);
  }

  /** Discards the values appended to the open event, which stays open. */
  undo(): void {
    const { columns, length } = this.#table(this.#open);
    for (let i = 0; i < columns.length; i++) columns[i].length = length;
    this.levels.truncate(this.#levelsBefore);
  }

  /** Ends the open event. */
  close(head: EventHead): void {
    this.#putHead(this.#open, head);
    this.exchangeTs.append(head.exchange_ts);
    this.receivedTs.append(head.received_ts);
    this.sessions.append(head.session);
    this.offsets.append(head.offset);
    this.indexes.append(head.index);
  }

  /** Marks an event as fetched later, because its stream had missed it. */
  markBackfilled(event: number): void {
    this.#backfilled.add(event);
  }

  /** Whether an event was fetched later. */
  isBackfilled(event: number): boolean {
    return this.#backfilled.size > 0 && this.#backfilled.has(event);
  }

  /** Marks which collectors saw an event; the first is the one whose copy is kept. */
  markSeenBy(event: number, copies: readonly EventCopy[]): void {
    this.#seenBy.set(event, copies);
  }

  /** Returns which collectors saw an event; null if collectors were not merged. */
  seenBy(event: number): readonly EventCopy[] | null {
    return this.#seenBy.size === 0 ? null : this.#seenBy.get(event) ?? null;
  }

  /** Appends an event of another batch. */
  copy(from: EventBatch, event: number): void {
    const kind = from.kinds[event];
    this.copyFields(from, event);
    const at = this.length;
    this.#room(at);
    const table = this.#table(kind);
    this.kinds[at] = kind;
    this.rows[at] = table.length++;
    this.exchanges[at] = from.exchanges[event];
    this.symbols[at] = from.symbols[event];
    this.nativeSymbols[at] = from.nativeSymbols[event];
    this.length = at + 1;
    this.exchangeTs.copy(from.exchangeTs, event);
    this.receivedTs.copy(from.receivedTs, event);
    this.sessions.copy(from.sessions, event);
    this.offsets.copy(from.offsets, event);
    this.indexes.copy(from.indexes, event);
    if (from.isBackfilled(event)) this.#backfilled.add(at);
    const copies = from.seenBy(event);
    if (copies !== null) this.#seenBy.set(at, copies);
  }

  /** Appends all events of another batch. */
  copyAll(from: EventBatch): void {
    for (let event = 0; event < from.length; event++) this.copy(from, event);
  }

  /** Opens an event with the fields of another batch's event; `close` ends it. */
  copyFields(from: EventBatch, event: number): void {
    const kind = from.kinds[event];
    const row = from.rows[event];
    const columns = this.begin(kind);
    const others = from.#table(kind).columns;
    for (let i = 0; i < columns.length; i++) columns[i].copy(others[i] as never, row);
  }

  /** Returns an event as an object. */
  event(event: number): MarketEvent {
    return this.#eventAt(this.kinds[event], this.rows[event]);
  }

  #eventAt(kind: number, row: number): MarketEvent {
    const { columns, names } = this.#table(kind);
    const fields: Record<string, unknown> = { kind: EVENT_KINDS[kind] };
    for (let i = 0; i < columns.length; i++) fields[names[i]] = valueAt(columns[i], row);
    return fields as unknown as MarketEvent;
  }

  /** Returns an event as an object, with its shared fields. */
  envelope(event: number): Envelope {
    const copies = this.seenBy(event);
    return {
      exchange: this.exchanges[event],
      symbol: this.symbols[event],
      native_symbol: this.nativeSymbols[event],
      exchange_ts: this.exchangeTs.get(event),
      received_ts: this.receivedTs.values[event],
      session: this.sessions.values[event],
      offset: this.offsets.values[event],
      index: this.indexes.values[event],
      ...(this.isBackfilled(event) ? { backfilled: true } : {}),
      ...(copies === null ? {} : { seen_by: copies }),
      event: this.event(event),
    };
  }

  /** Returns all events as objects. */
  envelopes(): Envelope[] {
    return Array.from({ length: this.length }, (_, event) => this.envelope(event));
  }

  /** Estimated memory of an event, in bytes. */
  weigh(event: number): number {
    const { digits, levels } = this.#table(this.kinds[event]);
    const row = this.rows[event];
    let bytes = EVENT_BYTES;
    for (let i = 0; i < levels.length; i++) bytes += levels[i].count(row) * LEVEL_BYTES;
    for (let i = 0; i < digits.length; i++) {
      if (digits[i].textChars > 0) bytes += (digits[i].spelling(row)?.length ?? 0) * 2;
    }
    return bytes;
  }

  /** Removes all events and keeps the capacity. */
  clear(): void {
    for (let event = 0; event < this.length; event++) this.#clearTable(this.#table(this.kinds[event]));
    this.length = 0;
    if (this.#backfilled.size > 0) this.#backfilled.clear();
    if (this.#seenBy.size > 0) this.#seenBy.clear();
    this.exchangeTs.clear();
    this.receivedTs.clear();
    this.sessions.clear();
    this.offsets.clear();
    this.indexes.clear();
    this.levels.clear();
  }

  #clearTable(table: EventTable): void {
    if (table.length === 0) return;
    const { columns } = table;
    for (let i = 0; i < columns.length; i++) columns[i].clear();
    table.length = 0;
  }

  #putHead(kind: number, { exchange, symbol, native_symbol }: EventHead): void {
    const at = this.length;
    this.#room(at);
    this.kinds[at] = kind;
    this.rows[at] = this.#table(kind).length++;
    this.exchanges[at] = exchange;
    this.symbols[at] = symbol;
    this.nativeSymbols[at] = native_symbol;
    this.length = at + 1;
  }

  #room(at: number): void {
    if (at < this.kinds.length) return;
    const kinds = new Uint8Array(at * 2);
    kinds.set(this.kinds);
    this.kinds = kinds;
    const rows = new Uint32Array(at * 2);
    rows.set(this.rows);
    this.rows = rows;
  }

  #table(kind: number): EventTable {
    return this.#tables[kind] ??= createTable(EVENT_KINDS[kind], this.levels);
  }
}

function createTable(kind: EventKind, levels: LevelColumns): EventTable {
  const named = createColumns(kind, levels);
  const names = fieldsOf(kind).map(([name]) => name);
  const columns = names.map((name) => (named as Readonly<Record<string, FieldColumn>>)[name]);
  const digits = columns.filter((column) => column instanceof DigitsColumn);
  return {
    named,
    names,
    columns,
    digits,
    levels: columns.filter((column) => column instanceof LevelsColumn),
    length: 0,
  };
}
