import type { Clock, Timer } from "../host/mod.ts";
import { BOOK_RESYNC_RETRY_MS, type RateLimit, type SessionId } from "../model/mod.ts";
import { RollingWindow } from "../rest/mod.ts";
import type { BookResync } from "../derive/mod.ts";

export interface BookResyncerOptions {
  readonly clock: Clock;
  /** Whether the book is valid again; a valid book needs no further resync. */
  readonly isValid: (resync: BookResync) => boolean;
  /** Carries out a resync. */
  readonly execute: (resync: BookResync) => void;
}

/** Limit of resyncs that no book asks for: a session whose own counter jumped reconnects at most this often. */
const SESSION_BUDGET: RateLimit = { count: 3, perMs: 60_000 };

/** A book that is not valid. */
interface Pending {
  readonly resync: BookResync;
  timer: Timer | null;
}

/**
 * Resyncs broken books, each within its budget. A resync beyond the budget waits for its turn; the gap was emitted
 * before. A resync that has brought no snapshot after a while is repeated.
 */
export class BookResyncer {
  readonly #options: BookResyncerOptions;
  readonly #pending = new Map<string, Pending>();
  /** Budgets outlive sessions: a reconnect does not refill them. */
  readonly #budgets = new Map<string, RollingWindow>();

  constructor(options: BookResyncerOptions) {
    this.#options = options;
  }

  /** How many books wait for a resync or for its snapshot. */
  get waiting(): number {
    return this.#pending.size;
  }

  /**
   * Resyncs a book as soon as its budget allows. `connection`: the key of its connection, the same over all sessions.
   */
  request(resync: BookResync, connection: string): void {
    const book = `${connection} ${resync.rule?.name ?? ""} ${resync.native}`;
    const key = `${resync.session} ${book}`;
    this.#pending.get(key)?.timer?.cancel();
    const pending: Pending = { resync, timer: null };
    this.#pending.set(key, pending);
    this.#try(key, book, pending);
  }

  /** Forgets the books of a session that has ended. */
  sessionClosed(session: SessionId): void {
    for (const [key, { resync, timer }] of this.#pending) {
      if (resync.session !== session) continue;
      timer?.cancel();
      this.#pending.delete(key);
    }
  }

  /** How many books have used some of their budget lately. */
  get budgets(): number {
    return this.#budgets.size;
  }

  stop(): void {
    for (const { timer } of this.#pending.values()) timer?.cancel();
    this.#pending.clear();
  }

  #try(key: string, book: string, pending: Pending): void {
    const { clock, execute } = this.#options;
    const nowMs = clock.monotonicMs();
    const budget = this.#budgetOf(book, pending.resync, nowMs);
    const waitMs = budget.waitMs(nowMs);
    if (waitMs > 0) return this.#later(key, book, { pending, waitMs });
    budget.record(nowMs);
    this.#later(key, book, { pending, waitMs: BOOK_RESYNC_RETRY_MS });
    execute(pending.resync);
  }

  #later(key: string, book: string, { pending, waitMs }: { readonly pending: Pending; readonly waitMs: number }): void {
    pending.timer = this.#options.clock.after(waitMs, () => {
      pending.timer = null;
      if (this.#pending.get(key) !== pending) return;
      if (this.#options.isValid(pending.resync)) this.#pending.delete(key);
      else this.#try(key, book, pending);
    });
  }

  #budgetOf(book: string, { rule }: BookResync, nowMs: number): RollingWindow {
    const budget = this.#budgets.get(book) ?? new RollingWindow(rule?.budget ?? SESSION_BUDGET);
    // The budget used last comes last, so that those that nobody has used in their time come first.
    this.#budgets.delete(book);
    for (const [unused, other] of this.#budgets) {
      if (!other.isUnused(nowMs)) break;
      this.#budgets.delete(unused);
    }
    this.#budgets.set(book, budget);
    return budget;
  }
}
