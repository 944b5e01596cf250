import {
  type Parsed,
  type ParsedPredicate,
  parseExpression,
  parsePredicate,
  parseRows,
  parseSource,
  type PredicateSpec,
} from "../../src/lang/mod.ts";
import * as program from "../../src/program/mod.ts";

/** From text to what runs in one step, through plain JSON as a plan goes: for tests of what an expression means. */

/** Reads and compiles an expression. */
export function compileExpression(
  text: string,
  options?: { readonly maxLength?: number },
): Parsed<program.CompiledExpression> {
  return mapped(parseExpression(text, options), program.compileExpression);
}

/** Reads and compiles a pointer or an expression. */
export function compileSource(text: string): Parsed<program.CompiledExpression> {
  return mapped(parseSource(text), program.compileExpression);
}

/** Reads and compiles a fan-out. */
export function compileRows(text: string): Parsed<program.CompiledRows> {
  return mapped(parseRows(text), program.compileRows);
}

/** Reads and compiles a predicate. */
export function compilePredicate(
  spec: PredicateSpec,
): Exclude<ParsedPredicate, { ok: true }> | { readonly ok: true; readonly value: program.CompiledPredicate } {
  const parsed = parsePredicate(spec);
  return parsed.ok ? { ok: true, value: program.compilePredicate(copied(parsed.value)) } : parsed;
}

function mapped<T, U>(parsed: Parsed<T>, compile: (value: T) => U): Parsed<U> {
  return parsed.ok ? { ok: true, value: compile(copied(parsed.value)) } : parsed;
}

function copied<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
