import {
  type BookStatus,
  type BookTopPlan,
  type ClockRecord,
  type ControlSignal,
  type DedupPlan,
  type DroppedRecord,
  type Envelope,
  EXAMPLE_CHARS_MAX,
  type FaultCode,
  type FramePlan,
  type FrameRecord,
  type Gap,
  type HttpRecord,
  type JournalRecord,
  type MarketEvent,
  type Micros,
  type Offset,
  type OpenedRecord,
  type SessionId,
  type Stream,
} from "../model/mod.ts";
import type { BookGap, BookUpdate, BookVerdict } from "../book/mod.ts";
import {
  type Fault,
  FrameMemory,
  type FrameMemoryState,
  type LostUpdate,
  type NormalizedEvent,
  type NormalizedFrame,
  Normalizer,
} from "../normalize/mod.ts";
import { Deduplicator, type DedupState } from "./deduplicator.ts";
import { type GapState, GapTracker } from "./gap_tracker.ts";
import { type BookResync, booksByRule, type KeptBook, SessionBooks, type SessionBooksState } from "./session_books.ts";

/** What a record became. The object and its arrays are reused: read them before the next call. */
export interface PipelineResult {
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
  /** How many book events did not leave: older than the book, waiting for its image, or after a fault. */
  readonly withheld: WithheldCounts;
  /** What has to be done about books that are not whole. */
  readonly resyncs: readonly BookResync[];
  /** Native symbols seen for the first time without an entry in the map. */
  readonly unmapped: readonly string[];
  /** What the bug was that stopped the record's derivation; null where none did. */
  readonly bug: string | null;
  /** Exchange instance concerned; empty where the record belongs to no known session. */
  readonly exchange: string;
}

/** Book events that did not leave, by kind. */
export interface WithheldCounts {
  readonly book_snapshot: number;
  readonly book_delta: number;
}

interface MutableResult {
  envelopes: Envelope[];
  signal: ControlSignal | null;
  faults: readonly Fault[];
  rule: string | null;
  streams: Stream[];
  isAnswer: boolean;
  duplicates: number;
  withheld: { book_snapshot: number; book_delta: number };
  resyncs: BookResync[];
  unmapped: readonly string[];
  bug: string | null;
  exchange: string;
}

/** One running session as the pipeline knows it. */
interface SessionInfo {
  readonly exchange: string;
  readonly connectionId: string;
  readonly normalizer: Normalizer | null;
  readonly frames: FrameMemory;
  /** Null where the descriptor keeps no books. */
  readonly books: SessionBooks | null;
  /** Receive time of its last frame; null before the first. */
  lastTs: Micros | null;
}

/** Where an event belongs that the pipeline makes itself. */
interface EventPlace {
  readonly offset: Offset;
  readonly session: SessionId;
  readonly at: Micros;
  readonly symbol: string;
  readonly native: string;
}

interface PipelineState {
  readonly sessions: readonly (readonly [
    SessionId,
    { readonly exchange: string; readonly connection: string; readonly frames: FrameMemoryState },
  ])[];
  readonly polls: readonly (readonly [string, FrameMemoryState])[];
  readonly gaps: GapState;
  readonly dedup: DedupState;
  readonly books: readonly (readonly [SessionId, SessionBooksState])[];
}

const NO_FAULTS: readonly Fault[] = [];
const NO_NAMES: readonly string[] = [];

/**
 * Journal records in, envelopes out: one synchronous function without clock, I/O or randomness, so that the same records
 * and the same plans give the same events, live, in replay and for a sink that catches up. Decode, route, extract and
 * normalise happen in the normalizer of the record's exchange; here are sessions, gaps, duplicates and identity.
 */
export class Pipeline {
  readonly #normalizers = new Map<string, Normalizer>();
  readonly #bookRules = new Map<string, ReturnType<typeof booksByRule>>();
  readonly #natives = new Map<string, ReadonlyMap<string, string>>();
  readonly #sessions = new Map<SessionId, SessionInfo>();
  /** What is remembered of answers that belong to no session, by instance. */
  readonly #polls = new Map<string, FrameMemory>();
  readonly #gaps = new GapTracker();
  readonly #dedup: Deduplicator | null;
  readonly #tops: BookTopPlan | null;
  readonly #result: MutableResult = {
    envelopes: [],
    signal: null,
    faults: NO_FAULTS,
    rule: null,
    streams: [],
    isAnswer: true,
    duplicates: 0,
    withheld: { book_snapshot: 0, book_delta: 0 },
    resyncs: [],
    unmapped: NO_NAMES,
    bug: null,
    exchange: "",
  };

  /** `tops`: what is derived of valid books besides; null: nothing. */
  constructor(plans: Iterable<FramePlan>, dedup: DedupPlan, tops: BookTopPlan | null = null) {
    this.#tops = tops;
    for (const plan of plans) this.setPlan(plan);
    this.#dedup = dedup.enabled ? new Deduplicator(dedup) : null;
  }

  /** Adds an exchange instance or gives it a new plan; sessions opened before keep the old one. */
  setPlan(plan: FramePlan): void {
    this.#normalizers.set(plan.exchange, new Normalizer(plan));
    this.#bookRules.set(plan.exchange, booksByRule(plan));
    const natives = new Map<string, string>();
    for (const connection of plan.connections) {
      for (const [native, canonical] of Object.entries(connection.canonical)) natives.set(canonical, native);
    }
    this.#natives.set(plan.exchange, natives);
  }

  /** Turns one record into events. Never throws on what an exchange sent. */
  process(offset: Offset, record: JournalRecord): PipelineResult {
    const result = this.#result;
    result.envelopes = [];
    result.signal = null;
    result.faults = NO_FAULTS;
    result.rule = null;
    result.streams = [];
    result.isAnswer = true;
    result.duplicates = 0;
    result.withheld.book_snapshot = 0;
    result.withheld.book_delta = 0;
    result.resyncs = [];
    result.unmapped = NO_NAMES;
    result.bug = null;
    result.exchange = "";
    switch (record.kind) {
      case "frame":
        this.#frame(offset, record);
        break;
      case "http":
        this.#http(offset, record);
        break;
      case "opened":
        this.#opened(offset, record);
        break;
      case "closed":
        result.exchange = this.#sessions.get(record.session)?.exchange ?? "";
        this.#gaps.closed(record.session, record);
        this.#sessions.delete(record.session);
        break;
      case "rejected":
        for (const stream of record.streams) this.#rejected(offset, record.session, record.at, stream, record.reason);
        break;
      case "dropped":
        this.#dropped(offset, record);
        break;
      case "clock":
        this.#clockStepped(offset, record);
        break;
      case "acked":
      case "plan":
      case "checkpoint":
        break;
    }
    return result;
  }

  /**
   * Takes the place of `process` where that threw: a bug. Keeps the events that the record gave before, tells a gap,
   * distrusts the books of the session and goes on, so that the same record is left out the same way whenever it is
   * derived.
   */
  quarantine(offset: Offset, record: JournalRecord, error: unknown): PipelineResult {
    const result = this.#result;
    result.envelopes = result.envelopes.filter((envelope) => envelope.offset === offset);
    result.signal = null;
    result.faults = NO_FAULTS;
    result.rule = null;
    result.streams = [];
    result.resyncs = [];
    result.unmapped = NO_NAMES;
    const bug = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(
      0,
      EXAMPLE_CHARS_MAX,
    );
    const session = record.kind === "opened" ? offset : "session" in record ? record.session ?? 0 : 0;
    result.bug = bug;
    result.exchange = "exchange" in record ? record.exchange : this.#sessions.get(session)?.exchange ?? "";
    const detail = `a bug stopped the derivation of record ${offset}: ${bug}`.slice(0, EXAMPLE_CHARS_MAX);
    this.#emitGap(offset, session, record.at, "", {
      kind: "gap",
      gap_id: this.#nextGapId(offset),
      state: "closed",
      stream: null,
      cause: "undecodable",
      from_ts: record.at,
      to_ts: record.at,
      from_sequence: null,
      to_sequence: null,
      detail,
      action: "record kept in the journal",
    });
    for (const kept of this.#sessions.get(session)?.books?.all() ?? []) {
      const place = { offset, session, at: record.at, symbol: kept.symbol, native: kept.native };
      this.#settle(kept, kept.keeper.lose(detail, record.at), place);
    }
    return result;
  }

  /** Everything that has to be known to go on after the records so far, as JSON text. */
  saveState(): string {
    const state: PipelineState = {
      sessions: [...this.#sessions].map((
        [id, info],
      ) => [id, { exchange: info.exchange, connection: info.connectionId, frames: info.frames.saveState() }] as const),
      polls: [...this.#polls].map(([name, memory]) => [name, memory.saveState()] as const),
      gaps: this.#gaps.saveState(),
      dedup: this.#dedup?.saveState() ?? [],
      books: [...this.#sessions].flatMap(([id, { books }]) => books === null ? [] : [[id, books.saveState()] as const]),
    };
    return JSON.stringify(state);
  }

  /** Goes on from a saved state. Throws where the text was not written by `saveState`. */
  restoreState(text: string): void {
    const state = JSON.parse(text) as PipelineState;
    this.#sessions.clear();
    for (const [id, { exchange, connection, frames }] of state.sessions) {
      const info = this.#sessionInfo(exchange, connection);
      info.frames.restoreState(frames);
      this.#sessions.set(id, info);
    }
    for (const [id, books] of state.books) this.#sessions.get(id)?.books?.restoreState(books);
    for (const [name, frames] of state.polls) this.#pollMemory(name).restoreState(frames);
    this.#gaps.restoreState(state.gaps);
    this.#dedup?.restoreState(state.dedup);
  }

  #opened(offset: Offset, record: OpenedRecord): void {
    this.#result.exchange = record.exchange;
    this.#sessions.set(offset, this.#sessionInfo(record.exchange, connectionIdOf(record.connection)));
    this.#gaps.opened(offset, record);
  }

  #pollMemory(exchange: string): FrameMemory {
    let memory = this.#polls.get(exchange);
    if (memory === undefined) this.#polls.set(exchange, memory = new FrameMemory());
    return memory;
  }

  #sessionInfo(exchange: string, connectionId: string): SessionInfo {
    const rules = this.#bookRules.get(exchange) ?? null;
    return {
      exchange,
      connectionId,
      normalizer: this.#normalizers.get(exchange) ?? null,
      frames: new FrameMemory(),
      books: rules === null ? null : new SessionBooks(rules),
      lastTs: null,
    };
  }

  /** How the books of an exchange instance are doing, over all its sessions. */
  *bookStatuses(exchange: string): Iterable<BookStatus> {
    for (const [session, info] of this.#sessions) {
      if (info.exchange !== exchange || info.books === null) continue;
      for (const { symbol, keeper } of info.books.all()) {
        yield { session, symbol, state: keeper.state, since: keeper.since, cause: keeper.cause };
      }
    }
  }

  /** Whether a book that was to be made whole is not, or not yet. */
  isBookValid({ session, rule, native }: Pick<BookResync, "session" | "rule" | "native">): boolean {
    const books = this.#sessions.get(session)?.books ?? null;
    if (books === null || rule === null) return true;
    return books.find(rule, native)?.keeper.state === "valid";
  }

  #frame(offset: Offset, record: FrameRecord): void {
    const session = this.#sessions.get(record.session);
    if (session === undefined || session.normalizer === null) {
      this.#result.exchange = session?.exchange ?? "";
      return;
    }
    const { connectionId } = session;
    const { payload, binary, at: receivedTs } = record;
    const read = session.normalizer.read({ connectionId, payload, binary, receivedTs }, session.frames);
    if (read.socketSequence !== null) this.#countFrame(offset, record, session, read.socketSequence);
    session.lastTs = record.at;
    this.#take(offset, record.session, session.exchange, record.at, record.payload, read);
  }

  #http(offset: Offset, record: HttpRecord): void {
    this.#result.exchange = record.exchange;
    const normalizer = this.#normalizers.get(record.exchange);
    if (normalizer === undefined || record.status !== 200) return;
    const session = record.session === null ? undefined : this.#sessions.get(record.session);
    const memory = session?.frames ?? this.#pollMemory(record.exchange);
    const read = normalizer.readHttp({
      hasSession: session !== undefined,
      connectionId: session?.connectionId ?? null,
      request: record.request,
      native: record.native,
      body: record.body,
      receivedTs: record.at,
    }, memory);
    this.#take(offset, record.session ?? 0, record.exchange, record.at, record.body, read);
    this.#result.isAnswer = read.isAnswer;
  }

  #take(
    offset: Offset,
    session: SessionId,
    exchange: string,
    at: Micros,
    payload: Uint8Array,
    read: NormalizedFrame,
  ): void {
    const result = this.#result;
    result.exchange = exchange;
    result.signal = read.signal;
    result.faults = read.faults;
    result.rule = read.rule;
    result.unmapped = read.unmapped;
    const envelopes = result.envelopes;
    const { events } = read;
    const books = this.#sessions.get(session)?.books ?? null;
    if (books !== null && read.lostUpdates.length > 0) this.#lose(books, read.lostUpdates, { offset, session, at });
    let last: Stream | null = null;
    for (let i = 0; i < events.length; i++) {
      const found = events[i];
      const { channel, symbol } = found;
      const isNext = channel !== null && (last === null || last.symbol !== symbol || last.channel !== channel);
      if (isNext) result.streams.push(last = { channel, symbol });
      const kept = books === null ? null : this.#keptBook(books, found);
      if (kept !== null) {
        const count = sameBook(events, i);
        const updates = events.slice(i, i + count);
        // A change that was read in part is none: what it leaves is not the exchange's book.
        if (isPartlyLost(read.lostUpdates, found)) this.#withhold(updates);
        else this.#keep(kept, updates, { offset, session, at, symbol, native: found.native_symbol });
        i += count - 1;
        continue;
      }
      if (isNext) {
        const gap = this.#gaps.sawData(session, channel, symbol, at);
        if (gap !== null) {
          const place = { offset, session, at, symbol, native: found.native_symbol };
          this.#push(place, { ...gap, gap_id: this.#nextGapId(offset) });
        }
      }
      const envelope: Envelope = {
        exchange,
        symbol: found.symbol,
        native_symbol: found.native_symbol,
        exchange_ts: found.exchange_ts,
        received_ts: at,
        session,
        offset,
        index: envelopes.length,
        event: found.event,
      };
      if (this.#dedup !== null && this.#dedup.isDuplicate(envelope, payload)) result.duplicates++;
      else envelopes.push(envelope);
    }
    for (const { rule: eventRule, native_symbol: native, checksum } of read.checksums) {
      const rule = books?.ruleOf(eventRule) ?? null;
      const kept = rule === null ? null : books?.find(rule, native) ?? null;
      if (kept === null) continue;
      this.#settle(kept, kept.keeper.check(checksum, at), { offset, session, at, symbol: kept.symbol, native });
    }
    if (read.faults.length > 0) this.#faultGap(offset, session, at, read.faults);
  }

  /** The book that an event belongs to; null where none is kept of it. */
  #keptBook(books: SessionBooks, found: NormalizedEvent): KeptBook | null {
    if (found.event.kind !== "book_delta" && found.event.kind !== "book_snapshot") return null;
    const rule = books.ruleOf(found.rule);
    return rule === null ? null : books.take(rule, found.native_symbol, found.symbol);
  }

  /** Hands the updates of one book in one frame to its keeper and emits what may leave. */
  #keep(kept: KeptBook, found: readonly NormalizedEvent[], place: EventPlace): void {
    const updates: BookUpdate[] = [];
    const { withheld } = this.#result;
    for (const { event, exchange_ts: exchangeTs, checksum } of found) {
      if (event.kind !== "book_delta" && event.kind !== "book_snapshot") continue;
      updates.push({ event, exchangeTs, checksum });
      withheld[event.kind]++;
    }
    const channel = found[0].channel ?? "book";
    const mayPass = !this.#gaps.isMissing(place.session, channel, place.symbol);
    const verdict = kept.keeper.apply(updates, { receivedTs: place.at, mayPass });
    this.#settle(kept, verdict, place);
    if (verdict.emit.length === 0) return;
    const gap = this.#gaps.sawData(place.session, channel, place.symbol, place.at);
    if (gap !== null) this.#push(place, { ...gap, gap_id: this.#nextGapId(place.offset) });
    for (const { event, exchangeTs } of verdict.emit) {
      withheld[event.kind]--;
      this.#push(place, event, exchangeTs);
    }
    if (this.#tops !== null) this.#top(kept, this.#tops, place);
  }

  /** Changes of books were lost: their valid stretches end here. */
  #lose(
    books: SessionBooks,
    lost: readonly LostUpdate[],
    at: Pick<EventPlace, "offset" | "session" | "at">,
  ): void {
    for (const { rule: eventRule, native_symbol: native, detail } of lost) {
      const rule = books.ruleOf(eventRule);
      const kept = rule === null ? null : books.find(rule, native);
      if (kept !== null) this.#settle(kept, kept.keeper.lose(detail, at.at), { ...at, symbol: kept.symbol, native });
    }
  }

  /** Counts updates of a book that do not leave. */
  #withhold(updates: readonly NormalizedEvent[]): void {
    const { withheld } = this.#result;
    for (const { event } of updates) {
      if (event.kind === "book_delta" || event.kind === "book_snapshot") withheld[event.kind]++;
    }
  }

  /** Emits the best levels of a valid book with the first update in each interval of the exchange's time, or of ours. */
  #top(kept: KeptBook, { levels, intervalMs }: BookTopPlan, place: EventPlace): void {
    const { keeper } = kept;
    const { sequence, exchangeTs } = keeper.last;
    const slot = Math.floor((exchangeTs ?? place.at) / (intervalMs * 1000));
    if (keeper.state !== "valid" || (kept.topSlot !== null && slot <= kept.topSlot)) return;
    kept.topSlot = slot;
    const [bids, asks] = [keeper.book.top("bid", levels), keeper.book.top("ask", levels)];
    this.#push(place, { kind: "book_top", bids, asks, sequence }, exchangeTs);
  }

  /** Emits the gaps that a keeper found, and notes what has to be done. */
  #settle(kept: KeptBook, verdict: BookVerdict, place: EventPlace): void {
    const { keeper, symbol, native } = kept;
    for (const gap of verdict.gaps) this.#pushBookGap(kept, bookGap(gap, verdict, place.at), place);
    if (verdict.resync === null) return;
    const { session } = place;
    const cause = keeper.cause ?? "buffering";
    this.#result.resyncs.push({ session, symbol, native, rule: keeper.rule, action: verdict.resync, cause });
  }

  /** Frames of the session are missing where its counter jumps: every stream of it has a hole. */
  #countFrame(offset: Offset, record: FrameRecord, info: SessionInfo, sequence: string): void {
    const books = info.books;
    if (books === null) return;
    const { missing, from } = books.countFrame(sequence);
    if (missing === 0n) return;
    const { session, at } = record;
    const detail = `${missing} frames of the session are missing`;
    this.#emitGap(offset, session, at, "", {
      kind: "gap",
      gap_id: this.#nextGapId(offset),
      state: "closed",
      stream: null,
      cause: "sequence",
      from_ts: info.lastTs,
      to_ts: at,
      from_sequence: from,
      to_sequence: sequence,
      detail,
      action: "reconnect",
    });
    for (const kept of books.all()) {
      const verdict = kept.keeper.lose(detail, at);
      const place = { offset, session, at, symbol: kept.symbol, native: kept.native };
      for (const gap of verdict.gaps) {
        this.#pushBookGap(kept, { ...bookGap(gap, verdict, at), action: "reconnect" }, place);
      }
    }
    this.#result.resyncs.push({ session, symbol: "", native: "", rule: null, action: "reconnect", cause: "sequence" });
  }

  /** One gap for all that is wrong with a frame. */
  #faultGap(offset: Offset, session: SessionId, at: Micros, faults: readonly Fault[]): void {
    const losses = faults.filter(({ code }) => isLoss(code));
    if (losses.length === 0) return;
    const [first] = losses;
    const more = losses.length === 1 ? "" : ` and ${losses.length - 1} more`;
    this.#emitGap(offset, session, at, "", {
      kind: "gap",
      gap_id: this.#nextGapId(offset),
      state: "closed",
      stream: null,
      cause: "undecodable",
      from_ts: at,
      to_ts: at,
      from_sequence: null,
      to_sequence: null,
      detail: `${first.code} ${first.where}${more}`.slice(0, EXAMPLE_CHARS_MAX),
      action: "frame kept in the journal",
    });
  }

  /** Tells of dropped frames in their session, or in every open one. */
  #dropped(offset: Offset, record: DroppedRecord): void {
    const { session, at, frames, reason } = record;
    const sessions = session === null ? [...this.#sessions.keys()] : [session];
    for (const id of sessions.length === 0 ? [0] : sessions) {
      this.#result.exchange = this.#sessions.get(id)?.exchange ?? "";
      this.#emitGap(offset, id, at, "", {
        kind: "gap",
        gap_id: this.#nextGapId(offset),
        state: "closed",
        stream: null,
        cause: "dropped",
        from_ts: record.fromTs,
        to_ts: record.toTs,
        from_sequence: null,
        to_sequence: null,
        detail: frames === 0 ? reason : `${frames} frames: ${reason}`,
        action: "counted",
      });
    }
  }

  /** Tells each exchange instance that has sessions open: receive times before and after are not of one scale. */
  #clockStepped(offset: Offset, { at, fromTs, toTs }: ClockRecord): void {
    const sessions = new Map([...this.#sessions].map(([session, { exchange }]) => [exchange, session]));
    const seconds = (Math.abs(toTs - fromTs) / 1_000_000).toFixed(3);
    for (const [exchange, session] of sessions) {
      this.#result.exchange = exchange;
      this.#emitGap(offset, session, at, "", {
        kind: "gap",
        gap_id: this.#nextGapId(offset),
        state: "closed",
        stream: null,
        cause: "clock",
        from_ts: Math.min(fromTs, toTs),
        to_ts: Math.max(fromTs, toTs),
        from_sequence: null,
        to_sequence: null,
        detail: `the system's clock was set ${toTs < fromTs ? "back" : "forward"} by ${seconds} s`,
        action: "receive times follow the clock",
      });
    }
  }

  #rejected(offset: Offset, session: SessionId, at: Micros, stream: Stream, reason: string): void {
    this.#emitGap(offset, session, at, stream.symbol, {
      kind: "gap",
      gap_id: this.#nextGapId(offset),
      state: "opened",
      stream: stream.channel,
      cause: "rejected",
      from_ts: at,
      to_ts: null,
      from_sequence: null,
      to_sequence: null,
      detail: reason,
      action: "stream left out",
    });
  }

  #emitGap(offset: Offset, session: SessionId, at: Micros, symbol: string, gap: Gap): void {
    const result = this.#result;
    if (result.exchange === "") result.exchange = this.#sessions.get(session)?.exchange ?? "";
    const native = this.#natives.get(result.exchange)?.get(symbol) ?? symbol;
    this.#push({ offset, session, at, symbol, native }, gap);
  }

  /** Emits a gap of a book: the event that ends it bears the id of the one that began it. */
  #pushBookGap(kept: KeptBook, gap: Gap, place: EventPlace): void {
    const gap_id = kept.gapId === "" ? this.#nextGapId(place.offset) : kept.gapId;
    kept.gapId = gap.state === "closed" ? "" : gap_id;
    this.#push(place, { ...gap, gap_id });
  }

  /** Id of a gap that the next event opens. */
  #nextGapId(offset: Offset): string {
    return `${offset}-${this.#result.envelopes.length}`;
  }

  /** Emits an event of the pipeline's own. */
  #push(place: EventPlace, told: MarketEvent, exchangeTs: Micros | null = null): void {
    const event = told.kind === "gap" ? notEndingBefore(told) : told;
    const { exchange, envelopes } = this.#result;
    envelopes.push({
      exchange,
      symbol: place.symbol,
      native_symbol: place.native,
      exchange_ts: exchangeTs,
      received_ts: place.at,
      session: place.session,
      offset: place.offset,
      index: envelopes.length,
      event,
    });
  }
}

/** A gap that does not end before it begins, as where the clock was set back in the meantime. */
function notEndingBefore(gap: Gap): Gap {
  const { from_ts: from, to_ts: to } = gap;
  return from === null || to === null || to >= from ? gap : { ...gap, to_ts: from };
}

/** How many events from an index on belong to the same book. */
function sameBook(events: readonly NormalizedEvent[], start: number): number {
  const { rule, native_symbol: native } = events[start];
  let end = start + 1;
  while (end < events.length && events[end].rule === rule && events[end].native_symbol === native) end++;
  return end - start;
}

/** Whether a part of a book's updates in this frame was lost. */
function isPartlyLost(lost: readonly LostUpdate[], { rule, native_symbol: native }: NormalizedEvent): boolean {
  return lost.some((update) => update.rule === rule && update.native_symbol === native);
}

/** A keeper's gap as an event. */
function bookGap(gap: BookGap, { resync }: BookVerdict, at: Micros): Gap {
  return {
    kind: "gap",
    gap_id: "",
    state: gap.recovered ? "closed" : "opened",
    stream: "book",
    cause: gap.cause,
    from_ts: gap.fromTs,
    to_ts: gap.recovered ? at : null,
    from_sequence: gap.fromSequence,
    to_sequence: gap.toSequence,
    detail: gap.detail,
    action: gap.recovered ? "recovered" : resync ?? "suppressed until the next snapshot",
  };
}

/** The descriptor's connection id behind a connection key: shards carry `#2`, `#3` … after it. */
export function connectionIdOf(key: string): string {
  const at = key.indexOf("#");
  return at < 0 ? key : key.slice(0, at);
}

/**
 * Whether a fault means that data may be missing. A frame that merely matches no rule is counted and no hole; neither is an
 * answer without data, which is asked for again.
 */
function isLoss(code: FaultCode): boolean {
  return code !== "unmatched" && code !== "empty_answer";
}
