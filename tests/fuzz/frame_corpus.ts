import { parseEvidence } from "../../src/evidence/mod.ts";
import type { FramePlan } from "../../src/model/mod.ts";
import { matchConnection } from "../../src/normalize/mod.ts";
import { readRecording, recordingPath } from "../support/recordings.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

/** A frame of a connection, or the answer of a request. */
export interface CorpusFrame {
  readonly origin:
    | { readonly kind: "ws"; readonly connectionId: string; readonly binary: boolean }
    | { readonly kind: "http"; readonly request: string; readonly native: string };
  readonly payload: Uint8Array;
}

/** A shipped descriptor and frames that it reads: those of its evidence, and recorded ones where there are any. */
export interface Corpus {
  readonly name: string;
  readonly plan: FramePlan;
  readonly frames: readonly CorpusFrame[];
}

const CONFIG = new URL("../../config/", import.meta.url);

/**
 * The corpora of all shipped descriptors that have evidence; where it is missing another test says so. `recordedMax`: most
 * frames that are taken of a recording.
 */
export function frameCorpora(options: { readonly recordedMax: number; readonly bytesMax: number }): readonly Corpus[] {
  const recordings = recordingNames(options.bytesMax);
  return shippedNames().map((name) => {
    const { frames: plan } = loadShipped(name);
    const recorded = recordings.filter((file) => file.startsWith(`${name}-2`))
      .flatMap((file) => recordedFrames(file, plan, options.recordedMax));
    return { name, plan, frames: [...evidenceFrames(name), ...recorded] };
  });
}

function shippedNames(): readonly string[] {
  return [...Deno.readDirSync(new URL("exchanges/evidence", CONFIG))].map(({ name }) => name)
    .filter((name) => name.endsWith(".jsonl")).map((name) => name.slice(0, -6)).sort();
}

function evidenceFrames(name: string): readonly CorpusFrame[] {
  const text = Deno.readTextFileSync(new URL(`exchanges/evidence/${name}.jsonl`, CONFIG));
  let connectionId = "";
  return parseEvidence(name, text).steps.flatMap((step): readonly CorpusFrame[] => {
    if (step.kind === "open") connectionId = step.connection;
    if (step.kind === "frame") {
      return [{ origin: { kind: "ws", connectionId, binary: step.binary }, payload: step.payload }];
    }
    if (step.kind !== "http") return [];
    return [{ origin: { kind: "http", request: step.request, native: step.native }, payload: step.payload }];
  });
}

/** Shared recordings of at most so many bytes; none, and a loud line, where the folder is absent. */
function recordingNames(bytesMax: number): readonly string[] {
  const folder = recordingPath("x").replace(/\/[^/]*$/, "");
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name)
      .filter((name) => name.endsWith(".jsonl.gz") && Deno.statSync(`${folder}/${name}`).size <= bytesMax)
      .map((name) => name.replace(/\.jsonl\.gz$/, "")).sort();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.warn("No shared recordings: the frames of the evidence alone are mutated");
    return [];
  }
}

/** Frames of a recording whose connection the descriptor has, taken evenly over its length. */
function recordedFrames(file: string, plan: FramePlan, max: number): readonly CorpusFrame[] {
  const lines = readRecording(file) ?? [];
  const frames: CorpusFrame[] = [];
  const step = Math.max(1, Math.floor(lines.length / max));
  let connectionId: string | null = null;
  lines.forEach((line, index) => {
    if (line.dir === "open") connectionId = matchConnection(plan, line.url ?? "");
    if (line.dir !== "in" || connectionId === null || (step > 1 && index % step !== 0)) return;
    frames.push({ origin: { kind: "ws", connectionId, binary: line.binary }, payload: line.payload });
  });
  return frames;
}
