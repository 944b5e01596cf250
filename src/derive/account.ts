import {
  type ControlSignal,
  type Envelope,
  EventBatch,
  type Gap,
  type MarketEvent,
  type Micros,
  type Offset,
  type SessionId,
  type Stream,
  type WithLevelSource,
} from "../model/mod.ts";
import type { Fault, NormalizedFrame } from "../normalize/mod.ts";
import type { BookResync } from "./books.ts";
import type { FillPage, FillStretch } from "./fill.ts";
import type { GapFields } from "./gaps.ts";

/** Result of processing a record. The object and its arrays are reused: valid until the next call. */
export interface PipelineResult {
  readonly events: EventBatch;
  /** The same as objects, created on access. */
  readonly envelopes: readonly Envelope[];
  /** The signal of a control frame; null for other records. */
  readonly signal: ControlSignal | null;
  readonly faults: readonly Fault[];
  /** The rule that the frame matched; null if none did, and for records that are not frames. */
  readonly rule: string | null;
  /** Streams that the frame carried data of, duplicates included. */
  readonly streams: readonly Stream[];
  /** Whether a REST answer is what was requested; true for all other records. */
  readonly isAnswer: boolean;
  /** Number of events dropped as duplicates. */
  readonly duplicates: number;
  /** Number of book events not emitted: older than the book, waiting for its snapshot, or after a fault. */
  readonly withheld: WithheldCounts;
  /** Actions for books that are not valid. */
  readonly resyncs: readonly BookResync[];
  /** Stretches to fetch, because a gap has ended. */
  readonly fills: readonly FillStretch[];
  /** Result of a page of history; null for other records. */
  readonly page: FillPage | null;
  /** Native symbols without an entry in the map that first occurred in their session. */
  readonly unmapped: readonly string[];
  /** The bug that stopped the record's derivation; null if there was none. */
  readonly bug: string | null;
  /** Version of a checkpoint that could not be read; null if none was refused. */
  readonly refusedCheckpoint: number | null;
  /** Exchange instance concerned; empty if the record belongs to no known session. */
  readonly exchange: string;
}

/** Book events that were not emitted, by kind. */
export interface WithheldCounts {
  readonly book_snapshot: number;
  readonly book_delta: number;
}

/** Symbols of an event. */
export interface EventPlace {
  readonly symbol: string;
  readonly native: string;
}

const NO_FAULTS: readonly Fault[] = [];
const NO_NAMES: readonly string[] = [];
/** Symbols of an event that concerns a whole connection. */
export const CONNECTION: EventPlace = { symbol: "", native: "" };

/** Collects the result of one record. Reused for every record. */
export class RecordAccount implements PipelineResult {
  readonly events = new EventBatch();
  signal: ControlSignal | null = null;
  faults: readonly Fault[] = NO_FAULTS;
  rule: string | null = null;
  streams: Stream[] = [];
  isAnswer = true;
  duplicates = 0;
  readonly withheld = { book_snapshot: 0, book_delta: 0 };
  resyncs: BookResync[] = [];
  fills: FillStretch[] = [];
  page: FillPage | null = null;
  unmapped: readonly string[] = NO_NAMES;
  bug: string | null = null;
  refusedCheckpoint: number | null = null;
  exchange = "";
  offset: Offset = 0;
  session: SessionId = 0;
  /** Receive time of the record. */
  at: Micros = 0;
  /** Reused, because an object would be an allocation per event. */
  readonly #head = {
    exchange: "",
    symbol: "",
    native_symbol: "",
    exchange_ts: null as Micros | null,
    received_ts: 0,
    session: 0,
    offset: 0,
    index: 0,
  };

  get envelopes(): readonly Envelope[] {
    return this.events.envelopes();
  }

  /** Begins the result of a record. */
  begin(offset: Offset, at: Micros): void {
    this.events.clear();
    this.reset();
    this.offset = offset;
    this.at = at;
    this.session = 0;
    this.exchange = "";
  }

  /** Clears everything except the emitted events. */
  reset(): void {
    this.signal = null;
    this.faults = NO_FAULTS;
    this.rule = null;
    this.streams = [];
    this.isAnswer = true;
    this.duplicates = 0;
    this.withheld.book_snapshot = 0;
    this.withheld.book_delta = 0;
    this.resyncs = [];
    if (this.fills.length > 0) this.fills = [];
    this.page = null;
    this.unmapped = NO_NAMES;
    this.bug = null;
    this.refusedCheckpoint = null;
  }

  /** Copies the result of reading a frame, without its events. */
  adopt(read: NormalizedFrame): void {
    this.signal = read.signal;
    this.faults = read.faults;
    this.rule = read.rule;
    this.unmapped = read.unmapped;
  }

  /** Emits an event. */
  emit(place: EventPlace, event: WithLevelSource<MarketEvent>, exchangeTs: Micros | null = null): void {
    const head = {
      exchange: this.exchange,
      symbol: place.symbol,
      native_symbol: place.native,
      exchange_ts: exchangeTs,
      received_ts: this.at,
      session: this.session,
      offset: this.offset,
      index: this.events.length,
    };
    this.events.append(head, event);
  }

  /** Emits an event of a frame as read. */
  pass(found: EventBatch, event: number): void {
    const { events } = this;
    events.copyFields(found, event);
    const head = this.#head;
    head.exchange = this.exchange;
    head.symbol = found.symbols[event];
    head.native_symbol = found.nativeSymbols[event];
    head.exchange_ts = found.exchangeTs.get(event);
    head.received_ts = this.at;
    head.session = this.session;
    head.offset = this.offset;
    head.index = events.length;
    events.close(head);
  }

  /** Emits a gap and returns its id: `id`, or, if that is empty, a new one made of this event's offset and index. */
  emitGap(place: EventPlace, gap: GapFields, id = ""): string {
    const gap_id = id === "" ? `${this.offset}-${this.events.length}` : id;
    const event: Gap = { kind: "gap", gap_id, ...gap };
    this.emit(place, event);
    return gap_id;
  }
}
