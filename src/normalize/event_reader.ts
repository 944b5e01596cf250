import { TextTable } from "../json/mod.ts";
import type { EventBatch } from "../model/mod.ts";
import type { CompiledEvent, CompiledMerge } from "../program/mod.ts";
import type { ReadContext } from "./context.ts";
import { createEventMaker } from "./event_makers.ts";
import { expressionText, FieldReader } from "./field.ts";
import type { FrameEvents } from "./frame_events.ts";
import type { FrameMemory } from "./frame_memory.ts";
import { RowList } from "./rows.ts";
import { type EventMaker, NO_EVENT, optionalField } from "./rule_fields.ts";
import type { SymbolMap, SymbolPair } from "./symbols.ts";
import { Unwrapper } from "./unwrapper.ts";

/** Where a frame came from. */
export interface FrameOrigin {
  readonly connectionId: string;
  /** The instrument that was requested; null for frames, and for answers that cover many. */
  readonly asked: SymbolPair | null;
  /** Memory of its session, or of the polls that belong to none. */
  readonly memory: FrameMemory;
  readonly hasSession: boolean;
}

/** Turns the rows of a matched frame into events by one rule. */
export class EventReader {
  readonly rule: CompiledEvent;
  readonly #make: EventMaker;
  readonly #symbol: FieldReader | null;
  readonly #checksum: FieldReader | null;
  readonly #exchangeTs: FieldReader | null;
  readonly #unwrapper: Unwrapper | null;
  readonly #rows = new RowList();
  /** Index of the current row in its frame. */
  #row = 0;
  readonly #symbols: SymbolMap;
  /** Reads the symbol if rows of symbols outside the map are skipped; null otherwise. */
  readonly #asked: FieldReader | null;
  /** Cached spellings of mapped symbols by connection, and those of the connection that was read last. */
  readonly #pairs = new Map<string, TextTable<SymbolPair>>();
  #known: TextTable<SymbolPair> | null = null;
  #knownOf: string | null = null;

  /** `isReplay`: rows of all symbols are read. */
  constructor(rule: CompiledEvent, symbols: SymbolMap, isReplay = false) {
    this.rule = rule;
    this.#make = createEventMaker(rule);
    this.#symbol = rule.symbol === null ? null : new FieldReader(rule.symbol, `${rule.name}.symbol`, true);
    this.#exchangeTs = rule.exchangeTs === null ? null : new FieldReader(rule.exchangeTs, `${rule.name}.exchange_ts`);
    this.#unwrapper = rule.unwrap === null ? null : new Unwrapper(rule.unwrap, rule.name);
    this.#checksum = optionalField(rule, "checksum");
    this.#symbols = symbols;
    this.#asked = rule.askedOnly === true && !isReplay ? this.#symbol : null;
  }

  /** Appends the events of the document's rows. Rows with a fault are skipped and reported in the context. */
  read(context: ReadContext, origin: FrameOrigin, events: FrameEvents): void {
    if (this.#unwrapper === null) return this.#readDocument(context, origin, events);
    const inside = this.#unwrapper.open(context);
    if (inside === null) {
      // The update inside is lost, and its symbol is unknown.
      if (this.rule.book !== null) this.#reportLostUpdate(context, "", context.lost);
      return;
    }
    this.#readDocument(inside, origin, events);
    this.#unwrapper.close(context);
  }

  #readDocument(context: ReadContext, origin: FrameOrigin, events: FrameEvents): void {
    const rule = this.rule;
    if (rule.rows.steps.length === 0) {
      const tail = rule.rows.tail;
      const row = tail === null ? 0 : context.document.find(tail, 0);
      if (row < 0) return;
      context.rowsFound = true;
      context.atRow(row, 0);
      this.#row = 0;
      this.#readRow(context, origin, events);
      return;
    }
    const list = this.#rows;
    list.collect(context.document, rule.rows, 0);
    if (list.found) context.rowsFound = true;
    for (let i = 0; i < list.rows.length; i++) {
      this.#row = i;
      context.atRow(list.rows[i], list.parents[i]);
      this.#readRow(context, origin, events);
    }
  }

  #readRow(context: ReadContext, origin: FrameOrigin, events: FrameEvents): void {
    const rule = this.rule;
    context.rowFailed = false;
    context.lost = null;
    if (rule.where !== null && !rule.where.test(context.scope)) return;
    if (rule.merge?.state?.emit === "never") return this.#mergeSilently(context, rule.merge, events.batch);
    if (this.#asked !== null && !this.#isAsked(this.#asked, context, origin)) return;
    const pair = this.#pair(context, origin);
    const exchange_ts = this.#exchangeTs === null ? null : this.#exchangeTs.micros(context);
    context.native = pair === null ? "" : pair.native;
    const checksum = this.#checksum === null ? null : this.#checksum.text(context);
    if (rule.kind === "checksum") {
      if (pair === null || checksum === null || context.rowFailed) return;
      context.checksums.push({ rule: rule.name, native_symbol: pair.native, checksum });
      return;
    }
    const { batch } = events;
    context.orders = null;
    const kind = this.#make(context, batch);
    if (context.lost !== null && rule.book !== null) this.#reportLostUpdate(context, pair?.native ?? "", context.lost);
    if (kind === NO_EVENT) return;
    if (pair === null || context.rowFailed) return batch.undo();
    if (rule.merge !== null && context.hasSession && !this.#merge(batch, context, rule.merge)) return batch.undo();
    if (rule.skipFirstFrame && context.hasSession) {
      if (context.memory.firstFrames.isFirst(`${rule.name} ${pair.native}`)) return batch.undo();
    }
    events.close(rule, pair, exchange_ts, checksum, this.#row);
    if (context.orders !== null) events.attachOrders(context.orders);
  }

  /** Reports a lost update of a book; `native` is empty if the symbol could not be read. */
  #reportLostUpdate(context: ReadContext, native: string, detail: string | null): void {
    // Symbols past the session's limit have no books.
    if (detail === null || detail.startsWith("too_many_symbols")) return;
    context.lostUpdates.push({ rule: this.rule.name, native_symbol: native, detail });
  }

  /** Merges a row into a shared state without emitting it; its symbol is the key of the state. */
  #mergeSilently(context: ReadContext, merge: CompiledMerge, batch: EventBatch): void {
    if (!context.hasSession) return;
    const key = this.#symbol === null ? null : this.#symbol.text(context);
    if (key === null) return;
    context.native = key;
    if (this.#make(context, batch) === NO_EVENT) return;
    if (!context.rowFailed) {
      this.#merge(batch, context, merge);
      context.noted.push(this.rule.name);
    }
    batch.undo();
  }

  /** Fills the open event from the merged state of its stream; false if it is not emitted. */
  #merge(batch: EventBatch, context: ReadContext, merge: CompiledMerge): boolean {
    const { merges } = context.memory;
    const { start, state } = merge;
    const streamOf = (key: string) => state === null ? `${this.rule.name} ${key}` : `state ${state.name} ${key}`;
    const stream = streamOf(context.native);
    if (start !== null) {
      if (start.test(context.scope)) merges.reset(stream);
      else if (!merges.knows(stream)) return false;
    }
    const other = state === null || state.of === null ? null : expressionText(context, state.of);
    const shared = state === null ? null : { ...state, also: other === null ? null : streamOf(other) };
    const full = merges.fill(stream, batch.openEvent(), shared);
    if (full === null) return false;
    batch.undo();
    batch.addFields(full);
    return true;
  }

  /** Whether the row's symbol is in the map, which holds the subscribed ones; true for a row without a symbol. */
  #isAsked(symbol: FieldReader, context: ReadContext, { connectionId }: FrameOrigin): boolean {
    const native = symbol.text(context);
    return native === null || this.#symbols.find(connectionId, native) !== null;
  }

  #pair(context: ReadContext, origin: FrameOrigin): SymbolPair | null {
    const symbol = this.#symbol;
    if (symbol === null) {
      if (origin.asked === null) context.fail("missing_field", `${this.rule.name}.symbol`);
      return origin.asked;
    }
    const { connectionId } = origin;
    const { document } = context;
    const node = origin.asked === null ? symbol.plainNode(context) : -1;
    if (node >= 0) {
      const known = this.#knownIn(connectionId).find(document, node);
      if (known !== undefined) return known;
    }
    const native = symbol.text(context);
    if (native === null) return null;
    if (origin.asked !== null && origin.asked.native === native) return origin.asked;
    const pair = context.translate(this.#symbols, connectionId, native);
    // An unmapped symbol is not cached, because each session counts it.
    const isMapped = pair !== null && this.#symbols.find(connectionId, native) === pair;
    if (node >= 0 && isMapped) this.#knownIn(connectionId).remember(document, node, pair);
    return pair;
  }

  #knownIn(connectionId: string): TextTable<SymbolPair> {
    if (this.#known !== null && this.#knownOf === connectionId) return this.#known;
    let known = this.#pairs.get(connectionId);
    if (known === undefined) this.#pairs.set(connectionId, known = new TextTable());
    this.#known = known;
    this.#knownOf = connectionId;
    return known;
  }
}
