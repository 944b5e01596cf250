import type { Files } from "../host/mod.ts";
import { COMPARISON_DAYS_MAX, Failure } from "../model/mod.ts";
import { CERTIFICATES_FOLDER } from "./archive_days.ts";

/** How often a book was compared with the exchange's own snapshot on a day, and what that came to. */
export interface ComparisonNote {
  readonly exchange: string;
  /** As `2026-11-22`, UTC. */
  readonly date: string;
  readonly symbol: string;
  readonly same: number;
  readonly different: number;
}

const COMPARISONS_NAME = "comparisons.jsonl";

/** Adds comparisons to those that an archive knows. Days that lie far before the newest one are forgotten. */
export async function noteComparisons(files: Files, dir: string, news: readonly ComparisonNote[]): Promise<void> {
  if (news.length === 0) return;
  const all = new Map<string, ComparisonNote>();
  for (const note of [...await readComparisons(files, dir), ...news]) {
    const key = JSON.stringify([note.exchange, note.date, note.symbol]);
    const { same = 0, different = 0 } = all.get(key) ?? {};
    all.set(key, { ...note, same: same + note.same, different: different + note.different });
  }
  const newest = Math.max(...[...all.values()].map(({ date }) => Date.parse(date)));
  const kept = [...all.values()].filter(({ date }) => Date.parse(date) > newest - COMPARISON_DAYS_MAX * 86_400_000);
  const folder = `${dir}/${CERTIFICATES_FOLDER}`;
  await files.makeDir(folder);
  const text = kept.map((note) => `${JSON.stringify(note)}\n`).join("");
  await files.writeAtomic(`${folder}/${COMPARISONS_NAME}`, new TextEncoder().encode(text));
}

/** Reads the comparisons that an archive knows. Rejects with a `Failure` of code `corrupt` where a line is none. */
export async function readComparisons(files: Files, dir: string): Promise<readonly ComparisonNote[]> {
  const path = `${dir}/${CERTIFICATES_FOLDER}/${COMPARISONS_NAME}`;
  const text = await files.readText(path) ?? "";
  return text.split("\n").filter((line) => line !== "").map((line, at) => {
    const note = parse(line);
    if (isNote(note)) return note;
    throw new Failure("corrupt", `Cannot read ${path}:${at + 1}: it is no note of a comparison`, { retry: false });
  });
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function isNote(value: unknown): value is ComparisonNote {
  if (typeof value !== "object" || value === null) return false;
  const note: Partial<ComparisonNote> = value;
  return typeof note.exchange === "string" && typeof note.date === "string" && !Number.isNaN(Date.parse(note.date)) &&
    typeof note.symbol === "string" && Number.isSafeInteger(note.same) && Number.isSafeInteger(note.different);
}
