import { createHash } from "node:crypto";
import {
  contentText,
  type Envelope,
  EVENT_SPECS,
  type EventCopy,
  type Gap,
  hasContentIdentity,
  MERGE_IDENTITIES_MAX,
  type Micros,
} from "../model/mod.ts";
import { Coverage } from "./merge_coverage.ts";
import { MergedBooks } from "./merged_books.ts";

/** An event with the name of its collector. */
export interface SourcedEvent {
  readonly collector: string;
  readonly envelope: Envelope;
}

/** Counts of a merge. */
export interface MergeCounts {
  read: number;
  written: number;
  /** Copies of written events, within the window and after it. */
  copies: number;
  lateCopies: number;
  /** Updates of books that were read from another collector. */
  booksElsewhere: number;
  gapsFilled: number;
}

/** The copies of one event, including the kept one. */
interface Slot {
  readonly copies: EventCopy[];
  isKept: boolean;
}

/** How often an event with an identity was seen. */
interface Seen {
  kept: number;
  readonly counts: Map<string, number>;
  /** By ordinal of the occurrence. Missing entries are written already. */
  readonly slots: Map<number, Slot>;
}

interface Pending {
  readonly at: Micros;
  readonly collector: string;
  readonly envelope: Envelope;
  readonly slot: Slot;
  readonly forget: () => void;
}

/**
 * Merges the events of several collectors into one stream, as a pure function of them. Takes events by receive time and
 * delays them by a window, in which the copies of an event arrive. Keeps an event with a content identity once, or as
 * often as the collector that saw it most; keeps all other events of every collector. Reads each book from one
 * collector until that book is in a gap. Marks a gap as filled if another collector has the stream.
 */
export class EventMerger {
  readonly counts: MergeCounts = { read: 0, written: 0, copies: 0, lateCopies: 0, booksElsewhere: 0, gapsFilled: 0 };
  readonly #windowUs: Micros;
  readonly #seen = new Map<string, Seen>();
  readonly #pending: Pending[] = [];
  readonly #coverage = new Coverage();
  readonly #books = new MergedBooks();
  /** Identities of recent events, so that an event that is in two inputs is read once. */
  #identities = new Set<string>();
  #identitiesBefore = new Set<string>();
  #now: Micros = -Infinity;

  constructor({ windowUs }: { readonly windowUs: Micros }) {
    this.#windowUs = windowUs;
  }

  /** Adds the next event by receive time. Returns the events that are complete. */
  add({ collector, envelope }: SourcedEvent): readonly Envelope[] {
    const identity = `${collector}\n${envelope.offset}\n${envelope.index}`;
    this.#now = Math.max(this.#now, envelope.received_ts);
    if (this.#identities.has(identity) || this.#identitiesBefore.has(identity)) return [];
    this.#remember(identity);
    this.counts.read++;
    this.#coverage.saw(collector, envelope);
    const told = this.#books.follow(collector, envelope, this.#now);
    if (told === null) this.counts.booksElsewhere++;
    const isBook = EVENT_SPECS[envelope.event.kind].identity === "book";
    // The collector from which a book is read decides alone what is emitted: an update of one book fits no other.
    const slot = this.#slotOf(collector, envelope) ??
      (isBook && told !== null ? unknownSlot(collector, envelope) : null);
    if (slot !== null && told !== null) {
      slot.slot.isKept = true;
      this.#pending.push({ at: this.#now, collector, envelope: told, ...slot });
    }
    return this.#flush(this.#now - this.#windowUs);
  }

  /** Returns what is left. */
  finish(): readonly Envelope[] {
    const last = [...this.#flush(Infinity)];
    for (const { collector, envelope, gap, by, to } of this.#coverage.openGaps()) {
      this.counts.gapsFilled++;
      const event = filledBy({ ...gap, to_ts: to }, collector, by);
      last.push({ ...envelope, received_ts: to, event, seen_by: [copyOf(collector, envelope)] });
    }
    this.counts.written += last.length;
    return last;
  }

  /** The slot that an event is to be written for; null if it is a copy of one that is, or was. */
  #slotOf(collector: string, envelope: Envelope): { readonly slot: Slot; readonly forget: () => void } | null {
    const { event, exchange, native_symbol: native, exchange_ts: ts } = envelope;
    if (!hasContentIdentity(event, ts)) return unknownSlot(collector, envelope);
    const key = createHash("sha256").update(`${exchange}\n${contentText(native, ts, event)}`).digest("base64")
      .slice(0, 22);
    let seen = this.#seen.get(key);
    if (seen === undefined) {
      this.#evict();
      this.#seen.set(key, seen = { kept: 0, counts: new Map(), slots: new Map() });
    }
    const { slots, counts } = seen;
    const ordinal = (counts.get(collector) ?? 0) + 1;
    counts.set(collector, ordinal);
    let slot = slots.get(ordinal);
    if (slot === undefined) {
      if (ordinal <= seen.kept) {
        this.counts.copies++;
        this.counts.lateCopies++;
        return null;
      }
      slots.set(ordinal, slot = { copies: [], isKept: false });
    }
    slot.copies.push(copyOf(collector, envelope));
    if (slot.isKept) {
      this.counts.copies++;
      return null;
    }
    const known = seen;
    const forget = () => {
      known.kept = Math.max(known.kept, ordinal);
      slots.delete(ordinal);
    };
    return { slot, forget };
  }

  #flush(until: Micros): readonly Envelope[] {
    let count = 0;
    while (count < this.#pending.length && this.#pending[count].at <= until) count++;
    if (count === 0) return [];
    const out: Envelope[] = [];
    for (const { collector, envelope, slot, forget } of this.#pending.splice(0, count)) {
      forget();
      const own = copyOf(collector, envelope);
      const others = slot.copies.filter((copy) => !isSame(copy, own));
      out.push({
        ...envelope,
        event: this.#eventOf(collector, envelope),
        seen_by: [own, ...others.sort(compareCopies)],
      });
    }
    if (until !== Infinity) this.counts.written += out.length;
    return out;
  }

  #eventOf(collector: string, { exchange, symbol, event }: Envelope): Envelope["event"] {
    if (event.kind !== "gap") return event;
    const named: Gap = { ...event, gap_id: `${collector}:${event.gap_id}` };
    if (event.state !== "closed" || event.to_ts === null) return named;
    const by = this.#coverage.whoCovers(collector, { exchange, symbol, gap: event });
    if (by === null) return named;
    this.counts.gapsFilled++;
    return filledBy(event, collector, by);
  }

  #remember(identity: string): void {
    if (this.#identities.size >= MERGE_IDENTITIES_MAX / 2) {
      this.#identitiesBefore = this.#identities;
      this.#identities = new Set();
    }
    this.#identities.add(identity);
  }

  #evict(): void {
    if (this.#seen.size < MERGE_IDENTITIES_MAX) return;
    for (const [key, { slots }] of this.#seen) {
      if (slots.size > 0) continue;
      this.#seen.delete(key);
      return;
    }
  }
}

/** The slot of an event that is known for no other. */
function unknownSlot(collector: string, envelope: Envelope): { readonly slot: Slot; readonly forget: () => void } {
  return { slot: { copies: [copyOf(collector, envelope)], isKept: false }, forget: () => {} };
}

function filledBy(gap: Gap, collector: string, by: string): Gap {
  return { ...gap, gap_id: `${collector}:${gap.gap_id}`, state: "filled", action: `filled by ${by}` };
}

function copyOf(collector: string, { received_ts, session, offset, index }: Envelope): EventCopy {
  return { collector, received_ts, session, offset, index };
}

function isSame(a: EventCopy, b: EventCopy): boolean {
  return a.collector === b.collector && a.offset === b.offset && a.index === b.index;
}

function compareCopies(a: EventCopy, b: EventCopy): number {
  return a.received_ts - b.received_ts || (a.collector < b.collector ? -1 : a.collector > b.collector ? 1 : 0) ||
    a.offset - b.offset || a.index - b.index;
}
