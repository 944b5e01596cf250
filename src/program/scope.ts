import type { JsonDocument, NodeId, Path } from "../json/mod.ts";

/**
 * Value of an expression. A scalar is its text: a JSON string's decoded text, or a JSON number's source digits, so `1`
 * and `"1"` are the same value and nothing is rounded. A `number` is a node of the document: an array or an object. JSON
 * null and a missing member are `null`.
 */
export type Value = null | boolean | string | NodeId;

/** Input of an expression. One scope is reused for all rows of a frame: do not keep it. */
export interface Scope {
  readonly document: JsonDocument;
  /** The node that pointers and bare names start from: the current row, or the root outside of rows. */
  row: NodeId;
  /** The row one fan-out step further out; the root where there is none. */
  parent: NodeId;
  /** Texts that an earlier frame of the session gave for this frame's key, by name; null where there are none. */
  route: ReadonlyMap<string, string> | null;
  /**
   * The frame, if `document` is a text that stands inside it: paths from `root` then start there. Null if `document`
   * is the frame.
   */
  outer: JsonDocument | null;
  /** What lists say of instruments, by native symbol; null where nothing is known. */
  listed: ListedValues | null;
}

/** Texts by name, by native symbol. */
export type ListedValues = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Returns a scope whose row is the node given, or the root, of a document that stands alone. */
export function scopeOf(document: JsonDocument, row: NodeId = 0): Scope {
  return { document, row, parent: 0, route: null, outer: null, listed: null };
}

/** An expression as it runs. Total: it never throws. Its paths remember where they led, so no two readers share one. */
export interface CompiledExpression {
  readonly source: string;
  /** Set where the expression is a plain path from the row, so that a hot loop can follow it without a call. */
  readonly path: Path | null;
  /** The same for a plain path from the root of the frame, which is `outer` where there is one. */
  readonly rootPath?: Path;
  readonly evaluate: (scope: Scope) => Value;
}

/** Scalar that a predicate depends on: it can hold only if that is one of `values` or begins with a prefix. */
export interface Discriminator {
  /** From the root. */
  readonly path: Path;
  readonly values: ReadonlySet<string>;
  /** Well-formed text. */
  readonly prefixes: readonly string[];
  /** Whether this is all that the predicate asks; else it still has to be tested. */
  readonly decides: boolean;
}

/** A condition as it runs on a frame or a row. */
export interface CompiledPredicate {
  readonly source: string;
  readonly test: (scope: Scope) => boolean;
  /** Set where one scalar tells whether the predicate can hold at all: lets a router choose by one look-up. */
  readonly discriminator: Discriminator | null;
  /** The parts that all have to hold, each with what it found: for people who ask why a frame does not match. */
  readonly explain: (scope: Scope) => readonly ExplainedTest[];
}

/** One part of a condition, as it came out for a row. */
export interface ExplainedTest {
  /** The part as it was written. */
  readonly test: string;
  /** The values that it looked at, as they stand in the frame; `missing` where there is nothing. */
  readonly found: string;
  readonly holds: boolean;
}

/** A fan-out as it runs: `Rows` with paths that remember where they led. */
export interface CompiledRows {
  readonly source: string;
  readonly steps: readonly Path[];
  readonly tail: Path | null;
}
