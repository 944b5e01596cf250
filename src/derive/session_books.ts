import { type BookFaultCause, BookKeeper, type BookKeeperState } from "../book/mod.ts";
import { type BookRule, type FramePlan, type ResyncAction, SESSION_BOOKS_MAX } from "../model/mod.ts";
import type { SessionId } from "../model/mod.ts";

/** What has to be done so that a book becomes whole again. Executed live; in replay nobody does. */
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

/** A keeper with the instrument it is kept for. */
export interface KeptBook {
  readonly symbol: string;
  readonly native: string;
  readonly keeper: BookKeeper;
  /** The interval of time in which its top was last given; null where it never was. */
  topSlot: number | null;
  /** Id of the gap that is open; empty while none is. */
  gapId: string;
}

/** Books of a session as plain JSON. */
export interface SessionBooksState {
  readonly books: readonly {
    readonly rule: string;
    readonly symbol: string;
    readonly native: string;
    readonly topSlot: number | null;
    readonly gapId: string;
    readonly keeper: BookKeeperState;
  }[];
  readonly socketSequence: string | null;
}

/** The book that each event rule of a plan feeds, by the rule's name; null where the plan keeps and counts nothing. */
export function booksByRule(
  plan: Pick<FramePlan, "books" | "socketSequence">,
): ReadonlyMap<string, BookRule> | null {
  if (plan.books.length === 0 && plan.socketSequence === null) return null;
  return new Map(plan.books.flatMap((book) => book.rules.map((rule) => [rule, book] as const)));
}

/** The books of one session: one keeper for each feed and instrument, made when its first update comes. */
export class SessionBooks {
  readonly #rules: ReadonlyMap<string, BookRule>;
  /** Book name → native symbol → keeper. */
  readonly #kept = new Map<string, Map<string, KeptBook>>();
  #size = 0;
  #socketSequence: string | null = null;

  /** `rules`: the book that each event rule feeds. */
  constructor(rules: ReadonlyMap<string, BookRule>) {
    this.#rules = rules;
  }

  /** The book that an event rule feeds; null where it feeds none. */
  ruleOf(eventRule: string): BookRule | null {
    return this.#rules.get(eventRule) ?? null;
  }

  /** The book of an instrument; null where the session keeps too many to add one. */
  take(rule: BookRule, native: string, symbol: string): KeptBook | null {
    let books = this.#kept.get(rule.name);
    if (books === undefined) this.#kept.set(rule.name, books = new Map());
    let book = books.get(native);
    if (book === undefined) {
      if (this.#size === SESSION_BOOKS_MAX) return null;
      this.#size++;
      books.set(native, book = { symbol, native, keeper: new BookKeeper(rule), topSlot: null, gapId: "" });
    }
    return book;
  }

  /** The book of an instrument, where there is one. */
  find(rule: BookRule, native: string): KeptBook | null {
    return this.#kept.get(rule.name)?.get(native) ?? null;
  }

  /** Every book. */
  *all(): Iterable<KeptBook> {
    for (const books of this.#kept.values()) yield* books.values();
  }

  /**
   * Takes the counter of a frame. Returns how many frames are missing before it; 0 where none is, where it repeats an
   * earlier one, and for the first.
   */
  countFrame(sequence: string): { readonly missing: bigint; readonly from: string | null } {
    const from = this.#socketSequence;
    if (!/^\d{1,40}$/.test(sequence)) return { missing: 0n, from };
    if (from === null) this.#socketSequence = sequence;
    if (from === null) return { missing: 0n, from };
    const step = BigInt(sequence) - BigInt(from);
    if (step > 0n) this.#socketSequence = sequence;
    return { missing: step > 1n ? step - 1n : 0n, from };
  }

  saveState(): SessionBooksState {
    const books = [...this.all()].map(({ symbol, native, topSlot, gapId, keeper }) => ({
      rule: keeper.rule.name,
      symbol,
      native,
      topSlot,
      gapId,
      keeper: keeper.saveState(),
    }));
    return { books, socketSequence: this.#socketSequence };
  }

  /** Goes on from what was saved; books that the rules no longer name are let go. */
  restoreState(state: SessionBooksState): void {
    const rules = new Map([...this.#rules.values()].map((rule) => [rule.name, rule]));
    for (const { rule: name, symbol, native, topSlot, gapId, keeper } of state.books) {
      const rule = rules.get(name);
      const kept = rule === undefined ? null : this.take(rule, native, symbol);
      if (kept === null) continue;
      kept.topSlot = topSlot;
      kept.gapId = gapId;
      kept.keeper.restoreState(keeper);
    }
    this.#socketSequence = state.socketSequence;
  }
}
