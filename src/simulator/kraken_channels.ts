import type { ExchangeFloor, ListedMarket } from "./exchange_floor.ts";
import type { Feed } from "./feed.ts";
import { KrakenBookFeed, KrakenCandleFeed, KrakenTickerFeed, KrakenTradeFeed } from "./kraken_feeds.ts";

/** A subscription read from `params`: the channel and its options, with defaults. */
export interface KrakenChannel {
  readonly name: "trade" | "book" | "ticker" | "ohlc" | "instrument";
  /** The options as an acknowledgement repeats them. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

/** A channel, or the words of the refusal. */
export type KrakenChannelResult =
  | { readonly ok: true; readonly channel: KrakenChannel }
  | { readonly ok: false; readonly error: string };

const DEPTHS: readonly number[] = [10, 25, 100, 500, 1000];
const INTERVALS: readonly number[] = [1, 5, 15, 30, 60, 240, 1440, 10080, 21600];

/** Reads channel and options. */
export function readKrakenChannel(params: ReadonlyMap<string, unknown>): KrakenChannelResult {
  const name = params.get("channel");
  const snapshot = params.get("snapshot");
  if (snapshot !== undefined && typeof snapshot !== "boolean") return refusal("Snapshot must be a boolean");
  switch (name) {
    case "trade":
      return channel({ name, options: { snapshot: snapshot ?? false } });
    case "book": {
      const depth = params.get("depth") ?? 10;
      if (typeof depth !== "number" || !DEPTHS.includes(depth)) return refusal("Subscription depth not supported");
      return channel({ name, options: { depth, snapshot: snapshot ?? true } });
    }
    case "ticker": {
      const trigger = params.get("event_trigger") ?? "trades";
      if (trigger !== "bbo" && trigger !== "trades") return refusal("Event trigger not supported");
      return channel({ name, options: { event_trigger: trigger, snapshot: snapshot ?? true } });
    }
    case "ohlc": {
      const interval = params.get("interval") ?? 1;
      if (typeof interval !== "number" || !INTERVALS.includes(interval)) {
        return refusal("Subscription ohlc interval not supported");
      }
      return channel({ name, options: { interval, snapshot: snapshot ?? true } });
    }
    case "instrument":
      return channel({ name, options: { snapshot: snapshot ?? true } });
    default:
      return refusal(`Unsupported channel ${String(name)}`);
  }
}

function channel(value: KrakenChannel): KrakenChannelResult {
  return { ok: true, channel: value };
}

function refusal(error: string): KrakenChannelResult {
  return { ok: false, error };
}

/** Returns the key of a subscription of a symbol: ticker subscriptions with different triggers are two. */
export function krakenStreamName({ name, options }: KrakenChannel, symbol: string): string {
  const detail = options.depth ?? options.event_trigger ?? options.interval ?? "";
  return `${name} ${detail} ${symbol}`;
}

/** The feed of a channel and symbol. */
export function findKrakenFeed(floor: ExchangeFloor, listed: ListedMarket, wanted: KrakenChannel): Feed | null {
  const create = feedMaker(listed, wanted);
  if (create === null) return null;
  const { snapshot } = wanted.options;
  return floor.feed(`${krakenStreamName(wanted, listed.native)} ${snapshot}`, listed.native, create);
}

function feedMaker(listed: ListedMarket, { name, options }: KrakenChannel): (() => Feed) | null {
  const snapshot = options.snapshot === true;
  switch (name) {
    case "trade":
      return () => new KrakenTradeFeed(listed, snapshot);
    case "book":
      return () => new KrakenBookFeed(listed, { depth: Number(options.depth), snapshot });
    case "ticker":
      return () =>
        new KrakenTickerFeed(listed, { trigger: options.event_trigger === "bbo" ? "bbo" : "trades", snapshot });
    case "ohlc":
      return () => new KrakenCandleFeed(listed, { minutes: Number(options.interval), snapshot });
    case "instrument":
      return null;
  }
}

/** The `instrument` channel's snapshot. */
export function krakenInstruments(floor: ExchangeFloor): string {
  const assets = new Set(floor.markets.flatMap(({ market }) => [market.instrument.base, market.instrument.quote]));
  const assetRows = [...assets].map((id) =>
    `{"id":${JSON.stringify(id)},"status":"enabled","precision":8,"precision_display":5,"borrowable":false,` +
    `"collateral_value":1.0,"margin_rate":0.0}`
  );
  const pairRows = floor.markets.map(({ native, market }) => {
    const { base, quote, priceDecimals, sizeDecimals } = market.instrument;
    return `{"symbol":${JSON.stringify(native)},"base":${JSON.stringify(base)},"quote":${JSON.stringify(quote)},` +
      `"status":"online","qty_precision":${sizeDecimals},"qty_increment":1e-${String(sizeDecimals).padStart(2, "0")},` +
      `"price_precision":${priceDecimals},"cost_precision":6,"marginable":false,"has_index":true,"cost_min":0.5,` +
      `"tick_size":${(10 ** -priceDecimals).toFixed(priceDecimals)},` +
      `"price_increment":${(10 ** -priceDecimals).toFixed(priceDecimals)},"qty_min":0.0001}`;
  });
  return `{"channel":"instrument","type":"snapshot","data":{"assets":[${assetRows.join(",")}],` +
    `"pairs":[${pairRows.join(",")}]}}`;
}
