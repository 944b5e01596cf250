import type { Clock, Timer } from "../host/mod.ts";
import { BOOK_RESYNC_RETRY_MS, type RateLimit, type SessionId } from "../model/mod.ts";
import { RollingWindow } from "../rest/mod.ts";
import type { BookResync } from "../derive/mod.ts";

export interface BookResyncerOptions {
  readonly clock: Clock;
  /** Whether the book is whole; then nothing more is done about it. */
  readonly isWhole: (resync: BookResync) => boolean;
  /** Does what a resync asks for. */
  readonly execute: (resync: BookResync) => void;
}

/** Resyncs that no book asks for: a session whose own counter jumped reconnects, and not more often than this. */
const SESSION_BUDGET: RateLimit = { count: 3, perMs: 60_000 };

/** One book that is not whole. */
interface Pending {
  readonly resync: BookResync;
  timer: Timer | null;
}

/**
 * Does what makes broken books whole, each within its budget: a resync that has to wait for its turn waits, while the gap
 * stands in the data already. What brought no whole book after a while is done again.
 */
export class BookResyncer {
  readonly #options: BookResyncerOptions;
  readonly #pending = new Map<string, Pending>();
  /** Budgets outlive sessions: a reconnect does not refill them. */
  readonly #budgets = new Map<string, RollingWindow>();

  constructor(options: BookResyncerOptions) {
    this.#options = options;
  }

  /** How many books wait for a resync, or for what it brings. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** A book asks for a resync. `connection`: where it is kept, over all its sessions. */
  request(resync: BookResync, connection: string): void {
    const book = `${connection} ${resync.rule?.name ?? ""} ${resync.native}`;
    const key = `${resync.session} ${book}`;
    this.#pending.get(key)?.timer?.cancel();
    const pending: Pending = { resync, timer: null };
    this.#pending.set(key, pending);
    this.#try(key, book, pending);
  }

  /** The session is gone, and with it its books. */
  sessionClosed(session: SessionId): void {
    for (const [key, { resync, timer }] of this.#pending) {
      if (resync.session !== session) continue;
      timer?.cancel();
      this.#pending.delete(key);
    }
  }

  stop(): void {
    for (const { timer } of this.#pending.values()) timer?.cancel();
    this.#pending.clear();
  }

  #try(key: string, book: string, pending: Pending): void {
    const { clock, execute } = this.#options;
    const nowMs = clock.monotonicMs();
    const budget = this.#budgetOf(book, pending.resync);
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
      if (this.#options.isWhole(pending.resync)) this.#pending.delete(key);
      else this.#try(key, book, pending);
    });
  }

  #budgetOf(book: string, { rule }: BookResync): RollingWindow {
    let budget = this.#budgets.get(book);
    if (budget === undefined) this.#budgets.set(book, budget = new RollingWindow(rule?.budget ?? SESSION_BUDGET));
    return budget;
  }
}
