import type { Expression } from "../expression.ts";
import type { TimeUnit } from "../micros.ts";

/** Reads one value from a row. */
export interface FieldRule {
  /** Sources, tried in order until one gives a value that is neither null nor `absent`. */
  readonly sources: readonly Expression[];
  /** Texts that mean "no value", such as `""` or `"0"`; null if there are none. */
  readonly absent: readonly string[] | null;
  /**
   * Translates the text; booleans are looked up as `true` and `false`. A text without an entry becomes `other`, or is a
   * fault if `other` is null.
   */
  readonly map: Readonly<Record<string, string>> | null;
  readonly other: string | null;
  /** Unit of a time; null for other values. */
  readonly unit: TimeUnit | null;
  /** Whether a missing value is a fault. */
  readonly required: boolean;
}
