import type { Envelope, Offset } from "../model/mod.ts";

/**
 * A destination of events. All calls come from one caller, one after the other. A rejected call is a `Failure` of code
 * `sink`, `file` or `disk_full`: the caller closes the sink, opens it again at its committed position and writes again.
 */
export interface Sink {
  readonly name: string;
  readonly type: string;
  /**
   * Prepares to go on at `from`, the first offset not yet committed: what an earlier run wrote at or past it is taken
   * back where the destination allows.
   */
  open(from: Offset): Promise<void>;
  /** Takes events in the order of (offset, index). May keep them in memory, bounded. */
  write(batch: readonly Envelope[]): Promise<void>;
  /** Whether it wants to be flushed now; `nowMs` is wall clock. */
  wantsFlush(nowMs: number): boolean;
  /** Everything written so far survives a power cut when it resolves. */
  flush(): Promise<void>;
  /** Lets go of files; what was not flushed is dropped. May be called after a failure, and twice. */
  close(): Promise<void>;
  /** Files completed by this object so far; null where it makes none. */
  readonly files: number | null;
}
