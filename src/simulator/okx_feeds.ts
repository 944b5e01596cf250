import type { Micros } from "../model/mod.ts";
import { BookWindow } from "./book_window.ts";
import { CandleBuilder, type CandleInterval, type CandleState } from "./candle.ts";
import type { ListedMarket } from "./exchange_floor.ts";
import { Feed, Pace } from "./feed.ts";
import { trimmedText, type Units } from "./fixed.ts";
import { groupFills } from "./market.ts";
import type { MarketStep, MarketTrade } from "./market_step.ts";
import type { BookLevel, BookSide } from "./order_book.ts";
import type { Peer } from "./peer.ts";
import type { FrameContent, SentCounts, SentTrade } from "./statistics.ts";

/** What a subscription names, in the order of keys that acknowledgements echo. */
export type OkxArg = Readonly<Record<string, string>>;

const DAY_MS = 86_400_000;
/** A book without a change for so long is followed by an empty delta that repeats the sequence, in µs. */
const BOOK_IDLE_MICROS = 60_000_000;

/** Frames of one channel and argument. */
abstract class OkxFeed extends Feed {
  readonly arg: OkxArg;
  readonly listed: ListedMarket;

  constructor(listed: ListedMarket, arg: OkxArg) {
    super();
    this.listed = listed;
    this.arg = arg;
  }

  protected price(ticks: number): string {
    return trimmedText(ticks, this.listed.market.instrument.priceDecimals);
  }

  protected size(units: Units): string {
    return trimmedText(units, this.listed.market.instrument.sizeDecimals);
  }

  protected level(level: BookLevel): [string, string, string, string] {
    return [this.price(level.price), this.size(level.size), "0", String(1 + level.size % 4)];
  }

  protected content(events: SentCounts, trades: readonly SentTrade[] = []): FrameContent {
    return { native: this.arg.instId ?? this.listed.native, events, trades };
  }

  protected text(data: readonly unknown[], action?: "snapshot" | "update"): string {
    return JSON.stringify(action === undefined ? { arg: this.arg, data } : { arg: this.arg, action, data });
  }

  protected emit(data: readonly unknown[], events: SentCounts): void {
    this.publish(this.content(events), () => this.text(data));
  }
}

/** Milliseconds as text, as all times are. */
function stamp(at: Micros): string {
  return String(Math.floor(at / 1000));
}

/** `trades` joins the fills of an order at one price into one row; `trades-all` gives each by itself. */
export class OkxTradesFeed extends OkxFeed {
  override onStep(step: MarketStep): void {
    if (step.trades.length === 0) return;
    const merged = this.arg.channel === "trades";
    const groups = merged ? groupFills(step.trades) : step.trades.map((trade) => [trade]);
    const rows = groups.map((fills) => this.#row(fills, merged));
    const trades = rows.map((row): SentTrade => ({
      id: row.tradeId,
      price: row.px,
      size: row.sz,
      side: row.side,
    }));
    this.publish(this.content({ trade: rows.length }, trades), () => this.text(rows));
  }

  #row(fills: readonly MarketTrade[], merged: boolean) {
    const last = fills[fills.length - 1];
    const { kind } = this.listed.market.instrument;
    const row = {
      instId: this.arg.instId,
      tradeId: String(last.id),
      px: this.price(last.price),
      sz: this.size(fills.reduce((sum, fill) => sum + fill.size, 0)),
      side: last.side,
      ts: stamp(last.at),
    };
    const tail = { source: "0", seqId: this.listed.market.updateId };
    return merged ? { ...row, count: String(fills.length), ...tail } : kind === "spot" ? { ...row, source: "0" } : row;
  }
}

/** `books`: 400 levels a side, then changes each 100 ms chained by `prevSeqId`; levels that leave the window are removed. */
export class OkxBooksFeed extends OkxFeed {
  readonly #window: BookWindow;
  readonly #pace = new Pace(100, 0);
  #sequence = 0;
  #changedAt: Micros = 0;

  constructor(listed: ListedMarket, arg: OkxArg) {
    super(listed, arg);
    this.#window = new BookWindow(listed.market.book, 400);
  }

  protected override begin(now: Micros): void {
    this.#window.reset();
    this.#sequence = this.listed.market.updateId;
    this.#changedAt = now;
  }

  protected override greet(peer: Peer, _variant: number, now: Micros): void {
    const row = {
      asks: this.#window.levels("ask").map((level) => this.level(level)),
      bids: this.#window.levels("bid").map((level) => this.level(level)),
      ts: stamp(now),
      checksum: 0,
      prevSeqId: -1,
      seqId: this.#sequence,
    };
    peer.sendData(this.text([row], "snapshot"), this.content({ book_snapshot: 1 }));
  }

  override onTick(now: Micros): void {
    if (!this.#pace.isDue(now)) return;
    const changes = this.#window.advance(true);
    if (changes.length === 0 && now - this.#changedAt < BOOK_IDLE_MICROS) return;
    const prevSeqId = this.#sequence;
    if (changes.length > 0) this.#sequence = this.listed.market.updateId;
    this.#changedAt = now;
    const side = (name: BookSide) =>
      changes.filter((change) => change.side === name).map((change) => this.level(change));
    const row = { asks: side("ask"), bids: side("bid"), ts: stamp(now), checksum: 0, prevSeqId, seqId: this.#sequence };
    this.publish(this.content({ book_delta: 1 }), () => this.text([row], "update"));
  }
}

/** `bbo-tbt` and `books5`: the best levels, whole each time they change. */
export class OkxTopFeed extends OkxFeed {
  readonly #window: BookWindow;
  readonly #pace: Pace;

  constructor(
    listed: ListedMarket,
    arg: OkxArg,
    { depth, everyMs }: { readonly depth: number; readonly everyMs: number },
  ) {
    super(listed, arg);
    this.#window = new BookWindow(listed.market.book, depth);
    this.#pace = new Pace(everyMs, 0);
  }

  protected override begin(): void {
    this.#window.reset();
  }

  protected override greet(peer: Peer, _variant: number, now: Micros): void {
    peer.sendData(this.text([this.#row(now)]), this.content(this.#events));
  }

  override onTick(now: Micros): void {
    if (!this.#pace.isDue(now) || this.#window.advance(true).length === 0) return;
    this.emit([this.#row(now)], this.#events);
  }

  get #events(): SentCounts {
    return this.arg.channel === "bbo-tbt" ? { quote: 1 } : { book_snapshot: 1 };
  }

  #row(now: Micros): unknown {
    const side = (name: BookSide) => this.#window.levels(name).map((level) => this.level(level));
    return { asks: side("ask"), bids: side("bid"), ts: stamp(now), seqId: this.listed.market.updateId };
  }
}

/** A row that is sent at once and then on a timer when it has changed. */
export class OkxStateFeed extends OkxFeed {
  readonly #row: (now: Micros) => Readonly<Record<string, string>>;
  readonly #pace: Pace;
  readonly #events: SentCounts;
  #published = "";

  constructor(
    listed: ListedMarket,
    arg: OkxArg,
    options: {
      readonly everyMs: number;
      readonly events: SentCounts;
      readonly row: (now: Micros) => Readonly<Record<string, string>>;
    },
  ) {
    super(listed, arg);
    this.#row = options.row;
    this.#events = options.events;
    this.#pace = new Pace(options.everyMs, 0);
  }

  protected override greet(peer: Peer, _variant: number, now: Micros): void {
    const row = this.#row(now);
    this.#published = JSON.stringify(row);
    peer.sendData(this.text([{ ...row, ts: stamp(now) }]), this.content(this.#events));
  }

  override onTick(now: Micros): void {
    if (!this.#pace.isDue(now)) return;
    const row = this.#row(now);
    const key = JSON.stringify(row);
    if (key === this.#published) return;
    this.#published = key;
    this.emit([{ ...row, ts: stamp(now) }], this.#events);
  }
}

/** The row of `tickers`. Volumes: contracts and base currency for derivatives, base and quote for spot. */
export function okxTickerRow({ native, market }: ListedMarket, instType: string): Readonly<Record<string, string>> {
  const { instrument, statistics, book } = market;
  const price = (ticks: number) => trimmedText(ticks, instrument.priceDecimals);
  const size = (units: Units) => trimmedText(units, instrument.sizeDecimals);
  const [ask, bid] = [book.levels("ask")[0], book.levels("bid")[0]];
  return {
    instType,
    instId: native,
    last: price(statistics.last),
    lastSz: size(statistics.lastSize),
    askPx: price(ask.price),
    askSz: size(ask.size),
    bidPx: price(bid.price),
    bidSz: size(bid.size),
    open24h: price(statistics.open),
    high24h: price(statistics.high),
    low24h: price(statistics.low),
    sodUtc0: price(statistics.open),
    sodUtc8: price(statistics.open),
    volCcy24h: instrument.kind === "spot"
      ? trimmedText(statistics.quoteVolume, instrument.priceDecimals + instrument.sizeDecimals)
      : size(statistics.volume),
    vol24h: size(statistics.volume),
  };
}

/** `candle<i>`: the open candle when it changed, at most each 500 ms, and each one once more when it ends. */
export class OkxCandleFeed extends OkxFeed {
  readonly #interval: CandleInterval;
  readonly #pace = new Pace(500, 0);
  #builder: CandleBuilder | null = null;
  #published: CandleState | null = null;

  constructor(listed: ListedMarket, arg: OkxArg, interval: CandleInterval) {
    super(listed, arg);
    this.#interval = interval;
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
    this.#send(candle, "0");
  }

  #roll(now: Micros): void {
    const ended = this.#builder?.roll(now / 1000) ?? null;
    if (ended !== null) this.#send(ended, "1");
  }

  #send(candle: CandleState, confirm: "0" | "1"): void {
    const { priceDecimals, sizeDecimals } = this.listed.market.instrument;
    const volume = this.size(candle.volume);
    const quote = trimmedText(candle.quoteVolume, priceDecimals + sizeDecimals);
    const prices = [candle.open, candle.high, candle.low, candle.close].map((ticks) => this.price(ticks));
    const row = [String(candle.openMs), ...prices, volume, volume, quote, confirm];
    this.emit([row], { candle: 1 });
  }
}

/** `liquidation-orders`: forced fills of all instruments of a type, one order a frame. */
export class OkxLiquidationFeed extends OkxFeed {
  override onStep(step: MarketStep): void {
    const forced = step.trades.filter((trade) => trade.liquidation);
    if (forced.length === 0) return;
    const { base, quote } = this.listed.market.instrument;
    const details = groupFills(forced).map((fills) => ({
      bkLoss: "0",
      bkPx: this.price(fills[0].price),
      ccy: "",
      posSide: fills[0].side === "buy" ? "short" : "long",
      side: fills[0].side,
      sz: this.size(fills.reduce((sum, fill) => sum + fill.size, 0)),
      ts: stamp(fills[0].at),
    }));
    const family = `${base}-${quote}`;
    const row = { details, instFamily: family, instId: this.listed.native, instType: this.arg.instType, uly: family };
    this.emit([row], { liquidation: details.length });
  }
}

/** Rows of the derivative channels, without their time. */
export function okxDerivativeRow(
  channel: "mark-price" | "index-tickers" | "open-interest",
  { native, market }: ListedMarket,
  instId: string,
): Readonly<Record<string, string>> {
  const { instrument, statistics, derivative } = market;
  const price = (ticks: number) => trimmedText(ticks, instrument.priceDecimals);
  switch (channel) {
    case "mark-price":
      return { instId: native, instType: okxType(market.instrument.kind), markPx: price(derivative.markTicks) };
    case "index-tickers":
      return {
        instId,
        idxPx: price(derivative.indexTicks),
        open24h: price(statistics.open),
        high24h: price(statistics.high),
        low24h: price(statistics.low),
        sodUtc0: price(statistics.open),
        sodUtc8: price(statistics.open),
      };
    case "open-interest": {
      const contracts = trimmedText(derivative.openInterest, instrument.sizeDecimals);
      return { instId: native, instType: okxType(instrument.kind), oi: contracts, oiCcy: contracts };
    }
  }
}

/** The row of `funding-rate`: settled every eight hours. */
export function okxFundingRow({ native, market }: ListedMarket, now: Micros): Readonly<Record<string, string>> {
  const span = DAY_MS / 3;
  const fundingTime = Math.ceil(now / 1000 / span) * span;
  return {
    formulaType: "noRate",
    fundingRate: trimmedText(market.derivative.fundingRate, 10),
    fundingTime: String(fundingTime),
    instId: native,
    instType: okxType(market.instrument.kind),
    method: "current_period",
    nextFundingRate: "",
    nextFundingTime: String(fundingTime + span),
    premium: trimmedText(market.derivative.fundingRate, 10),
    settFundingRate: "0.0001",
    settState: "settled",
  };
}

/** `SPOT` or `SWAP`. */
export function okxType(kind: "spot" | "linear" | "inverse"): "SPOT" | "SWAP" {
  return kind === "spot" ? "SPOT" : "SWAP";
}
