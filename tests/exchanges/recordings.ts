/** Recordings that the shipped descriptors account for frame by frame, with what becomes of them. */
export const RECORDINGS: readonly {
  readonly exchange: string;
  readonly files: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}[] = [
  {
    exchange: "binance",
    files: ["binance-20211012-ws1", "binance-20211012-http"],
    counts: { book_delta: 177, book_snapshot: 4, candle: 2, quote: 84, trade: 2 },
  },
  {
    exchange: "binance",
    files: ["binance-20240808-btcusdt"],
    counts: { book_delta: 3451, book_snapshot: 1, quote: 28040, trade: 9757 },
  },
  {
    exchange: "binance-usdm",
    files: ["binance-usdm-20210722-ws1", "binance-usdm-20210722-http"],
    counts: { book_delta: 764, book_snapshot: 4, candle: 67, quote: 613, trade: 91 },
  },
  {
    exchange: "binance-usdm",
    files: ["binance-usdm-20240808-btcusdt"],
    counts: { book_delta: 6551, book_snapshot: 1, quote: 66089, trade: 21313 },
  },
  {
    exchange: "hyperliquid",
    files: ["hyperliquid-20250126-btcusd"],
    counts: { book_snapshot: 46, trade: 34 },
  },
  {
    exchange: "bybit",
    files: ["bybit-20260809-ws1"],
    counts: {
      "control ack": 17,
      book_delta: 1594,
      book_snapshot: 4,
      candle: 75,
      derivative_ticker: 192,
      ticker: 81,
      trade: 327,
    },
  },
  {
    exchange: "bybit",
    files: ["bybit-20260809-ws2"],
    counts: { "control ack": 7, book_delta: 548, book_snapshot: 2, candle: 25, ticker: 81, trade: 20 },
  },
  {
    exchange: "coinbase",
    files: ["coinbase-20210417-ws1"],
    counts: {
      "control last_match": 10,
      "control subscriptions": 3,
      book_delta: 9719,
      book_snapshot: 10,
      quote: 107,
      ticker: 107,
      trade: 97,
    },
  },
  {
    exchange: "binance-coinm",
    files: ["binance-coinm-20210722-ws1", "binance-coinm-20210722-http"],
    counts: { book_delta: 2047, book_snapshot: 10, candle: 33, quote: 2240, trade: 51 },
  },
  {
    exchange: "binance-coinm",
    files: ["binance-coinm-20240808-btcusdperp"],
    counts: { book_delta: 26847, book_snapshot: 1, quote: 19136, trade: 2286 },
  },
  {
    exchange: "bitstamp",
    files: ["bitstamp-20220105-ws1", "bitstamp-20220105-http"],
    counts: { "control ack": 20, book_delta: 717, book_snapshot: 10, trade: 10 },
  },
  {
    exchange: "deribit",
    files: ["deribit-20210722-ws1"],
    counts: {
      "control ack": 1,
      "empty quote": 7,
      book_delta: 36,
      book_snapshot: 10,
      option_summary: 89,
      quote: 89,
      ticker: 89,
    },
  },
  {
    exchange: "delta",
    files: ["delta-20211129-ws1"],
    counts: { "control ack": 1, book_snapshot: 309 },
  },
  {
    exchange: "kucoin",
    files: ["kucoin-20210425-ws1", "kucoin-20210425-http"],
    counts: {
      "control recorded_answer": 14,
      book_delta: 3853,
      book_snapshot: 9,
      candle: 6,
      quote: 830,
      trade: 18,
    },
  },
  {
    exchange: "coinbase-advanced",
    files: ["coinbase-advanced-20260809-ws1"],
    counts: {
      "control ack": 5,
      "control heartbeat": 25,
      book_delta: 773,
      book_snapshot: 2,
      candle: 204,
      quote: 160,
      ticker: 160,
      trade: 79,
    },
  },
  {
    exchange: "bitfinex",
    files: ["bitfinex-20210417-ws1"],
    counts: {
      "control ack": 21,
      "control conf": 1,
      "control heartbeat": 42,
      "control trade_history": 7,
      "control welcome": 1,
      book_delta: 1593,
      book_snapshot: 7,
      quote: 21,
      ticker: 21,
    },
  },
  {
    exchange: "bitmex",
    files: ["bitmex-20210722-ws1"],
    counts: {
      "control ack": 30,
      "control history": 20,
      "control welcome": 1,
      book_delta: 1969,
      book_snapshot: 10,
      quote: 426,
      trade: 17,
    },
  },
  {
    exchange: "okx",
    files: ["okx-20220513-ws1"],
    counts: { "control ack": 18, book_delta: 287, book_snapshot: 3, derivative_ticker: 3, ticker: 28, trade: 74 },
  },
  {
    exchange: "binance-us",
    files: ["binance-us-20211012-ws1", "binance-us-20211012-http"],
    counts: { book_delta: 336, book_snapshot: 4, candle: 5, quote: 128, trade: 11 },
  },
  {
    exchange: "binance-tr",
    files: ["binance-tr-20230410-ws1", "binance-tr-20230410-http"],
    counts: { book_delta: 84, book_snapshot: 3, candle: 8, quote: 47 },
  },
  {
    exchange: "hitbtc",
    files: ["hitbtc-20210715-ws1"],
    counts: { "control history": 20, "control v2_answer": 40, book_delta: 517, book_snapshot: 20, ticker: 203 },
  },
  {
    exchange: "poloniex",
    files: ["poloniex-20220821-ws1"],
    counts: { "control ack": 2, book_delta: 283, book_snapshot: 11, trade: 6 },
  },
  {
    exchange: "okcoin",
    files: ["okcoin-20230527-ws1"],
    counts: { "control ack": 40, book_delta: 2, book_snapshot: 4, candle: 12, ticker: 8, trade: 4 },
  },
  { exchange: "bithumb", files: ["bithumb-20210601-ws1"], counts: { "control legacy_answer": 2, trade: 7 } },
  {
    exchange: "independent-reserve",
    files: ["independent-reserve-20220403-ws1", "independent-reserve-20220403-http"],
    counts: { "control ack": 1, "control heartbeat": 1, book_delta: 6652, book_snapshot: 5, order: 6652 },
  },
];
