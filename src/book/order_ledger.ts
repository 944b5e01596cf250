import { BOOK_ORDERS_MAX, type Decimal, type Level, type OrderChange } from "../model/mod.ts";
import { addExact, type Exact, exactKey, exactOf, exactText, NOTHING } from "./exact_sum.ts";
import type { BookSide } from "./order_book.ts";

/** One order as plain JSON: id, side, price and remaining size. */
export type LedgerEntry = readonly [id: string, side: BookSide, price: Decimal, size: Decimal];

interface Order {
  readonly side: BookSide;
  readonly price: Decimal;
  readonly key: string;
  readonly size: Exact;
}

/** The orders at one price. */
interface PriceLevel {
  price: Decimal;
  total: Exact;
  orders: number;
}

/** Result of order changes. */
export interface LedgerResult {
  readonly bids: Level[];
  readonly asks: Level[];
  /** The first change that could not be applied; null if all were. */
  readonly fault: string | null;
}

/**
 * The single orders of one book, aggregated to levels. A known id that is sent again replaces its order. Removing an
 * unknown order does nothing, as with levels; changing one is a fault, because its size is unknown.
 */
export class OrderLedger {
  readonly #orders = new Map<string, Order>();
  readonly #levels = { bid: new Map<string, PriceLevel>(), ask: new Map<string, PriceLevel>() };

  get size(): number {
    return this.#orders.size;
  }

  /** Whether there are more than BOOK_ORDERS_MAX orders. */
  get isFull(): boolean {
    return this.#orders.size > BOOK_ORDERS_MAX;
  }

  /** Removes all orders. */
  clear(): void {
    this.#orders.clear();
    this.#levels.bid.clear();
    this.#levels.ask.clear();
  }

  /** Applies changes in order. Returns the changed levels with absolute sizes: zero if no order is left. */
  apply(changes: readonly OrderChange[]): LedgerResult {
    const touched = { bid: new Map<string, Decimal>(), ask: new Map<string, Decimal>() };
    let fault: string | null = null;
    for (const change of changes) {
      const wrong = this.#applyOne(change, touched);
      fault ??= wrong;
    }
    if (this.#orders.size > BOOK_ORDERS_MAX) fault ??= `${this.#orders.size} orders`;
    return { bids: this.#list("bid", touched.bid), asks: this.#list("ask", touched.ask), fault };
  }

  /** Returns the orders as plain JSON. */
  saveState(): readonly LedgerEntry[] {
    return [...this.#orders].map(([id, { side, price, size }]) => [id, side, price, exactText(size)]);
  }

  /** Restores the orders that `saveState` returned. */
  restoreState(entries: readonly LedgerEntry[]): void {
    this.clear();
    this.apply(entries.map(([id, side, price, size]) => ({ id, side, price, size, change: null })));
  }

  #applyOne(change: OrderChange, touched: Readonly<Record<BookSide, Map<string, Decimal>>>): string | null {
    const known = this.#orders.get(change.id);
    const size = sizeAfter(change, known);
    if (size === "unreadable") return `order ${change.id} has a number that no sum can hold`;
    if (size === "unknown") return `order ${change.id} is not known`;
    if (known !== undefined) {
      this.#orders.delete(change.id);
      this.#add(known, { units: -known.size.units, scale: known.size.scale }, -1);
      touched[known.side].set(known.key, known.price);
    }
    if (size.units <= 0n) return null;
    const side = change.side ?? known?.side;
    const price = change.price ?? known?.price;
    if (side === undefined || price === undefined) return `order ${change.id} is not known`;
    const exact = exactOf(price);
    if (exact === null) return `order ${change.id} has a number that no sum can hold`;
    const order = { side, price, key: exactKey(exact), size };
    this.#orders.set(change.id, order);
    this.#add(order, size, 1);
    touched[side].set(order.key, price);
    return null;
  }

  #add({ side, key, price }: Order, size: Exact, orders: 1 | -1): void {
    const levels = this.#levels[side];
    const level = levels.get(key) ?? { price, total: NOTHING, orders: 0 };
    level.orders += orders;
    if (level.orders === 0) {
      levels.delete(key);
      return;
    }
    // A level of a single order keeps that order's decimals.
    level.total = level.orders === 1 && orders === 1 ? size : addExact(level.total, size);
    levels.set(key, level);
  }

  #list(side: BookSide, touched: ReadonlyMap<string, Decimal>): Level[] {
    const levels = this.#levels[side];
    return [...touched].map(([key, price]): Level => {
      const level = levels.get(key);
      return level === undefined ? [price, "0"] : [level.price, exactText(level.total)];
    });
  }
}

/** Returns the remaining size of an order after a change. */
function sizeAfter({ size, change }: OrderChange, known: Order | undefined): Exact | "unreadable" | "unknown" {
  if (size !== null) return exactOf(size) ?? "unreadable";
  const added = exactOf(change ?? "0");
  if (added === null) return "unreadable";
  return known === undefined ? "unknown" : addExact(known.size, added);
}
