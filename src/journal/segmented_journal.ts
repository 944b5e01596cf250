import type { Timer } from "../host/mod.ts";
import { Failure, JOURNAL_COMMIT_BYTES, JOURNAL_REFUSED_BYTES, type JournalRecord, type Offset } from "../model/mod.ts";
import { type Batch, BatchWriter } from "./batch_writer.ts";
import { encodeCheckpoint, encodeRecord } from "./codec.ts";
import type { Cursors } from "./cursors.ts";
import { encodeHeader, encodeMark } from "./format.ts";
import type { Journal, JournalOptions, ReadOptions } from "./journal.ts";
import { type OpenSession, OpenSessions } from "./open_sessions.ts";
import { holding, readSegments } from "./read_segments.ts";
import type { Recovery } from "./recovery.ts";
import { Retention } from "./retention.ts";
import { type Segment, segmentName } from "./segment.ts";
import type { JournalEntry } from "./segment_reader.ts";
import { WriteBuffer } from "./write_buffer.ts";

/** First and longest delay before a failed write is tried again, in ms. */
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;

/** What was made ready for a journal before it is begun. */
export interface JournalParts {
  readonly id: string;
  readonly recovery: Recovery;
  readonly cursors: Cursors;
  /** Offset of the first record of a new journal. */
  readonly start: Offset;
  readonly release: () => Promise<void>;
}

/** The journal of a folder that is locked and recovered. */
export class SegmentedJournal implements Journal {
  readonly id: string;
  readonly recovered: { readonly openSessions: readonly OpenSession[]; readonly cutBytes: number };
  readonly #options: JournalOptions;
  readonly #release: () => Promise<void>;
  readonly #cursors: Cursors;
  readonly #segments: Segment[];
  readonly #sessions = new OpenSessions();
  readonly #buffer = new WriteBuffer();
  readonly #writer: BatchWriter;
  readonly #retention: Retention;
  readonly #subscribers = new Set<(synced: Offset) => void>();
  readonly #freedSubscribers = new Set<() => void>();
  readonly #recoveredRecords: number;
  /** First offset of what is in the buffer. */
  #batchFrom: Offset;
  #next: Offset;
  #synced: Offset;
  /** Whether records stand behind the last mark. */
  #unmarked: boolean;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #failure: Failure | null = null;
  #retryMs = RETRY_MS_MIN;
  #closed = false;
  #wasFull = false;

  constructor(options: JournalOptions, parts: JournalParts) {
    const { recovery, cursors } = parts;
    const last = recovery.segments.at(-1);
    this.id = parts.id;
    this.#options = options;
    this.#release = parts.release;
    this.#cursors = cursors;
    this.#segments = [...recovery.segments];
    this.#sessions.restore(recovery.openSessions);
    this.#recoveredRecords = recovery.records;
    this.#next = last?.nextOffset ?? parts.start;
    this.#synced = this.#next;
    this.#batchFrom = this.#next;
    this.#unmarked = last !== undefined && !recovery.endsWithMark;
    this.recovered = { openSessions: recovery.openSessions, cutBytes: recovery.cutBytes };
    this.#writer = new BatchWriter(options.host, {
      dir: options.dir,
      onSynced: (batch, durationMs) => this.#onSynced(batch, durationMs),
    });
    this.#retention = new Retention(options, {
      segments: this.#segments,
      cursors,
      isFull: () => this.full,
      onChanged: () => this.#onFreed(),
    });
  }

  /** Begins the first segment where there is none, and the work that an earlier run left. */
  async begin(): Promise<void> {
    const last = this.#segments.at(-1);
    if (last === undefined) {
      await this.#beginFirst();
    } else {
      this.#options.observer({
        kind: "journal_recovered",
        segment: segmentName(last),
        cutBytes: this.recovered.cutBytes,
        records: this.#recoveredRecords,
      });
    }
    this.#retention.sealInBackground();
    this.#reportFull();
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

  append(record: JournalRecord): Offset {
    if (this.#closed) throw new Failure("closed", "Cannot append to the journal: it is closed", { retry: false });
    if (this.#failure !== null && !this.#failure.retry) throw this.#failure;
    const size = this.#buffer.size;
    if (size === 0) this.#beginBatch();
    else if (size >= JOURNAL_COMMIT_BYTES) this.#heedSize();
    encodeRecord(this.#buffer, record, this.#active);
    const offset = this.#next++;
    this.#sessions.follow(offset, record);
    return offset;
  }

  async sync(): Promise<void> {
    const target = this.#next;
    while (this.#synced < target) await this.#commit();
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
    return readSegments(host.files, dir, { ...options, from, segments: this.#segments });
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

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    try {
      await this.#retention.stop();
      await this.sync();
      if (this.#unmarked) {
        this.#buffer.push(this.#mark());
        await this.#commit();
      }
    } finally {
      this.#timer?.cancel();
      await this.#writer.closeHandle().finally(this.#release);
    }
  }

  get #active(): Segment {
    return this.#segments[this.#segments.length - 1];
  }

  /** The first bytes of a batch vouch for the batches before it. */
  #beginBatch(): void {
    this.#buffer.push(this.#mark());
    if (this.#failure === null) this.#commitAfter(this.#options.plan.syncMs);
  }

  #mark(): Uint8Array {
    const { firstOffset, plannedBytes } = this.#active;
    return encodeMark({ firstOffset, position: plannedBytes, nextOffset: this.#next });
  }

  /** Writes early; refuses where even that does not keep up. */
  #heedSize(): void {
    if (this.bufferedBytes >= JOURNAL_REFUSED_BYTES) {
      throw new Failure("busy", `Cannot append to the journal: ${this.bufferedBytes} bytes wait to be written`, {
        cause: this.#failure,
      });
    }
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
      // A failure is kept in `failure`, observed, and tried again; anything else is a bug.
      if (!(error instanceof Failure)) throw error;
    });
  }

  #commit(): Promise<void> {
    this.#running ??= this.#commitOnce().finally(() => {
      this.#running = null;
      // What came while the disk was busy, and whose time has passed.
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
    this.#takeBatch();
    const rolls = this.#active.plannedBytes >= this.#options.plan.segmentBytes && !this.#closed;
    try {
      if (rolls) this.#beginSegment();
      this.#reportFull();
      await this.#writer.drain();
    } catch (error) {
      this.#noteFailure(error);
      throw error;
    }
    this.#failure = null;
    this.#retryMs = RETRY_MS_MIN;
    if (rolls) this.#retention.sealInBackground();
  }

  #takeBatch(): void {
    const bytes = this.#buffer.size;
    if (bytes === 0) return;
    const segment = this.#active;
    segment.plannedBytes += bytes;
    segment.nextOffset = this.#next;
    const records = this.#next - this.#batchFrom;
    this.#batchFrom = this.#next;
    this.#unmarked = records > 0;
    this.#writer.push({ segment, chunks: this.#buffer.take(), bytes, records, nextOffset: this.#next });
  }

  /** Begins a segment with the checkpoint, which is a batch of its own. */
  #beginSegment(): void {
    const { host, checkpoint } = this.#options;
    const [state] = checkpoint();
    const at = host.clock.nowMicros();
    const header = { firstOffset: this.#next, createdAt: at };
    const begun = new WriteBuffer();
    begun.push(encodeHeader(header));
    encodeCheckpoint(begun, { kind: "checkpoint", at, part: 0, last: true, state }, this.#sessions.list());
    const bytes = begun.size;
    const nextOffset = this.#next + 1;
    const segment: Segment = {
      ...header,
      sealed: false,
      syncedBytes: 0,
      plannedBytes: bytes,
      fileBytes: 0,
      nextOffset,
    };
    this.#segments.push(segment);
    this.#next = nextOffset;
    this.#batchFrom = nextOffset;
    this.#unmarked = true;
    this.#writer.push({ segment, chunks: begun.take(), bytes, records: 1, nextOffset });
    this.#retention.recount();
  }

  #onSynced(batch: Batch, durationMs: number): void {
    this.#buffer.recycle(batch.chunks);
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
