import type { EventRule, MarketEvent, MergeRule, SessionId } from "../model/mod.ts";
import type { Channel, Micros } from "../model/mod.ts";
import type { ReadContext } from "./context.ts";
import { createEventMaker, type EventMaker, optionalField } from "./event_makers.ts";
import { FieldReader } from "./field.ts";
import type { FirstFrames } from "./first_frames.ts";
import type { LevelIds } from "./level_ids.ts";
import type { Merges } from "./merges.ts";
import { RowList } from "./rows.ts";
import type { SymbolMap, SymbolPair } from "./symbols.ts";
import { Unwrapper } from "./unwrapper.ts";

/** An event with what it belongs to. */
export interface NormalizedEvent {
  /** Null for a raw event whose native channel no map translates. */
  readonly channel: Channel | null;
  /** Canonical; the native spelling where no map translates it. */
  readonly symbol: string;
  readonly native_symbol: string;
  /** Null where the frame gives none. */
  readonly exchange_ts: Micros | null;
  readonly event: MarketEvent;
  /** Name of the rule that gave it. */
  readonly rule: string;
  /** The exchange's checksum of the book after this event; null where it gives none. */
  readonly checksum: string | null;
}

/** Where a frame came from. */
export interface FrameOrigin {
  readonly session: SessionId | null;
  readonly connectionId: string;
  /** The instrument that a REST answer was asked for; null for frames. */
  readonly asked: SymbolPair | null;
}

/** What the rules of an exchange instance remember between frames, and share. */
export interface EventMemory {
  readonly symbols: SymbolMap;
  readonly firstFrames: FirstFrames;
  readonly levelIds: LevelIds;
  readonly merges: Merges;
}

/** Turns the rows of a matched frame into events by one rule. */
export class EventReader {
  readonly rule: EventRule;
  readonly #make: EventMaker;
  readonly #symbol: FieldReader | null;
  readonly #checksum: FieldReader | null;
  readonly #exchangeTs: FieldReader | null;
  readonly #unwrapper: Unwrapper | null;
  readonly #rows = new RowList();
  readonly #symbols: SymbolMap;
  readonly #firstFrames: FirstFrames;
  readonly #merges: Merges;
  /** The symbol read last: the next row is mostly of the same one, and then needs neither text nor look-up. */
  #lastPair: SymbolPair | null = null;
  #lastConnection: string | null = null;

  constructor(rule: EventRule, memory: EventMemory) {
    const { symbols, firstFrames, levelIds, merges } = memory;
    this.#merges = merges;
    this.rule = rule;
    this.#make = createEventMaker(rule, levelIds);
    this.#symbol = rule.symbol === null ? null : new FieldReader(rule.symbol, `${rule.name}.symbol`, true);
    this.#exchangeTs = rule.exchangeTs === null ? null : new FieldReader(rule.exchangeTs, `${rule.name}.exchange_ts`);
    this.#unwrapper = rule.unwrap === null ? null : new Unwrapper(rule.unwrap, rule.name);
    this.#checksum = optionalField(rule, "checksum");
    this.#symbols = symbols;
    this.#firstFrames = firstFrames;
  }

  /** Appends the events of the document's rows; rows at fault are left out and noted in the context. */
  read(context: ReadContext, origin: FrameOrigin, events: NormalizedEvent[]): void {
    if (this.#unwrapper === null) return this.#readDocument(context, origin, events);
    const inside = this.#unwrapper.open(context);
    if (inside === null) return;
    this.#readDocument(inside, origin, events);
    this.#unwrapper.close(context);
  }

  #readDocument(context: ReadContext, origin: FrameOrigin, events: NormalizedEvent[]): void {
    const rule = this.rule;
    if (rule.rows.steps.length === 0) {
      const tail = rule.rows.tail;
      const row = tail === null ? 0 : context.document.find(tail, 0);
      if (row < 0) return;
      context.atRow(row, 0);
      this.#readRow(context, origin, events);
      return;
    }
    const list = this.#rows;
    list.collect(context.document, rule.rows, 0);
    for (let i = 0; i < list.rows.length; i++) {
      context.atRow(list.rows[i], list.parents[i]);
      this.#readRow(context, origin, events);
    }
  }

  #readRow(context: ReadContext, origin: FrameOrigin, events: NormalizedEvent[]): void {
    const rule = this.rule;
    context.rowFailed = false;
    context.lost = null;
    if (rule.where !== null && !rule.where.test(context.scope)) return;
    const pair = this.#pair(context, origin);
    const exchange_ts = this.#exchangeTs === null ? null : this.#exchangeTs.micros(context);
    context.native = pair === null ? "" : pair.native;
    const checksum = this.#checksum === null ? null : this.#checksum.text(context);
    if (rule.kind === "checksum") {
      if (pair === null || checksum === null || context.rowFailed) return;
      context.checksums.push({ rule: rule.name, native_symbol: pair.native, checksum });
      return;
    }
    const made = this.#make(context);
    if (context.lost !== null && rule.book !== null && pair !== null) {
      context.holes.push({ rule: rule.name, native_symbol: pair.native, detail: context.lost });
    }
    if (made === null || pair === null || context.rowFailed) return;
    const event = rule.merge === null || origin.session === null
      ? made
      : this.#merged(made, { context, session: origin.session, merge: rule.merge });
    if (event === null) return;
    if (rule.skipFirstFrame && origin.session !== null) {
      if (this.#firstFrames.isFirst(origin.session, `${rule.name} ${pair.native}`)) return;
    }
    const { canonical, native } = pair;
    events.push({
      channel: rule.channel,
      symbol: canonical,
      native_symbol: native,
      exchange_ts,
      event,
      rule: rule.name,
      checksum,
    });
  }

  /** The event with what is known of its stream; null where it is not to be told. */
  #merged(
    event: MarketEvent,
    row: { readonly context: ReadContext; readonly session: SessionId; readonly merge: MergeRule },
  ): MarketEvent | null {
    const { context, session, merge } = row;
    const stream = `${this.rule.name} ${context.native}`;
    if (merge.start !== null) {
      if (merge.start.test(context.scope)) this.#merges.reset(session, stream);
      else if (!this.#merges.knows(session, stream)) return null;
    }
    return this.#merges.fill(session, stream, event);
  }

  #pair(context: ReadContext, origin: FrameOrigin): SymbolPair | null {
    const last = this.#lastPair;
    if (last !== null && this.#lastConnection === origin.connectionId && this.#symbol?.equals(context, last.bytes)) {
      return last;
    }
    if (this.#symbol === null) {
      if (origin.asked === null) context.fail("missing_field", `${this.rule.name}.symbol`);
      return origin.asked;
    }
    const native = this.#symbol.text(context);
    if (native === null) return null;
    if (origin.asked !== null && origin.asked.native === native) return origin.asked;
    const pair = this.#symbols.translate(origin.connectionId, native);
    this.#lastPair = native.isWellFormed() ? pair : null;
    this.#lastConnection = origin.connectionId;
    return pair;
  }
}
