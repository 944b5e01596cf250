import type { Micros } from "../model/mod.ts";
import { decodeEntry, type MemberEntry } from "./entry.ts";
import type { StoredEntries } from "./engine.ts";

/** A member as this one sees it. */
export interface SeenMember extends MemberEntry {
  readonly revision: number;
  /** Whether its lease holds: its entry changed within its `ttlMs`. One that has left holds none. */
  readonly isAlive: boolean;
  /** Whether it has renewed its entry since the engine was last out of sight: only then what it says is of now. */
  readonly isConfirmed: boolean;
  /** How long its entry has stood as it is, in ms. */
  readonly silentMs: number;
}

interface Row {
  readonly entry: MemberEntry;
  readonly revision: number;
  /** Monotonic ms at which the entry was known to be new. */
  readonly changedMs: number;
  readonly isAlive: boolean;
  readonly isConfirmed: boolean;
}

/**
 * The members as their entries show them over time. Whether a lease holds is judged by watching: an entry that does not
 * change for its ttl, by this machine's monotonic clock, is that of a member which is gone; no two clocks are compared,
 * but for the age at first sight, which is the engine's own. While the engine is out of sight nobody's time runs: members
 * that held their leases before get two ttls to be heard again, and those that were gone stay so until they write.
 */
export class MemberTable {
  readonly #blindMs: number;
  #rows = new Map<string, Row>();
  #lookedMs: number | null = null;

  /** `blindMs`: time between two looks from which on the engine counts as having been out of sight. */
  constructor(blindMs: number) {
    this.#blindMs = blindMs;
  }

  /** Takes what the engine holds at a monotonic time. */
  look({ now, entries }: StoredEntries, nowMs: number): void {
    const sinceMs = this.#lookedMs === null ? Infinity : nowMs - this.#lookedMs;
    const wasBlind = sinceMs !== Infinity && sinceMs >= this.#blindMs;
    this.#lookedMs = nowMs;
    const rows = new Map<string, Row>();
    for (const { key, value, revision, storedAt } of entries) {
      const entry = decodeEntry(value);
      // What cannot be read is of another version of the program.
      if (entry === null) continue;
      const before = this.#rows.get(key);
      // What was written since the last look is no older than that, whatever was done to the engine's clock.
      const ageMs = Math.min(ageOf(storedAt, now), before === undefined ? Infinity : sinceMs);
      rows.set(key, judge({ entry, revision, before, ageMs, nowMs, wasBlind }));
    }
    this.#rows = rows;
  }

  /** The members, by name, as of the last look. */
  members(): readonly SeenMember[] {
    return [...this.#rows.values()].map((row) => this.#seen(row)).sort((a, b) => a.member < b.member ? -1 : 1);
  }

  /** The member under a key; null where there is none that can be read. */
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
    // What is new to us may be old: after a look elsewhere, and at the first one.
    const changedMs = nowMs - ageMs;
    return { entry, revision, changedMs, isAlive: !isStopped && ageMs <= entry.ttlMs, isConfirmed: true };
  }
  if (!before.isAlive) return before;
  // Whoever waits for the engine to come back does so in its own time.
  if (wasBlind) return { ...before, changedMs: nowMs + entry.ttlMs, isConfirmed: false };
  return { ...before, isAlive: nowMs - before.changedMs <= entry.ttlMs };
}

function ageOf(storedAt: Micros, now: Micros): number {
  return Math.max(0, now - storedAt) / 1000;
}
