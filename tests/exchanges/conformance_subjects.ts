const NOW = "2026-08-22T19:33:47.000Z";
const OKX_V5 = ["2021-12-23T00:00:00.000Z", "2022-05-06T00:00:00.000Z", "2023-04-20T12:00:00.000Z"];

/** Messages of a proven mapper's tests that a shipped descriptor is held against. */
export interface ConformanceFile {
  /** Name of the file of messages. */
  readonly exchange: string;
  readonly versions: readonly (string | null)[];
  readonly descriptor: string;
  readonly connectionId: string;
  /** How its REST answers are written among the messages; absent: there are none. */
  readonly answers?: "streams" | "marked";
}

export const CONFORMANCE_FILES: readonly ConformanceFile[] = [
  {
    exchange: "binance",
    versions: [NOW],
    descriptor: "binance",
    connectionId: "public",
    answers: "streams",
  },
  {
    exchange: "binance-futures",
    versions: [NOW],
    descriptor: "binance-usdm",
    connectionId: "unrouted",
    answers: "streams",
  },
  {
    exchange: "binance-delivery",
    versions: [NOW],
    descriptor: "binance-coinm",
    connectionId: "public",
    answers: "streams",
  },
  {
    exchange: "bitstamp",
    versions: [null],
    descriptor: "bitstamp",
    connectionId: "public",
    answers: "marked",
  },
  {
    exchange: "kucoin",
    versions: ["2022-08-16T00:00:00.464Z"],
    descriptor: "kucoin",
    connectionId: "public",
    answers: "marked",
  },
  {
    exchange: "kucoin-futures",
    versions: ["2024-01-22T00:00:00.081Z"],
    descriptor: "kucoin-futures",
    connectionId: "public",
    answers: "marked",
  },
  { exchange: "coinbase", versions: [null], descriptor: "coinbase", connectionId: "exchange" },
  {
    exchange: "kraken",
    versions: ["2026-07-10T00:00:00.000Z"],
    descriptor: "kraken",
    connectionId: "public",
  },
  { exchange: "kraken", versions: ["2019-09-01T00:00:01.275Z"], descriptor: "kraken-v1", connectionId: "public" },
  { exchange: "deribit", versions: [null], descriptor: "deribit", connectionId: "public" },
  { exchange: "bitfinex", versions: [null], descriptor: "bitfinex", connectionId: "spot" },
  {
    exchange: "bitfinex-derivatives",
    versions: [null],
    descriptor: "bitfinex",
    connectionId: "derivatives",
  },
  { exchange: "bitmex", versions: [null], descriptor: "bitmex", connectionId: "derivatives" },
  { exchange: "bitflyer", versions: [null], descriptor: "bitflyer", connectionId: "public" },
  {
    exchange: "hyperliquid",
    versions: ["2024-08-23T00:00:00.498Z"],
    descriptor: "hyperliquid",
    connectionId: "public",
  },
  { exchange: "okex", versions: OKX_V5, descriptor: "okx", connectionId: "public" },
  { exchange: "okex-futures", versions: OKX_V5, descriptor: "okx", connectionId: "derivatives" },
  { exchange: "okex-swap", versions: OKX_V5, descriptor: "okx", connectionId: "derivatives" },
  {
    exchange: "bybit",
    versions: ["2023-04-05T00:00:00.000Z", "2025-02-26T00:00:00.000Z"],
    descriptor: "bybit",
    connectionId: "linear",
  },
  { exchange: "okex-options", versions: OKX_V5, descriptor: "okx-options", connectionId: "public" },
  {
    exchange: "okex-spreads",
    versions: ["2023-12-22T00:00:00.081Z"],
    descriptor: "okx-spreads",
    connectionId: "business",
  },
  {
    exchange: "bybit-options",
    versions: ["2023-04-05T00:00:00.000Z"],
    descriptor: "bybit-options",
    connectionId: "option",
  },
  {
    exchange: "binance-european-options",
    versions: ["2025-12-17T00:00:00.081Z"],
    descriptor: "binance-options",
    connectionId: "market",
  },
  {
    exchange: "bullish",
    versions: ["2026-04-24T01:19:40.250Z", "2026-04-24T13:04:20.636Z", "2026-04-24T14:58:55.000Z"],
    descriptor: "bullish",
    connectionId: "tick",
  },
  {
    exchange: "delta",
    versions: ["2020-10-14T00:00:01.275Z", "2023-04-01T00:00:00.000Z"],
    descriptor: "delta",
    connectionId: "legacy",
  },
  { exchange: "bybit-spot", versions: ["2023-04-05T00:00:59.464Z"], descriptor: "bybit", connectionId: "spot" },
  {
    exchange: "cryptofacilities",
    versions: ["2019-09-01T00:00:01.275Z", "2022-09-30T00:00:01.275Z"],
    descriptor: "kraken-futures",
    connectionId: "public",
  },
  {
    exchange: "aster",
    versions: [NOW],
    descriptor: "aster",
    connectionId: "public",
    answers: "streams",
  },
  {
    exchange: "aster-futures",
    versions: [NOW],
    descriptor: "aster-futures",
    connectionId: "public",
    answers: "streams",
  },
  {
    exchange: "dydx-v4",
    versions: ["2024-08-23T00:00:00.498Z"],
    descriptor: "dydx-v4",
    connectionId: "book",
  },
  {
    exchange: "lighter",
    versions: ["2026-04-20T11:35:00.000Z"],
    descriptor: "lighter",
    connectionId: "perp",
  },
  { exchange: "hitbtc", versions: [null], descriptor: "hitbtc", connectionId: "v2" },
  {
    exchange: "poloniex",
    versions: ["2022-08-02T00:00:01.275Z"],
    descriptor: "poloniex",
    connectionId: "spot",
  },
];
