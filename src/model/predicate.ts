import type { Expression } from "./expression.ts";

/** A checked condition on a frame or a row: plain data, ready to be compiled. */
export type Predicate = ConditionPredicate | TablePredicate;

/** An expression that must be true. */
export interface ConditionPredicate extends Expression {
  readonly kind: "condition";
}

/** Tests on single values, all of which must hold. */
export interface TablePredicate {
  readonly kind: "table";
  /** The table as it was written, as JSON. */
  readonly source: string;
  readonly tests: readonly SourceTest[];
}

/** Checks on the value of one source. */
export interface SourceTest {
  /** As people read it: `/e = "trade" or "aggTrade"`. */
  readonly name: string;
  readonly source: Expression;
  /** All must hold. */
  readonly checks: readonly ValueCheck[];
}

/** JSON's kinds of values, as the test `is` names them. */
export type ValueKind = "null" | "array" | "object" | "string" | "number" | "bool";

/** One check on a value. Texts are compared with scalars; any other value passes only `not`. */
export type ValueCheck =
  | { readonly kind: "one_of" | "not"; readonly texts: readonly string[] }
  /** One of the texts must be at its beginning, at its end, or anywhere. */
  | { readonly kind: "prefix" | "suffix" | "contains"; readonly texts: readonly string[] }
  /** Whether the value is there; JSON null is there. */
  | { readonly kind: "exists"; readonly exists: boolean }
  | { readonly kind: "is"; readonly is: ValueKind }
  /** Numeric order; `number` is a decimal. */
  | { readonly kind: "gt" | "lt"; readonly number: string };
