import { createHash } from "node:crypto";
import {
  byKind,
  type DedupPlan,
  EVENT_SPECS,
  fieldsOf,
  ID_FIELDS,
  type MarketEvent,
  type Micros,
  type Offset,
  type SessionId,
} from "../model/mod.ts";
import type { NormalizedEvent } from "../normalize/mod.ts";

/** A remembered event: its key, its receive time, and its value if it is a state without a time; null otherwise. */
export type DedupEntry = readonly [key: string, at: Micros, value: string | null];

/** The frame that events were read from. */
export interface DedupFrame {
  readonly exchange: string;
  /** The descriptor's connection, so that a stream that moves between shards stays the same. */
  readonly connectionId: string;
  readonly session: SessionId;
  readonly offset: Offset;
  readonly receivedTs: Micros;
  readonly payload: Uint8Array;
}

/** Identity of an event within its stream. */
interface Identity {
  readonly key: string;
  /**
   * Set for states without a time, which may return to an earlier value: only a repeat of the latest value is a
   * duplicate.
   */
  readonly value: string | null;
}

/**
 * Finds events that repeat one of the same stream within the window: same instance, connection, channel, symbol, kind
 * and rule, and the same identity. The identity is the exchange's id or sequence with the event's fields, or else the
 * content of its frame with the event's row. Sequences and message ids are compared within one session, because a new
 * session may restart them. Bounded by keys and by receive time; an evicted key counts as new.
 */
export class Deduplicator {
  readonly #seen = new Map<string, { readonly at: Micros; readonly value: string | null }>();
  #digestOffset: Offset = -1;
  #frameDigest = "";

  /** Whether an event repeats one within the window. If not, remembers it. */
  isDuplicate(found: NormalizedEvent, frame: DedupFrame, plan: DedupPlan): boolean {
    const identity = this.#identityOf(found, frame);
    if (identity === null) return false;
    const now = frame.receivedTs;
    const windowUs = plan.windowSeconds * 1_000_000;
    const key = `${streamKey(found, frame)}\n${identity.key}`;
    const before = this.#seen.get(key);
    // A clock set back must not extend the window.
    if (before !== undefined && Math.abs(now - before.at) <= windowUs && before.value === identity.value) return true;
    if (before !== undefined) this.#seen.delete(key);
    this.#seen.set(key, { at: now, value: identity.value });
    this.#evict(now, plan.keysMax, windowUs);
    return false;
  }

  /** Yields the entries for a checkpoint, oldest first. */
  *entries(): Iterable<DedupEntry> {
    for (const [key, { at, value }] of this.#seen) yield [key, at, value];
  }

  /** Restores entries, as yielded by `entries`. */
  restore(entries: readonly DedupEntry[]): void {
    for (const [key, at, value] of entries) this.#seen.set(key, { at, value });
  }

  /** Shifts receive times after a step of the wall clock. */
  clockStepped(by: Micros): void {
    for (const [key, { at, value }] of this.#seen) this.#seen.set(key, { at: at + by, value });
  }

  #evict(now: Micros, keysMax: number, windowUs: number): void {
    for (const [key, { at }] of this.#seen) {
      if (this.#seen.size <= keysMax && Math.abs(now - at) <= windowUs) return;
      this.#seen.delete(key);
    }
  }

  /**
   * Returns the identity; null for events that are never dropped: gaps, tops, and snapshots without a sequence, whose
   * repeats do no harm.
   */
  #identityOf(found: NormalizedEvent, frame: DedupFrame): Identity | null {
    const { event } = found;
    switch (event.kind) {
      case "book_snapshot":
        return event.sequence === null
          ? null
          : once(`${frame.session} ${event.sequence} ${digestOf(levelsText(event))}`);
      case "book_delta":
        return event.last_sequence === null ? this.#contentIdentity(found, frame) : once(
          `${frame.session} ${event.first_sequence ?? ""}-${event.last_sequence} ${digestOf(levelsText(event))}`,
        );
      case "raw":
        if (event.message_id !== null) return once(`${frame.session} ${event.sequence ?? ""} ${event.message_id}`);
        return event.sequence === null
          ? this.#contentIdentity(found, frame)
          : once(`${frame.session} ${event.sequence} ${this.#digest(frame)}`);
      default:
        return this.#rowIdentity(found, frame);
    }
  }

  /** Returns the identity of an event without levels, by its kind in EVENT_SPECS. */
  #rowIdentity(found: NormalizedEvent, frame: DedupFrame): Identity | null {
    const { event, exchange_ts: ts } = found;
    const identity = EVENT_SPECS[event.kind].identity;
    if (identity === null) return null;
    if (identity === "id") {
      const key = saidText(event, ts);
      return key === null ? this.#contentIdentity(found, frame) : once(key);
    }
    // A state without a time may return to an earlier value: only a repeat of the latest one is a duplicate.
    return identity === "state" && ts === null
      ? { key: "latest", value: `${this.#digest(frame)} ${found.row}` }
      : this.#contentIdentity(found, frame);
  }

  #contentIdentity({ row }: NormalizedEvent, frame: DedupFrame): Identity {
    return once(`${this.#digest(frame)} ${row}`);
  }

  /** Returns the digest of the frame, computed once for all its events. */
  #digest({ offset, payload }: DedupFrame): string {
    if (offset !== this.#digestOffset) {
      this.#digestOffset = offset;
      this.#frameDigest = digestOf(payload);
    }
    return this.#frameDigest;
  }
}

function once(key: string): Identity {
  return { key, value: null };
}

function streamKey({ channel, native_symbol: native, event, rule }: NormalizedEvent, frame: DedupFrame): string {
  const nativeChannel = event.kind === "raw" ? event.channel ?? "" : "";
  return `${frame.exchange}\n${frame.connectionId}\n${
    channel ?? ""
  }\n${nativeChannel}\n${native}\n${event.kind}\n${rule}`;
}

/** Names of the fields of each kind, in order. */
const FIELD_NAMES = byKind((kind) => fieldsOf(kind).map(([name]) => name));

/** Returns a text of all fields and the time of an event with an id; null if it has none. */
function saidText(event: MarketEvent, ts: Micros | null): string | null {
  const fields: Readonly<Record<string, unknown>> = event;
  if (fields[ID_FIELDS[event.kind]] === null) return null;
  let text = "";
  for (const name of FIELD_NAMES[event.kind]) text += `${fields[name]} `;
  return text + ts;
}

function levelsText(event: Extract<MarketEvent, { readonly kind: "book_snapshot" | "book_delta" }>): string {
  return JSON.stringify([event.bids, event.asks]);
}

/** Returns 128 bits of SHA-256, which nobody can make collide. */
function digestOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("base64").slice(0, 22);
}
