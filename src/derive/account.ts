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

/** What a record became. The object and its arrays are reused: read them before the next call. */
export interface PipelineResult {
  readonly events: EventBatch;
  /** The same as objects, which are made when asked for. */
  readonly envelopes: readonly Envelope[];
  /** What the frame means to its session, if it is a control frame. */
  readonly signal: ControlSignal | null;
  readonly faults: readonly Fault[];
  /** The rule that the frame matched; null where none did, and for records that are not frames. */
  readonly rule: string | null;
  /** Streams that the frame carried data of, duplicates included. */
  readonly streams: readonly Stream[];
  /** Whether a REST answer gave what it was asked for; true of all other records. */
  readonly isAnswer: boolean;
  /** How many events were dropped as duplicates. */
  readonly duplicates: number;
  /** How many book events were not emitted: older than the book, waiting for its snapshot, or after a fault. */
  readonly withheld: WithheldCounts;
  /** What has to be done about books that are not valid. */
  readonly resyncs: readonly BookResync[];
  /** Stretches of streams that are to be fetched, because a gap has ended. */
  readonly fills: readonly FillStretch[];
  /** What a page of history came to; null for other records. */
  readonly page: FillPage | null;
  /** Native symbols seen for the first time in their session without an entry in the map. */
  readonly unmapped: readonly string[];
  /** What the bug was that stopped the record's derivation; null where none did. */
  readonly bug: string | null;
  /** Version of the checkpoint that could not be read; null where none was refused. */
  readonly refusedCheckpoint: number | null;
  /** Exchange instance concerned; empty where the record belongs to no known session. */
  readonly exchange: string;
}

/** Book events that were not emitted, by kind. */
export interface WithheldCounts {
  readonly book_snapshot: number;
  readonly book_delta: number;
}

/** Where an event belongs. */
export interface EventPlace {
  readonly symbol: string;
  readonly native: string;
}

const NO_FAULTS: readonly Fault[] = [];
const NO_NAMES: readonly string[] = [];
/** Where an event belongs that concerns a whole connection. */
export const CONNECTION: EventPlace = { symbol: "", native: "" };

/** The account of one record: what is emitted and what is counted of it. Reused for every record. */
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
  /** Reused, as an object would be an allocation an event. */
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

  /** Begins the account of a record. */
  begin(offset: Offset, at: Micros): void {
    this.events.clear();
    this.reset();
    this.offset = offset;
    this.at = at;
    this.session = 0;
    this.exchange = "";
  }

  /** Forgets everything but what was emitted. */
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

  /** Takes over what reading a frame came to, but for its events. */
  take(read: NormalizedFrame): void {
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

  /** Emits an event of a frame as it was read. */
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

  /** Emits a gap and returns its id: the one given, or that of this event, which is then the first to tell of the gap. */
  emitGap(place: EventPlace, gap: GapFields, id = ""): string {
    const gap_id = id === "" ? `${this.offset}-${this.events.length}` : id;
    const event: Gap = { kind: "gap", gap_id, ...gap };
    this.emit(place, event);
    return gap_id;
  }
}
