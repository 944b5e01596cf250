import { type BookFaultCause, BookKeeper } from "../book/mod.ts";
import {
  type BookRule,
  type Channel,
  type ResyncAction,
  SESSION_BOOKS_MAX,
  type SessionId,
  SOCKET_RESET_FRAMES,
} from "../model/mod.ts";

/** What has to be done so that a book becomes valid. Executed live; in replay nobody does. */
export interface BookResync {
  readonly session: SessionId;
  /** Canonical and native; both empty where all books of the session are concerned. */
  readonly symbol: string;
  readonly native: string;
  /** Null where something outside the books asks for it. */
  readonly rule: BookRule | null;
  readonly action: ResyncAction;
  readonly cause: BookFaultCause | "buffering";
}

/** Id of a gap that is not told, because another socket shows the book. */
export const UNTOLD = "-";

/** A keeper with the instrument it is kept for. */
export interface KeptBook {
  readonly symbol: string;
  readonly native: string;
  readonly channel: Channel;
  readonly keeper: BookKeeper;
  /** The interval of time in which its top was last emitted; null where it never was. */
  topSlot: number | null;
  /** Id of the gap that is open; empty while none is, UNTOLD while it is not told. */
  gapId: string;
}

/** What the counter of a frame says about the frames before it. */
export interface FrameCount {
  /** How many frames are missing; 0 where none is. */
  readonly missing: bigint;
  /** Whether the counter began again. */
  readonly isReset: boolean;
  /** The counter before; null for the first frame. */
  readonly from: string | null;
}

/** Counters of a session's frames as plain JSON. */
export interface SocketCounter {
  readonly sequence: string | null;
  /** The last counter below the mark, and how many followed one another; null while counters rise. */
  readonly below: { readonly sequence: string; readonly frames: number } | null;
}

/** The books of one session: one keeper for each feed and instrument, made when its first update comes. */
export class SessionBooks {
  readonly #rules: ReadonlyMap<string, BookRule>;
  /** Book name → native symbol → keeper. */
  readonly #kept = new Map<string, Map<string, KeptBook>>();
  #size = 0;
  #counter: SocketCounter = { sequence: null, below: null };

  /** `rules`: the book that each event rule feeds. */
  constructor(rules: ReadonlyMap<string, BookRule>) {
    this.#rules = rules;
  }

  /** Returns the book that an event rule feeds; null where it feeds none. */
  ruleOf(eventRule: string): BookRule | null {
    return this.#rules.get(eventRule) ?? null;
  }

  /** Returns the book of an instrument, begun where it is new; null where the session keeps too many to add one. */
  bookFor(
    rule: BookRule,
    book: { readonly native: string; readonly symbol: string; readonly channel: Channel },
  ): KeptBook | null {
    let books = this.#kept.get(rule.name);
    if (books === undefined) this.#kept.set(rule.name, books = new Map());
    let kept = books.get(book.native);
    if (kept === undefined) {
      if (this.#size === SESSION_BOOKS_MAX) return null;
      this.#size++;
      const { native, symbol, channel } = book;
      kept = { symbol, native, channel, keeper: new BookKeeper(rule), topSlot: null, gapId: "" };
      books.set(native, kept);
    }
    return kept;
  }

  /** Returns the book of an instrument; null where there is none. */
  find(rule: BookRule, native: string): KeptBook | null {
    return this.#kept.get(rule.name)?.get(native) ?? null;
  }

  /** Forgets the books of a stream and returns them: the next update of one begins it anew. */
  forget(channel: Channel, symbol: string): readonly KeptBook[] {
    const gone: KeptBook[] = [];
    for (const books of this.#kept.values()) {
      for (const [native, kept] of books) {
        if (kept.symbol !== symbol || kept.channel !== channel) continue;
        books.delete(native);
        this.#size--;
        gone.push(kept);
      }
    }
    return gone;
  }

  /** Yields every book. */
  *all(): Iterable<KeptBook> {
    for (const books of this.#kept.values()) yield* books.values();
  }

  /** Returns the book rule of a name; null where the plan has none. */
  ruleNamed(name: string): BookRule | null {
    for (const rule of this.#rules.values()) if (rule.name === name) return rule;
    return null;
  }

  get counter(): SocketCounter {
    return this.#counter;
  }

  restoreCounter(counter: SocketCounter): void {
    this.#counter = counter;
  }

  /**
   * Takes the counter of a frame. A counter at or below the mark is a repeat; SOCKET_RESET_FRAMES of them, each one up
   * from the one before, show that it began again.
   */
  countFrame(sequence: string): FrameCount {
    const { sequence: from, below } = this.#counter;
    const nothing = { missing: 0n, isReset: false, from };
    if (!/^\d{1,40}$/.test(sequence)) return nothing;
    if (from === null) {
      this.#counter = { sequence, below: null };
      return nothing;
    }
    const step = BigInt(sequence) - BigInt(from);
    if (step > 0n) {
      this.#counter = { sequence, below: null };
      return { missing: step - 1n, isReset: false, from };
    }
    if (step === 0n || below?.sequence === sequence) return nothing;
    const follows = below !== null && BigInt(sequence) - BigInt(below.sequence) === 1n;
    const frames = follows ? below.frames + 1 : 1;
    const isReset = frames >= SOCKET_RESET_FRAMES;
    this.#counter = isReset ? { sequence, below: null } : { sequence: from, below: { sequence, frames } };
    return { missing: 0n, isReset, from };
  }
}
