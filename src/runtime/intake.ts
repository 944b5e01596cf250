import type { Host, Timer } from "../host/mod.ts";
import type { Journal } from "../journal/mod.ts";
import {
  CLOCK_STEPS_MAX,
  type ClockStep,
  type CloseCause,
  type DedupPlan,
  type Envelope,
  type EventKind,
  EXAMPLE_CHARS_MAX,
  Failure,
  type FramePlan,
  type FrameRecord,
  type Gap,
  type HttpRecord,
  JOURNAL_BUFFER_BYTES_MAX,
  type JournalRecord,
  type Micros,
  type Observer,
  type Offset,
  type OnFull,
  type SessionId,
  type Stream,
  TAIL_WAIT_MS_MAX,
} from "../model/mod.ts";
import { type BookResync, deriveRecord, Pipeline, type PipelineResult } from "../derive/mod.ts";
import type { RecentEvents } from "./recent_events.ts";

/** Frames of a session that were not kept, until they are written down. */
interface Drop {
  frames: number;
  readonly fromTs: Micros;
  toTs: Micros;
  readonly reason: string;
}

export interface IntakeOptions {
  readonly host: Host;
  readonly journal: Journal;
  readonly pipeline: Pipeline;
  readonly tail: RecentEvents;
  readonly onFull: OnFull;
  /** For the pipeline that only looks at what a frame is while the journal is full. */
  readonly plans: () => Iterable<FramePlan>;
  readonly dedup: DedupPlan;
  readonly observe: Observer;
  /** Sockets have to stop reading, or may go on. */
  readonly onPressure: (paused: boolean) => void;
}

/** What a frame turned out to be; null where it was dropped unseen. */
export type TakenFrame = PipelineResult | null;

/**
 * The one place where things enter: appends a record to the journal, runs the pipeline on it in the same tick and puts
 * the events on the tail. Decides what happens when the journal is full or cannot keep up.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #drops = new Map<SessionId, Drop>();
  /** Steps of the clock that are not in the journal yet. */
  #steps: ClockStep[] = [];
  /** Reads frames that will be dropped, so that the real pipeline's state stays a function of the journal. */
  #classifier: Pipeline | null = null;
  #paused = false;
  /** Ends the waiting for a sink. */
  #patience: Timer | null = null;
  #frames = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    options.journal.whenSynced(() => this.relieve());
    options.journal.whenFreed(() => this.relieve());
    options.tail.whenAdvanced(() => this.relieve());
  }

  /** Frames received since the start. */
  get frames(): number {
    return this.#frames;
  }

  /** Appends a record that is not a frame. */
  append(record: Exclude<JournalRecord, FrameRecord>): { readonly offset: Offset; readonly result: PipelineResult } {
    this.#flushSteps();
    return this.#append(record);
  }

  /** Takes a frame off a socket. */
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
      const seen = this.#classify(record);
      if (onFull === "drop_all" || !isKeptWhenFull(seen)) {
        this.#drop(session, exchange, frame.at, "journal full");
        return seen;
      }
    }
    try {
      if (this.#steps.length > 0) this.#flushSteps();
      this.#flushDrop(session);
      return this.#append(record).result;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // The journal took nothing: what cannot be kept is counted and becomes a gap once it can be written.
      this.#drop(session, exchange, frame.at, error.message);
      return null;
    } finally {
      this.#press();
    }
  }

  /**
   * Notes that the clock was set. The record is written before the next one that enters, and not at once: the clock may
   * have been read in the middle of an append.
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
        // Written down before the next record that the journal takes.
        if (!(error instanceof Failure)) throw error;
      }
    });
  }

  /** A REST answer. */
  takeHttp(record: HttpRecord): PipelineResult {
    this.#flushSteps();
    return this.#append(record).result;
  }

  /** Whether a book that asked for a resync is whole by now. */
  isBookValid(resync: BookResync): boolean {
    return this.#options.pipeline.isBookValid(resync);
  }

  /** Writes down what was dropped in a session, before its end is written. */
  endSession(session: SessionId, at: Micros, cause: CloseCause, code: number | null, reason: string): void {
    this.#flushDrop(session);
    this.append({ kind: "closed", session, at, cause, code, reason });
    this.#classifier?.process(0, { kind: "closed", session, at, cause, code, reason });
  }

  acked(session: SessionId, streams: readonly Stream[], at: Micros): void {
    this.append({ kind: "acked", session, at, streams });
  }

  rejected(session: SessionId, streams: readonly Stream[], reason: string, at: Micros): void {
    this.append({ kind: "rejected", session, at, streams, reason: reason.slice(0, EXAMPLE_CHARS_MAX) });
  }

  /** Looks whether reading may go on, after the writer has made progress or space was freed. */
  relieve(): void {
    const { journal, tail, onFull, onPressure } = this.#options;
    if (!journal.full) this.#classifier = null;
    if (!this.#paused || journal.bufferedBytes > JOURNAL_BUFFER_BYTES_MAX / 2) return;
    if (journal.full && onFull === "block") return;
    if (tail.isCrowded) return this.#waitForSinks();
    this.#paused = false;
    this.#patience?.cancel();
    this.#patience = null;
    onPressure(false);
  }

  #append(record: JournalRecord): { readonly offset: Offset; readonly result: PipelineResult } {
    const { journal, pipeline, tail, observe } = this.#options;
    const offset = journal.append(record);
    const result = deriveRecord(pipeline, offset, record);
    tail.push(offset, result.envelopes);
    report(result, offset, observe);
    return { offset, result };
  }

  /**
   * Stops reading while the journal cannot take more, and for a moment while a sink that follows is about to fall
   * behind: deriving its events again from the journal costs more than to let it finish.
   */
  #press(): void {
    const { journal, tail, onFull, onPressure } = this.#options;
    if (this.#paused) return;
    const isCrowded = tail.isCrowded;
    const isFull = journal.full && onFull === "block";
    if (journal.bufferedBytes < JOURNAL_BUFFER_BYTES_MAX && !isFull && !isCrowded) return;
    this.#paused = true;
    if (isCrowded) this.#waitForSinks();
    onPressure(true);
  }

  /** Sinks are waited for while nothing is read, and only so long. */
  #waitForSinks(): void {
    const { host, tail } = this.#options;
    this.#patience ??= host.clock.after(TAIL_WAIT_MS_MAX, () => {
      this.#patience = null;
      tail.stopWaiting();
      this.relieve();
    });
  }

  #classify(record: FrameRecord): PipelineResult {
    const { plans, dedup, pipeline } = this.#options;
    if (this.#classifier === null) {
      this.#classifier = new Pipeline(plans(), { ...dedup, enabled: false });
      this.#classifier.restoreState(pipeline.saveState());
    }
    return deriveRecord(this.#classifier, 0, record);
  }

  #drop(session: SessionId, exchange: string, at: Micros, reason: string): void {
    this.#options.observe({ kind: "frames_dropped", exchange, frames: 1, reason });
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

  #flushDrop(session: SessionId): void {
    const drop = this.#drops.get(session);
    if (drop === undefined) return;
    const { frames, reason } = drop;
    // The clock may have been set in between.
    const fromTs = Math.min(drop.fromTs, drop.toTs);
    const toTs = Math.max(drop.fromTs, drop.toTs);
    this.append({ kind: "dropped", session, at: toTs, frames, fromTs, toTs, toOffset: null, reason });
    this.#drops.delete(session);
  }
}

/** Turns what the pipeline found into observations. */
function report(result: PipelineResult, offset: Offset, observe: Observer): void {
  const { exchange, envelopes, faults } = result;
  if (envelopes.length > 0) reportEvents(result, observe);
  for (const event of ["book_snapshot", "book_delta"] as const) {
    const count = result.withheld[event];
    if (count > 0) observe({ kind: "book_withheld", exchange, event, count });
  }
  if (result.duplicates > 0) observe({ kind: "duplicate", exchange, count: result.duplicates });
  if (result.signal !== null && result.rule !== null) observe({ kind: "frame_control", exchange, rule: result.rule });
  for (const fault of faults) {
    observe({ kind: "frame_fault", exchange, code: fault.code, where: fault.where, example: fault.example, offset });
  }
  if (result.bug !== null) observe({ kind: "frame_quarantined", exchange, offset, error: result.bug });
  for (const native of result.unmapped) observe({ kind: "symbol_unmapped", exchange, native });
}

function reportEvents(result: PipelineResult, observe: Observer): void {
  const { exchange, envelopes } = result;
  let kind: EventKind = envelopes[0].event.kind;
  let count = 0;
  for (const envelope of envelopes) {
    const { event } = envelope;
    if (event.kind === "gap") reportGap(envelope, event, observe);
    if (event.kind === kind) {
      count++;
      continue;
    }
    observe({ kind: "events", exchange, event: kind, count });
    kind = event.kind;
    count = 1;
  }
  observe({ kind: "events", exchange, event: kind, count });
}

function reportGap({ exchange, symbol, offset }: Envelope, gap: Gap, observe: Observer): void {
  const { stream, cause, detail, from_ts, to_ts, state } = gap;
  // The id begins with the record that opened the gap: from another record on it is one that was told before.
  const ends = state !== "opened" && !gap.gap_id.startsWith(`${offset}-`);
  observe({ kind: "gap", exchange, stream, symbol, cause, detail, ends, fromTs: from_ts, toTs: to_ts });
}

/** Trades and liquidations are never sent again by an exchange; control frames carry no data. */
function isKeptWhenFull(result: PipelineResult): boolean {
  if (result.envelopes.length === 0) return true;
  return result.envelopes.some(({ event }) => event.kind === "trade" || event.kind === "liquidation");
}
