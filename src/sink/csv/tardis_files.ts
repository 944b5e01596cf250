import type { EventKind, EventOf } from "../../model/mod.ts";

/** A file of Tardis: its name, and the event field of each of its columns, in its order. */
interface TardisFile<K extends EventKind> {
  readonly folder: string;
  /** Null for files with one record per level. */
  readonly columns: Readonly<Record<string, Exclude<keyof EventOf<K>, "kind">>> | null;
}

const BOOK = { folder: "incremental_book_L2", columns: null } as const;

/** The files of Tardis by kind (https://docs.tardis.dev/downloadable-csv-files). */
export const TARDIS_FILES: { readonly [K in EventKind]?: TardisFile<K> } = {
  trade: { folder: "trades", columns: { id: "trade_id", side: "side", price: "price", amount: "size" } },
  book_snapshot: BOOK,
  book_delta: BOOK,
  quote: {
    folder: "quotes",
    columns: { ask_amount: "ask_size", ask_price: "ask_price", bid_price: "bid_price", bid_amount: "bid_size" },
  },
  derivative_ticker: {
    folder: "derivative_ticker",
    columns: {
      funding_timestamp: "next_funding_ts",
      funding_rate: "funding_rate",
      predicted_funding_rate: "predicted_funding_rate",
      open_interest: "open_interest",
      last_price: "last_price",
      index_price: "index_price",
      mark_price: "mark_price",
    },
  },
  option_summary: {
    folder: "options_chain",
    columns: {
      type: "option_type",
      strike_price: "strike_price",
      expiration: "expiration_ts",
      open_interest: "open_interest",
      last_price: "last_price",
      bid_price: "bid_price",
      bid_amount: "bid_size",
      bid_iv: "bid_iv",
      ask_price: "ask_price",
      ask_amount: "ask_size",
      ask_iv: "ask_iv",
      mark_price: "mark_price",
      mark_iv: "mark_iv",
      underlying_index: "underlying_index",
      underlying_price: "underlying_price",
      delta: "delta",
      gamma: "gamma",
      vega: "vega",
      theta: "theta",
      rho: "rho",
    },
  },
  order: {
    folder: "orders",
    columns: {
      order_id: "order_id",
      side: "side",
      price: "price",
      amount: "size",
      change: "change",
      action: "action",
      sequence: "sequence",
    },
  },
  liquidation: { folder: "liquidations", columns: { id: "id", side: "side", price: "price", amount: "size" } },
};
