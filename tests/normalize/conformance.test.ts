import assert from "node:assert/strict";
import {
  compareCases,
  conformanceFile,
  type ConformanceSubject,
  conformanceTable,
  readConformance,
} from "../support/conformance.ts";
import { testOnShared } from "../support/recordings.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

const NOW = "2026-08-22T19:33:47.000Z";
const OKX_V5 = ["2021-12-23T00:00:00.000Z", "2022-05-06T00:00:00.000Z", "2023-04-20T12:00:00.000Z"];

/** Why an outcome differs on purpose. */
interface Deviation {
  readonly reason: string;
}

const BROKEN_CHAIN: Deviation = {
  reason: "the case leaves updates out: the chain that the exchange documents is broken, so the book is not valid here",
};
const IMAGE_FIRST: Deviation = {
  reason: "a change before the first image of its book says nothing; the mapper passes it on",
};

/** Messages whose outcome differs on purpose, by exchange, index and kind. */
const DEVIATIONS: Readonly<Record<string, Deviation>> = {
  "binance-delivery 5 book_change": BROKEN_CHAIN,
  "bitstamp 4 book_change": {
    reason: "the book of this message is crossed (bid 60000, ask 168.75): a crossed book never leaves as valid",
  },
  "kucoin 12 book_change": BROKEN_CHAIN,
  "kucoin 13 book_change": BROKEN_CHAIN,
  "kucoin 15 book_change": BROKEN_CHAIN,
  "kucoin-futures 4 book_change": BROKEN_CHAIN,
  "deribit 1 book_ticker": {
    reason: "the channel of quotes is read, with every change; the mapper takes the best prices of tickers alone",
  },
  "bitfinex 7 book_change": BROKEN_CHAIN,
  "bitfinex 8 book_change": BROKEN_CHAIN,
  "bitfinex 9 book_change": BROKEN_CHAIN,
  "bitmex 6 book_change": {
    reason: "an image of two symbols at once, which no subscription gives; an image is taken to be of its first symbol",
  },
  "bitmex 9 book_change": IMAGE_FIRST,
  "bitmex 16 book_change": IMAGE_FIRST,
  "okex-futures 9 liquidation": {
    reason: "a message that its recorder made of a retired REST poll; the exchange sends liquidation-orders",
  },
  "okex-futures 12 liquidation": {
    reason: "the mapper leaves out the first liquidation of a connection; the protocol knows no history there",
  },
  "okex-swap 3 book_ticker": {
    reason: "quotes come from bbo-tbt, as in the cases since 2022; this one is of the time before it, from tickers",
  },
  "bybit-spot 3 book_ticker": {
    reason: "a delta of orderbook.1, not sent since 2024, names one side; the mapper fills in the other from memory",
  },
  "cryptofacilities 5 derivative_ticker": {
    reason:
      "a message of 2019, of which the mapper took absolute rates of funding; fractions are read, as it does since 2022",
  },
  "aster-futures 2 trade": {
    reason:
      "an aggregate is read where it is subscribed in place of single trades; the mapper knows single trades alone",
  },
  "aster-futures 4 book_change": {
    reason: "the book of this message is crossed (bid 8493.78, ask 4096): a crossed book never leaves as valid",
  },
  "aster-futures 5 book_change": {
    reason: "the book that this message changes is crossed",
  },
};

/** The same for every message of an exchange and kind of which one differs. */
const GENERAL_DEVIATIONS: Readonly<Record<string, Deviation>> = {
  "delta derivative_ticker": {
    reason:
      "rates of funding are sent as percent: they leave as fractions, as of all exchanges; the mapper passes them on",
  },
};

/** Binance's REST answers are written as messages of streams that do not exist. */
function binanceAnswer(message: unknown) {
  const { stream, data } = message as { readonly stream?: string; readonly data?: unknown };
  if (stream === undefined) return null;
  const [symbol, channel] = stream.split("@");
  const request = { depthSnapshot: "depth_snapshot", openInterest: "open_interest" }[channel];
  return request === undefined ? null : { request, native: symbol.toUpperCase(), body: data };
}

/** The books of KuCoin's and Bitstamp's REST answers are written as messages of the feed. */
function generatedAnswer(message: unknown) {
  const { generated, topic, channel, code, data } = message as Readonly<Record<string, unknown>>;
  if (generated !== true) return null;
  if (typeof topic === "string") return { request: "book_snapshot", native: topic.split(":")[1], body: { code, data } };
  return { request: "book_snapshot", native: String(channel).split("_").at(-1) ?? "", body: data };
}

function subjects(): ConformanceSubject[] {
  const okx = loadShipped("okx");
  const bybit = loadShipped("bybit");
  return [
    {
      exchange: "binance",
      versions: [NOW],
      shipped: loadShipped("binance"),
      connectionId: "public",
      restAnswer: binanceAnswer,
    },
    {
      exchange: "binance-futures",
      versions: [NOW],
      shipped: loadShipped("binance-usdm"),
      connectionId: "unrouted",
      restAnswer: binanceAnswer,
    },
    {
      exchange: "binance-delivery",
      versions: [NOW],
      shipped: loadShipped("binance-coinm"),
      connectionId: "public",
      restAnswer: binanceAnswer,
    },
    {
      exchange: "bitstamp",
      versions: [null],
      shipped: loadShipped("bitstamp"),
      connectionId: "public",
      restAnswer: generatedAnswer,
    },
    {
      exchange: "kucoin",
      versions: ["2022-08-16T00:00:00.464Z"],
      shipped: loadShipped("kucoin"),
      connectionId: "public",
      restAnswer: generatedAnswer,
    },
    {
      exchange: "kucoin-futures",
      versions: ["2024-01-22T00:00:00.081Z"],
      shipped: loadShipped("kucoin-futures"),
      connectionId: "public",
      restAnswer: generatedAnswer,
    },
    { exchange: "coinbase", versions: [null], shipped: loadShipped("coinbase"), connectionId: "exchange" },
    {
      exchange: "kraken",
      versions: ["2026-07-10T00:00:00.000Z"],
      shipped: loadShipped("kraken"),
      connectionId: "public",
    },
    { exchange: "deribit", versions: [null], shipped: loadShipped("deribit"), connectionId: "public" },
    { exchange: "bitfinex", versions: [null], shipped: loadShipped("bitfinex"), connectionId: "spot" },
    {
      exchange: "bitfinex-derivatives",
      versions: [null],
      shipped: loadShipped("bitfinex"),
      connectionId: "derivatives",
    },
    { exchange: "bitmex", versions: [null], shipped: loadShipped("bitmex"), connectionId: "derivatives" },
    { exchange: "bitflyer", versions: [null], shipped: loadShipped("bitflyer"), connectionId: "public" },
    {
      exchange: "hyperliquid",
      versions: ["2024-08-23T00:00:00.498Z"],
      shipped: loadShipped("hyperliquid"),
      connectionId: "public",
    },
    { exchange: "okex", versions: OKX_V5, shipped: okx, connectionId: "public" },
    { exchange: "okex-futures", versions: OKX_V5, shipped: okx, connectionId: "derivatives" },
    { exchange: "okex-swap", versions: OKX_V5, shipped: okx, connectionId: "derivatives" },
    {
      exchange: "bybit",
      versions: ["2023-04-05T00:00:00.000Z", "2025-02-26T00:00:00.000Z"],
      shipped: bybit,
      connectionId: "linear",
    },
    { exchange: "okex-options", versions: OKX_V5, shipped: loadShipped("okx-options"), connectionId: "public" },
    {
      exchange: "okex-spreads",
      versions: ["2023-12-22T00:00:00.081Z"],
      shipped: loadShipped("okx-spreads"),
      connectionId: "business",
    },
    {
      exchange: "bybit-options",
      versions: ["2023-04-05T00:00:00.000Z"],
      shipped: loadShipped("bybit-options"),
      connectionId: "option",
    },
    {
      exchange: "binance-european-options",
      versions: ["2025-12-17T00:00:00.081Z"],
      shipped: loadShipped("binance-options"),
      connectionId: "market",
    },
    {
      exchange: "bullish",
      versions: ["2026-04-24T01:19:40.250Z", "2026-04-24T13:04:20.636Z", "2026-04-24T14:58:55.000Z"],
      shipped: loadShipped("bullish"),
      connectionId: "tick",
    },
    {
      exchange: "delta",
      versions: ["2020-10-14T00:00:01.275Z", "2023-04-01T00:00:00.000Z"],
      shipped: loadShipped("delta"),
      connectionId: "legacy",
    },
    { exchange: "bybit-spot", versions: ["2023-04-05T00:00:59.464Z"], shipped: bybit, connectionId: "spot" },
    {
      exchange: "cryptofacilities",
      versions: ["2019-09-01T00:00:01.275Z", "2022-09-30T00:00:01.275Z"],
      shipped: loadShipped("kraken-futures"),
      connectionId: "public",
    },
    {
      exchange: "aster",
      versions: [NOW],
      shipped: loadShipped("aster"),
      connectionId: "public",
      restAnswer: binanceAnswer,
    },
    {
      exchange: "aster-futures",
      versions: [NOW],
      shipped: loadShipped("aster-futures"),
      connectionId: "public",
      restAnswer: binanceAnswer,
    },
    {
      exchange: "dydx-v4",
      versions: ["2024-08-23T00:00:00.498Z"],
      shipped: loadShipped("dydx-v4"),
      connectionId: "book",
    },
    {
      exchange: "lighter",
      versions: ["2026-04-20T11:35:00.000Z"],
      shipped: loadShipped("lighter"),
      connectionId: "perp",
    },
    { exchange: "hitbtc", versions: [null], shipped: loadShipped("hitbtc"), connectionId: "v2" },
    {
      exchange: "poloniex",
      versions: ["2022-08-02T00:00:01.275Z"],
      shipped: loadShipped("poloniex"),
      connectionId: "spot",
    },
  ];
}

testOnShared(
  subjects().map(conformanceFile),
  "shipped descriptors give what a proven mapper gives, but for the deviations that are justified",
  () => {
    const comparisons = subjects().flatMap((subject) => {
      const lines = readConformance(subject);
      assert.ok(lines !== null);
      return compareCases(subject, lines);
    });
    assert.ok(comparisons.length > 0);
    console.log(conformanceTable(comparisons));
    const unmet = new Set(Object.keys(DEVIATIONS));
    for (const { exchange, index, kind, passed, expected, actual } of comparisons) {
      const key = `${exchange} ${index} ${kind}`;
      const deviation = DEVIATIONS[key];
      if (deviation === undefined && !passed && GENERAL_DEVIATIONS[`${exchange} ${kind}`] !== undefined) {
        console.log(`${key}: ${GENERAL_DEVIATIONS[`${exchange} ${kind}`].reason}`);
        continue;
      }
      if (deviation === undefined) {
        assert.ok(passed, `${key}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
        continue;
      }
      unmet.delete(key);
      assert.ok(!passed, `${key} conforms now: take it off the list`);
      console.log(`${key}: ${deviation.reason}`);
    }
    assert.deepEqual([...unmet], [], "Deviations that no message shows");
  },
);
