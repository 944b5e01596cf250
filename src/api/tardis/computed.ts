import { OrderBook } from "../../book/mod.ts";
import type { Level, Micros } from "../../model/mod.ts";
import { type FlatEvent, iso, levels, type TardisMessage } from "./messages.ts";
import type { ComputedType } from "./options.ts";

/** Computes messages from the events of one instrument. */
export interface Computation {
  /** Adds an event. Returns the messages that it completes. */
  add(event: FlatEvent): readonly TardisMessage[];
}

/** Makes the computation of a type. */
export function computationOf(type: ComputedType): Computation {
  return type.type === "trade_bar" ? new TradeBars(type) : new BookSnapshots(type);
}

type BarType = Extract<ComputedType, { readonly type: "trade_bar" }>;
type BookType = Extract<ComputedType, { readonly type: "book_snapshot" }>;

interface Bar {
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  buyVolume: number;
  sellVolume: number;
  trades: number;
  worth: number;
  openMs: number;
  closeMs: number;
}

/**
 * Computes bars of trades. A time bar ends at the first trade of a later interval of exchange time, a tick or volume
 * bar at the trade that fills it. An interval without a trade has no bar.
 */
class TradeBars implements Computation {
  readonly #type: BarType;
  #bar: Bar | null = null;

  constructor(type: BarType) {
    this.#type = type;
  }

  add(event: FlatEvent): readonly TardisMessage[] {
    if (event.kind !== "trade") return [];
    const done: TardisMessage[] = [];
    const atMs = msOf(event);
    const { kind, interval } = this.#type;
    if (this.#bar !== null && kind === "time" && slot(atMs, interval) > slot(this.#bar.openMs, interval)) {
      done.push(this.#end(this.#bar, event, (slot(this.#bar.openMs, interval) + 1) * interval));
    }
    const bar = this.#add(event, atMs);
    const isFull = kind === "tick" ? bar.trades >= interval : kind === "volume" && bar.volume >= interval;
    if (isFull) done.push(this.#end(bar, event, atMs));
    return done;
  }

  #add(event: FlatEvent, atMs: number): Bar {
    const [price, amount] = [Number(event.price), Number(event.size)];
    const bar = this.#bar ??= {
      open: price,
      high: price,
      low: price,
      close: price,
      volume: 0,
      buyVolume: 0,
      sellVolume: 0,
      trades: 0,
      worth: 0,
      openMs: atMs,
      closeMs: atMs,
    };
    bar.high = Math.max(bar.high, price);
    bar.low = Math.min(bar.low, price);
    bar.close = price;
    bar.closeMs = atMs;
    bar.volume += amount;
    if (event.side === "buy") bar.buyVolume += amount;
    if (event.side === "sell") bar.sellVolume += amount;
    bar.worth += price * amount;
    bar.trades++;
    return bar;
  }

  #end(bar: Bar, event: FlatEvent, atMs: number): TardisMessage {
    this.#bar = null;
    const { name, kind, interval } = this.#type;
    const { worth, openMs, closeMs, ...numbers } = bar;
    return {
      type: "trade_bar",
      symbol: event.native_symbol,
      exchange: event.exchange,
      name,
      interval,
      kind,
      ...numbers,
      vwap: bar.volume === 0 ? 0 : worth / bar.volume,
      openTimestamp: iso(openMs * 1000),
      closeTimestamp: iso(closeMs * 1000),
      timestamp: iso(atMs * 1000),
      localTimestamp: iso(event.received_ts),
    };
  }
}

/**
 * Computes the best levels of a book, if they changed: after every change with interval 0, else at the first change of
 * a later interval of exchange time, as they were before it.
 */
class BookSnapshots implements Computation {
  readonly #type: BookType;
  readonly #book = new OrderBook();
  #top = "";
  #isChanged = false;
  #lastMs: number | null = null;

  constructor(type: BookType) {
    this.#type = type;
  }

  add(event: FlatEvent): readonly TardisMessage[] {
    if (event.kind !== "book_snapshot" && event.kind !== "book_delta") return [];
    const { interval } = this.#type;
    const atMs = msOf(event);
    const done: TardisMessage[] = [];
    const isLater = interval > 0 && this.#lastMs !== null && slot(atMs, interval) > slot(this.#lastMs, interval);
    if (isLater && this.#isChanged) done.push(this.#sample(event));
    const [bids, asks] = [event.bids as readonly Level[], event.asks as readonly Level[]];
    if (event.kind === "book_snapshot") this.#book.applySnapshot(bids, asks);
    else this.#book.applyDelta(bids, asks);
    const top = JSON.stringify(this.#best());
    if (top !== this.#top) this.#isChanged = true;
    this.#top = top;
    this.#lastMs = atMs;
    if (interval === 0 && this.#isChanged) done.push(this.#sample(event));
    return done;
  }

  #best() {
    const { depth } = this.#type;
    return { bids: levels(this.#book.top("bid", depth)), asks: levels(this.#book.top("ask", depth)) };
  }

  #sample(event: FlatEvent): TardisMessage {
    this.#isChanged = false;
    const { name, depth, interval } = this.#type;
    return {
      type: "book_snapshot",
      symbol: event.native_symbol,
      exchange: event.exchange,
      name,
      depth,
      interval,
      ...this.#best(),
      timestamp: iso((this.#lastMs ?? 0) * 1000),
      localTimestamp: iso(event.received_ts),
    };
  }
}

function slot(ms: number, interval: number): number {
  return Math.floor(ms / interval);
}

/** Returns the exchange time of an event in ms; its receive time if there is none. */
function msOf(event: FlatEvent): number {
  return ((event.exchange_ts ?? event.received_ts) as Micros) / 1000;
}
