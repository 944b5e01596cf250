import type { Micros } from "../model/mod.ts";
import { decodeEntry, type MemberEntry } from "./entry.ts";
import type { StoredEntries } from "./engine.ts";

/** A member as seen from this one. */
export interface SeenMember extends MemberEntry {
  readonly revision: number;
  /** Whether its lease holds: its entry changed within its `ttlMs`, and it has not left. */
  readonly isAlive: boolean;
  /** Whether it has renewed its entry since the engine was last away: only then the entry is current. */
  readonly isConfirmed: boolean;
  /** Time since its entry last changed, in ms. */
  readonly silentMs: number;
}

interface Row {
  readonly entry: MemberEntry;
  readonly revision: number;
  /** When the entry last changed, monotonic ms. */
  readonly changedMs: number;
  readonly isAlive: boolean;
  readonly isConfirmed: boolean;
}

/**
 * Judges the members by watching their entries. A member is gone when its entry does not change for its ttl, measured
 * by this machine's monotonic clock. No clocks of two machines are compared; only the age of an entry at first sight is
 * taken from the engine, by its own clock. While the engine is away no lease expires: members with a lease get two ttls
 * after its return, and members that were gone stay so until they write.
 */
export class MemberTable {
  readonly #blindMs: number;
  #rows = new Map<string, Row>();
  #lookedMs: number | null = null;

  /** `blindMs`: from this time between two looks on the engine counts as having been away. */
  constructor(blindMs: number) {
    this.#blindMs = blindMs;
  }

  /** Updates the members from the engine's entries, read at a monotonic time. */
  look({ now, entries }: StoredEntries, nowMs: number): void {
    const sinceMs = this.#lookedMs === null ? Infinity : nowMs - this.#lookedMs;
    const wasBlind = sinceMs !== Infinity && sinceMs >= this.#blindMs;
    this.#lookedMs = nowMs;
    const rows = new Map<string, Row>();
    for (const { key, value, revision, storedAt } of entries) {
      const entry = decodeEntry(value);
      // An unreadable entry is of another version of the program.
      if (entry === null) continue;
      const before = this.#rows.get(key);
      // A known key's new revision is no older than the last look, whatever happened to the engine's clock.
      const ageMs = Math.min(ageOf(storedAt, now), before === undefined ? Infinity : sinceMs);
      rows.set(key, judge({ entry, revision, before, ageMs, nowMs, wasBlind }));
    }
    this.#rows = rows;
  }

  /** Returns the members by name, as of the last look. */
  members(): readonly SeenMember[] {
    return [...this.#rows.values()].map((row) => this.#seen(row)).sort((a, b) => a.member < b.member ? -1 : 1);
  }

  /** Returns the member of a key; null if there is none that can be read. */
  find(key: string): SeenMember | null {
    const row = this.#rows.get(key);
    return row === undefined ? null : this.#seen(row);
  }

  #seen({ entry, revision, changedMs, isAlive, isConfirmed }: Row): SeenMember {
    const silentMs = Math.max(0, (this.#lookedMs ?? 0) - changedMs);
    return { ...entry, revision, isAlive, isConfirmed, silentMs };
  }
}

function judge(
  { entry, revision, before, ageMs, nowMs, wasBlind }: {
    readonly entry: MemberEntry;
    readonly revision: number;
    readonly before: Row | undefined;
    readonly ageMs: number;
    readonly nowMs: number;
    readonly wasBlind: boolean;
  },
): Row {
  const isStopped = entry.state === "left";
  if (before === undefined || before.revision !== revision) {
    // A new revision may be old already, such as at the first look.
    const changedMs = nowMs - ageMs;
    return { entry, revision, changedMs, isAlive: !isStopped && ageMs <= entry.ttlMs, isConfirmed: true };
  }
  if (!before.isAlive) return before;
  // Each member reconnects to the engine in its own time.
  if (wasBlind) return { ...before, changedMs: nowMs + entry.ttlMs, isConfirmed: false };
  return { ...before, isAlive: nowMs - before.changedMs <= entry.ttlMs };
}

function ageOf(storedAt: Micros, now: Micros): number {
  return Math.max(0, now - storedAt) / 1000;
}
