import type { Decimal } from "./decimal.ts";

/** What a feed of single orders says of one order of a book. */
export interface OrderChange {
  /** The exchange's id of the order. */
  readonly id: string;
  /** Null where only the id tells. */
  readonly side: "bid" | "ask" | null;
  /** Null where the order stays at its price. */
  readonly price: Decimal | null;
  /** What is left of the order; zero removes it. Null where `change` says it. */
  readonly size: Decimal | null;
  /** What is added to what was left. */
  readonly change: Decimal | null;
}
