/**
 * Trees become functions: what the evaluation of an expression gives for a document, the table of functions, arithmetic
 * on decimals and comparisons by a scalar's bytes. In: trees and JSON documents. Out: closures and values. Total and
 * bounded. Pure. Must not know how the trees were written, nor any exchange.
 */
export { compareNumbers, isNumber, mayBeNumber } from "./arithmetic.ts";
export { isDatePattern } from "./dates.ts";
export { compileNode, compilePathNode, type Evaluate } from "./expression_compiler.ts";
export { type Evaluation, type FunctionSpec, type ParameterKind } from "./function_spec.ts";
export { findFunction, FUNCTIONS } from "./functions.ts";
export { matchPrefixes, matchTexts } from "./scalar_match.ts";
export { textOfValue } from "./value.ts";
