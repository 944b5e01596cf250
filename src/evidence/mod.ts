/**
 * Evidence: frames that prove a descriptor. In: a descriptor and the file of frames and expected events beside it. Out:
 * what differs, and the file rewritten where that is wanted. Runs the normalizer and the request builder as `run` does.
 * And the same held against real exchanges: what they send that descriptor and evidence do not say.
 */
export { type Expectation, type Json, type JsonObject, type OpenStep, parseEvidence } from "./evidence.ts";
export type { Finding, RuleVerdict } from "./drift.ts";
export { renderTestReport, ruleWords } from "./evidence_report.ts";
export { type EvidenceRun, ruleKey, type RuleName, ruleNames, runEvidence } from "./evidence_run.ts";
export { frameShape } from "./frame_shape.ts";
export { renderLiveReport } from "./live_report.ts";
export { type LiveOptions, type LiveOutcome, runLive } from "./live_run.ts";
export { passed, testDescriptor, type TestedDescriptor } from "./tested_descriptor.ts";
