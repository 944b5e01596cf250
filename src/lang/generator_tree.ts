import type { Span } from "../model/mod.ts";
import type { TemplatePart } from "./placeholder.ts";

/** List that a loop runs over. */
export type GeneratorList = "symbols" | "channels";

/** One side of a comparison in a condition. */
export type GeneratorOperand =
  | { readonly kind: "text"; readonly value: string }
  /** A loop variable: the canonical name of the symbol or channel. */
  | { readonly kind: "variable"; readonly name: string }
  /** A part of the symbol of the innermost loop over symbols: `family`, `base`. */
  | { readonly kind: "part"; readonly name: string }
  | { readonly kind: "conn_id" };

/** A condition. Chains of `&&` and `||` are one node. */
export type GeneratorCondition =
  | {
    readonly kind: "compare";
    readonly isEqual: boolean;
    readonly left: GeneratorOperand;
    readonly right: GeneratorOperand;
  }
  | { readonly kind: "and" | "or"; readonly operands: readonly GeneratorCondition[] };

/** A statement of a generator. */
export type GeneratorStatement =
  & Span
  & (
    | {
      readonly kind: "foreach";
      readonly variable: string;
      readonly list: GeneratorList;
      readonly body: readonly GeneratorStatement[];
    }
    | {
      readonly kind: "if";
      readonly branches: readonly {
        readonly condition: GeneratorCondition;
        readonly body: readonly GeneratorStatement[];
      }[];
      readonly otherwise: readonly GeneratorStatement[];
    }
    | {
      readonly kind: "emit";
      /** The text split at its placeholders; their offsets are those of the generator's text. */
      readonly parts: readonly TemplatePart[];
      /** Loop variables in scope and their lists, outermost first. */
      readonly scope: readonly GeneratorVariable[];
    }
  );

/** A loop variable. */
export interface GeneratorVariable {
  readonly name: string;
  readonly list: GeneratorList;
}

/** A parsed generator with checked names and nesting. */
export interface GeneratorProgram {
  readonly source: string;
  readonly body: readonly GeneratorStatement[];
}
