import { createHash } from "node:crypto";
import {
  byKind,
  type DedupPlan,
  EVENT_SPECS,
  fieldsOf,
  type MarketEvent,
  type Micros,
  type Offset,
  type SessionId,
} from "../model/mod.ts";
import type { NormalizedEvent } from "../normalize/mod.ts";

/** A remembered event: its key, when it came, and for states the value that it had; null for what happens once. */
export type DedupEntry = readonly [key: string, at: Micros, value: string | null];

/** The frame that events were read from. */
export interface DedupFrame {
  readonly exchange: string;
  /** The descriptor's connection: a stream that moves between shards stays the same. */
  readonly connectionId: string;
  readonly session: SessionId;
  readonly offset: Offset;
  readonly receivedTs: Micros;
  readonly payload: Uint8Array;
}

/** What tells an event from the others of its stream. */
interface Identity {
  readonly key: string;
  /** Set where only a repeat of the stream's latest value is one: states without a time, which may return to a value. */
  readonly value: string | null;
}

/**
 * Drops events that repeat one of the same stream within the window: same instance, connection, channel, symbol, kind and
 * rule, and the same identity, which is the exchange's id or sequence with what the event says, else the content of its
 * frame with the event's row. Sequences and message ids count within one session, because they may begin again with it.
 * Bounded by keys and by receive time; a key that fell out of the window is new again.
 */
export class Deduplicator {
  readonly #seen = new Map<string, { readonly at: Micros; readonly value: string | null }>();
  #digestOffset: Offset = -1;
  #frameDigest = "";

  /** Whether the event repeats one within the window; remembers it otherwise. */
  isDuplicate(found: NormalizedEvent, frame: DedupFrame, plan: DedupPlan): boolean {
    const identity = this.#identityOf(found, frame);
    if (identity === null) return false;
    const now = frame.receivedTs;
    const windowUs = plan.windowSeconds * 1_000_000;
    const key = `${streamKey(found, frame)}\n${identity.key}`;
    const before = this.#seen.get(key);
    // A clock that was set back makes no window longer.
    if (before !== undefined && Math.abs(now - before.at) <= windowUs && before.value === identity.value) return true;
    if (before !== undefined) this.#seen.delete(key);
    this.#seen.set(key, { at: now, value: identity.value });
    this.#evict(now, plan.keysMax, windowUs);
    return false;
  }

  /** Yields what has to survive a restart, oldest first. */
  *entries(): Iterable<DedupEntry> {
    for (const [key, { at, value }] of this.#seen) yield [key, at, value];
  }

  /** Adds entries as `entries` gave them. */
  restore(entries: readonly DedupEntry[]): void {
    for (const [key, at, value] of entries) this.#seen.set(key, { at, value });
  }

  /** Follows a step of the clock: the window is one of time that passes. */
  clockStepped(by: Micros): void {
    for (const [key, { at, value }] of this.#seen) this.#seen.set(key, { at: at + by, value });
  }

  #evict(now: Micros, keysMax: number, windowUs: number): void {
    for (const [key, { at }] of this.#seen) {
      if (this.#seen.size <= keysMax && Math.abs(now - at) <= windowUs) return;
      this.#seen.delete(key);
    }
  }

  /** Null for events that are never dropped: gaps, tops, and snapshots without a sequence, which repeat harmlessly. */
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

  /** The identity of an event that is a row of values, as the table of events says. */
  #rowIdentity(found: NormalizedEvent, frame: DedupFrame): Identity | null {
    const { event, exchange_ts: ts } = found;
    const identity = EVENT_SPECS[event.kind].identity;
    if (identity === null) return null;
    if (identity === "id") {
      const key = saidText(event, ts);
      return key === null ? this.#contentIdentity(found, frame) : once(key);
    }
    // Without a time a state may come back to a value: only what repeats the latest one is no news.
    return identity === "state" && ts === null
      ? { key: "latest", value: `${this.#digest(frame)} ${found.row}` }
      : this.#contentIdentity(found, frame);
  }

  #contentIdentity({ row }: NormalizedEvent, frame: DedupFrame): Identity {
    return once(`${this.#digest(frame)} ${row}`);
  }

  /** The digest of the frame, made once for all its events. */
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

/** The field of type `id` of each kind that is known by one. */
const ID_NAMES = byKind((kind) => fieldsOf(kind).find(([, { type }]) => type === "id")?.[0] ?? "");

/** Returns all that an event with an id says, and its time; null where it has no id. */
function saidText(event: MarketEvent, ts: Micros | null): string | null {
  const fields: Readonly<Record<string, unknown>> = event;
  if (fields[ID_NAMES[event.kind]] === null) return null;
  let text = "";
  for (const name of FIELD_NAMES[event.kind]) text += `${fields[name]} `;
  return text + ts;
}

function levelsText(event: Extract<MarketEvent, { readonly kind: "book_snapshot" | "book_delta" }>): string {
  return JSON.stringify([event.bids, event.asks]);
}

/** 128 bits of SHA-256: nobody can make two contents meet. */
function digestOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("base64").slice(0, 22);
}
