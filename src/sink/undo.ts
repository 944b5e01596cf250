import { Failure, type Offset } from "../model/mod.ts";

/** One round of appending: the offsets of its lines, and each file's state before it. */
export interface Round {
  readonly first: Offset;
  readonly last: Offset;
  /** Counts the flushes of the run; rounds of the latest two are kept. */
  readonly flush: number;
  /** `inode` is null for a file that was not there yet. */
  readonly files: readonly (readonly [path: string, bytesBefore: number, inode: number | null])[];
}

/** How to undo the latest rounds. */
export interface Undo {
  readonly format: 2;
  /** Id of the journal whose lines these are; empty in files of an older version. */
  readonly journal: string;
  /** Everything before this offset was safe in the files when this was written. */
  readonly next: Offset;
  readonly rounds: readonly Round[];
}

/** Reads an undo file. Throws a `Failure` of code `corrupt` if it is none. */
export function parseUndo(text: string, path: string): Undo {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, "it is not JSON", cause);
  }
  if (typeof value !== "object" || value === null) throw damaged(path, "it is not an object");
  const { format, journal, next, rounds }: Readonly<Record<keyof Undo, unknown>> = {
    format: 1,
    journal: "",
    next: 0,
    rounds: null,
    ...value,
  };
  if (format !== 1 && format !== 2) throw damaged(path, `format ${JSON.stringify(format)} is of another version`);
  if (typeof journal !== "string" || !isOffset(next) || !Array.isArray(rounds) || !rounds.every(isRound)) {
    throw damaged(path, "it is not a list of rounds");
  }
  return { format: 2, journal: format === 1 ? "" : journal, next, rounds };
}

function damaged(path: string, why: string, cause?: unknown): Failure {
  const hint = "move it away to go on; lines that were not committed then may stand twice";
  return new Failure("corrupt", `Cannot read ${path}: ${why}; ${hint}`, { cause, retry: false });
}

function isOffset(value: unknown): value is Offset {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isRound(value: unknown): value is Round {
  return typeof value === "object" && value !== null && "first" in value && isOffset(value.first) &&
    "files" in value && Array.isArray(value.files) &&
    value.files.every(isFile);
}

function isFile(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [path, bytes, inode = null]: readonly unknown[] = value;
  return typeof path === "string" && isOffset(bytes) && (inode === null || typeof inode === "number");
}
