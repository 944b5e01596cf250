import type { JsonDocument, NodeId, Path } from "../json/mod.ts";

/**
 * Value of an expression. A scalar is represented by its text: a JSON string's decoded text, or a JSON number's source
 * digits, so `1` and `"1"` are the same value and nothing is rounded. A `number` is a node of the document: an array or
 * an object. JSON null and a missing member are `null`.
 */
export type Value = null | boolean | string | NodeId;

/** Input of an expression. One scope is reused for all rows of a frame: do not keep it. */
export interface Scope {
  readonly document: JsonDocument;
  /** The node that pointers and bare names start from: the current row, or the root outside of rows. */
  row: NodeId;
  /** The row one fan-out step further out; the root if there is none. */
  parent: NodeId;
  /** Texts of the alias of this frame's key, by name; null if there is none. */
  route: ReadonlyMap<string, string> | null;
  /**
   * The frame, if `document` is embedded in it: paths from `root` then start there. Null if `document` is the frame.
   */
  outer: JsonDocument | null;
  /** Values of instrument lists by native symbol; null if there are none. */
  listed: ListedValues | null;
}

/** Texts by name, by native symbol. */
export type ListedValues = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Returns a scope for a document that is not embedded, with the given row. */
export function scopeOf(document: JsonDocument, row: NodeId = 0): Scope {
  return { document, row, parent: 0, route: null, outer: null, listed: null };
}

/** A compiled expression. Never throws. Its paths cache their results, so no two readers share one. */
export interface CompiledExpression {
  readonly source: string;
  /** The path, if the expression is a plain path from the row, so that a hot loop needs no call; null otherwise. */
  readonly path: Path | null;
  /** The same for a plain path from the root of the frame, which is `outer` if set. */
  readonly rootPath?: Path;
  readonly evaluate: (scope: Scope) => Value;
}

/**
 * Scalar that a predicate depends on: the predicate can hold only if the scalar equals one of `values` or begins with a
 * prefix.
 */
export interface Discriminator {
  /** From the root. */
  readonly path: Path;
  readonly values: ReadonlySet<string>;
  /** Well-formed text. */
  readonly prefixes: readonly string[];
  /** Whether it decides alone; otherwise the predicate must still be tested. */
  readonly decides: boolean;
}

/** A compiled condition on a frame or a row. */
export interface CompiledPredicate {
  readonly source: string;
  readonly test: (scope: Scope) => boolean;
  /** Lets a router select the rule by one look-up; null if no single scalar decides whether the predicate can hold. */
  readonly discriminator: Discriminator | null;
  /** Returns the parts that must all hold, each with what it found, to show people why a frame does not match. */
  readonly explain: (scope: Scope) => readonly ExplainedTest[];
}

/** Result of one part of a condition for a row. */
export interface ExplainedTest {
  /** The part as written. */
  readonly test: string;
  /** The values it read, as texts of the frame; `missing` if there is none. */
  readonly found: string;
  readonly holds: boolean;
}

/** A compiled fan-out: `Rows` with paths that cache their results. */
export interface CompiledRows {
  readonly source: string;
  readonly steps: readonly Path[];
  readonly tail: Path | null;
}
