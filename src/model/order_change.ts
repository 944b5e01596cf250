import type { Decimal } from "./decimal.ts";

/** A change of one order, from a feed of single orders. */
export interface OrderChange {
  /** The exchange's id of the order. */
  readonly id: string;
  /** Null if the feed gives only the id. */
  readonly side: "bid" | "ask" | null;
  /** Null if the price is unchanged. */
  readonly price: Decimal | null;
  /** Remaining size; zero removes the order. Null if `change` is given. */
  readonly size: Decimal | null;
  /** Amount added to the remaining size. Null if `size` is given. */
  readonly change: Decimal | null;
}
