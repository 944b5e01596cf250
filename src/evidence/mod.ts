/**
 * Tests descriptors against their evidence: frames and the events that each must become; and real exchanges against
 * both. In: a descriptor and its evidence file, or a live exchange. Out: the differences, and the rewritten file on
 * demand. Runs the normalizer and the request builder as `run` does.
 */
export { type Expectation, type Json, type JsonObject, type OpenStep, parseEvidence } from "./evidence.ts";
export type { Finding, RuleVerdict } from "./drift.ts";
export { renderTestReport, ruleWords } from "./evidence_report.ts";
export { type EvidenceRun, ruleKey, type RuleName, ruleNames, runEvidence } from "./evidence_run.ts";
export { frameShape } from "./frame_shape.ts";
export { renderLiveReport } from "./live_report.ts";
export { type LiveOptions, type LiveOutcome, runLive } from "./live_run.ts";
export { passed, testDescriptor, type TestedDescriptor } from "./tested_descriptor.ts";
