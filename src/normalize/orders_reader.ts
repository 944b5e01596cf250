import { type NodeId } from "../json/mod.ts";
import { isDecimal, type OrderChange } from "../model/mod.ts";
import type { CompiledBookFields, CompiledLevel, CompiledRows } from "../program/mod.ts";
import type { ReadContext } from "./context.ts";
import { expressionText, FieldReader } from "./field.ts";
import { RowList } from "./rows.ts";

/** The order changes of one row, and whether the frame has both sides, even if they are empty. */
export interface ReadOrders {
  readonly changes: OrderChange[];
  readonly hasSides: boolean;
}

/** Compiles the reader of a feed of single orders; null if the rule reads levels. */
export function createOrdersReader(
  owner: string,
  book: CompiledBookFields,
): ((context: ReadContext) => ReadOrders) | null {
  if (book.bidLevel.order === null) return null;
  const bid = new OrderReader(`${owner}.bids`, book.bidLevel);
  const ask = new OrderReader(`${owner}.asks`, book.askLevel);
  const list = new RowList();
  const side = book.side === null ? null : new FieldReader({ ...book.side, required: false }, `${owner}.side`);
  const each = (context: ReadContext, rows: CompiledRows | null, read: (node: NodeId) => void): boolean => {
    if (rows === null) return true;
    const { row, parent } = context.scope;
    list.collect(context.document, rows, row);
    for (const node of list.rows) {
      // A frame writes an empty part as null.
      if (context.document.kind(node) === "null") continue;
      context.atRow(node, row);
      read(node);
    }
    context.atRow(row, parent);
    return list.found;
  };
  const places = book.levels === null ? [] : [book.levels, ...book.furtherLevels];
  return (context) => {
    const changes: OrderChange[] = [];
    const push = (change: OrderChange | null) => {
      if (change !== null) changes.push(change);
    };
    const hasBids = each(context, book.bids, () => push(bid.read(context, "bid")));
    const hasAsks = each(context, book.asks, () => push(ask.read(context, "ask")));
    let hasSides = book.bids !== null && hasBids && hasAsks;
    for (const rows of places) {
      const found = each(context, rows, () => {
        const tagged = side === null ? "none" : side.oneOf(context, LEVEL_SIDES, "none");
        push(bid.read(context, tagged === "none" ? null : tagged));
      });
      hasSides ||= found;
    }
    return { changes, hasSides };
  };
}

const LEVEL_SIDES = ["bid", "ask", "none"] as const;

/** Reads one order at the current row. */
class OrderReader {
  readonly #rule: CompiledLevel;
  readonly #where: string;

  constructor(where: string, rule: CompiledLevel) {
    this.#rule = rule;
    this.#where = where;
  }

  /** Returns the change; null, with a fault, if it cannot be read. */
  read(context: ReadContext, side: OrderChange["side"]): OrderChange | null {
    const rule = this.#rule;
    const id = rule.id === null ? null : expressionText(context, rule.id);
    const price = expressionText(context, rule.price);
    const size = expressionText(context, rule.size);
    const change = rule.order?.change == null ? null : expressionText(context, rule.order.change);
    if (id === null) return this.#fail(context, "missing_field", rule.id?.source ?? "");
    if (price !== null && !isDecimal(price)) return this.#fail(context, "bad_decimal", rule.price.source);
    if (size === null && change === null) return this.#fail(context, "missing_field", rule.size.source);
    if (!isDecimal(size ?? change ?? "")) return this.#fail(context, "bad_decimal", rule.size.source);
    return { id, side, price, size, change: size === null ? change : null };
  }

  #fail(context: ReadContext, code: "missing_field" | "bad_decimal", source: string): null {
    context.fail(code, `${this.#where} ${source}`);
    return null;
  }
}
