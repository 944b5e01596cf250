import type { Host } from "../host/mod.ts";
import type { Failure, JournalPlan, JournalRecord, Micros, Observer, Offset, PlanRecord } from "../model/mod.ts";
import type { NamedStretch } from "./collector_names.ts";
import type { OpenSession } from "./open_sessions.ts";
import type { JournalEntry } from "./segment_reader.ts";

/** A state in parts that are created as they are read; their number is known at once. */
export interface CheckpointParts {
  readonly length: number;
  /** Estimated characters of all parts. Absent: unknown. */
  readonly chars?: number;
  [Symbol.iterator](): Iterator<string>;
}

/** Options of a journal. */
export interface JournalOptions {
  readonly host: Pick<Host, "clock" | "compressor" | "files" | "machineName" | "processId" | "random">;
  /** The journal's folder; created if missing. */
  readonly dir: string;
  readonly plan: JournalPlan;
  readonly observer: Observer;
  /**
   * Name under which further records are collected. Absent: the journal's name, or the machine's name for a new
   * journal.
   */
  readonly collector?: string | null;
  /**
   * Returns the pipeline's state after all records appended so far, in parts of about `JOURNAL_PART_BYTES` or one book
   * each. Called when a segment is begun, first when a new journal is opened, and never while an appended record is
   * unprocessed. The parts are read one at a time between writes, while later records come.
   */
  readonly checkpoint: () => CheckpointParts;
  /**
   * Yields the plans that the state refers to or that later records may name, except those of open sessions, which the
   * journal keeps itself. Called when a segment is begun. Absent: there are none.
   */
  readonly plansInUse?: () => Iterable<PlanRecord>;
}

/** Range to read. */
export interface ReadOptions {
  /** Stops before this offset. Absent: at the end of the synced records. */
  readonly to?: Offset;
  readonly signal?: AbortSignal;
  /** Starts at `from` itself instead of the segment's checkpoint, for a reader that has its state already. */
  readonly exact?: boolean;
}

/** The append-only log of everything received; synced to disk within `syncMs`. */
export interface Journal {
  /** A UUID that stays as long as the folder: sinks mark their output with it. */
  readonly id: string;
  /**
   * Appends a record to the write buffer, with a copy of its payload, and returns its offset. Throws a `Failure` and
   * appends nothing: `closed` after `close`, `busy` if `JOURNAL_REFUSED_BYTES` are buffered, or the failure itself if
   * the journal has failed permanently.
   */
  append(record: JournalRecord): Offset;
  /** Offset of the next record. */
  readonly next: Offset;
  /** Records below this offset survive a power cut. */
  readonly synced: Offset;
  /** Offset of the oldest record that is still kept. */
  readonly oldest: Offset;
  /** Offset at which the journal once began, even if removed since; null if unknown. */
  readonly began: Offset | null;
  /** Returns the collector of the record at an offset, and where the next collector's records begin. */
  collectorAt(offset: Offset): NamedStretch;
  /** Returns the first offset of the segment with an offset, or of the oldest segment if it is no longer kept. */
  segmentStart(offset: Offset): Offset;
  /** Bytes not yet synced. */
  readonly bufferedBytes: number;
  /** Bytes of all segments on disk and of the buffer. */
  readonly totalBytes: number;
  /**
   * Whether `totalBytes` has reached the plan's limit. The journal still appends records; the caller applies `onFull`.
   */
  readonly full: boolean;
  /** Why records cannot be synced now; null if they can. The journal retries unless `retry` is false. */
  readonly failure: Failure | null;
  readonly recovered: {
    readonly openSessions: readonly OpenSession[];
    readonly cutBytes: number;
    /** Time of the latest record; null if there was none. */
    readonly lastTs: Micros | null;
  };
  /** Sessions without a `closed` record, each with the time of its last frame. */
  readonly openSessions: readonly OpenSession[];
  /** How long the oldest unsynced record has waited, in ms; 0 if all are synced. */
  readonly unsyncedMs: number;
  /**
   * Syncs all records appended so far. Rejects with the `Failure` of the attempt, or with `cancelled` if the signal
   * aborts first; the records are kept and written later all the same.
   */
  sync(signal?: AbortSignal): Promise<void>;
  /** Calls back after each advance of `synced`; returns a function that stops it. The callback must not throw. */
  whenSynced(call: (synced: Offset) => void): () => void;
  /**
   * Calls back when compression or retention has reduced `totalBytes`; returns a function that stops it. The callback
   * must not throw.
   */
  whenFreed(call: () => void): () => void;
  /**
   * Reads synced records in order, in chunks of bounded size, up to what is synced when the end is reached. Starts with
   * the checkpoint of the segment with `from`, or of the oldest one if `from` is no longer kept. Rejects with a
   * `Failure` (`corrupt`) at damage. Payloads are views into larger buffers: copy what is kept for long.
   */
  read(from: Offset, options?: ReadOptions): AsyncIterable<readonly JournalEntry[]>;
  /** Returns a reader's committed position; null if it never committed. Makes the reader known to retention. */
  loadCursor(reader: string): Promise<Offset | null>;
  /** Makes a reader unknown in this run, so that it retains no segments. Its file stays. */
  forgetCursor(reader: string): void;
  /** Commits a reader's position, at most `synced`. */
  commitCursor(reader: string, next: Offset): Promise<void>;
  /**
   * Deletes the oldest segments that every known reader has passed and that are older than `retainHours`, or younger
   * ones while the journal is full. Known readers are those of `loadCursor` and `commitCursor` in this run; nothing is
   * deleted if there are none, or one has not committed yet.
   */
  removePassed(): Promise<void>;
  /** Resolves when no segment waits to be compressed. */
  whenSealed(): Promise<void>;
  /**
   * Syncs all records and releases the folder. Rejects with `cancelled` if the signal aborts first; a hanging operation
   * then keeps the folder until the process ends. Compression in progress is abandoned and done at the next start.
   */
  close(signal?: AbortSignal): Promise<void>;
}
