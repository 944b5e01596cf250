/**
 * Compiles trees to functions: expressions, predicates, fan-outs and the rules of a frame plan, with the table of
 * functions and arithmetic on decimals. In: plans, which are data, and JSON documents. Out: closures and values.
 * Compiled objects contain caches and belong to the reader that compiled them. Bounded, and no input makes them throw.
 * Pure. Must not know how the trees were written, nor any exchange.
 */
export { isNumber, mayBeNumber } from "./arithmetic.ts";
export { isDatePattern } from "./dates.ts";
export { compileExpression, compileRows } from "./expression.ts";
export {
  type CompiledAlias,
  type CompiledBookFields,
  type CompiledControl,
  type CompiledEvent,
  type CompiledField,
  type CompiledFrames,
  type CompiledLevel,
  type CompiledMerge,
  type CompiledParse,
  type CompiledState,
  type CompiledUnwrap,
  compileField,
  compileFrames,
} from "./frames.ts";
export { type FunctionSpec, type ParameterKind } from "./function_spec.ts";
export { findFunction, FUNCTIONS } from "./functions.ts";
export { compilePredicate } from "./predicate.ts";
export {
  type CompiledExpression,
  type CompiledPredicate,
  type CompiledRows,
  type Discriminator,
  type ExplainedTest,
  type ListedValues,
  type Scope,
  scopeOf,
  type Value,
} from "./scope.ts";
