import type { Host } from "../host/mod.ts";
import type { GroupPlan, Micros } from "../model/mod.ts";

/** A value that the engine stores under a key. */
export interface StoredEntry {
  readonly key: string;
  readonly value: string;
  /** Grows with every write, over all lives of the key; serves as the entry's epoch. */
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
 * Stores the group's entries: values with revisions, nothing more. An object is one connection: after a failure it is
 * closed and another one opened. Every call rejects with a `Failure`, in bounded time.
 */
export interface GroupEngine {
  /**
   * Writes an entry if its revision is still `expected`; 0 means that no entry may exist. `key` is a result of
   * `entryKey`. Returns the new revision; null if another write came first.
   */
  put(key: string, value: string, expected: number): Promise<number | null>;
  list(): Promise<StoredEntries>;
  /** Writes the text that stands beside an entry, whatever stood there. */
  putNote(key: string, text: string): Promise<void>;
  /** Returns the text beside an entry; null if there is none. */
  note(key: string): Promise<string | null>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** Options of `openEngine`. */
export interface EngineOptions {
  readonly plan: GroupPlan;
  readonly host: Host;
  /** Longest wait for one answer, in ms. */
  readonly timeoutMs: number;
}

/** Entries without a write for this long are removed, in ms. */
export const ENTRY_AGE_MS_MAX = 7 * 24 * 3_600_000;

/** Returns where the note beside an entry stands; keys of entries have no dot. */
export function noteKey(key: string): string {
  return `${key}.note`;
}

/** An engine that has still to find, or to make, the place of its entries. */
export interface UnpreparedEngine extends GroupEngine {
  prepare(): Promise<void>;
}

/** Prepares an engine's bucket or table; closes the engine if that fails. */
export async function prepared(engine: UnpreparedEngine): Promise<GroupEngine> {
  try {
    await engine.prepare();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
