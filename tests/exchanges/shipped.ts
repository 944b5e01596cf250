import { loadConfig, loadDescriptor, type LoadedConfig, type LoadedDescriptor } from "../../src/config/mod.ts";
import { type Channel, CHANNELS } from "../../src/model/mod.ts";

/** Channels that few exchanges offer. */
const SELDOM: readonly Channel[] = ["options", "funding", "orders"];

/** A shipped descriptor and what it offers. */
interface ShippedDescriptor {
  readonly name: string;
  readonly symbols: readonly string[];
  /** Channels that it does not offer, but for those that few exchanges do. */
  readonly lacks: readonly Channel[];
  /** Those of the few that it offers. */
  readonly also?: readonly Channel[];
  /** How many markets the exchange has, where these are fewer than twenty. */
  readonly markets?: number;
}

const DESCRIPTORS: readonly ShippedDescriptor[] = [
  { name: "binance", symbols: ["BTC/USDT", "ETH/USDT"], lacks: ["derivative", "liquidations"] },
  { name: "binance-usdm", symbols: ["BTC/USDT:USDT", "ETH/USDT:USDT"], lacks: [], also: ["funding"] },
  { name: "binance-coinm", symbols: ["BTC/USD:BTC", "ETH/USD:ETH"], lacks: [], also: ["funding"] },
  { name: "coinbase", symbols: ["BTC/USD", "ETH/USD"], lacks: ["candles", "derivative", "liquidations"] },
  { name: "coinbase-advanced", symbols: ["BTC/USD", "ETH/USD"], lacks: ["derivative", "liquidations"] },
  {
    name: "bitstamp",
    symbols: ["BTC/USD", "ETH/EUR"],
    also: ["orders"],
    lacks: ["quotes", "ticker", "candles", "derivative", "liquidations"],
  },
  { name: "gateio", symbols: ["BTC/USDT:USDT", "BTC/USD:BTC"], lacks: [] },
  { name: "bitget", symbols: ["BTC/USDT:USDT", "BTC/USD:BTC"], lacks: [] },
  { name: "kucoin", symbols: ["BTC/USDT", "ETH/BTC"], lacks: ["derivative", "liquidations"] },
  { name: "kucoin-futures", symbols: ["BTC/USDT:USDT", "BTC/USD:BTC"], lacks: ["liquidations"] },
  { name: "kraken", symbols: ["BTC/USD", "ETH/USD"], lacks: ["derivative", "liquidations"] },
  { name: "kraken-v1", symbols: ["BTC/USD", "ETH/USD"], lacks: ["derivative", "liquidations"] },
  { name: "okx", symbols: ["BTC/USDT:USDT", "BTC/USD:BTC"], lacks: [], also: ["funding"] },
  { name: "bybit", symbols: ["BTC/USDT:USDT", "BTC/USD:BTC"], lacks: [], also: ["funding"] },
  { name: "deribit", symbols: ["BTC/USD:BTC", "BTC/USDC"], lacks: [] },
  { name: "htx", symbols: ["BTC/USDT", "ETH/BTC"], lacks: ["derivative", "liquidations"] },
  { name: "htx-linear", symbols: ["BTC/USDT:USDT", "ETH/USDT:USDT"], lacks: [], also: ["funding"] },
  { name: "htx-coin", symbols: ["BTC/USD:BTC", "ETH/USD:ETH"], lacks: [], also: ["funding"] },
  { name: "htx-futures", symbols: ["BTC/USD:BTC-261225", "ETH/USD:ETH-261225"], lacks: [], markets: 2 },
  { name: "cryptocom", symbols: ["BTC/USD:USD", "ETH/USD:USD"], lacks: ["liquidations"] },
  { name: "gemini", symbols: ["BTC/USD", "BTC/GUSD:GUSD"], lacks: ["ticker", "derivative", "liquidations"] },
  {
    name: "bitflyer",
    symbols: ["BTC/JPY", "BTC/JPY:JPY"],
    lacks: ["candles", "derivative", "liquidations"],
    markets: 11,
  },
  {
    name: "hyperliquid",
    symbols: ["BTC/USDC:USDC", "kPEPE/USDC:USDC"],
    lacks: ["ticker", "liquidations"],
  },
  { name: "bitfinex", symbols: ["BTC/USDT:USDT", "ETH/BTC:BTC"], lacks: [] },
  { name: "bitmex", symbols: ["BTC/USD:BTC", "ETH/USD:BTC"], lacks: [] },
  { name: "upbit", symbols: ["BTC/KRW", "ETH/BTC"], lacks: ["quotes", "derivative", "liquidations"] },
  { name: "mexc", symbols: ["BTC/USDT:USDT", "BTC/USD:BTC"], lacks: ["quotes", "liquidations"], also: ["funding"] },
  { name: "kraken-futures", symbols: ["BTC/USD:USD", "BTC/USD:BTC"], lacks: ["candles"], also: ["funding"] },
  {
    name: "woo-x",
    symbols: ["BTC/USDT:USDT", "ETH/USDT:USDT"],
    lacks: ["ticker", "candles", "liquidations"],
    also: ["funding"],
  },
  { name: "backpack", symbols: ["BTC/USDC:USDC", "ETH/USDC:USDC"], lacks: [], also: ["funding"] },
  { name: "aster", symbols: ["BTC/USDT", "ETH/USDT"], lacks: ["derivative", "liquidations"], markets: 12 },
  { name: "aster-futures", symbols: ["BTC/USDT:USDT", "ETH/USDT:USDT"], lacks: [], also: ["funding"] },
  { name: "dydx-v4", symbols: ["BTC/USD:USDC", "ETH/USD:USDC"], lacks: ["quotes", "ticker"], also: ["funding"] },
  { name: "lighter", symbols: ["BTC/USDC:USDC", "ETH/USDC:USDC"], lacks: [], markets: 3 },
  {
    name: "luno",
    symbols: ["BTC/ZAR", "ETH/BTC"],
    lacks: ["quotes", "ticker", "candles", "derivative", "liquidations"],
    also: ["orders"],
  },
  {
    name: "independent-reserve",
    symbols: ["BTC/AUD", "ETH/SGD"],
    lacks: ["quotes", "ticker", "candles", "derivative", "liquidations"],
    also: ["orders"],
  },
  {
    name: "bitso",
    symbols: ["BTC/USD", "ETH/MXN"],
    lacks: ["quotes", "ticker", "candles", "derivative", "liquidations"],
    also: ["orders"],
  },
  { name: "okx-eea", symbols: ["BTC/EUR", "ETH/USDC"], lacks: ["derivative", "liquidations"] },
  { name: "okx-us", symbols: ["BTC/USD", "ETH/USD"], lacks: ["derivative", "liquidations"] },
  { name: "okcoin", symbols: ["BTC/USD", "ETH/USD"], lacks: ["derivative", "liquidations"] },
  { name: "btcturk", symbols: ["BTC/TRY", "ETH/USDT"], lacks: ["candles", "derivative", "liquidations"] },
  { name: "coinone", symbols: ["BTC/KRW", "ETH/KRW"], lacks: ["candles", "derivative", "liquidations"] },
  { name: "mercado-bitcoin", symbols: ["BTC/BRL", "ETH/BRL"], lacks: ["candles", "derivative", "liquidations"] },
  { name: "xt", symbols: ["BTC/USDT:USDT", "BTC/USD:BTC"], lacks: ["candles", "liquidations"] },
  { name: "pionex", symbols: ["BTC/USDT", "BTC/USDT:USDT"], lacks: ["quotes", "ticker", "candles", "liquidations"] },
  { name: "bitbank", symbols: ["BTC/JPY", "ETH/JPY"], lacks: ["candles", "derivative", "liquidations"] },
  { name: "bithumb", symbols: ["BTC/KRW", "ETH/BTC"], lacks: ["quotes", "candles", "derivative", "liquidations"] },
  { name: "whitebit", symbols: ["BTC/USDT:USDT", "ETH/USDT:USDT"], lacks: ["liquidations"], also: ["funding"] },
  { name: "bitvavo", symbols: ["BTC/EUR", "ETH/EUR"], lacks: ["derivative", "liquidations"] },
  {
    name: "coincheck",
    symbols: ["BTC/JPY", "ETH/JPY"],
    lacks: ["quotes", "ticker", "candles", "derivative", "liquidations"],
  },
  { name: "bittrade", symbols: ["BTC/JPY", "ETH/BTC"], lacks: ["derivative", "liquidations"] },
  { name: "hitbtc", symbols: ["BTC/USDT:USDT", "ETH/USDT:USDT"], lacks: ["liquidations"] },
  { name: "poloniex", symbols: ["BTC/USDT:USDT", "ETH/USDT:USDT"], lacks: ["liquidations"] },
  { name: "binance-us", symbols: ["BTC/USDT", "ETH/USD"], lacks: ["derivative", "liquidations"] },
  { name: "binance-tr", symbols: ["BTC/USDT", "ETH/TRY"], lacks: ["derivative", "liquidations"] },
  { name: "phemex", symbols: ["BTC/USDT:USDT", "BTC/USD:BTC"], lacks: ["quotes", "liquidations"] },
  {
    name: "okx-options",
    symbols: ["BTC/USD:BTC-261225-100000-C", "ETH/USD:ETH-261225-4000-P"],
    lacks: ["derivative", "liquidations"],
    also: ["options"],
    markets: 4,
  },
  {
    name: "okx-spreads",
    symbols: ["BTC-USDT_BTC-USDT-SWAP", "ETH-USDT_ETH-USDT-SWAP"],
    lacks: ["derivative", "liquidations"],
    markets: 2,
  },
  {
    name: "bybit-options",
    symbols: ["BTC/USDT:USDT-261225-100000-C", "ETH/USDT:USDT-261225-4000-P"],
    lacks: ["quotes", "candles", "derivative", "liquidations"],
    also: ["options"],
    markets: 4,
  },
  {
    name: "binance-options",
    symbols: ["BTC/USDT:USDT-261225-100000-C", "ETH/USDT:USDT-261225-4000-P"],
    lacks: ["derivative", "liquidations"],
    also: ["options"],
    markets: 4,
  },
  {
    name: "bullish",
    symbols: ["BTC/USDC:USDC", "ETH/USDC:USDC"],
    lacks: ["candles", "liquidations"],
  },
  { name: "delta", symbols: ["BTC/USDT:USDT", "ETH/USDT:USDT"], lacks: ["liquidations"], markets: 8 },
  {
    name: "bingx",
    symbols: ["BTC/USDT:USDT", "ETH/USDT:USDT"],
    lacks: ["liquidations"],
    also: ["funding"],
  },
  { name: "deepcoin", symbols: ["BTC/USDT:USDT", "BTC/USD:BTC"], lacks: ["quotes", "liquidations"] },
  { name: "gmo", symbols: ["BTC/JPY", "BTC/JPY:JPY"], lacks: ["candles", "derivative", "liquidations"] },
];

/** The shipped descriptors, each with all the channels that it lacks. */
export const SHIPPED: readonly ShippedDescriptor[] = DESCRIPTORS.map((one) => ({
  ...one,
  lacks: [...one.lacks, ...SELDOM.filter((channel) => !(one.also ?? []).includes(channel))],
}));

/** The channels that an exchange offers. */
export function offers(lacks: readonly Channel[]): readonly Channel[] {
  // Instruments come from the lists, whatever is subscribed to.
  return CHANNELS.filter((channel) => channel !== "instruments" && !lacks.includes(channel));
}

const CONFIG = new URL("../../config/", import.meta.url);

/** Text of a file below `config/`; null where there is none. */
export function readShipped(path: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(path, CONFIG));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** A shipped descriptor on its own. */
export function loadShipped(name: string): LoadedDescriptor {
  const path = `exchanges/${name}.toml`;
  const text = readShipped(path);
  if (text === null) throw new Error(`Cannot read ${path}`);
  return loadDescriptor({ file: { path, text }, readText: readShipped, environment: () => undefined });
}

/** A configuration of one instance of a shipped descriptor. */
export function loadInstance(options: {
  readonly name: string;
  readonly symbols: readonly string[];
  readonly channels: readonly Channel[];
  readonly more?: string;
}): LoadedConfig {
  const text = `[run]
http_port = 8090
[[exchange]]
name = "${options.name}"
descriptor_path = "exchanges/${options.name}.toml"
symbols = ${JSON.stringify(options.symbols)}
channels = ${JSON.stringify(options.channels)}
${options.more ?? ""}`;
  return loadConfig({
    path: "collector.toml",
    readText: (path) => path === "collector.toml" ? text : readShipped(path),
    environment: () => undefined,
    builtin: () => null,
  });
}
