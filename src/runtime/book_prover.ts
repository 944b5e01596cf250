import type { Clock } from "../host/mod.ts";
import {
  type BookDelta,
  type BookQuery,
  type BookRule,
  type BookView,
  COMPARE_COPY_LEVELS,
  COMPARE_LEVELS,
  COMPARE_LOOK_MS,
  COMPARE_MS_MAX,
  type EventBatch,
  Failure,
  type HttpRecord,
  type Observer,
  type RestPlan,
  type SessionId,
} from "../model/mod.ts";
import { type BookComparison, compareBook, type NumberedBook, numberOf } from "../derive/mod.ts";
import { type RestClient, snapshotRequest } from "../rest/mod.ts";

/** A book that differs from the exchange's own snapshot of the same number. */
export interface BookDifference {
  readonly session: SessionId;
  readonly native: string;
  /** Name of the request that gave the snapshot. */
  readonly request: string;
  readonly detail: string;
}

export interface BookProverOptions {
  readonly exchange: string;
  readonly rules: readonly BookRule[];
  /** The plan of the requests; a reload changes it. */
  readonly rest: () => RestPlan;
  readonly client: RestClient;
  readonly clock: Clock;
  /** 0 for never. */
  readonly everyMs: number;
  readonly observe: Observer;
  readonly books: (query: BookQuery) => Iterable<BookView>;
  /** Subscribes to the events of all instances; returns the function that unsubscribes. */
  readonly follow: (call: (events: EventBatch) => void) => () => void;
  /** Reads a snapshot without journaling it; null if the answer is none. */
  readonly read: (record: HttpRecord, symbol: string, connectionId: string) => NumberedBook | null;
  /** Called when a book has differed twice. May throw if the journal takes nothing. */
  readonly onDifference: (difference: BookDifference) => void;
}

/** A snapshot request of one book. */
interface Provable {
  readonly symbol: string;
  readonly request: RestPlan["requests"][number];
  readonly target: RestPlan["requests"][number]["targets"][number];
}

/**
 * Compares kept books with the exchange's own snapshots: one book of the instance at a time, in turn, with low
 * priority. A difference counts if it is seen twice, and if books of the feed have agreed before: a feed whose sequence
 * numbers do not match those of its snapshots proves nothing and breaks nothing.
 */
export class BookProver {
  readonly #options: BookProverOptions;
  readonly #abort = new AbortController();
  /** Requests whose snapshots have agreed with a book. */
  readonly #trusted = new Set<string>();
  #turn = 0;

  constructor(options: BookProverOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.everyMs > 0 && this.#names.size > 0) void this.#run();
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Requests whose snapshots have numbers that deltas follow. */
  get #names(): ReadonlySet<string> {
    return new Set(
      this.#options.rules.flatMap(({ sequence, snapshotRequest: name }) =>
        name !== null && (sequence === "next" || sequence === "previous" || sequence === "overlap") ? [name] : []
      ),
    );
  }

  async #run(): Promise<void> {
    const { clock, everyMs } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal);
      if (!signal.aborted) await this.#next();
    }
  }

  /** Compares the next book in turn. */
  async #next(): Promise<void> {
    const all = this.#provable();
    if (all.length === 0) return;
    const book = all[this.#turn++ % all.length];
    const { exchange, observe, onDifference } = this.#options;
    const { symbol, request, target } = book;
    const first = await this.#compare(book);
    const isTrusted = this.#trusted.has(request.name);
    // A difference is checked once more before it counts.
    const second = first.difference === null || !isTrusted ? first : await this.#compare(book);
    const outcome = !second.isCompared || (second.difference !== null && !isTrusted)
      ? "unknown"
      : second.difference === null
      ? "same"
      : "different";
    if (outcome === "same") this.#trusted.add(request.name);
    const detail = second.difference ?? "";
    observe({ kind: "book_compared", exchange, symbol, outcome, detail });
    if (outcome !== "different" || second.session === null) return;
    try {
      onDifference({ session: second.session, native: target.native, request: request.name, detail });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // The journal takes nothing now, which is reported elsewhere; the book's next turn finds the difference again.
    }
  }

  #provable(): readonly Provable[] {
    const names = this.#names;
    const valid = [...this.#options.books({ depth: 0 })].filter(({ state }) => state === "valid");
    return this.#options.rest().requests.flatMap((request) =>
      !names.has(request.name) ? [] : request.targets.flatMap((target) => {
        // With several sockets for a book it is unknown from which one its deltas come.
        const own = valid.filter(({ symbol }) => symbol === target.symbol);
        return own.length === 1 && target.native !== "" ? [{ symbol: target.symbol, request, target }] : [];
      })
    );
  }

  async #compare({ symbol, request, target }: Provable): Promise<Compared> {
    const { exchange, books, clock, follow } = this.#options;
    const { signal } = this.#abort;
    const [view] = [...books({ symbol, depth: COMPARE_COPY_LEVELS })].filter(({ state }) => state === "valid");
    const sequence = numberOf(view?.sequence ?? null);
    if (view === undefined || sequence === null) return NOTHING;
    const { bids, asks, session } = view;
    const [areBidsCut, areAsksCut] = [view.bidLevels > bids.length, view.askLevels > asks.length];
    const copy = { sequence, bids, asks, areBidsCut, areAsksCut };
    const deltas: BookDelta[] = [];
    let isBroken = false;
    const end = follow((events) => {
      for (let event = 0; event < events.length; event++) {
        if (events.symbols[event] !== symbol || events.exchanges[event] !== exchange) continue;
        const kind = events.kindAt(event);
        // After any other event the copied state is no longer the base of the book.
        if (kind === "book_snapshot") isBroken = true;
        if (kind !== "book_delta") continue;
        const { event: delta } = events.envelope(event);
        if (delta.kind === "book_delta") deltas.push(delta);
      }
    });
    try {
      const snapshot = await this.#ask({ symbol, request, target });
      if (snapshot === null) return NOTHING;
      const untilMs = clock.monotonicMs() + COMPARE_MS_MAX;
      while (!signal.aborted && !isBroken) {
        const found: BookComparison = compareBook(copy, deltas, { snapshot, levels: COMPARE_LEVELS });
        if (found === "impossible") return NOTHING;
        if (found !== "wait") {
          const { difference } = found;
          const detail = difference === null ? null : `at number ${snapshot.sequence} ${difference}`;
          return { isCompared: true, difference: detail, session };
        }
        if (clock.monotonicMs() >= untilMs) return NOTHING;
        await clock.sleep(COMPARE_LOOK_MS, signal);
      }
      return NOTHING;
    } finally {
      end();
    }
  }

  /** Requests the snapshot once; null if none came in time. */
  async #ask({ symbol, request, target }: Provable): Promise<NumberedBook | null> {
    const { exchange, client, clock, read, rest } = this.#options;
    const own = new AbortController();
    const timer = clock.after(COMPARE_MS_MAX, () => own.abort());
    let snapshot = null as NumberedBook | null;
    try {
      await client.ask(
        {
          exchange,
          ...snapshotRequest(rest(), request, target),
          scope: "compare",
          accept: ({ receivedTs: at, url, status, body }) => {
            const answer = { at, exchange, url, status, body, request: request.name, native: target.native } as const;
            snapshot = read({ kind: "http", planHash: null, session: null, ...answer }, symbol, request.connectionId);
            return snapshot === null ? "it is no snapshot with a number" : null;
          },
          onRetry: () => own.abort(),
        },
        "probe",
        AbortSignal.any([own.signal, this.#abort.signal]),
      );
    } finally {
      timer.cancel();
    }
    return snapshot;
  }
}

/** Result of a comparison. */
interface Compared {
  readonly isCompared: boolean;
  readonly difference: string | null;
  readonly session: SessionId | null;
}

const NOTHING: Compared = { isCompared: false, difference: null, session: null };
