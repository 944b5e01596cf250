import { type Envelope, EventRows, type Offset } from "../model/mod.ts";

/** Events for a sink: all that it receives of the records at or past `from` and before `next`. Never empty. */
export interface SinkBatch {
  readonly events: readonly Envelope[];
  /**
   * The same events as columns, if they are available as such; `events` then makes objects on first use. The columns
   * are valid until `write` resolves; for a sink with several writes in flight, until `write` returns its promise.
   */
  readonly rows?: EventRows;
  readonly from: Offset;
  /** The position to store in the same transaction as the events, by destinations that keep their own position. */
  readonly next: Offset;
}

/** A batch of columns, which also serves sinks that need objects. */
export class RowsBatch implements SinkBatch {
  readonly rows: EventRows;
  readonly from: Offset;
  readonly next: Offset;
  #events: readonly Envelope[] | null = null;

  constructor(rows: EventRows, from: Offset, next: Offset) {
    this.rows = rows;
    this.from = from;
    this.next = next;
  }

  get events(): readonly Envelope[] {
    return this.#events ??= this.rows.envelopes();
  }
}

/** Returns the events of a batch as columns. */
export function rowsOf(batch: SinkBatch): EventRows {
  return batch.rows ?? EventRows.from(batch.events);
}

/**
 * A destination of events, for one life: after any failure it is closed, and a new one is opened. All calls come from
 * one caller, one after the other; writes overlap only where the type allows several in flight. `signal` is aborted
 * when the caller gives up: a call that has not come back then must change nothing more. A call rejects with a
 * `Failure`; `retry: false` says that a person has to act (permission, password, schema, foreign owner), and code
 * `gone` that nobody will ever read again. Anything else that is thrown counts as a bug, and is tried again like a
 * failure.
 */
export interface Sink {
  /**
   * Prepares to go on and resolves with the offset where the destination stands: everything before it is there for
   * good, nothing at or past it is. `committed` is where the caller believes it stands. A destination that keeps no
   * position takes back what it wrote itself at or past `committed`, where it can, and resolves with `committed`. One
   * that keeps its position and finds none resolves with 0: it is new, or was emptied.
   */
  open(committed: Offset, signal: AbortSignal): Promise<Offset>;
  /** Writes events in the order of (offset, index). May keep them in memory, within bounds. */
  write(batch: SinkBatch, signal: AbortSignal): Promise<void>;
  /** Resolves when everything written so far survives a power cut. Everything before `next` was offered by then. */
  flush(next: Offset, signal: AbortSignal): Promise<void>;
  /** Releases everything; drops what was not flushed. May be called after a failure, and twice. */
  close(): Promise<void>;
  /** Whether the sink needs a flush now, because a bound beside its flush policy is reached. */
  readonly wantsFlush: boolean;
  /**
   * Offset that the sink must reach before it is flushed, because the write that a crash interrupted ended there. Null
   * or absent if it can be flushed anywhere.
   */
  readonly cutsAt?: Offset | null;
  /** Files completed by this object so far; null if it makes none. */
  readonly files: number | null;
}
