import type { Micros } from "../model/mod.ts";
import { CandleBuilder, type CandleInterval, type CandleState } from "./candle.ts";
import type { ListedMarket } from "./exchange_floor.ts";
import { Feed, Pace } from "./feed.ts";
import { fixedText, paddedText, type Units } from "./fixed.ts";
import { groupFills } from "./market.ts";
import type { MarketStep } from "./market_step.ts";
import type { BookLevel, BookSide } from "./order_book.ts";
import type { FrameContent, SentCounts, SentTrade } from "./statistics.ts";

/** Variants of a listener: the combined form wraps each payload; times may be in microseconds. */
export const COMBINED = 1;
export const MICROSECONDS = 2;

/** Decimals of every price and size on the wire. */
const WIRE_DECIMALS = 8;

/** A stream of one market by its native name. */
abstract class BinanceFeed extends Feed {
  readonly listed: ListedMarket;
  readonly stream: string;

  constructor(listed: ListedMarket, stream: string) {
    super();
    this.listed = listed;
    this.stream = stream;
  }

  protected price(ticks: number): string {
    return paddedText(ticks, this.listed.market.instrument.priceDecimals, WIRE_DECIMALS);
  }

  protected size(units: Units): string {
    return paddedText(units, this.listed.market.instrument.sizeDecimals, WIRE_DECIMALS);
  }

  /** A sum of price times size, cut to the digits of the wire. */
  protected quote(units: bigint): string {
    const { priceDecimals, sizeDecimals } = this.listed.market.instrument;
    const decimals = priceDecimals + sizeDecimals;
    return decimals > WIRE_DECIMALS
      ? fixedText(units / 10n ** BigInt(decimals - WIRE_DECIMALS), WIRE_DECIMALS)
      : paddedText(units, decimals, WIRE_DECIMALS);
  }

  protected level(level: BookLevel): [string, string] {
    return [this.price(level.price), this.size(level.size)];
  }

  protected emit(
    payload: (time: (at: Micros) => number) => unknown,
    { events, trades = [] }: { readonly events: SentCounts; readonly trades?: readonly SentTrade[] },
  ): void {
    const content: FrameContent = { native: this.listed.native, events, trades };
    this.publish(content, (variant) => {
      const inMicros = (variant & MICROSECONDS) !== 0;
      const body = payload((at) => inMicros ? at : Math.floor(at / 1000));
      return JSON.stringify((variant & COMBINED) !== 0 ? { stream: this.stream, data: body } : body);
    });
  }
}

/** `<s>@trade`: one frame per fill. */
export class TradeFeed extends BinanceFeed {
  override onStep(step: MarketStep): void {
    for (const trade of step.trades) {
      const sent = {
        id: String(trade.id),
        price: this.price(trade.price),
        size: this.size(trade.size),
        side: trade.side,
      };
      this.emit((time) => ({
        e: "trade",
        E: time(step.at),
        s: this.listed.native,
        t: trade.id,
        p: sent.price,
        q: sent.size,
        T: time(trade.at),
        m: trade.side === "sell",
        M: true,
      }), { events: { trade: 1 }, trades: [sent] });
    }
  }
}

/** `<s>@aggTrade`: the fills of one taker's order at one price in one frame. */
export class AggregateTradeFeed extends BinanceFeed {
  #id = 0;

  override onStep(step: MarketStep): void {
    for (const fills of groupFills(step.trades)) {
      const first = fills[0];
      const total = fills.reduce((sum, fill) => sum + fill.size, 0);
      const id = ++this.#id;
      const sent = { id: String(id), price: this.price(first.price), size: this.size(total), side: first.side };
      this.emit((time) => ({
        e: "aggTrade",
        E: time(step.at),
        s: this.listed.native,
        a: id,
        p: sent.price,
        q: sent.size,
        f: first.id,
        l: fills[fills.length - 1].id,
        T: time(first.at),
        m: first.side === "sell",
        M: true,
      }), { events: { trade: 1 }, trades: [sent] });
    }
  }
}

/** `<s>@depth`: all changes of a span with absolute sizes; `U` follows on the `u` before. */
export class DepthFeed extends BinanceFeed {
  readonly #everyMs: number;
  readonly #changed = { bid: new Set<number>(), ask: new Set<number>() };
  #pace: Pace;
  #published = 0;

  constructor(listed: ListedMarket, stream: string, everyMs: number) {
    super(listed, stream);
    this.#everyMs = everyMs;
    this.#pace = new Pace(everyMs, 0);
  }

  protected override begin(now: Micros): void {
    this.#pace = new Pace(this.#everyMs, now);
    this.#changed.bid.clear();
    this.#changed.ask.clear();
    this.#published = this.listed.market.updateId;
  }

  override onStep(step: MarketStep): void {
    for (const change of step.changes) this.#changed[change.side].add(change.price);
  }

  override onTick(now: Micros): void {
    const last = this.listed.market.updateId;
    if (!this.#pace.isDue(now) || last === this.#published) return;
    const first = this.#published + 1;
    const bids = this.#take("bid");
    const asks = this.#take("ask");
    this.#published = last;
    this.emit((time) => ({
      e: "depthUpdate",
      E: time(now),
      s: this.listed.native,
      U: first,
      u: last,
      b: bids,
      a: asks,
    }), { events: { book_delta: 1 } });
  }

  #take(side: BookSide): [string, string][] {
    const { book } = this.listed.market;
    const levels = [...this.#changed[side]].map((price) => this.level({ price, size: book.sizeAt(side, price) }));
    this.#changed[side].clear();
    return levels;
  }
}

/** `<s>@depth5|10|20`: a snapshot of the best levels each time; has neither symbol nor time. */
export class PartialDepthFeed extends BinanceFeed {
  readonly #depth: number;
  readonly #pace: Pace;
  #published = -1;

  constructor(
    listed: ListedMarket,
    stream: string,
    { depth, everyMs }: { readonly depth: number; readonly everyMs: number },
  ) {
    super(listed, stream);
    this.#depth = depth;
    this.#pace = new Pace(everyMs, 0);
  }

  override onTick(now: Micros): void {
    const { book, updateId } = this.listed.market;
    if (!this.#pace.isDue(now) || updateId === this.#published) return;
    this.#published = updateId;
    const side = (name: BookSide) => book.levels(name).slice(0, this.#depth).map((level) => this.level(level));
    this.emit(() => ({ lastUpdateId: updateId, bids: side("bid"), asks: side("ask") }), {
      events: { book_snapshot: 1 },
    });
  }
}

/** `<s>@bookTicker`: each change of the best bid or ask; has no time. */
export class BookTickerFeed extends BinanceFeed {
  override onStep(step: MarketStep): void {
    if (!step.touchChanged) return;
    const { book, updateId } = this.listed.market;
    const [bid, bidSize] = this.level(book.levels("bid")[0]);
    const [ask, askSize] = this.level(book.levels("ask")[0]);
    this.emit(() => ({ u: updateId, s: this.listed.native, b: bid, B: bidSize, a: ask, A: askSize }), {
      events: { quote: 1 },
    });
  }
}

/** `<s>@ticker`: statistics of 24 hours each second. */
export class TickerFeed extends BinanceFeed {
  readonly #pace = new Pace(1_000, 0);

  override onTick(now: Micros): void {
    if (!this.#pace.isDue(now)) return;
    const { book, statistics } = this.listed.market;
    const [bid, bidSize] = this.level(book.levels("bid")[0]);
    const [ask, askSize] = this.level(book.levels("ask")[0]);
    const change = statistics.last - statistics.open;
    this.emit((time) => ({
      e: "24hrTicker",
      E: time(now),
      s: this.listed.native,
      p: this.price(change),
      P: (change * 100 / statistics.open).toFixed(3),
      w: this.price(statistics.weightedPrice),
      x: this.price(statistics.open),
      c: this.price(statistics.last),
      Q: this.size(statistics.lastSize),
      b: bid,
      B: bidSize,
      a: ask,
      A: askSize,
      o: this.price(statistics.open),
      h: this.price(statistics.high),
      l: this.price(statistics.low),
      v: this.size(statistics.volume),
      q: this.quote(statistics.quoteVolume),
      O: time(now - 86_400_000_000),
      C: time(now),
      F: statistics.firstId,
      L: statistics.lastId,
      n: statistics.trades,
    }), { events: { ticker: 1 } });
  }
}

/** `<s>@kline_<i>`: the open candle at most each second while it changes, and each candle once more when it ends. */
export class KlineFeed extends BinanceFeed {
  readonly #interval: CandleInterval;
  readonly #spelling: string;
  readonly #pace = new Pace(1_000, 0);
  #builder: CandleBuilder | null = null;
  #published: CandleState | null = null;

  constructor(
    listed: ListedMarket,
    stream: string,
    { interval, spelling }: { readonly interval: CandleInterval; readonly spelling: string },
  ) {
    super(listed, stream);
    this.#interval = interval;
    this.#spelling = spelling;
  }

  protected override begin(now: Micros): void {
    const { last, lastId } = this.listed.market.statistics;
    this.#builder = new CandleBuilder(this.#interval, { ms: now / 1000, price: last, lastId });
    this.#published = null;
  }

  override onStep(step: MarketStep): void {
    if (step.trades.length > 0) this.#roll(step.at);
    for (const trade of step.trades) this.#builder?.add(trade);
  }

  override onTick(now: Micros): void {
    this.#roll(now);
    const candle = this.#builder?.current ?? null;
    if (!this.#pace.isDue(now) || candle === null || candle === this.#published) return;
    this.#published = candle;
    this.#send(candle, { closed: false, now });
  }

  #roll(now: Micros): void {
    const ended = this.#builder?.roll(now / 1000) ?? null;
    if (ended !== null) this.#send(ended, { closed: true, now });
  }

  #send(candle: CandleState, { closed, now }: { readonly closed: boolean; readonly now: Micros }): void {
    this.emit((time) => ({
      e: "kline",
      E: time(now),
      s: this.listed.native,
      k: {
        t: time(candle.openMs * 1000),
        T: time(candle.closeMs * 1000 - 1),
        s: this.listed.native,
        i: this.#spelling,
        f: candle.firstId,
        L: candle.trades === 0 ? -1 : candle.lastId,
        o: this.price(candle.open),
        c: this.price(candle.close),
        h: this.price(candle.high),
        l: this.price(candle.low),
        v: this.size(candle.volume),
        n: candle.trades,
        x: closed,
        q: this.quote(candle.quoteVolume),
        V: this.size(candle.takerBuyVolume),
        Q: this.quote(candle.takerBuyQuoteVolume),
        B: "0",
      },
    }), { events: { candle: 1 } });
  }
}
