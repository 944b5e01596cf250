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

/** What is asked of a session that has siblings. */
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
  /** Whether no other was open before it: what it shows needs no proof that it follows on what was emitted. */
  isWhole: boolean;
  /** Streams in which it showed an event that another one had shown since it opened, and the record that said so. */
  readonly joined: Map<string, Offset>;
  /** Streams in which it showed events that passed from no socket so far. */
  readonly waiting: Map<string, Waiting>;
  /** When streams were acknowledged that have shown nothing yet. */
  readonly acked: Map<string, Micros>;
}

/** Events of a stream that a socket showed and that wait for another's copy. */
export interface Waiting {
  events: number;
  /** When it first showed an event that another one showed too; null before. */
  since: Micros | null;
}

/** How often an event was seen: as often as the socket says that saw it most. */
export interface Sighting {
  /** Receive time of its first copy. */
  at: Micros;
  emitted: number;
  readonly counts: Map<SessionId, number>;
}

/** Who is followed in a stream whose events nothing tells from one another. */
export interface Lead {
  /** Null where the one who was followed is gone. */
  session: SessionId | null;
  /** Receive time of the last event that passed. */
  at: Micros;
}

/** Who is followed in a book. */
export interface BookLead {
  session: SessionId;
  at: Micros;
  /** Sequence of the last update that passed. */
  sequence: string | null;
}

/** What a group remembers, as plain JSON. */
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

/** The sockets of one connection that show the same streams, and what they have shown. */
export class SiblingGroup {
  readonly sockets = new Map<SessionId, Sibling>();
  readonly sightings = new Sightings();
  readonly leads = new Map<string, Lead>();
  readonly books = new Map<string, BookLead>();
  /** Until when a single socket is compared with what its siblings showed; null where it had none. */
  until: Micros | null = null;

  /** Whether what a socket shows has to be compared with others. */
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

  /** A socket is gone. Where it was the last one that needed no proof, the eldest of the others needs none now. */
  leave(session: SiblingSession, at: Micros): void {
    if (!this.sockets.delete(session.id)) return;
    const others = [...this.sockets.values()];
    if (others.length === 1) this.until = at + SIBLING_WINDOW_US;
    const [eldest] = others;
    if (eldest !== undefined && !others.some(({ isWhole }) => isWhole)) eldest.isWhole = true;
    for (const lead of this.leads.values()) if (lead.session === session.id) lead.session = null;
  }

  /** Forgets who is followed in a stream: its gap was told. */
  forgetLeads(channel: Channel, symbol: string): void {
    const prefix = leadPrefix(channel, symbol);
    for (const key of this.leads.keys()) if (key.startsWith(prefix)) this.leads.delete(key);
  }

  /** Lets go of all that a socket leads: something of it is missing. */
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
      // When streams had data is not moved: an acknowledgement never seems to be later than it was on either scale.
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
 * The events that sockets have shown of late, in two halves: an event is remembered for SIBLING_WINDOW_US and up to twice
 * as long, or until as many came behind it as are remembered at most.
 */
export class Sightings {
  #older = new Map<string, Sighting>();
  #newer = new Map<string, Sighting>();
  #since: Micros | null = null;

  find(key: string): Sighting | undefined {
    return this.#newer.get(key) ?? this.#older.get(key);
  }

  /** Adds an event that was not known. */
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
    // Two sessions under one key are no siblings: recordings have them so.
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

  /** Returns the group of a name, begun where it is new. */
  of(name: string): SiblingGroup {
    let group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, group = new SiblingGroup());
    return group;
  }

  /** Yields the groups in which sockets are, or were until just now, compared. */
  *entries(): Iterable<readonly [name: string, group: SiblingGroup]> {
    for (const entry of this.#groups) yield entry;
  }
}

/** Key of the lead of a rule's events of a stream. */
export function leadKey(channel: Channel | null, symbol: string, rule: string): string {
  return `${channel === null ? "" : streamKey({ channel, symbol })}\n${symbol}\n${rule}`;
}

function leadPrefix(channel: Channel, symbol: string): string {
  return `${streamKey({ channel, symbol })}\n${symbol}\n`;
}
