import { type BookFaultCause, BookKeeper } from "../book/mod.ts";
import {
  type BookRule,
  type Channel,
  type ResyncAction,
  SESSION_BOOKS_MAX,
  type SessionId,
  SOCKET_RESET_FRAMES,
} from "../model/mod.ts";

/** Action that makes a book valid. Executed live, ignored in replay. */
export interface BookResync {
  readonly session: SessionId;
  /** Canonical and native symbol; both empty if all books of the session are concerned. */
  readonly symbol: string;
  readonly native: string;
  /** Null if the cause is not a book. */
  readonly rule: BookRule | null;
  readonly action: ResyncAction;
  readonly cause: BookFaultCause | "buffering";
}

/** Gap id of a suppressed gap: it is not emitted, because another socket has the book. */
export const SUPPRESSED = "-";

/** A keeper with the instrument it is kept for. */
export interface KeptBook {
  readonly symbol: string;
  readonly native: string;
  readonly channel: Channel;
  readonly keeper: BookKeeper;
  /** The interval in which its top was last emitted; null if it never was. */
  topSlot: number | null;
  /** Id of the open gap; empty if there is none, SUPPRESSED if it is not emitted. */
  gapId: string;
}

/** Result of checking the counter of a frame. */
export interface FrameCount {
  /** Number of missing frames. */
  readonly missing: bigint;
  /** Whether the counter has restarted. */
  readonly isReset: boolean;
  /** The previous counter; null for the first frame. */
  readonly from: string | null;
}

/** Counters of a session's frames as plain JSON. */
export interface SocketCounter {
  readonly sequence: string | null;
  /** The last counter below `sequence`, and the number of consecutive ones; null while counters rise. */
  readonly below: { readonly sequence: string; readonly frames: number } | null;
}

/** The books of one session: one keeper per feed and instrument, created at its first update. */
export class SessionBooks {
  readonly #rules: ReadonlyMap<string, BookRule>;
  /** Book name → native symbol → keeper. */
  readonly #kept = new Map<string, Map<string, KeptBook>>();
  #size = 0;
  #counter: SocketCounter = { sequence: null, below: null };

  /** `rules` maps each event rule to the book that it feeds. */
  constructor(rules: ReadonlyMap<string, BookRule>) {
    this.#rules = rules;
  }

  /** Returns the book rule that an event rule feeds; null if it feeds none. */
  ruleOf(eventRule: string): BookRule | null {
    return this.#rules.get(eventRule) ?? null;
  }

  /** Returns the book of an instrument, creating it if it is new; null if the session keeps too many. */
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

  /** Returns the book of an instrument; null if there is none. */
  find(rule: BookRule, native: string): KeptBook | null {
    return this.#kept.get(rule.name)?.get(native) ?? null;
  }

  /** Removes the books of a stream and returns them. The next update creates a new book. */
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

  /** Returns the book rule with a name; null if there is none. */
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
   * Checks the counter of a frame. One at or below the last is a repeat; SOCKET_RESET_FRAMES consecutive ones mean that
   * the counter has restarted.
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
