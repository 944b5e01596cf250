import type { Micros } from "../model/mod.ts";
import { type HttpAnswer, jsonAnswer } from "./dialect.ts";
import type { ExchangeFloor, ListedMarket } from "./exchange_floor.ts";
import { RollingWindow } from "./feed.ts";
import { trimmedText } from "./fixed.ts";
import { okxType } from "./okx_feeds.ts";
import type { BookSide } from "./order_book.ts";

/** The REST side: the lists of instruments and order books. */
export class OkxRest {
  readonly #floor: ExchangeFloor;
  readonly #windows = new Map<string, RollingWindow>();

  constructor(floor: ExchangeFloor) {
    this.#floor = floor;
  }

  answer(target: string, now: Micros): HttpAnswer {
    const url = new URL(target, "http://localhost");
    switch (url.pathname) {
      case "/api/v5/public/instruments":
        return this.#instruments(url.searchParams.get("instType") ?? "", now);
      case "/api/v5/market/books":
        return this.#books(url, now);
      default:
        return jsonAnswer(404, { code: "404", data: [], msg: "Not Found" });
    }
  }

  #instruments(instType: string, now: Micros): HttpAnswer {
    if (!["SPOT", "SWAP", "FUTURES", "OPTION"].includes(instType)) {
      return jsonAnswer(400, { code: "51000", data: [], msg: "Parameter instType error" });
    }
    const found = this.#windows.get(instType);
    const window = found ?? new RollingWindow({ max: 20, spanMs: 2_000 });
    if (found === undefined) this.#windows.set(instType, window);
    if (!window.admit(now)) return jsonAnswer(429, { code: "50011", data: [], msg: "Too Many Requests" });
    return jsonAnswer(200, { code: "0", data: okxInstruments(this.#floor, instType), msg: "" });
  }

  #books(url: URL, now: Micros): HttpAnswer {
    const instId = url.searchParams.get("instId") ?? "";
    const depth = Number(url.searchParams.get("sz") ?? "1");
    const listed = this.#floor.find(instId);
    if (listed === null) return jsonAnswer(400, { code: "51001", data: [], msg: "Instrument ID doesn't exist" });
    if (!Number.isInteger(depth) || depth < 1 || depth > 400) {
      return jsonAnswer(400, { code: "51000", data: [], msg: "Parameter sz error" });
    }
    const { book, instrument, updateId } = listed.market;
    const side = (name: BookSide) =>
      book.levels(name).slice(0, depth).map((level) => [
        trimmedText(level.price, instrument.priceDecimals),
        trimmedText(level.size, instrument.sizeDecimals),
        "0",
        "1",
      ]);
    const row = { asks: side("ask"), bids: side("bid"), ts: String(Math.floor(now / 1000)), seqId: updateId };
    return {
      ...jsonAnswer(200, { code: "0", data: [row], msg: "" }),
      content: { native: instId, events: { book_snapshot: 1 }, trades: [] },
    };
  }
}

/** The instruments of a type as REST and the `instruments` channel list them. */
export function okxInstruments(floor: ExchangeFloor, instType: string): readonly unknown[] {
  return floor.markets.filter(({ market }) => okxType(market.instrument.kind) === instType).map(describe);
}

function describe({ native, market }: ListedMarket): unknown {
  const { base, quote, settle, kind, priceDecimals, sizeDecimals, contractValue } = market.instrument;
  const spot = kind === "spot";
  return {
    instId: native,
    instType: okxType(kind),
    baseCcy: spot ? base : "",
    quoteCcy: spot ? quote : "",
    settleCcy: settle ?? "",
    uly: spot ? "" : `${base}-${quote}`,
    instFamily: spot ? "" : `${base}-${quote}`,
    ctVal: spot ? "" : contractValue,
    ctMult: spot ? "" : "1",
    ctType: spot ? "" : kind,
    ctValCcy: spot ? "" : kind === "linear" ? base : quote,
    tickSz: trimmedText(1, priceDecimals),
    lotSz: trimmedText(1, sizeDecimals),
    minSz: trimmedText(1, sizeDecimals),
    state: "live",
  };
}
