import { isoFromMicros, type Micros } from "../model/mod.ts";
import { BookWindow } from "./book_window.ts";
import { CandleBuilder, type CandleState } from "./candle.ts";
import type { ListedMarket } from "./exchange_floor.ts";
import { Feed } from "./feed.ts";
import { floatText, type Units } from "./fixed.ts";
import { krakenChecksum } from "./kraken_checksum.ts";
import type { MarketStep, MarketTrade } from "./market_step.ts";
import type { BookLevel, BookSide, LevelChange } from "./order_book.ts";
import type { Peer } from "./peer.ts";
import type { FrameContent, SentCounts, SentTrade } from "./statistics.ts";

/** After this many book updates a price is twice in one update, as happens on the exchange. */
const REPEATED_PRICE_EVERY = 8;

/** Frames of one channel and symbol. Numbers are JSON numbers, so the text is built by hand to keep their digits. */
abstract class KrakenFeed extends Feed {
  readonly listed: ListedMarket;

  constructor(listed: ListedMarket) {
    super();
    this.listed = listed;
  }

  protected price(ticks: number): string {
    return floatText(ticks, this.listed.market.instrument.priceDecimals);
  }

  protected size(units: Units): string {
    return floatText(units, this.listed.market.instrument.sizeDecimals);
  }

  protected get symbol(): string {
    return JSON.stringify(this.listed.native);
  }

  protected content(events: SentCounts, trades: readonly SentTrade[] = []): FrameContent {
    return { native: this.listed.native, events, trades };
  }

  /** A sum of price times size over a sum of sizes, in ticks. */
  protected mean(quote: bigint, volume: bigint, otherwise: number): string {
    return this.price(volume === 0n ? otherwise : Number(quote / volume));
  }
}

/** `trade`: the fills of a step in one frame. With a snapshot the last trades come first, marked as such. */
export class KrakenTradeFeed extends KrakenFeed {
  readonly #snapshot: boolean;

  constructor(listed: ListedMarket, snapshot: boolean) {
    super(listed);
    this.#snapshot = snapshot;
  }

  protected override greet(peer: Peer): void {
    if (!this.#snapshot) return;
    const rows = this.listed.market.recentTrades.map((trade) => this.#row(trade));
    peer.sendData(`{"channel":"trade","type":"snapshot","data":[${rows.join(",")}]}`, this.content({}));
  }

  override onStep(step: MarketStep): void {
    if (step.trades.length === 0) return;
    const trades = step.trades.map((trade): SentTrade => ({
      id: String(trade.id),
      price: this.price(trade.price),
      size: this.size(trade.size),
      side: trade.side,
    }));
    const rows = step.trades.map((trade) => this.#row(trade)).join(",");
    this.publish(
      this.content({ trade: trades.length }, trades),
      () => `{"channel":"trade","type":"update","data":[${rows}]}`,
    );
  }

  #row(trade: MarketTrade): string {
    return `{"symbol":${this.symbol},"side":"${trade.side}","qty":${this.size(trade.size)},` +
      `"price":${this.price(trade.price)},"ord_type":"market","trade_id":${trade.id},` +
      `"timestamp":"${isoFromMicros(trade.at)}"}`;
  }
}

/**
 * `book`: a snapshot of the depth, then changes with the checksum of the book after them; no delete for pushed-out
 * levels.
 */
export class KrakenBookFeed extends KrakenFeed {
  readonly #window: BookWindow;
  readonly #snapshot: boolean;
  #updates = 0;

  constructor(listed: ListedMarket, { depth, snapshot }: { readonly depth: number; readonly snapshot: boolean }) {
    super(listed);
    this.#window = new BookWindow(listed.market.book, depth);
    this.#snapshot = snapshot;
  }

  protected override begin(): void {
    this.#window.reset();
  }

  protected override greet(peer: Peer, _variant: number, now: Micros): void {
    if (!this.#snapshot) return;
    peer.sendData(
      this.#text("snapshot", { bids: this.#window.levels("bid"), asks: this.#window.levels("ask"), now }),
      this.content({ book_snapshot: 1 }),
    );
  }

  override onTick(now: Micros): void {
    const changes = this.#window.advance(false);
    if (changes.length === 0) return;
    const rows = ++this.#updates % REPEATED_PRICE_EVERY === 0 ? repeatFirst(changes) : changes;
    const side = (name: BookSide) => rows.filter((change) => change.side === name);
    const text = this.#text("update", { bids: side("bid"), asks: side("ask"), now });
    this.publish(this.content({ book_delta: 1 }), () => text);
  }

  #text(
    type: "snapshot" | "update",
    { bids, asks, now }: {
      readonly bids: readonly BookLevel[];
      readonly asks: readonly BookLevel[];
      readonly now: Micros;
    },
  ): string {
    const rows = (levels: readonly BookLevel[]) =>
      levels.map((level) => `{"price":${this.price(level.price)},"qty":${this.size(level.size)}}`).join(",");
    const checksum = krakenChecksum(this.#window.levels("ask"), this.#window.levels("bid"));
    return `{"channel":"book","type":"${type}","data":[{"symbol":${this.symbol},"bids":[${rows(bids)}],` +
      `"asks":[${rows(asks)}],"checksum":${checksum},"timestamp":"${isoFromMicros(now)}"}]}`;
  }
}

/** The first changed price, once with a passing size and once with its final one. */
function repeatFirst(changes: readonly LevelChange[]): readonly LevelChange[] {
  return [{ ...changes[0], size: changes[0].size + 1 }, ...changes];
}

/** `ticker`: when the touch changes (`bbo`) or after trades; carries both the touch and the statistics. */
export class KrakenTickerFeed extends KrakenFeed {
  readonly #trigger: "bbo" | "trades";
  readonly #snapshot: boolean;
  #changed = false;

  constructor(
    listed: ListedMarket,
    { trigger, snapshot }: { readonly trigger: "bbo" | "trades"; readonly snapshot: boolean },
  ) {
    super(listed);
    this.#trigger = trigger;
    this.#snapshot = snapshot;
  }

  protected override begin(): void {
    this.#changed = false;
  }

  protected override greet(peer: Peer, _variant: number, now: Micros): void {
    if (this.#snapshot) peer.sendData(this.#text("snapshot", now), this.content({ quote: 1, ticker: 1 }));
  }

  override onStep(step: MarketStep): void {
    if (this.#trigger === "bbo" ? step.touchChanged : step.trades.length > 0) this.#changed = true;
  }

  override onTick(now: Micros): void {
    if (!this.#changed) return;
    this.#changed = false;
    const text = this.#text("update", now);
    this.publish(this.content({ quote: 1, ticker: 1 }), () => text);
  }

  #text(type: "snapshot" | "update", now: Micros): string {
    const { book, statistics } = this.listed.market;
    const [bid, ask] = [book.levels("bid")[0], book.levels("ask")[0]];
    const change = statistics.last - statistics.open;
    const vwap = this.mean(statistics.quoteVolume, statistics.volume, statistics.open);
    return `{"channel":"ticker","type":"${type}","data":[{"symbol":${this.symbol},"bid":${this.price(bid.price)},` +
      `"bid_qty":${this.size(bid.size)},"ask":${this.price(ask.price)},"ask_qty":${this.size(ask.size)},` +
      `"last":${this.price(statistics.last)},"volume":${this.size(statistics.volume)},"vwap":${vwap},` +
      `"low":${this.price(statistics.low)},"high":${this.price(statistics.high)},"change":${this.price(change)},` +
      `"change_pct":${(change * 100 / statistics.open).toFixed(2)},"timestamp":"${isoFromMicros(now)}"}]}`;
  }
}

/** `ohlc`: the open candle first, then each time trades changed it; no field marks a closed candle. */
export class KrakenCandleFeed extends KrakenFeed {
  readonly #minutes: number;
  readonly #snapshot: boolean;
  #builder: CandleBuilder | null = null;
  #changed = false;

  constructor(listed: ListedMarket, { minutes, snapshot }: { readonly minutes: number; readonly snapshot: boolean }) {
    super(listed);
    this.#minutes = minutes;
    this.#snapshot = snapshot;
  }

  protected override begin(now: Micros): void {
    const { last, lastId } = this.listed.market.statistics;
    const interval = { count: this.#minutes, unit: "m", zoneMs: 0 } as const;
    this.#builder = new CandleBuilder(interval, { ms: now / 1000, price: last, lastId });
    this.#changed = false;
  }

  protected override greet(peer: Peer, _variant: number, now: Micros): void {
    this.#builder?.roll(now / 1000);
    const candle = this.#builder?.current ?? null;
    if (!this.#snapshot || candle === null) return;
    peer.sendData(this.#text("snapshot", { candle, now }), this.content({ candle: 1 }));
  }

  override onStep(step: MarketStep): void {
    if (step.trades.length === 0) return;
    this.#roll(step.at);
    for (const trade of step.trades) this.#builder?.add(trade);
    this.#changed = true;
  }

  override onTick(now: Micros): void {
    this.#roll(now);
    const candle = this.#builder?.current ?? null;
    if (this.#changed && candle !== null) this.#send(candle, now);
  }

  #roll(now: Micros): void {
    const ended = this.#builder?.roll(now / 1000) ?? null;
    if (ended !== null && this.#changed) this.#send(ended, now);
  }

  #send(candle: CandleState, now: Micros): void {
    this.#changed = false;
    this.publish(this.content({ candle: 1 }), () => this.#text("update", { candle, now }));
  }

  #text(
    type: "snapshot" | "update",
    { candle, now }: { readonly candle: CandleState; readonly now: Micros },
  ): string {
    return `{"channel":"ohlc","type":"${type}","timestamp":"${nanoTime(now)}","data":[{"symbol":${this.symbol},` +
      `"open":${this.price(candle.open)},"high":${this.price(candle.high)},"low":${this.price(candle.low)},` +
      `"close":${this.price(candle.close)},"trades":${candle.trades},"volume":${this.size(candle.volume)},` +
      `"vwap":${this.mean(candle.quoteVolume, candle.volume, candle.close)},` +
      `"interval_begin":"${nanoTime(candle.openMs * 1000)}","interval":${this.#minutes},` +
      `"timestamp":"${isoFromMicros(candle.closeMs * 1000)}"}]}`;
  }
}

/** RFC 3339 with nine digits. */
function nanoTime(at: Micros): string {
  return `${isoFromMicros(at).slice(0, -1)}000Z`;
}
