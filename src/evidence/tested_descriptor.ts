import { loadDescriptor } from "../config/mod.ts";
import type { Issue } from "../model/mod.ts";
import { parseEvidence } from "./evidence.ts";
import { requestsOf } from "./evidence_requests.ts";
import { type EvidenceRun, runEvidence } from "./evidence_run.ts";
import { findDescriptor, hasErrors, type ServiceContext } from "../service/mod.ts";

/** Result of testing one descriptor. */
export interface TestedDescriptor {
  readonly descriptor: string;
  /** Its evidence file; null if it has none. */
  readonly evidence: string | null;
  /** Issues of the descriptor and of its evidence's text. */
  readonly issues: readonly Issue[];
  /** Null if an error prevents the run. */
  readonly run: EvidenceRun | null;
  /** Lines that `--update` rewrote. */
  readonly rewritten: number;
}

/** Whether everything is as the evidence says. */
export function passed({ run, issues, evidence, rewritten }: TestedDescriptor): boolean {
  if (evidence === null || run === null || hasErrors(issues)) return false;
  // Rewritten lines count as passed; what cannot be rewritten, such as an unknown connection, does not.
  return run.failures.length <= rewritten;
}

/** Runs the evidence of one descriptor, and rewrites it on demand. */
export async function testDescriptor(context: ServiceContext, name: string, update = false): Promise<TestedDescriptor> {
  const { host } = context;
  const file = findDescriptor(context, name);
  const loaded = loadDescriptor({
    file,
    readText: (path) => host.files.readTextSync(path),
    environment: (variable) => host.environment.get(variable),
    secrets: host.secrets,
  });
  const path = evidencePaths(file.path).find((candidate) => host.files.readTextSync(candidate) !== null) ?? null;
  const text = path === null ? null : host.files.readTextSync(path);
  const outcome = { descriptor: file.path, evidence: path, issues: loaded.issues, run: null, rewritten: 0 };
  if (path === null || text === null) return outcome;
  const evidence = parseEvidence(path, text);
  const issues = [...loaded.issues, ...evidence.issues];
  if (loaded.frames === null || evidence.issues.length > 0) return { ...outcome, issues };
  const run = runEvidence(evidence, loaded.frames, requestsOf(context, file.path, file.text));
  const rewritten = update ? run.updated.filter((line, i) => line !== evidence.lines[i]).length : 0;
  if (rewritten > 0) await host.files.writeAtomic(path, new TextEncoder().encode(`${run.updated.join("\n")}\n`));
  return { ...outcome, issues, run, rewritten };
}

/** Where the evidence of a descriptor may lie: in the folder `evidence` beside it, or right beside it. */
export function evidencePaths(descriptor: string): readonly string[] {
  const at = descriptor.lastIndexOf("/") + 1;
  const folder = descriptor.slice(0, at);
  const name = descriptor.slice(at);
  const stem = name.replace(/\.toml$/, "");
  return [`${folder}evidence/${stem}.jsonl`, `${folder}${stem}.evidence.jsonl`, `${folder}${name}.evidence.jsonl`];
}
