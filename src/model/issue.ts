/** How serious an issue is: an `error` stops what it concerns, a `warning` does not. */
export type Severity = "error" | "warning";

/**
 * One mistake in what the user wrote. Issues are collected, never thrown, so that all are shown at once. Lines and
 * columns count from 1; columns count UTF-16 units.
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
  /** The exchange instance concerned; null if there is none. */
  readonly exchange: string | null;
}
