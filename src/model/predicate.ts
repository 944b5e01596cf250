import type { Expression } from "./expression.ts";

/** A checked condition on a frame or a row: plain data, ready to be compiled. */
export type Predicate = ConditionPredicate | TablePredicate;

/** An expression that has to be true. */
export interface ConditionPredicate extends Expression {
  readonly kind: "condition";
}

/** Tests on single values, all of which have to hold. */
export interface TablePredicate {
  readonly kind: "table";
  /** The table as it was written, as JSON. */
  readonly source: string;
  readonly tests: readonly SourceTest[];
}

/** What is asked of the value that one source gives. */
export interface SourceTest {
  /** As people read it: `/e = "trade" or "aggTrade"`. */
  readonly name: string;
  readonly source: Expression;
  /** All of them have to hold. */
  readonly checks: readonly ValueCheck[];
}

/** JSON's kinds of values, as the test `is` names them. */
export type ValueKind = "null" | "array" | "object" | "string" | "number" | "bool";

/** One thing that is asked of a value. Texts are those of scalars; a value that is none meets no check on texts but `not`. */
export type ValueCheck =
  | { readonly kind: "one_of" | "not"; readonly texts: readonly string[] }
  /** One of the texts has to stand at its beginning, at its end, or anywhere. */
  | { readonly kind: "prefix" | "suffix" | "contains"; readonly texts: readonly string[] }
  /** Whether the value is there; JSON null is there. */
  | { readonly kind: "exists"; readonly exists: boolean }
  | { readonly kind: "is"; readonly is: ValueKind }
  /** Numeric order; `number` is a decimal. */
  | { readonly kind: "gt" | "lt"; readonly number: string };
