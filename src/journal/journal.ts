import type { Host } from "../host/mod.ts";
import type { Failure, JournalPlan, JournalRecord, Micros, Observer, Offset, PlanRecord } from "../model/mod.ts";
import type { NamedStretch } from "./collector_names.ts";
import type { OpenSession } from "./open_sessions.ts";
import type { JournalEntry } from "./segment_reader.ts";

/** A state in parts that are made as they are read; how many there are is known at once. */
export interface CheckpointParts {
  readonly length: number;
  /** About how many characters all of them have; absent where that is not known. */
  readonly chars?: number;
  [Symbol.iterator](): Iterator<string>;
}

/** What a journal needs to open. */
export interface JournalOptions {
  readonly host: Pick<Host, "clock" | "compressor" | "files" | "machineName" | "processId" | "random">;
  /** The journal's folder; made where it is missing. */
  readonly dir: string;
  readonly plan: JournalPlan;
  readonly observer: Observer;
  /** Name under which what comes is collected; absent: the one that the journal has, that of the machine in a new one. */
  readonly collector?: string | null;
  /**
   * Returns the pipeline's state after every record appended so far, in parts of about `JOURNAL_PART_BYTES` or one book
   * each. Called when a segment is begun, first while a new journal is opened; never while a record that was appended
   * has not been processed. The parts are read one at a time between writes, while later records come.
   */
  readonly checkpoint: () => CheckpointParts;
  /**
   * Yields the plans that the state refers to or that later records may name; those of open sessions are kept by the
   * journal itself. Called when a segment is begun. None where it is not given.
   */
  readonly plansInUse?: () => Iterable<PlanRecord>;
}

/** How far and what to read. */
export interface ReadOptions {
  /** Stops before this offset; the end of what is synced where it is not given. */
  readonly to?: Offset;
  readonly signal?: AbortSignal;
  /** Starts at `from` itself instead of at the segment's checkpoint, for a reader that has its state already. */
  readonly exact?: boolean;
}

/** The raw log of everything that was received: appended to at once, safe on disk within `syncMs`. */
export interface Journal {
  /** A UUID that stays as long as the folder does: sinks mark with it what they have written. */
  readonly id: string;
  /**
   * Encodes the record into the write buffer and returns its offset; the payload is copied. Throws a `Failure`: `closed`
   * after `close`, `busy` where `JOURNAL_REFUSED_BYTES` are buffered, the failure itself where the journal has
   * failed for good. The record has not been taken then.
   */
  append(record: JournalRecord): Offset;
  /** Where the coming record will stand. */
  readonly next: Offset;
  /** Records below this offset survive a power cut. */
  readonly synced: Offset;
  /** Offset of the first record that is still kept. */
  readonly oldest: Offset;
  /** Where the journal once began, whatever has been removed since; null where that is not known. */
  readonly began: Offset | null;
  /** Who collected the record at an offset, and up to where. */
  collectorAt(offset: Offset): NamedStretch;
  /** First offset of the segment that holds an offset, of the oldest one where it is no longer kept. */
  segmentStart(offset: Offset): Offset;
  /** Bytes not yet synced. */
  readonly bufferedBytes: number;
  /** Bytes of all segments on disk and of the buffer. */
  readonly totalBytes: number;
  /** Whether `totalBytes` has reached the plan's cap. The journal still takes records; `onFull` is the caller's. */
  readonly full: boolean;
  /** Why records cannot be made safe at present; null while all is well. Retried by itself unless `retry` is false. */
  readonly failure: Failure | null;
  readonly recovered: {
    readonly openSessions: readonly OpenSession[];
    readonly cutBytes: number;
    /** Time of the latest record; null where there was none. */
    readonly lastTs: Micros | null;
  };
  /** Sessions whose end is not in the journal, each with the time of its last frame. */
  readonly openSessions: readonly OpenSession[];
  /** How long the oldest record that is not synced has waited, in ms; 0 where all is synced. */
  readonly unsyncedMs: number;
  /**
   * Makes everything appended so far safe now. Rejects with the `Failure` of the attempt, and with `cancelled` where the
   * signal aborts first; the records are kept and written all the same as soon as that can be done.
   */
  sync(signal?: AbortSignal): Promise<void>;
  /** Calls back after each progress of `synced`; returns what ends it. The call must not throw. */
  whenSynced(call: (synced: Offset) => void): () => void;
  /** Calls back when compression or retention has made `totalBytes` less; returns what ends it. It must not throw. */
  whenFreed(call: () => void): () => void;
  /**
   * Synced records in order, in chunks of bounded size, up to what is synced when the end is reached. Starts with the
   * checkpoint of the segment that holds `from`, or of the oldest one where `from` is no longer kept. Rejects with a
   * `Failure` (`corrupt`) at damage. The chunks' payloads are views: keep copies, not views, for long.
   */
  read(from: Offset, options?: ReadOptions): AsyncIterable<readonly JournalEntry[]>;
  /** Where a reader goes on; null where it never committed. Makes the reader known to retention. */
  loadCursor(reader: string): Promise<Offset | null>;
  /** The reader takes nothing more in this run and holds nothing back. Its file stays. */
  forgetCursor(reader: string): void;
  /** Keeps where a reader goes on; at most `synced`. */
  commitCursor(reader: string, next: Offset): Promise<void>;
  /**
   * Deletes the oldest segments that every known reader has passed and that are older than `retainHours`; younger ones
   * too while the journal is full. Known are the readers of `loadCursor` and `commitCursor` in this run; while none is
   * known, or one has not committed yet, nothing is deleted.
   */
  removePassed(): Promise<void>;
  /** Resolves when no segment waits to be compressed. */
  whenSealed(): Promise<void>;
  /**
   * Makes everything safe and lets the folder go. Rejects with `cancelled` where the signal aborts first: what hangs keeps
   * the folder until the process ends. Compression under
   * way is given up and done at the next start.
   */
  close(signal?: AbortSignal): Promise<void>;
}
