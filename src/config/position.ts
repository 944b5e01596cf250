import type { Issue, Severity } from "../model/mod.ts";

/** Keys and array indexes from the root of a file to a value: `["ws", "connections", 0, "urls", 1]`. */
export type ValuePath = readonly (string | number)[];

/** A stretch of one line of a file. Lines and columns count from 1, in UTF-16 units. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** At least 1. */
  readonly length: number;
  /** The whole line, without its line break. */
  readonly sourceLine: string;
}

/**
 * Returns the position of a value. If the path leads nowhere, returns that of the nearest table on the way. An `offset` into
 * the decoded text of a string value (UTF-16 units) and a `length` select a part of the text, even in multi-line strings
 * and after escapes.
 */
export type Locate = (path: ValuePath, offset?: number, length?: number) => Position;

/** Makes an issue at a position. */
export function issueAt(
  position: Position,
  issue: { readonly severity?: Severity; readonly message: string; readonly exchange: string | null },
): Issue {
  return {
    severity: issue.severity ?? "error",
    file: position.file,
    line: position.line,
    column: position.column,
    length: position.length,
    message: issue.message,
    sourceLine: position.sourceLine,
    exchange: issue.exchange,
  };
}

/** Place of a value that no file contains. */
export const NO_PLACE: Position = { file: "\u0000", line: 1, column: 1, length: 1, sourceLine: "" };
