import assert from "node:assert/strict";
import {
  compareCases,
  conformanceFile,
  type ConformanceSubject,
  conformanceTable,
  readConformance,
} from "../support/conformance.ts";
import { CONFORMANCE_FILES } from "../exchanges/conformance_subjects.ts";
import { testOnShared } from "../support/recordings.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

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
  return CONFORMANCE_FILES.map(({ exchange, versions, descriptor, connectionId, answers }) => ({
    exchange,
    versions,
    shipped: loadShipped(descriptor),
    connectionId,
    ...(answers === undefined ? {} : { restAnswer: answers === "streams" ? binanceAnswer : generatedAnswer }),
  }));
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
