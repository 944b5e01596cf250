import type { Files } from "../host/mod.ts";
import { type Channel, Failure, type FramePlan, type Micros } from "../model/mod.ts";
import { CERTIFICATES_FOLDER } from "./archive_days.ts";
import type { Proof } from "./certificate.ts";

/** A plan by which an exchange's events are derived from a time on, with what it checks. */
export interface PlanNote {
  readonly at: Micros;
  readonly exchange: string;
  readonly hash: string;
  /** By channel; a missing channel has no proof. */
  readonly proofs: Readonly<Partial<Record<Channel, readonly Proof[]>>>;
  /** Whether the archive's sink receives gaps. */
  readonly tellsGaps: boolean;
}

const PLANS_NAME = "plans.jsonl";

/** Returns what a plan proves the completeness of its channels by. */
export function proofsOf(frames: FramePlan): PlanNote["proofs"] {
  const proofs: Partial<Record<Channel, Set<Proof>>> = {};
  const add = (channel: Channel, proof: Proof) => (proofs[channel] ??= new Set()).add(proof);
  const hasHeartbeat = frames.controls.some(({ action }) => action === "pong" || action === "reply");
  for (const { channel, source } of frames.events) {
    if (source !== "ws") {
      add(channel, "polled");
      continue;
    }
    if (frames.socketSequence !== null) add(channel, "sequence");
    if (hasHeartbeat) add(channel, "heartbeat");
  }
  if (frames.tradeIds === "consecutive") add("trades", "sequence");
  for (const { sequence, checksum } of frames.books) {
    if (sequence === "next" || sequence === "previous" || sequence === "overlap") add("book", "sequence");
    if (checksum !== null) add("book", "checksum");
  }
  return Object.fromEntries(Object.entries(proofs).map(([channel, found]) => [channel, [...found].sort()]));
}

/** Adds new plans to those noted in an archive. */
export async function notePlans(files: Files, dir: string, notes: readonly PlanNote[]): Promise<void> {
  const known = await readPlanNotes(files, dir);
  const latest = new Map(known.map((note) => [note.exchange, note]));
  // Each call repeats the earlier plans of the run.
  const told = new Set(known.map(keyOf));
  const news = notes.filter((note) => {
    const last = latest.get(note.exchange);
    return (last?.hash !== note.hash || last.tellsGaps !== note.tellsGaps) && !told.has(keyOf(note));
  });
  if (news.length === 0) return;
  const folder = `${dir}/${CERTIFICATES_FOLDER}`;
  await files.makeDir(folder);
  const text = [...known, ...news].map((note) => `${JSON.stringify(note)}\n`).join("");
  await files.writeAtomic(`${folder}/${PLANS_NAME}`, new TextEncoder().encode(text));
}

function keyOf({ at, exchange, hash, tellsGaps }: PlanNote): string {
  return JSON.stringify([at, exchange, hash, tellsGaps]);
}

/** Reads the plans noted in an archive, in the order in which they were noted. */
export async function readPlanNotes(files: Files, dir: string): Promise<readonly PlanNote[]> {
  const path = `${dir}/${CERTIFICATES_FOLDER}/${PLANS_NAME}`;
  const text = await files.readText(path);
  return (text ?? "").split("\n").filter((line) => line !== "").map((line, at) => {
    const note: unknown = parse(line);
    if (isNote(note)) return note;
    throw new Failure("corrupt", `Cannot read ${path}:${at + 1}: it is no note of a plan`, { retry: false });
  });
}

/** Returns the plans of an exchange that were in use in a stretch of time. */
export function plansWithin(
  notes: readonly PlanNote[],
  exchange: string,
  [from, to]: readonly [Micros, Micros],
): readonly PlanNote[] {
  const own = notes.filter((note) => note.exchange === exchange && note.at < to).toSorted((a, b) => a.at - b.at);
  return own.filter((_, at) => (own.at(at + 1)?.at ?? Infinity) > from);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function isNote(value: unknown): value is PlanNote {
  if (typeof value !== "object" || value === null) return false;
  const note: Partial<PlanNote> = value;
  return typeof note.at === "number" && typeof note.exchange === "string" && typeof note.hash === "string" &&
    typeof note.tellsGaps === "boolean" && typeof note.proofs === "object" && note.proofs !== null;
}
