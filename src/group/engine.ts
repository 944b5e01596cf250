import type { Host } from "../host/mod.ts";
import type { GroupPlan, Micros } from "../model/mod.ts";

/** A text that the engine keeps under a key. */
export interface StoredEntry {
  readonly key: string;
  readonly value: string;
  /** Grows with every write, over all lives of the key: the epoch of what stands there. */
  readonly revision: number;
  /** When it was written, by the engine's clock. */
  readonly storedAt: Micros;
}

/** All entries, and the engine's time when they were read. */
export interface StoredEntries {
  readonly now: Micros;
  readonly entries: readonly StoredEntry[];
}

/**
 * Where a group keeps its entries: a table of texts with revisions, and nothing more. One connection for one life: after
 * a failure it is closed and another is opened. Everything rejects with a `Failure`, in bounded time.
 */
export interface GroupEngine {
  /**
   * `key` is what `entryKey` gives. Writes an entry if its revision is still the one that is expected, 0 where there is to be none. Returns its new
   * revision; null where another write came first.
   */
  put(key: string, value: string, expected: number): Promise<number | null>;
  list(): Promise<StoredEntries>;
  /** Writes the text that stands beside an entry, whatever stood there. */
  putNote(key: string, text: string): Promise<void>;
  /** Returns the text beside an entry; null where there is none. */
  note(key: string): Promise<string | null>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** What an engine is opened with. */
export interface EngineOptions {
  readonly plan: GroupPlan;
  readonly host: Host;
  /** Longest wait for one answer, in ms. */
  readonly timeoutMs: number;
}

/** Entries that nobody has written for so long are removed, in ms. */
export const ENTRY_AGE_MS_MAX = 7 * 24 * 3_600_000;

/** Returns where the note beside an entry stands; keys of entries have no dot. */
export function noteKey(key: string): string {
  return `${key}.note`;
}

/** An engine that has still to find, or to make, the place of its entries. */
export interface UnpreparedEngine extends GroupEngine {
  prepare(): Promise<void>;
}

/** Returns an engine whose place is there; one where it cannot be had is closed. */
export async function prepared(engine: UnpreparedEngine): Promise<GroupEngine> {
  try {
    await engine.prepare();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
