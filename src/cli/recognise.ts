import { deriveRecord, Pipeline } from "../derive/mod.ts";
import {
  type FramePlan,
  type Offset,
  RECOGNISED_BYTES_MAX,
  RECOGNISED_FRAMES_MAX,
  RECOGNISED_SHARE_MIN,
} from "../model/mod.ts";
import { nearestConnection } from "../normalize/mod.ts";
import { loadDescriptorNamed, shippedNames, UsageError } from "../service/mod.ts";
import type { RecordedLine } from "../simulator/mod.ts";
import type { CliContext } from "./context.ts";
import { OpenSessions, RecordedSession } from "./recorded_records.ts";
import { readRecordingFile } from "./recording.ts";

/** The beginning of a recording, and what it reveals of its exchange. */
interface Beginning {
  readonly path: string;
  /**
   * The shipped descriptor with the address of the first connection, of several the one that reads most frames; null if
   * none has it.
   */
  readonly byAddress: string | null;
  /** The first connections and frames. */
  readonly lines: readonly RecordedLine[];
  readonly frames: number;
}

/**
 * Names the shipped descriptor of each recording: by the address of its first connection, else by its first frames. A
 * recording that reveals nothing, such as one of REST answers, belongs to the only exchange of the others. Throws a
 * `UsageError` if the exchange is not clear.
 */
export async function recogniseInputs(context: CliContext, inputs: readonly string[]): Promise<readonly string[]> {
  const beginnings = await Promise.all(inputs.map((path) => readBeginning(context, path)));
  const known = new Set(beginnings.flatMap(({ byAddress }) => byAddress ?? []));
  const sibling = known.size === 1 ? [...known][0] : null;
  const names = new Map<string, string>();
  const silent: string[] = [];
  for (const beginning of beginnings) {
    const { path, byAddress, lines, frames } = beginning;
    if (byAddress !== null) names.set(path, byAddress);
    else if (frames === 0) silent.push(path);
    else if (sibling !== null && share(context, sibling, lines, frames) >= RECOGNISED_SHARE_MIN) {
      names.set(path, sibling);
    } else names.set(path, recogniseByFrames(context, beginning, { sibling, alone: inputs.length === 1 }));
  }
  const found = [...new Set(names.values())];
  for (const path of silent) {
    if (found.length !== 1) throw unknownExchange(context, `exchange ${path} is of: it holds no frames`);
    names.set(path, found[0]);
  }
  return inputs.map((path) => names.get(path) ?? "");
}

async function readBeginning(context: CliContext, path: string): Promise<Beginning> {
  const lines: RecordedLine[] = [];
  let candidates: readonly string[] = [];
  let opens = 0;
  let frames = 0;
  let bytes = 0;
  for await (const line of readRecordingFile(context.host, path)) {
    if (line.dir !== "open" && line.dir !== "in") continue;
    lines.push(line);
    if (line.dir === "open") {
      if (opens++ === 0) candidates = matchShipped(context, line.url);
      if (candidates.length === 1) break;
      continue;
    }
    frames++;
    bytes += line.payload.length;
    if (frames >= RECOGNISED_FRAMES_MAX || bytes >= RECOGNISED_BYTES_MAX) break;
  }
  return { path, byAddress: mostRead(context, candidates, lines), lines, frames };
}

/**
 * Tries the shipped descriptors on the first frames. Chooses the one that alone reads most of them, and prints its
 * name.
 */
function recogniseByFrames(
  context: CliContext,
  { path, lines, frames }: Beginning,
  { sibling, alone }: { readonly sibling: string | null; readonly alone: boolean },
): string {
  const tried: { readonly name: string; readonly read: number }[] = [];
  for (const name of shippedNames(context)) {
    const { frames: plan } = loadDescriptorNamed(context, name);
    if (plan !== null) tried.push({ name, read: countRead(plan, lines) });
  }
  tried.sort((a, b) => b.read - a.read);
  const [best, second] = tried.filter(({ read }) => read > 0);
  const isClear = best !== undefined && best.read >= frames * RECOGNISED_SHARE_MIN &&
    (second?.read ?? 0) * 2 <= best.read;
  if (isClear) {
    context.host.terminal.printError(
      `No shipped descriptor has the address in ${path}: taken for ${best.name}, which reads ${best.read} of the first ` +
        `${frames} frames; --exchange names another`,
    );
    return best.name;
  }
  if (sibling !== null) return sibling;
  const near = tried.filter(({ read }) => read > 0).slice(0, 3).map(({ name, read }) => `${name} (${read})`);
  const nearest = near.length === 0 ? "" : ` (of the first ${frames} frames descriptors read: ${near.join(", ")})`;
  throw unknownExchange(context, `exchange ${alone ? "this" : path} is${nearest}`);
}

/** Returns the descriptor that reads most of the first frames, of equals the first; null if there is none. */
function mostRead(context: CliContext, names: readonly string[], lines: readonly RecordedLine[]): string | null {
  if (names.length < 2) return names[0] ?? null;
  const read = names.map((name) => {
    const { frames } = loadDescriptorNamed(context, name);
    return { name, count: frames === null ? 0 : countRead(frames, lines) };
  });
  return read.reduce((best, one) => one.count > best.count ? one : best).name;
}

function share(context: CliContext, name: string, lines: readonly RecordedLine[], frames: number): number {
  const { frames: plan } = loadDescriptorNamed(context, name);
  return plan === null ? 0 : countRead(plan, lines) / frames;
}

/** Returns how many frames give events by a plan without a fault; books are not checked. */
function countRead(framePlan: FramePlan, lines: readonly RecordedLine[]): number {
  const plan = { ...framePlan, books: [] };
  const pipeline = new Pipeline([plan], { enabled: false, windowSeconds: 1, keysMax: 1 });
  let next: Offset = 0;
  const place = (at: number) => next = Math.max(next + 1, next === 0 ? at : 0);
  const session = new RecordedSession(plan, { requests: [], next: place, open: new OpenSessions() });
  let read = 0;
  for (const line of lines) {
    for (const { offset, record } of session.records(line)) {
      const { faults, envelopes } = deriveRecord(pipeline, offset, record);
      if (record.kind !== "frame" || faults.length > 0) continue;
      if (envelopes.some(({ event }) => event.kind !== "gap" && event.kind !== "raw")) read++;
    }
  }
  return read;
}

/** Makes the error for an exchange or descriptor that cannot be recognised. `what` completes the sentence. */
export function unknownExchange(context: CliContext, what: string): UsageError {
  const names = shippedNames(context).join(", ");
  return new UsageError(`Cannot tell which ${what}. Name it with --exchange, a file or one of ${names}`);
}

/** Returns the shipped descriptors whose addresses are nearest to a URL; empty if none has its host. */
export function matchShipped(context: CliContext, url: string): readonly string[] {
  let best = -1;
  let names: string[] = [];
  for (const name of shippedNames(context)) {
    const { frames } = loadDescriptorNamed(context, name);
    const found = frames === null ? null : nearestConnection(frames, url);
    if (found === null || found.score < best) continue;
    if (found.score > best) names = [];
    best = found.score;
    names.push(name);
  }
  return names;
}
