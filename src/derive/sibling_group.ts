import {
  type Channel,
  familyOf,
  type Micros,
  type Offset,
  type SessionId,
  SIBLING_SIGHTINGS_MAX,
  SIBLING_WINDOW_US,
  streamKey,
} from "../model/mod.ts";
import type { SessionBooks } from "./books.ts";

/** The parts of a session's memory that siblings need. */
export interface SiblingSession {
  readonly id: SessionId;
  readonly origin: { readonly exchange: string; readonly connection: string };
  /** As in `SessionMemory`. */
  readonly streams: ReadonlyMap<string, ReadonlyMap<Channel, Micros | null>>;
  readonly books: SessionBooks | null;
  readonly lastTs: Micros | null;
  siblings: SiblingGroup | null;
}

/** One of the sockets of a connection that show the same streams. */
export interface Sibling {
  readonly session: SiblingSession;
  openedTs: Micros;
  /**
   * Whether no other socket was open before it, so that its events need no proof that they continue what was emitted.
   */
  isWhole: boolean;
  /**
   * Streams in which it showed an event that another socket had shown since it opened, with the offset of that record.
   */
  readonly joined: Map<string, Offset>;
  /** Streams in which it showed events that no socket has emitted so far. */
  readonly waiting: Map<string, Waiting>;
  /** Times at which streams without data so far were acknowledged. */
  readonly acked: Map<string, Micros>;
}

/** Events of a stream that wait for a copy of another socket. */
export interface Waiting {
  events: number;
  /** When the socket first showed an event that another one showed too; null before. */
  since: Micros | null;
}

/** How often an event occurred: the largest count of any socket. */
export interface Sighting {
  /** Receive time of its first copy. */
  at: Micros;
  emitted: number;
  readonly counts: Map<SessionId, number>;
}

/** The leading socket of a stream whose events have no identity. */
export interface Lead {
  /** Null if the leading socket is gone. */
  session: SessionId | null;
  /** Receive time of the last emitted event. */
  at: Micros;
}

/** The leading socket of a book. */
export interface BookLead {
  session: SessionId;
  at: Micros;
  /** Sequence of the last emitted update; null if it had none. */
  sequence: string | null;
}

/** The memory of a group, as plain JSON. */
export interface SiblingGroupState {
  readonly seenSince: Micros | null;
  readonly until: Micros | null;
  readonly sockets: readonly {
    readonly session: SessionId;
    readonly openedTs: Micros;
    readonly isWhole: boolean;
    readonly joined: readonly (readonly [string, Offset])[];
    readonly waiting: readonly (readonly [string, Waiting])[];
    readonly acked: readonly (readonly [string, Micros])[];
  }[];
  readonly leads: readonly (readonly [string, Lead])[];
  readonly books: readonly (readonly [string, BookLead])[];
}

/** A sighting as plain JSON. */
export type SightingEntry = readonly [
  isNewer: boolean,
  key: string,
  at: Micros,
  emitted: number,
  counts: readonly (readonly [SessionId, number])[],
];

/** The sockets of one connection that show the same streams, and the events they have shown. */
export class SiblingGroup {
  readonly sockets = new Map<SessionId, Sibling>();
  readonly sightings = new Sightings();
  readonly leads = new Map<string, Lead>();
  readonly books = new Map<string, BookLead>();
  /** Until when a single remaining socket is still compared with its former siblings; null if it had none. */
  until: Micros | null = null;

  /** Whether events of a socket must be compared with those of others. */
  isShared(at: Micros): boolean {
    if (this.sockets.size > 1) return true;
    if (this.until === null) return false;
    if (at <= this.until) return true;
    this.until = null;
    this.sightings.clear();
    this.leads.clear();
    this.books.clear();
    return false;
  }

  join(session: SiblingSession, at: Micros): void {
    const isWhole = this.sockets.size === 0;
    const sibling = { session, openedTs: at, isWhole, joined: new Map(), waiting: new Map(), acked: new Map() };
    this.sockets.set(session.id, sibling);
  }

  /** Removes a socket. If no other socket `isWhole`, the eldest becomes so. */
  leave(session: SiblingSession, at: Micros): void {
    if (!this.sockets.delete(session.id)) return;
    const others = [...this.sockets.values()];
    if (others.length === 1) this.until = at + SIBLING_WINDOW_US;
    const [eldest] = others;
    if (eldest !== undefined && !others.some(({ isWhole }) => isWhole)) eldest.isWhole = true;
    for (const lead of this.leads.values()) if (lead.session === session.id) lead.session = null;
  }

  /** Clears the leaders of a stream, because its gap was emitted. */
  forgetLeads(channel: Channel, symbol: string): void {
    const prefix = leadPrefix(channel, symbol);
    for (const key of this.leads.keys()) if (key.startsWith(prefix)) this.leads.delete(key);
  }

  /** Ends the lead of a socket in all streams, because it has missed something. */
  release(session: SiblingSession): void {
    for (const lead of this.leads.values()) if (lead.session === session.id) lead.session = null;
  }

  clockStepped(by: Micros): void {
    if (this.until !== null) this.until += by;
    this.sightings.clockStepped(by);
    for (const lead of this.leads.values()) lead.at += by;
    for (const lead of this.books.values()) lead.at += by;
    for (const sibling of this.sockets.values()) {
      sibling.openedTs += by;
      for (const one of sibling.waiting.values()) if (one.since !== null) one.since += by;
      // Times of data are not shifted, so an acknowledgement must not appear later than it was on either clock.
      for (const [stream, at] of sibling.acked) sibling.acked.set(stream, at + Math.min(0, by));
    }
  }

  saveState(): SiblingGroupState {
    return {
      seenSince: this.sightings.since,
      until: this.until,
      sockets: [...this.sockets.values()].map(({ session, openedTs, isWhole, joined, waiting, acked }) => ({
        session: session.id,
        openedTs,
        isWhole,
        joined: [...joined],
        waiting: [...waiting],
        acked: [...acked],
      })),
      leads: [...this.leads],
      books: [...this.books],
    };
  }

  restoreState(saved: SiblingGroupState, sessions: ReadonlyMap<SessionId, SiblingSession>): void {
    this.until = saved.until;
    this.sightings.restore(saved.seenSince);
    for (const { session: id, openedTs, isWhole, joined, waiting, acked } of saved.sockets) {
      const session = sessions.get(id);
      if (session === undefined) continue;
      session.siblings = this;
      const lists = {
        joined: new Map(joined),
        waiting: new Map(waiting.map(([stream, one]) => [stream, { ...one }])),
        acked: new Map(acked),
      };
      this.sockets.set(id, { session, openedTs, isWhole, ...lists });
    }
    for (const [key, lead] of saved.leads) this.leads.set(key, { ...lead });
    for (const [key, lead] of saved.books) this.books.set(key, { ...lead });
  }
}

/**
 * The events that sockets have shown recently, in two halves: an event is remembered for at least SIBLING_WINDOW_US and
 * at most twice that, or until SIBLING_SIGHTINGS_MAX is reached.
 */
export class Sightings {
  #older = new Map<string, Sighting>();
  #newer = new Map<string, Sighting>();
  #since: Micros | null = null;

  find(key: string): Sighting | undefined {
    return this.#newer.get(key) ?? this.#older.get(key);
  }

  /** Adds a new event. */
  add(key: string, at: Micros): Sighting {
    this.#since ??= at;
    if (at - this.#since > SIBLING_WINDOW_US || this.#newer.size >= SIBLING_SIGHTINGS_MAX / 2) {
      this.#older = this.#newer;
      this.#newer = new Map();
      this.#since = at;
    }
    const seen: Sighting = { at, emitted: 0, counts: new Map() };
    this.#newer.set(key, seen);
    return seen;
  }

  clear(): void {
    this.#older.clear();
    this.#newer.clear();
    this.#since = null;
  }

  clockStepped(by: Micros): void {
    if (this.#since !== null) this.#since += by;
    for (const half of [this.#older, this.#newer]) for (const seen of half.values()) seen.at += by;
  }

  get since(): Micros | null {
    return this.#since;
  }

  *entries(): Iterable<SightingEntry> {
    for (const [isNewer, half] of [[false, this.#older], [true, this.#newer]] as const) {
      for (const [key, { at, emitted, counts }] of half) yield [isNewer, key, at, emitted, [...counts]];
    }
  }

  restore(since: Micros | null): void {
    this.#since = since;
  }

  restoreEntries(entries: readonly SightingEntry[]): void {
    for (const [isNewer, key, at, emitted, counts] of entries) {
      (isNewer ? this.#newer : this.#older).set(key, { at, emitted, counts: new Map(counts) });
    }
  }
}

/** The groups of all instances, by instance and connection. */
export class SiblingLedger {
  readonly #groups = new Map<string, SiblingGroup>();

  opened(session: SiblingSession, at: Micros): void {
    const { origin } = session;
    const name = `${origin.exchange}\n${familyOf(origin.connection)}`;
    const group = this.of(name);
    // Two sessions with the same key are no siblings, as in recordings.
    for (const { session: other } of group.sockets.values()) if (other.origin.connection === origin.connection) return;
    group.join(session, at);
    session.siblings = group;
  }

  closed(session: SiblingSession, at: Micros): void {
    const group = session.siblings;
    if (group === null) return;
    group.leave(session, at);
    if (group.sockets.size > 0) return;
    for (const [name, one] of this.#groups) if (one === group) this.#groups.delete(name);
  }

  clockStepped(by: Micros): void {
    for (const group of this.#groups.values()) group.clockStepped(by);
  }

  /** Returns the group with a name, creating it if it is new. */
  of(name: string): SiblingGroup {
    let group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, group = new SiblingGroup());
    return group;
  }

  /** Yields all groups by name. */
  *entries(): Iterable<readonly [name: string, group: SiblingGroup]> {
    for (const entry of this.#groups) yield entry;
  }
}

/** Returns the key under which the leader of a rule's events of a stream is kept. */
export function leadKey(channel: Channel | null, symbol: string, rule: string): string {
  return `${channel === null ? "" : streamKey({ channel, symbol })}\n${symbol}\n${rule}`;
}

function leadPrefix(channel: Channel, symbol: string): string {
  return `${streamKey({ channel, symbol })}\n${symbol}\n`;
}
