import {
  AggregateTradeFeed,
  BookTickerFeed,
  DepthFeed,
  KlineFeed,
  PartialDepthFeed,
  TickerFeed,
  TradeFeed,
} from "./binance_feeds.ts";
import type { CandleInterval } from "./candle.ts";
import type { ExchangeFloor, ListedMarket } from "./exchange_floor.ts";
import type { Feed } from "./feed.ts";

const KLINE = /^kline_(1s|1m|3m|5m|15m|30m|1h|2h|4h|6h|8h|12h|1d|3d|1w|1M)(@\+08:00)?$/;
const DEPTH = /^depth(5|10|20)?(@100ms|@1000ms)?$/;
const INTERVAL_UNITS: Readonly<Record<string, CandleInterval["unit"]>> = {
  s: "s",
  m: "m",
  h: "h",
  d: "d",
  w: "w",
  M: "M",
};

/** The feed behind a stream name such as `btcusdt@trade`; null if there is none, and then it stays silent. */
export function findBinanceFeed(floor: ExchangeFloor, stream: string): Feed | null {
  const at = stream.indexOf("@");
  if (at < 0 || stream !== stream.slice(0, at).toLowerCase() + stream.slice(at)) return null;
  const listed = floor.find(stream.slice(0, at).toUpperCase());
  if (listed === null || floor.isRejected(listed.native)) return null;
  const create = feedMaker(listed, stream, stream.slice(at + 1));
  return create === null ? null : floor.feed(stream, listed.native, create);
}

function feedMaker(listed: ListedMarket, stream: string, channel: string): (() => Feed) | null {
  switch (channel) {
    case "trade":
      return () => new TradeFeed(listed, stream);
    case "aggTrade":
      return () => new AggregateTradeFeed(listed, stream);
    case "bookTicker":
      return () => new BookTickerFeed(listed, stream);
    case "ticker":
      return () => new TickerFeed(listed, stream);
  }
  const depth = DEPTH.exec(channel);
  if (depth !== null) {
    const everyMs = depth[2] === "@100ms" ? 100 : 1_000;
    return depth[1] === undefined
      ? () => new DepthFeed(listed, stream, everyMs)
      : () => new PartialDepthFeed(listed, stream, { depth: Number(depth[1]), everyMs });
  }
  const kline = KLINE.exec(channel);
  if (kline === null) return null;
  const spelling = kline[1];
  const interval: CandleInterval = {
    count: Number.parseInt(spelling),
    unit: INTERVAL_UNITS[spelling[spelling.length - 1]],
    zoneMs: kline[2] === undefined ? 0 : 8 * 3_600_000,
  };
  return () => new KlineFeed(listed, stream, { interval, spelling });
}
