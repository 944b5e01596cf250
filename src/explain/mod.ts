/**
 * Shows how a frame becomes events, step by step: rules, conditions, sources, values. In: a FramePlan and a frame. Out: a
 * `FrameExplanation`, as data and as text. Its values are those of the normalizer's own readers. Pure.
 */
export { explainFrame } from "./explain.ts";
export { renderExplanation } from "./explain_report.ts";
export {
  type ExplainedField,
  type ExplainedRow,
  type ExplainedRule,
  type ExplainInput,
  type FrameExplanation,
  type RuleOutcome,
} from "./explanation.ts";
