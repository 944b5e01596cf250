import type { Files } from "../../host/mod.ts";
import { Failure, type Offset } from "../../model/mod.ts";
import { type Layout, LAYOUTS } from "./partition.ts";

/** Name of the manifest in the sink's folder. */
export const MANIFEST_NAME = "_parts.json";

/** The parts that one flush writes, and those written since the flush before because memory was full. */
export interface FlushedParts {
  /** Offset of the first event in any of them. */
  readonly first: Offset;
  /** Paths below the sink's folder. */
  readonly parts: readonly string[];
}

/** Parts that may not be committed yet; all others are, and are not checked again. */
export interface Manifest {
  readonly format: 1;
  /** Id of the journal whose events these are. */
  readonly journal: string;
  /** Everything before this offset was safe in parts when this was written. */
  readonly next: Offset;
  readonly layout: Layout;
  /** The latest flushes, in order. */
  readonly flushes: readonly FlushedParts[];
}

/** `kind=…/exchange=…/date=…/<offset>.parquet`, with the index of an event or a number behind the offset. */
const PART_PATH =
  /^kind=[^/]+\/exchange=[^/]+\/(?:symbol=[^/]+\/)?date=\d{4,}-\d\d-\d\d\/(\d{16})(?:_\d+)?(?:-\d+)?\.parquet$/;

/** Returns the offset of the first event of a part; null if the path is no part's. */
export function offsetOfPart(path: string): Offset | null {
  const match = PART_PATH.exec(path);
  return match === null ? null : Number(match[1]);
}

/** Reads a manifest. Throws a `Failure` of code `corrupt` if it is none. */
export function parseManifest(text: string, path: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, "it is not JSON", cause);
  }
  if (typeof value !== "object" || value === null) throw damaged(path, "it is not an object");
  const { format, journal, next, layout, flushes }: Readonly<Record<keyof Manifest, unknown>> = {
    format: 0,
    journal: null,
    next: null,
    // Earlier versions, with one layout, did not name it.
    layout: "symbol",
    flushes: null,
    ...value,
  };
  if (format !== 1) throw damaged(path, `format ${JSON.stringify(format)} is of another version`);
  if (typeof journal !== "string" || !isOffset(next) || !Array.isArray(flushes) || !flushes.every(isFlush)) {
    throw damaged(path, "it is not a list of flushes");
  }
  if (!isLayout(layout)) throw damaged(path, `layout ${JSON.stringify(layout)} is of another version`);
  return { format, journal, next, layout, flushes };
}

/** Returns the paths of the parts that may not be committed; none if there is no manifest. */
export async function partsOfManifest(files: Files, dir: string): Promise<readonly string[]> {
  const path = `${dir}/${MANIFEST_NAME}`;
  const text = await files.readText(path);
  return text === null ? [] : parseManifest(text, path).flushes.flatMap(({ parts }) => parts);
}

function damaged(path: string, why: string, cause?: unknown): Failure {
  const hint = "move it away to go on; parts that were not committed then may stand twice";
  return new Failure("corrupt", `Cannot read ${path}: ${why}; ${hint}`, { cause, retry: false });
}

function isOffset(value: unknown): value is Offset {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isLayout(value: unknown): value is Layout {
  return LAYOUTS.some((layout) => layout === value);
}

function isFlush(value: unknown): value is FlushedParts {
  return typeof value === "object" && value !== null && "first" in value && isOffset(value.first) &&
    "parts" in value && Array.isArray(value.parts) &&
    value.parts.every((part) => typeof part === "string" && offsetOfPart(part) !== null);
}
