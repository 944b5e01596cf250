import type { CandleInterval } from "./candle.ts";
import type { ExchangeFloor, ListedMarket } from "./exchange_floor.ts";
import type { Feed } from "./feed.ts";
import {
  type OkxArg,
  OkxBooksFeed,
  OkxCandleFeed,
  okxDerivativeRow,
  okxFundingRow,
  OkxLiquidationFeed,
  OkxStateFeed,
  okxTickerRow,
  OkxTopFeed,
  OkxTradesFeed,
  okxType,
} from "./okx_feeds.ts";

/** The two public endpoints; each offers its own channels. */
export type OkxEndpoint = "public" | "business";

const CANDLE = /^candle(1s|1m|3m|5m|15m|30m|1H|2H|4H|6H|12H|1D|2D|3D|5D|1W|1M|3M)(utc)?$/;
const UNITS: Readonly<Record<string, CandleInterval["unit"]>> = { s: "s", m: "m", H: "h", D: "d", W: "w", M: "M" };
const HONG_KONG_MS = 8 * 3_600_000;

/** Channels that need a login, and those that need a fee tier. */
export const OKX_PRIVATE: ReadonlySet<string> = new Set(["account", "positions", "orders", "balance_and_position"]);
export const OKX_TIERED: ReadonlySet<string> = new Set(["books-l2-tbt", "books50-l2-tbt"]);

/** The feeds behind an argument; empty if the endpoint has no such channel or the exchange no such instrument. */
export function findOkxFeeds(floor: ExchangeFloor, endpoint: OkxEndpoint, arg: OkxArg): readonly Feed[] {
  if (endpoint === "business") return single(businessFeed(floor, arg));
  if (arg.channel === "liquidation-orders") {
    const listed = floor.markets.filter((entry) => isSwap(entry) && arg.instType === "SWAP");
    return listed.map((entry) =>
      floor.feed(`liquidation-orders ${entry.native}`, entry.native, () => new OkxLiquidationFeed(entry, arg))
    );
  }
  return single(publicFeed(floor, arg));
}

function single(feed: Feed | null): readonly Feed[] {
  return feed === null ? [] : [feed];
}

function businessFeed(floor: ExchangeFloor, arg: OkxArg): Feed | null {
  const listed = floor.find(arg.instId ?? "");
  if (listed === null) return null;
  const name = `${arg.channel} ${listed.native}`;
  if (arg.channel === "trades-all") return floor.feed(name, listed.native, () => new OkxTradesFeed(listed, arg));
  const candle = CANDLE.exec(arg.channel);
  if (candle === null) return null;
  const interval: CandleInterval = {
    count: Number.parseInt(candle[1]),
    unit: UNITS[candle[1][candle[1].length - 1]],
    zoneMs: candle[2] === undefined ? HONG_KONG_MS : 0,
  };
  return floor.feed(name, listed.native, () => new OkxCandleFeed(listed, arg, interval));
}

function publicFeed(floor: ExchangeFloor, arg: OkxArg): Feed | null {
  const instId = arg.instId ?? "";
  const listed = arg.channel === "index-tickers" ? findIndex(floor, instId) : floor.find(instId);
  const create = listed === null ? null : publicFeedMaker(listed, arg);
  return create === null || listed === null ? null : floor.feed(`${arg.channel} ${instId}`, listed.native, create);
}

function publicFeedMaker(listed: ListedMarket, arg: OkxArg): (() => Feed) | null {
  const { channel } = arg;
  switch (channel) {
    case "trades":
      return () => new OkxTradesFeed(listed, arg);
    case "books":
      return () => new OkxBooksFeed(listed, arg);
    case "books5":
      return () => new OkxTopFeed(listed, arg, { depth: 5, everyMs: 100 });
    case "bbo-tbt":
      return () => new OkxTopFeed(listed, arg, { depth: 1, everyMs: 10 });
    case "tickers": {
      const row = () => okxTickerRow(listed, okxType(listed.market.instrument.kind));
      return () => new OkxStateFeed(listed, arg, { everyMs: 100, events: { ticker: 1 }, row });
    }
    case "index-tickers":
      return () => stateFeed(listed, arg, { everyMs: 1_000, channel });
  }
  if (!isSwap(listed)) return null;
  switch (channel) {
    case "mark-price":
      return () => stateFeed(listed, arg, { everyMs: 1_000, channel });
    case "open-interest":
      return () => stateFeed(listed, arg, { everyMs: 3_000, channel });
    case "funding-rate":
      return () =>
        new OkxStateFeed(listed, arg, {
          everyMs: 5_000,
          events: { derivative_ticker: 1 },
          row: (now) => okxFundingRow(listed, now),
        });
    default:
      return null;
  }
}

function stateFeed(
  listed: ListedMarket,
  arg: OkxArg,
  { everyMs, channel }: {
    readonly everyMs: number;
    readonly channel: "mark-price" | "index-tickers" | "open-interest";
  },
): Feed {
  const row = () => okxDerivativeRow(channel, listed, arg.instId ?? "");
  return new OkxStateFeed(listed, arg, { everyMs, events: { derivative_ticker: 1 }, row });
}

function isSwap(listed: ListedMarket): boolean {
  return listed.market.instrument.kind !== "spot";
}

/** An index is spelled as the spot instrument; any market of the two currencies stands behind it. */
function findIndex(floor: ExchangeFloor, instId: string): ListedMarket | null {
  const found = floor.markets.find(({ market }) => `${market.instrument.base}-${market.instrument.quote}` === instId);
  return found ?? null;
}
