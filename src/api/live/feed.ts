import {
  type BookQuery,
  type BookView,
  type Envelope,
  type EventBatch,
  LIVE_CLIENTS_MAX,
  type Micros,
} from "../../model/mod.ts";
import { eventJson } from "../../sink/mod.ts";
import { type BookPlace, LiveClient, type LiveMessage } from "./client.ts";
import { type EventTest, type Subscription, testOf, wantsBooks } from "./subscription.ts";

/** Sources of the feed. */
export interface FeedSource {
  readonly now: () => Micros;
  readonly exchanges: () => readonly { readonly name: string }[];
  readonly books: (exchange: string, query: BookQuery) => Iterable<BookView>;
}

/** Clients with equal subscriptions. */
interface Topic {
  readonly test: EventTest;
  readonly clients: Set<LiveClient>;
}

/**
 * Sends live events to clients. Encodes an event once for all clients, and tests it once for equal subscriptions. Costs
 * nothing without clients, and never waits for one.
 */
export class LiveFeed {
  readonly #source: FeedSource;
  readonly #clients = new Map<LiveClient, Map<string, readonly string[]>>();
  readonly #topics = new Map<string, Topic>();

  constructor(source: FeedSource) {
    this.#source = source;
  }

  /** Number of clients. */
  get size(): number {
    return this.#clients.size;
  }

  /** Queues the events of a record for the clients that want them. Never throws. */
  push(batch: EventBatch): void {
    if (this.#topics.size === 0) return;
    for (let event = 0; event < batch.length; event++) {
      let made: LiveMessage | null = null;
      const make = () => made ??= messageOf(batch.envelope(event));
      for (const topic of this.#topics.values()) this.#give(topic, { batch, event, make });
    }
  }

  /** Adds a client; null if there are too many. */
  join(): LiveClient | null {
    if (this.#clients.size >= LIVE_CLIENTS_MAX) return null;
    const client = new LiveClient((place) => this.#bookOf(place));
    this.#clients.set(client, new Map());
    return client;
  }

  /** Subscribes a client; replaces its subscription of the same name. */
  subscribe(client: LiveClient, name: string, subscription: Subscription): void {
    const names = this.#clients.get(client);
    if (names === undefined) return;
    this.unsubscribe(client, name);
    const { key, test } = testOf(subscription);
    const topic = this.#topics.get(key) ?? { test, clients: new Set() };
    this.#topics.set(key, topic);
    topic.clients.add(client);
    names.set(name, [...names.get(name) ?? [], key]);
    if (!wantsBooks(subscription)) return;
    for (const place of this.#booksOf(subscription)) client.awaitBook(place);
  }

  /** Ends a subscription; false if there is none of that name. */
  unsubscribe(client: LiveClient, name: string): boolean {
    const names = this.#clients.get(client);
    const keys = names?.get(name);
    if (names === undefined || keys === undefined) return false;
    names.delete(name);
    const kept = new Set([...names.values()].flat());
    for (const key of keys) if (!kept.has(key)) this.#drop(key, client);
    return true;
  }

  /** Returns how many subscriptions a client has. */
  countOf(client: LiveClient): number {
    return this.#clients.get(client)?.size ?? 0;
  }

  /** Removes a client. */
  leave(client: LiveClient): void {
    for (const name of [...this.#clients.get(client)?.keys() ?? []]) this.unsubscribe(client, name);
    this.#clients.delete(client);
  }

  /** Ends all clients. */
  stop(reason: string): void {
    for (const client of [...this.#clients.keys()]) {
      client.finish(reason);
      this.leave(client);
    }
  }

  #give(
    { test, clients }: Topic,
    { batch, event, make }: { readonly batch: EventBatch; readonly event: number; readonly make: () => LiveMessage },
  ): void {
    try {
      if (!test(batch, event)) return;
      for (const client of clients) {
        client.offer(batch, event, make);
        if (client.end !== null) this.leave(client);
      }
    } catch (error) {
      // A bug here ends its clients; it must not reach the collector.
      for (const client of [...clients]) {
        client.finish(`a bug of the program: ${error instanceof Error ? error.message : String(error)}`);
        this.leave(client);
      }
    }
  }

  #drop(key: string, client: LiveClient): void {
    const topic = this.#topics.get(key);
    topic?.clients.delete(client);
    if (topic?.clients.size === 0) this.#topics.delete(key);
  }

  /** Yields the valid books that a subscription wants. */
  *#booksOf(subscription: Subscription): Iterable<BookPlace> {
    const { test } = testOf({ ...subscription, kinds: null });
    for (const { name: exchange } of this.#source.exchanges()) {
      for (const view of this.#source.books(exchange, { depth: 0 })) {
        if (view.state !== "valid") continue;
        const place = { exchanges: [exchange], symbols: [view.symbol], nativeSymbols: [view.native] };
        if (test(place as unknown as EventBatch, 0)) yield { exchange, native: view.native };
      }
    }
  }

  #bookOf({ exchange, native }: BookPlace): readonly LiveMessage[] {
    const views = [...this.#source.books(exchange, { symbol: native, depth: Infinity })];
    return views.filter(({ state }) => state === "valid").map((view) =>
      bookMessage(exchange, view, this.#source.now())
    );
  }
}

function messageOf(envelope: Envelope): LiveMessage {
  return {
    name: envelope.event.kind,
    id: `${envelope.offset}-${envelope.index}`,
    json: eventJson(envelope),
  };
}

/** Returns the current book as a snapshot. No record holds it: `offset` and `index` are null. */
function bookMessage(exchange: string, view: BookView, now: Micros): LiveMessage {
  const json = JSON.stringify({
    kind: "book_snapshot",
    exchange,
    symbol: view.symbol,
    native_symbol: view.native,
    exchange_ts: view.exchangeTs,
    received_ts: now,
    session: view.session,
    offset: null,
    index: null,
    bids: view.bids,
    asks: view.asks,
    sequence: view.sequence,
  });
  return { name: "book_snapshot", id: null, json };
}
