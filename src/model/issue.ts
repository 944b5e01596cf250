/** How serious an issue is: an `error` stops what it concerns, a `warning` does not. */
export type Severity = "error" | "warning";

/**
 * One thing that is wrong with what the user wrote. Issues are collected, never thrown, so that all are shown at once.
 * Lines and columns count from 1; a column counts UTF-16 units.
 */
export interface Issue {
  readonly severity: Severity;
  /** The file as the user named it. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many characters the caret underlines; at least 1. */
  readonly length: number;
  /** Sentence case, no period: what is wrong and what would be right. */
  readonly message: string;
  /** The source line at `line`, without its line break; empty where the file could not be read. */
  readonly sourceLine: string;
  /** The exchange instance concerned, where there is one. */
  readonly exchange: string | null;
}
