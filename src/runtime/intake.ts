import type { Host, Timer } from "../host/mod.ts";
import type { Journal } from "../journal/mod.ts";
import {
  type BookQuery,
  type BookStatus,
  type BookView,
  CLOCK_STEPS_MAX,
  type ClockStep,
  type CloseCause,
  type Envelope,
  EVENT_SPECS,
  type EventBatch,
  EXAMPLE_CHARS_MAX,
  Failure,
  type FrameRecord,
  type HttpRecord,
  INTAKE_PENDING_MAX,
  JOURNAL_BUFFER_BYTES_MAX,
  type JournalRecord,
  type Micros,
  type Observer,
  type Offset,
  type OnFull,
  PAUSE_GAP_MS_MIN,
  type QuarantineStatus,
  RECENT_WAIT_MS_MAX,
  type SessionId,
  type StalledRecord,
  type Stream,
  type StreamsRecord,
} from "../model/mod.ts";
import {
  type BookResync,
  deriveRecord,
  type FillStretch,
  type LookMemory,
  type Mark,
  type Pipeline,
  type PipelineResult,
  type WithheldCounts,
} from "../derive/mod.ts";
import type { RecentEvents } from "./recent_events.ts";

/** Frames and answers of a session that were dropped and are not yet recorded in the journal. */
interface Drop {
  frames: number;
  readonly fromTs: Micros;
  toTs: Micros;
  readonly reason: string;
}

/** A pause of a session's socket that is not yet recorded in the journal: it is with the next frame. */
interface Pause {
  /** Time of the last frame read before. */
  readonly fromTs: Micros;
  readonly reason: string;
}

/** A record that may wait until the journal takes it; no later record is written before it. */
type Patient = Extract<JournalRecord, { kind: "acked" | "streams" | "rejected" | "stalled" | "closed" | "dropped" }>;

export interface IntakeOptions {
  readonly host: Host;
  readonly journal: Journal;
  readonly pipeline: Pipeline;
  readonly recent: RecentEvents;
  readonly onFull: OnFull;
  readonly observe: Observer;
  /** Called with the events of each record. The batch is valid during the call alone. It must not throw. */
  readonly onEvents?: (events: EventBatch) => void;
  /** Called when sockets have to stop reading (true) or may go on (false). */
  readonly onPause: (paused: boolean) => void;
}

/** The result of a frame; null if it was dropped without being read. */
export type TakenFrame = PipelineResult | null;

/**
 * Appends every record to the journal, derives it in the same tick and adds its events to the recent events. Pauses
 * reading, or drops frames, while the journal is full or cannot keep up.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #drops = new Map<SessionId, Drop>();
  /** Records that the journal could not take, in order: they are written before anything else. */
  readonly #pending: Patient[] = [];
  readonly #pauses = new Map<SessionId, Pause>();
  #pausedMs = 0;
  #pauseReason = "";
  /** Steps of the clock that are not in the journal yet. */
  #steps: ClockStep[] = [];
  /** Session memory for dropped frames, apart from the pipeline's own, which must follow from the journal alone. */
  readonly #scratch: LookMemory = new Map();
  #paused = false;
  /** Bounds the wait for a slow sink. */
  #sinkWaitTimer: Timer | null = null;
  #frames = 0;
  /** Records whose derivation a bug stopped, by instance. */
  readonly #quarantined = new Map<string, QuarantineStatus>();

  constructor(options: IntakeOptions) {
    this.#options = options;
    options.journal.whenSynced(() => this.resumeIfPossible());
    options.journal.whenFreed(() => this.resumeIfPossible());
    options.recent.whenAdvanced(() => this.resumeIfPossible());
  }

  /** Frames received since the start. */
  get frames(): number {
    return this.#frames;
  }

  /** Records of an instance whose derivation a bug stopped; null if none did. */
  quarantineOf(exchange: string): QuarantineStatus | null {
    return this.#quarantined.get(exchange) ?? null;
  }

  /**
   * Appends a record that is not a frame. Throws a `Failure` if the journal cannot take it; then nothing was appended.
   */
  append(record: Exclude<JournalRecord, FrameRecord>): { readonly offset: Offset; readonly result: PipelineResult } {
    this.#flushSteps();
    return this.#append(record);
  }

  /** Journals and derives a frame from a socket. */
  takeFrame(session: SessionId, exchange: string, frame: Omit<FrameRecord, "kind" | "session">): TakenFrame {
    const { journal, onFull, observe } = this.#options;
    this.#frames++;
    const record: FrameRecord = {
      kind: "frame",
      session,
      at: frame.at,
      binary: frame.binary,
      payload: frame.payload,
    };
    observe({ kind: "frame_received", exchange, bytes: frame.payload.length });
    if (journal.full && onFull !== "block") {
      const seen = this.#options.pipeline.look(record, this.#scratch);
      if (onFull === "drop_all" || !isKeptWhenFull(seen)) {
        this.#drop(session, exchange, frame.at, "journal full");
        return seen;
      }
    }
    try {
      if (this.#steps.length > 0) this.#flushSteps();
      if (this.#pauses.size > 0) this.#flushPause(session, frame.at, (record) => this.#append(record));
      if (this.#drops.size > 0) this.#flushDrop(session, (record) => this.#append(record));
      return this.#append(record).result;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // The frame is not in the journal: it is counted, and recorded as a gap once the journal takes records.
      this.#drop(session, exchange, frame.at, error.message);
      return null;
    } finally {
      this.#pauseIfNeeded();
    }
  }

  /**
   * Notes that the clock was set. The record is written before the next one, not at once: the clock may have been read
   * in the middle of an append.
   */
  noteClockStep(step: ClockStep): void {
    const last = this.#steps.at(-1);
    if (last !== undefined && this.#steps.length >= CLOCK_STEPS_MAX) {
      this.#steps[this.#steps.length - 1] = { fromTs: last.fromTs, toTs: step.toTs };
    } else this.#steps.push(step);
    queueMicrotask(() => {
      try {
        this.#flushSteps();
      } catch (error) {
        // Written before the next record that the journal takes.
        if (!(error instanceof Failure)) throw error;
      }
    });
  }

  /**
   * Journals and derives a REST answer. Throws a `Failure` if the journal cannot take it, such as while it is at its
   * cap: the answer is counted as dropped, becomes a gap of its session, and may be requested again.
   */
  takeHttp(record: HttpRecord): PipelineResult {
    try {
      // A record of a missed answer (status 0) is small, and it is what makes the loss a gap.
      if (this.#options.journal.full && record.status !== 0) {
        throw new Failure("busy", "Cannot keep an answer: the journal is full");
      }
      this.#flushSteps();
      if (record.session !== null) this.#flushDrop(record.session, (dropped) => this.#append(dropped));
      return this.#append(record).result;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { session, exchange, at } = record;
      this.#drop(session, exchange, at, `an answer to ${record.request} was not kept: ${error.message}`);
      throw error;
    } finally {
      this.#pauseIfNeeded();
    }
  }

  /** The stretches of an instance that are to be backfilled and are not complete. */
  fillsOf(exchange: string): readonly FillStretch[] {
    return this.#options.pipeline.fillsOf(exchange);
  }

  /** The last event of a stream whose history can be fetched; null before the first, and of other streams. */
  lastOf(exchange: string, stream: Stream): Mark | null {
    return this.#options.pipeline.lastOf(exchange, stream);
  }

  /** The kept books of an instance. */
  bookViews(exchange: string, query: BookQuery): Iterable<BookView> {
    return this.#options.pipeline.bookViews(exchange, query);
  }

  /** Reads an answer that is not kept; null if it is not what was asked for. Good until the next call. */
  lookHttp(record: HttpRecord, stream: { readonly connectionId: string; readonly symbol: string }) {
    return this.#options.pipeline.lookHttp(record, stream);
  }

  /** How the books of an instance are doing, over all its sessions. */
  booksOf(exchange: string): readonly BookStatus[] {
    return [...this.#options.pipeline.bookStatuses(exchange)];
  }

  /** Whether a book that asked for a resync is valid by now. */
  isBookValid(resync: BookResync): boolean {
    return this.#options.pipeline.isBookValid(resync);
  }

  /** Records the drops of a session and its end; both wait until the journal takes them. */
  endSession(session: SessionId, at: Micros, cause: CloseCause, code: number | null, reason: string): void {
    this.#flushPause(session, at, (record) => this.#keep(record));
    this.#flushDrop(session, (record) => this.#keep(record));
    this.#keep({ kind: "closed", session, at, cause, code, reason });
    this.#scratch.delete(session);
  }

  acked(session: SessionId, streams: readonly Stream[], at: Micros): void {
    this.#keep({ kind: "acked", session, at, streams });
  }

  /** Records that an open session subscribes to other streams. */
  streamsChanged(change: Omit<StreamsRecord, "kind">): void {
    this.#keep({ kind: "streams", ...change });
  }

  rejected(session: SessionId, streams: readonly Stream[], reason: string, at: Micros): void {
    this.#keep({ kind: "rejected", session, at, streams, reason: reason.slice(0, EXAMPLE_CHARS_MAX) });
  }

  /** Records that a stream of a session has stalled, and the step taken. */
  stalled(stall: Omit<StalledRecord, "kind">): void {
    this.#keep({ kind: "stalled", ...stall, reason: stall.reason.slice(0, EXAMPLE_CHARS_MAX) });
  }

  /** Resumes reading if the journal and the sinks have room again. */
  resumeIfPossible(): void {
    const { journal, recent, onFull, onPause } = this.#options;
    if (!journal.full) this.#scratch.clear();
    if (!this.#paused) return void this.#tryPending();
    if (journal.bufferedBytes > JOURNAL_BUFFER_BYTES_MAX / 2) return;
    if (journal.full && onFull === "block") return;
    if (recent.isCrowded) return this.#waitForSinks();
    if (!this.#tryPending()) return;
    this.#paused = false;
    this.#notePause();
    this.#sinkWaitTimer?.cancel();
    this.#sinkWaitTimer = null;
    onPause(false);
  }

  /** Appends a record, or queues it until the journal takes it. Throws the `Failure` if too many wait already. */
  #keep(record: Patient): void {
    try {
      this.#flushSteps();
      this.#append(record);
    } catch (error) {
      if (!(error instanceof Failure) || error.code === "closed" || this.#pending.length >= INTAKE_PENDING_MAX) {
        throw error;
      }
      this.#pending.push(record);
      this.#options.observe({ kind: "journal_warning", code: "append", text: `A record waits: ${error.message}` });
    }
  }

  /** Writes the queued records; false if the journal still refuses them. */
  #tryPending(): boolean {
    if (this.#pending.length === 0) return true;
    try {
      this.#flushPending();
      return true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return false;
    }
  }

  #flushPending(): void {
    for (let record = this.#pending.at(0); record !== undefined; record = this.#pending.at(0)) {
      this.#write(record);
      this.#pending.shift();
    }
  }

  /** Writes the queued records first, so that the journal keeps the order of events. */
  #append(record: JournalRecord): { readonly offset: Offset; readonly result: PipelineResult } {
    if (this.#pending.length > 0) this.#flushPending();
    return this.#write(record);
  }

  #write(record: JournalRecord): { readonly offset: Offset; readonly result: PipelineResult } {
    const { journal, pipeline, recent, observe, onEvents } = this.#options;
    const offset = journal.append(record);
    const result = deriveRecord(pipeline, offset, record);
    recent.push(offset, result.events);
    if (result.events.length > 0) onEvents?.(result.events);
    report(result, offset, observe);
    if (result.bug !== null) this.#quarantine(result.exchange, { offset, at: record.at, error: result.bug });
    return { offset, result };
  }

  #quarantine(exchange: string, last: Omit<QuarantineStatus, "records">): void {
    const records = (this.#quarantined.get(exchange)?.records ?? 0) + 1;
    this.#quarantined.set(exchange, { records, ...last });
  }

  /**
   * Pauses reading while the journal cannot take more, and briefly while a sink is about to fall behind the recent
   * events: a short wait costs less than deriving the events again from the journal.
   */
  #pauseIfNeeded(): void {
    const { journal, recent, onFull, onPause } = this.#options;
    if (this.#paused) return;
    const isCrowded = recent.isCrowded;
    const isFull = journal.full && onFull === "block";
    if (journal.bufferedBytes < JOURNAL_BUFFER_BYTES_MAX && !isFull && !isCrowded) return;
    this.#paused = true;
    this.#pausedMs = this.#options.host.clock.monotonicMs();
    this.#pauseReason = isFull
      ? "the journal is full"
      : isCrowded
      ? "a sink has to catch up"
      : "the disk does not keep up";
    if (isCrowded) this.#waitForSinks();
    onPause(true);
  }

  /** Bounds how long reading stays paused for slow sinks. */
  #waitForSinks(): void {
    const { host, recent } = this.#options;
    this.#sinkWaitTimer ??= host.clock.after(RECENT_WAIT_MS_MAX, () => {
      this.#sinkWaitTimer = null;
      recent.stopWaiting();
      this.resumeIfPossible();
    });
  }

  /** Counts a drop. In a session it becomes a gap; for a poll, which has no session, its runner records the miss. */
  #drop(session: SessionId | null, exchange: string, at: Micros, reason: string): void {
    this.#options.observe({ kind: "frames_dropped", exchange, frames: 1, reason });
    if (session === null) return;
    const drop = this.#drops.get(session);
    if (drop === undefined) this.#drops.set(session, { frames: 1, fromTs: at, toTs: at, reason });
    else {
      drop.frames++;
      drop.toTs = at;
    }
  }

  #flushSteps(): void {
    for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
      this.#append({ kind: "clock", at: step.toTs, ...step });
      this.#steps.shift();
    }
  }

  /**
   * Notes a gap for each session after a long pause: from its last frame before the pause to the first one after it.
   */
  #notePause(): void {
    const { host, journal, observe } = this.#options;
    const durationMs = host.clock.monotonicMs() - this.#pausedMs;
    if (durationMs < PAUSE_GAP_MS_MIN) return;
    const reason = this.#pauseReason;
    const exchanges = new Set<string>();
    for (const { session, record, lastTs } of journal.openSessions) {
      exchanges.add(record.exchange);
      if (this.#pauses.has(session)) continue;
      const detail = `nothing was read for ${(durationMs / 1000).toFixed(1)} s because ${reason}; ` +
        `frames read after it carry the time at which they were read`;
      this.#pauses.set(session, { fromTs: lastTs, reason: detail });
    }
    for (const exchange of exchanges) observe({ kind: "reading_paused", exchange, durationMs, reason });
  }

  /** Records a pause before the first frame after it, or before the session's end. */
  #flushPause(session: SessionId, at: Micros, write: (record: Patient) => void): void {
    const pause = this.#pauses.get(session);
    if (pause === undefined) return;
    const { fromTs, reason } = pause;
    const [from, to] = [Math.min(fromTs, at), Math.max(fromTs, at)];
    write({ kind: "dropped", session, at, frames: 0, fromTs: from, toTs: to, toOffset: null, reason });
    this.#pauses.delete(session);
  }

  #flushDrop(session: SessionId, write: (record: Patient) => void): void {
    const drop = this.#drops.get(session);
    if (drop === undefined) return;
    const { frames, reason } = drop;
    // The clock may have been set in between.
    const fromTs = Math.min(drop.fromTs, drop.toTs);
    const toTs = Math.max(drop.fromTs, drop.toTs);
    write({ kind: "dropped", session, at: toTs, frames, fromTs, toTs, toOffset: null, reason });
    this.#drops.delete(session);
  }
}

/** Reports a pipeline result as observations. */
function report(result: PipelineResult, offset: Offset, observe: Observer): void {
  const { exchange, events, faults, withheld } = result;
  if (events.length > 0) reportEvents(result, observe);
  if (withheld.book_snapshot > 0) reportWithheld(result, "book_snapshot", observe);
  if (withheld.book_delta > 0) reportWithheld(result, "book_delta", observe);
  if (result.duplicates > 0) observe({ kind: "duplicate", exchange, count: result.duplicates });
  if (result.signal !== null && result.rule !== null) observe({ kind: "frame_control", exchange, rule: result.rule });
  for (const fault of faults) {
    observe({ kind: "frame_fault", exchange, code: fault.code, where: fault.where, example: fault.example, offset });
  }
  if (result.bug !== null) observe({ kind: "frame_quarantined", exchange, offset, error: result.bug });
  for (const native of result.unmapped) observe({ kind: "symbol_unmapped", exchange, native });
}

function reportWithheld({ exchange, withheld }: PipelineResult, event: keyof WithheldCounts, observe: Observer): void {
  observe({ kind: "book_withheld", exchange, event, count: withheld[event] });
}

/** Reports neighbouring events of one kind in one observation. */
function reportEvents({ exchange, events }: PipelineResult, observe: Observer): void {
  let count = 0;
  for (let at = 0; at < events.length; at++) {
    const kind = events.kindAt(at);
    if (kind === "gap") reportGap(events.envelope(at), observe);
    count++;
    if (at + 1 < events.length && events.kinds[at + 1] === events.kinds[at]) continue;
    observe({ kind: "events", exchange, event: kind, count });
    count = 0;
  }
}

/** The outcome of a gap that backfilling did not fill completely, by the gap's `action`. */
const FILL_ENDS: ReadonlyMap<string, "in_part" | "not_filled"> = new Map([
  ["filled in part", "in_part"],
  ["not filled", "not_filled"],
]);

function reportGap({ exchange, symbol, offset, event: gap }: Envelope, observe: Observer): void {
  if (gap.kind !== "gap") return;
  const { stream, cause, detail, from_ts, to_ts, state, action } = gap;
  const outcome = state === "filled" ? "filled" : FILL_ENDS.get(action);
  if (outcome !== undefined) return observe({ kind: "gap_filled", exchange, stream, symbol, outcome, detail });
  // The id begins with the offset of the record that opened the gap: at another offset the gap was reported before.
  const ends = state !== "opened" && !gap.gap_id.startsWith(`${offset}-`);
  observe({ kind: "gap", exchange, stream, symbol, cause, detail, ends, fromTs: from_ts, toTs: to_ts });
}

/**
 * Whether a frame is kept while the journal is full: if an event's kind is never sent again by the exchange, or if the
 * frame carries no data at all. A frame whose events are suppressed by its book is data all the same.
 */
function isKeptWhenFull(result: PipelineResult): boolean {
  const { events } = result;
  for (let at = 0; at < events.length; at++) if (EVENT_SPECS[events.kindAt(at)].keepWhenFull) return true;
  const { withheld, streams } = result;
  const isData = streams.length > 0 || withheld.book_snapshot > 0 || withheld.book_delta > 0;
  return events.length === 0 && !isData;
}
