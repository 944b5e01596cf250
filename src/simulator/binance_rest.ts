import { type HttpAnswer, jsonAnswer } from "./dialect.ts";
import type { ExchangeFloor, ListedMarket } from "./exchange_floor.ts";
import { RollingWindow } from "./feed.ts";
import { fixedText, notional, paddedText } from "./fixed.ts";
import type { BookSide } from "./order_book.ts";
import type { Micros } from "../model/mod.ts";

/** Request weight that one address may use a minute. */
const WEIGHT_MAX = 6_000;
const MINUTE_MS = 60_000;
const DEPTH_LIMIT_MAX = 5_000;
const DEPTH_LIMIT_DEFAULT = 100;
const TRADES_LIMIT_MAX = 1_000;

/** The REST side: order book snapshots and the list of symbols, with the weight counted. */
export class BinanceRest {
  readonly #floor: ExchangeFloor;
  readonly #weight = new RollingWindow({ max: WEIGHT_MAX, spanMs: MINUTE_MS });

  constructor(floor: ExchangeFloor) {
    this.#floor = floor;
  }

  answer(target: string, now: Micros): HttpAnswer {
    const url = new URL(target, "http://localhost");
    const limit = Number(url.searchParams.get("limit") ?? DEPTH_LIMIT_DEFAULT);
    const weight = weightOf(url.pathname, limit);
    if (!this.#weight.admit(now, weight)) {
      const msg = `Too much request weight used; current limit is ${WEIGHT_MAX} request weight per 1 MINUTE.`;
      return jsonAnswer(429, { code: -1003, msg }, { "Retry-After": "60" });
    }
    const answer = this.#answerAllowed(url, limit);
    return { ...answer, headers: { ...answer.headers, "x-mbx-used-weight-1m": String(this.#weight.used(now)) } };
  }

  #answerAllowed(url: URL, limit: number): HttpAnswer {
    switch (url.pathname) {
      case "/api/v3/depth":
        return this.#depth(url.searchParams.get("symbol"), limit);
      case "/api/v3/historicalTrades":
        return this.#trades(url);
      case "/api/v3/exchangeInfo":
        return this.#exchangeInfo();
      default:
        return jsonAnswer(404, { code: -1, msg: "Not found" });
    }
  }

  #depth(symbol: string | null, limit: number): HttpAnswer {
    if (symbol === null) {
      const msg = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.";
      return jsonAnswer(400, { code: -1102, msg });
    }
    const listed = this.#floor.find(symbol);
    if (listed === null) return jsonAnswer(400, { code: -1121, msg: "Invalid symbol." });
    if (!Number.isInteger(limit) || limit < 1) {
      return jsonAnswer(400, { code: -1100, msg: "Illegal characters found in parameter 'limit'." });
    }
    const { book, instrument, updateId } = listed.market;
    const side = (name: BookSide) =>
      book.levels(name).slice(0, Math.min(limit, DEPTH_LIMIT_MAX)).map((level) => [
        paddedText(level.price, instrument.priceDecimals, 8),
        paddedText(level.size, instrument.sizeDecimals, 8),
      ]);
    return {
      ...jsonAnswer(200, { lastUpdateId: updateId, bids: side("bid"), asks: side("ask") }),
      content: { native: symbol, events: { book_snapshot: 1 }, trades: [] },
    };
  }

  /** Trades from an id on, oldest first; without one the newest. */
  #trades(url: URL): HttpAnswer {
    const listed = this.#floor.find(url.searchParams.get("symbol") ?? "");
    if (listed === null) return jsonAnswer(400, { code: -1121, msg: "Invalid symbol." });
    const limit = Math.min(Number(url.searchParams.get("limit") ?? 500), TRADES_LIMIT_MAX);
    const from = url.searchParams.get("fromId");
    const { history, instrument } = listed.market;
    const { priceDecimals, sizeDecimals } = instrument;
    const rows = from === null ? history.slice(-limit) : history.filter(({ id }) => id >= Number(from)).slice(0, limit);
    return jsonAnswer(
      200,
      rows.map(({ id, at, price, size, side }) => ({
        id,
        price: paddedText(price, priceDecimals, 8),
        qty: paddedText(size, sizeDecimals, 8),
        quoteQty: paddedText(notional(price, size), priceDecimals + sizeDecimals, 8),
        time: Math.floor(at / 1000),
        isBuyerMaker: side === "sell",
        isBestMatch: true,
      })),
    );
  }

  #exchangeInfo(): HttpAnswer {
    return jsonAnswer(200, {
      timezone: "UTC",
      rateLimits: [{ rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit: WEIGHT_MAX }],
      symbols: this.#floor.markets.map(describeSymbol),
    });
  }
}

function describeSymbol({ native, market }: ListedMarket): unknown {
  const { base, quote, priceDecimals, sizeDecimals } = market.instrument;
  return {
    symbol: native,
    status: "TRADING",
    baseAsset: base,
    quoteAsset: quote,
    isSpotTradingAllowed: true,
    filters: [
      { filterType: "PRICE_FILTER", tickSize: paddedText(1, priceDecimals, 8) },
      { filterType: "LOT_SIZE", stepSize: paddedText(1, sizeDecimals, 8), minQty: fixedText(1, sizeDecimals) },
    ],
  };
}

/** Weight of a request. */
function weightOf(path: string, limit: number): number {
  if (path === "/api/v3/depth") return depthWeight(limit);
  return path === "/api/v3/historicalTrades" ? 25 : 20;
}

/** Weight of a depth request by its limit. */
function depthWeight(limit: number): number {
  return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1_000 ? 50 : 250;
}
