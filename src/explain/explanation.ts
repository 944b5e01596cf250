import type { ControlSignal, Decoding, FrameLayout } from "../model/mod.ts";
import type { Fault, NormalizedEvent } from "../normalize/mod.ts";
import type { ExplainedTest } from "../program/mod.ts";

/** The frame to be explained, or a REST answer, and what came before it. */
export interface ExplainInput {
  /** A frame of a connection, or the answer of a request for an instrument. */
  readonly origin:
    | { readonly kind: "ws"; readonly connectionId: string; readonly binary: boolean }
    | { readonly kind: "http"; readonly request: string; readonly native: string };
  readonly payload: Uint8Array;
  /** Frames of the same connection that the session had before: acknowledgements and images that later frames need. */
  readonly before?: readonly Uint8Array[];
}

/** Every step from bytes to events. */
export interface FrameExplanation {
  readonly decoding: Decoding;
  readonly layout: FrameLayout;
  /** The decoded text; null where it could not be had. */
  readonly text: string | null;
  /** Control rules in order, then event rules; those of other connections and sources are named and not tested. */
  readonly rules: readonly ExplainedRule[];
  /** What the normalizer made of the frame. */
  readonly result: {
    readonly rule: string | null;
    readonly signal: ControlSignal | null;
    readonly events: readonly NormalizedEvent[];
    readonly faults: readonly Fault[];
    readonly unmapped: readonly string[];
  };
}

/**
 * `elsewhere`: for another connection or source. `fails`: its `when` does not hold. `shadowed`: it holds, but a control
 * rule came first. `taken`: it read the frame. `untested`: the frame is no JSON.
 */
export type RuleOutcome = "elsewhere" | "untested" | "fails" | "shadowed" | "taken";

/** One rule with what it made of the frame. */
export interface ExplainedRule {
  readonly type: "control" | "event";
  readonly name: string;
  /** Action of a control rule, kind of an event rule. */
  readonly does: string;
  readonly connections: readonly string[] | null;
  readonly source: string;
  readonly outcome: RuleOutcome;
  /** `when` in its parts; the whole text for rules on bare text. Empty where the rule was not tested. */
  readonly tests: readonly ExplainedTest[];
  /** What else the rule does with the frame: text it opens, rows it completes, frames it leaves out. */
  readonly notes: readonly string[];
  /** `rows` as it is written. */
  readonly rowsSource: string;
  /** Rows of a taken rule; a control rule has the frame as its only one. */
  readonly rows: readonly ExplainedRow[];
}

/** One row with its fields. */
export interface ExplainedRow {
  /** The row's own text. */
  readonly source: string;
  /** `where` in its parts; the row is left out unless all hold. */
  readonly tests: readonly ExplainedTest[];
  readonly fields: readonly ExplainedField[];
}

/** One value, step by step. */
export interface ExplainedField {
  readonly name: string;
  /** Each source that was tried, with its value as it stands in the frame. */
  readonly sources: readonly { readonly source: string; readonly found: string }[];
  /** What was done to the value: `absent "0"`, `map "true" → "sell"`, `unit ms`. */
  readonly steps: readonly string[];
  readonly value: string | number | null;
  /** What is wrong with it: codes of faults. */
  readonly faults: readonly string[];
}
