import type { Timer } from "../host/mod.ts";
import {
  Failure,
  JOURNAL_COMMIT_BYTES,
  JOURNAL_REFUSED_BYTES,
  type JournalRecord,
  type JournalWarning,
  type Micros,
  type Offset,
} from "../model/mod.ts";
import { type Batch, BatchWriter, SegmentGone } from "./batch_writer.ts";
import type { ClockSteps } from "./clock_steps.ts";
import { encodeRecord } from "./codec.ts";
import type { CollectorNames, NamedStretch } from "./collector_names.ts";
import type { Cursors } from "./cursors.ts";
import { encodeMark, FORMAT_VERSION, markBytes } from "./format.ts";
import { GoneFiles } from "./gone_files.ts";
import type { Journal, JournalOptions, ReadOptions } from "./journal.ts";
import type { JournalFolder } from "./journal_folder.ts";
import { JournaledPlans } from "./journaled_plans.ts";
import { lostRecord, offsetAfter } from "./mend.ts";
import { plainName } from "./names.ts";
import { type OpenSession, OpenSessions } from "./open_sessions.ts";
import { holding, readSegments } from "./read_segments.ts";
import type { Recovery } from "./recovery.ts";
import { Retention } from "./retention.ts";
import { SegmentHead } from "./segment_head.ts";
import { type Segment, segmentName } from "./segment.ts";
import type { JournalEntry } from "./segment_reader.ts";
import { WriteBuffer } from "./write_buffer.ts";

/** First and longest delay before a failed write is tried again, in ms. */
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;
const MARK_BYTES = markBytes(FORMAT_VERSION);

/** Parts of a journal, prepared before it begins. */
export interface JournalParts {
  readonly id: string;
  readonly began: Offset | null;
  readonly names: CollectorNames;
  readonly recovery: Recovery;
  readonly cursors: Cursors;
  readonly clockSteps: ClockSteps;
  readonly folder: JournalFolder;
  /** Offset of the first record of a new journal. */
  readonly start: Offset;
  /** Offset past the journal's end that a sink has committed; null if none has. */
  readonly committedPast: Offset | null;
}

/** The journal of a folder that is locked and recovered. */
export class SegmentedJournal implements Journal {
  readonly id: string;
  readonly began: Offset | null;
  readonly recovered: Journal["recovered"];
  readonly #options: JournalOptions;
  readonly #names: CollectorNames;
  readonly #folder: JournalFolder;
  readonly #goneFiles: GoneFiles;
  readonly #cursors: Cursors;
  readonly #segments: Segment[];
  readonly #sessions = new OpenSessions();
  readonly #plans = new JournaledPlans();
  readonly #buffer = new WriteBuffer();
  readonly #writer: BatchWriter;
  readonly #retention: Retention;
  readonly #subscribers = new Set<(synced: Offset) => void>();
  readonly #freedSubscribers = new Set<() => void>();
  readonly #clockSteps: ClockSteps;
  readonly #recoveredRecords: number;
  readonly #recoveredTs: Micros | null;
  readonly #committedPast: Offset | null;
  /** Offset of the first record in the buffer. */
  #batchFrom: Offset;
  #next: Offset;
  #synced: Offset;
  /** Whether there are records after the last mark. */
  #unmarked: boolean;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #failure: Failure | null = null;
  #retryMs = RETRY_MS_MIN;
  #closed = false;
  #wasFull = false;
  /** When the first record in the buffer was appended, on the monotonic clock. */
  #bufferSinceMs = 0;
  /** Bytes of the segment being written at which a new one is begun. */
  #rollAt = 0;

  constructor(options: JournalOptions, parts: JournalParts) {
    const { recovery, cursors } = parts;
    const last = recovery.segments.at(-1);
    this.id = parts.id;
    this.began = parts.began;
    this.#names = parts.names;
    this.#options = options;
    this.#folder = parts.folder;
    this.#committedPast = parts.committedPast;
    this.#recoveredTs = recovery.lastTs;
    for (const plan of recovery.plans) this.#plans.follow(plan);
    this.#cursors = cursors;
    this.#clockSteps = parts.clockSteps;
    this.#segments = [...recovery.segments];
    this.#sessions.restore(recovery.openSessions);
    this.#recoveredRecords = recovery.records;
    this.#next = last?.nextOffset ?? parts.start;
    this.#synced = this.#next;
    this.#batchFrom = this.#next;
    this.#unmarked = last !== undefined && !recovery.endsWithMark;
    this.recovered = { openSessions: recovery.openSessions, cutBytes: recovery.cutBytes, lastTs: recovery.lastTs };
    this.#writer = new BatchWriter(options.host, {
      dir: options.dir,
      onSynced: (batch, durationMs) => this.#onSynced(batch, durationMs),
    });
    this.#goneFiles = new GoneFiles({
      journal: parts.id,
      dir: options.dir,
      clock: options.host.clock,
      folder: parts.folder,
      names: parts.names,
      segments: this.#segments,
      onReplaced: () => this.#retention.recount(),
      onActiveGone: () => this.#commitInBackground(),
      onLost: (text) => this.#warn(text),
    });
    this.#retention = new Retention(options, {
      segments: this.#segments,
      journal: parts.id,
      cursors,
      isFull: () => this.full,
      onChanged: () => this.#onFreed(),
      onGone: (segment) => this.#goneFiles.replace(segment),
      stepsSince: (offset) => this.#clockSteps.since(offset),
      exclusively: (work) => this.#goneFiles.exclusively(work),
    });
    if (last !== undefined) this.#rollAt = last.headBytes + options.plan.segmentBytes;
  }

  /** Begins the first segment if there is none, and continues the work of an earlier run. */
  async begin(): Promise<void> {
    const last = this.#segments.at(-1);
    if (last === undefined) {
      await this.#beginFirst();
    } else {
      await this.#passCommitted(last);
      this.#options.observer({
        kind: "journal_recovered",
        segment: segmentName(last),
        cutBytes: this.recovered.cutBytes,
        records: this.#recoveredRecords,
      });
    }
    this.#retention.lookForArchive();
    this.#retention.sealInBackground();
    this.#reportFull();
  }

  /** Skips offsets that a sink has committed although their records are lost, so that they are not assigned again. */
  async #passCommitted(last: Segment): Promise<void> {
    const toOffset = this.#committedPast;
    if (toOffset === null) return;
    const reason = `the journal ended at offset ${this.#next}, a sink had committed ${toOffset}`;
    this.#warn(reason);
    const toTs = this.#options.host.clock.nowMicros();
    const fromTs = this.#recoveredTs ?? last.createdAt;
    this.append(lostRecord({ offset: this.#next, toOffset, fromTs, toTs, reason }));
    await this.sync();
  }

  async #beginFirst(): Promise<void> {
    this.#beginSegment();
    try {
      await this.sync();
    } catch (error) {
      this.#closed = true;
      this.#timer?.cancel();
      throw error;
    }
  }

  get next(): Offset {
    return this.#next;
  }

  get synced(): Offset {
    return this.#synced;
  }

  get oldest(): Offset {
    return this.#segments[0].firstOffset;
  }

  collectorAt(offset: Offset): NamedStretch {
    return this.#names.at(offset);
  }

  segmentStart(offset: Offset): Offset {
    return holding(this.#segments, offset)?.firstOffset ?? offset;
  }

  get bufferedBytes(): number {
    return this.#writer.bytes + this.#buffer.size;
  }

  get totalBytes(): number {
    return this.#retention.olderBytes + this.#active.plannedBytes + this.#buffer.size;
  }

  get full(): boolean {
    return this.totalBytes >= this.#options.plan.totalBytesMax;
  }

  get failure(): Failure | null {
    return this.#failure;
  }

  get unsyncedMs(): number {
    const sinceMs = this.#writer.sinceMs ?? (this.#buffer.size > 0 ? this.#bufferSinceMs : null);
    return sinceMs === null ? 0 : Math.max(0, this.#options.host.clock.monotonicMs() - sinceMs);
  }

  append(record: JournalRecord): Offset {
    if (this.#closed) throw new Failure("closed", "Cannot append to the journal: it is closed", { retry: false });
    if (this.#failure !== null && !this.#failure.retry) throw this.#failure;
    if (this.#active.version < FORMAT_VERSION) this.#beginSegment();
    this.#heedSize(sizeOf(record));
    if (this.#buffer.size === 0) this.#beginBatch();
    if (record.kind !== "frame") {
      const plan = this.#plans.missing(record);
      if (plan !== null) {
        this.#encode(plan);
        this.#plans.follow(plan);
      }
      this.#plans.follow(record);
    }
    const offset = this.#encode(record);
    if (record.kind === "clock") this.#clockSteps.note(offset, record.toTs - record.fromTs, this.oldest);
    return offset;
  }

  #encode(record: JournalRecord): Offset {
    const offset = this.#next;
    encodeRecord(this.#buffer, record, this.#active, offset);
    this.#next = offsetAfter(record, offset);
    this.#sessions.follow(offset, record);
    return offset;
  }

  async sync(signal?: AbortSignal): Promise<void> {
    const target = this.#next;
    while (this.#synced < target) await withSignal(this.#commit(), signal, "sync");
  }

  get openSessions(): readonly OpenSession[] {
    return this.#sessions.list();
  }

  whenSynced(call: (synced: Offset) => void): () => void {
    this.#subscribers.add(call);
    return () => this.#subscribers.delete(call);
  }

  whenFreed(call: () => void): () => void {
    this.#freedSubscribers.add(call);
    return () => this.#freedSubscribers.delete(call);
  }

  read(from: Offset, options: ReadOptions = {}): AsyncIterable<readonly JournalEntry[]> {
    const { host, dir } = this.#options;
    const onGone = (segment: Segment) => this.#goneFiles.replace(segment);
    return readSegments(host.files, dir, { ...options, from, segments: this.#segments, onGone });
  }

  async loadCursor(reader: string): Promise<Offset | null> {
    const next = await this.#cursors.load(reader);
    if (next === null || next <= this.#next) return next;
    throw new Failure(
      "corrupt",
      `Cannot go on at the cursor of ${reader}: it stands at offset ${next}, the journal ends at ${this.#next}`,
      { retry: false },
    );
  }

  forgetCursor(reader: string): void {
    this.#cursors.forget(reader);
  }

  async commitCursor(reader: string, next: Offset): Promise<void> {
    if (next > this.#synced) throw new Error(`Cursor of ${reader} at ${next} is past what is synced: ${this.#synced}`);
    await this.#cursors.commit(reader, next);
  }

  async removePassed(): Promise<void> {
    await this.#retention.removePassed();
  }

  whenSealed(): Promise<void> {
    return this.#retention.whenSealed();
  }

  async close(signal?: AbortSignal): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    let isAbandoned = false;
    try {
      await withSignal(this.#retention.stop(), signal, "close");
      await withSignal(this.#clockSteps.flush(), signal, "close");
      await this.sync(signal);
      if (this.#unmarked && this.#active.version === FORMAT_VERSION) {
        this.#beginBatch();
        await withSignal(this.#commit(), signal, "close");
      }
    } catch (error) {
      isAbandoned = error instanceof Failure && error.code === "cancelled";
      throw error;
    } finally {
      this.#timer?.cancel();
      // What hangs keeps its file and the lock, which end with the process: nobody else may write meanwhile.
      if (!isAbandoned) await this.#writer.closeHandle().finally(() => this.#folder.release());
    }
  }

  get #active(): Segment {
    return this.#segments[this.#segments.length - 1];
  }

  /** Begins a batch with space for its mark, whose position is known when the batch is drained. */
  #beginBatch(): void {
    this.#bufferSinceMs = this.#options.host.clock.monotonicMs();
    this.#buffer.push(new Uint8Array(MARK_BYTES));
    if (this.#failure === null) this.#commitAfter(this.#options.plan.syncMs);
  }

  /** Returns the mark of a batch, which proves that the batches before it were synced. */
  #mark(): Uint8Array {
    const { firstOffset, plannedBytes } = this.#active;
    return encodeMark({ firstOffset, position: plannedBytes, nextOffset: this.#batchFrom }, FORMAT_VERSION);
  }

  /** Writes early if much is buffered; throws if even that does not keep up. */
  #heedSize(coming: number): void {
    const waiting = this.bufferedBytes;
    if (waiting > 0 && waiting + coming > JOURNAL_REFUSED_BYTES) {
      throw new Failure("busy", `Cannot append to the journal: ${waiting} bytes wait to be written`, {
        cause: this.#failure,
      });
    }
    if (this.#buffer.size < JOURNAL_COMMIT_BYTES) return;
    if (this.#running === null && this.#failure === null) this.#commitInBackground();
  }

  #commitAfter(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.host.clock.after(ms, () => {
      this.#timer = null;
      this.#commitInBackground();
    });
  }

  #commitInBackground(): void {
    this.#commit().catch((error) => {
      // A failure is kept in `failure`, observed, and retried; anything else is a bug.
      if (!(error instanceof Failure)) throw error;
    });
  }

  #commit(): Promise<void> {
    this.#running ??= this.#commitOnce().finally(() => {
      this.#running = null;
      // Commits records that came while the disk was busy and are overdue.
      if (this.#buffer.size > 0 && this.#timer === null && this.#failure === null && !this.#closed) {
        this.#commitAfter(0);
      }
    });
    return this.#running;
  }

  async #commitOnce(): Promise<void> {
    // Lets the caller of `append` finish: a checkpoint must see the pipeline after the last record.
    await Promise.resolve();
    this.#timer?.cancel();
    this.#timer = null;
    const rolls = this.#active.plannedBytes + this.#buffer.size >= this.#rollAt && !this.#closed;
    const isBegun = this.#active.headBytes > 0 || this.#active.syncedBytes > 0;
    // While earlier batches cannot be written, each small batch would occupy a chunk of memory.
    const isSmall = this.#writer.isBusy && this.#buffer.size < JOURNAL_COMMIT_BYTES && !rolls;
    const holdsBack = isSmall || !isBegun;
    if (!holdsBack) this.#queueBatch();
    try {
      if (rolls) this.#rollSegment();
      this.#reportFull();
      await this.#goneFiles.restore();
      await this.#writer.drain();
      if (holdsBack) {
        this.#queueBatch();
        await this.#writer.drain();
      }
    } catch (error) {
      this.#noteFailure(error);
      if (error instanceof SegmentGone) await this.#beginAfterLoss();
      throw error;
    }
    this.#failure = null;
    this.#retryMs = RETRY_MS_MIN;
    if (rolls) this.#retention.sealInBackground();
  }

  #queueBatch(): void {
    const bytes = this.#buffer.size;
    if (bytes === 0) return;
    const segment = this.#active;
    const mark = this.#mark();
    segment.plannedBytes += bytes;
    segment.nextOffset = this.#next;
    const records = this.#next - this.#batchFrom;
    this.#batchFrom = this.#next;
    this.#unmarked = records > 0;
    const sinceMs = this.#bufferSinceMs;
    const chunks = this.#buffer.drain();
    chunks[0].set(mark);
    this.#writer.push({ segment, chunks, bytes, records, nextOffset: this.#next, sinceMs, isHead: false });
  }

  /** Begins a new segment. If its checkpoint cannot be created, the present one keeps growing. */
  #rollSegment(): void {
    try {
      this.#beginSegment();
    } catch (error) {
      this.#rollAt = this.#active.plannedBytes + this.#options.plan.segmentBytes;
      this.#warn(`Cannot begin a new journal segment, the present one grows on: ${reasonOf(error)}`, "checkpoint");
    }
  }

  /**
   * Begins a segment. Its head (plans and checkpoint) is a batch of its own, whose parts are created between writes
   * while records are buffered. Its bytes do not count for rolling.
   */
  #beginSegment(): void {
    const { host, checkpoint, plansInUse } = this.#options;
    const at = host.clock.nowMicros();
    const header = { firstOffset: this.#next, createdAt: at, version: FORMAT_VERSION, journal: this.id };
    const openSessions = this.#sessions.list();
    const plans = this.#plans.inUse(openSessions, plansInUse?.() ?? []);
    const onBroken = (error: unknown) => this.#warn(`Cannot write a checkpoint: ${reasonOf(error)}`, "checkpoint");
    const head = new SegmentHead(header, { at, plans, openSessions, parts: checkpoint(), onBroken });
    const { nextOffset } = head;
    const segment: Segment = {
      ...header,
      headBytes: 0,
      sealed: false,
      syncedBytes: 0,
      plannedBytes: 0,
      fileBytes: 0,
      nextOffset,
    };
    this.#plans.begin(plans);
    this.#segments.push(segment);
    const records = nextOffset - this.#next;
    this.#next = nextOffset;
    this.#batchFrom = nextOffset;
    this.#unmarked = true;
    this.#rollAt = Infinity;
    const sinceMs = host.clock.monotonicMs();
    const bytes = () => head.bytes;
    this.#writer.push({
      ...{ segment, chunks: head, records, nextOffset, sinceMs, isHead: true },
      get bytes() {
        return bytes();
      },
    });
    this.#retention.recount();
  }

  #onHeadWritten(segment: Segment, bytes: number): void {
    segment.headBytes = bytes;
    segment.plannedBytes = bytes;
    if (segment === this.#active) this.#rollAt = bytes + this.#options.plan.segmentBytes;
    this.#retention.recount();
  }

  /**
   * Begins a new segment because the file being written is gone. Waiting batches are dropped, because the new segment
   * begins with the state after them; sinks that follow closely have the records in memory, for others a dropped record
   * replaces them.
   */
  async #beginAfterLoss(): Promise<void> {
    await this.#writer.abandon();
    this.#buffer.recycle(this.#buffer.drain());
    this.#active.nextOffset = this.#next;
    this.#goneFiles.noteLost(this.#active);
    this.#beginSegment();
    this.#warn(
      `Segment ${plainName(this.#active.firstOffset)} takes the place of a segment that is gone from its folder`,
    );
  }

  #warn(text: string, code: JournalWarning = "lost"): void {
    this.#options.observer({ kind: "journal_warning", code, text });
  }

  #onSynced(batch: Batch, durationMs: number): void {
    if (batch.isHead) this.#onHeadWritten(batch.segment, batch.bytes);
    else this.#buffer.recycle(batch.chunks);
    this.#synced = batch.nextOffset;
    this.#options.observer({ kind: "journal_synced", bytes: batch.bytes, records: batch.records, durationMs });
    for (const call of this.#subscribers) call(this.#synced);
  }

  #onFreed(): void {
    this.#reportFull();
    for (const call of this.#freedSubscribers) call();
  }

  #noteFailure(error: unknown): void {
    if (!(error instanceof Failure)) return;
    this.#failure = error;
    this.#options.observer({ kind: "journal_failed", error: error.message });
    if (!error.retry || this.#closed) return;
    this.#commitAfter(this.#retryMs);
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
  }

  #reportFull(): void {
    const full = this.full;
    if (full === this.#wasFull) return;
    this.#wasFull = full;
    this.#options.observer({ kind: "journal_full", full, bytes: this.totalBytes });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns the bytes of a record's long parts in the buffer. */
function sizeOf(record: JournalRecord): number {
  switch (record.kind) {
    case "frame":
      return record.payload.length;
    case "http":
      return record.body.length;
    case "plan":
      return record.body.length;
    default:
      return 0;
  }
}

/** Awaits work until the signal aborts; then rejects with `cancelled` while the work goes on. */
async function withSignal<T>(work: Promise<T>, signal: AbortSignal | undefined, what: string): Promise<T> {
  if (signal === undefined) return await work;
  const aborted = Promise.withResolvers<never>();
  const abort = () => {
    aborted.reject(new Failure("cancelled", `Cannot ${what} the journal: the time for it is over`, { retry: false }));
  };
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  work.catch(() => {});
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
