import type { FramePlan } from "../../src/model/mod.ts";
import { bookFields, controlRule, eventRule, field, framePlan, MAKER_FLAG, source, when } from "./frame_plan.ts";

const time = (pointer: string) => field(pointer, { unit: "ms" });

/** Rules for Binance's combined streams of trades, book tickers and depth, built by hand. `futures`: the USD-M form. */
export function binancePlan(futures: boolean): FramePlan {
  const book = { channel: "book" as const, rows: "/data", exchangeTs: time(futures ? "/T" : "/E") };
  const sequences = { first_sequence: "/U", last_sequence: "/u" };
  return framePlan({
    exchange: futures ? "binance-usdm" : "binance",
    controls: [
      controlRule("ack", { action: "ack", when: when({ "/result": null, "/id": null }), correlation: source("/id") }),
      controlRule("reject", { action: "reject", when: when({ "/code": null }), reason: source("/msg") }),
    ],
    events: [
      eventRule("trade", {
        when: when({ "/data/e": "trade" }),
        rows: "/data",
        where: futures ? when({ "/X": "MARKET" }) : null,
        exchangeTs: time("/T"),
        fields: { trade_id: "/t", price: "/p", size: "/q", side: field("/m", { map: MAKER_FLAG }) },
      }),
      eventRule("book", {
        ...book,
        when: when({ "/data/e": "depthUpdate" }),
        fields: futures ? { ...sequences, previous_sequence: "/pu" } : sequences,
        book: bookFields("/b/*", "/a/*"),
      }),
      eventRule("quote", {
        channel: "quotes",
        when: futures ? when({ "/data/e": "bookTicker" }) : when({ "/stream": "btcusdt@bookTicker" }),
        rows: "/data",
        exchangeTs: futures ? time("/T") : null,
        fields: { bid_price: "/b", bid_size: "/B", ask_price: "/a", ask_size: "/A" },
      }),
    ],
  });
}
