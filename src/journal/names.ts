import type { Offset } from "../model/mod.ts";

/** Digits of an offset in a file name: 2^53 has sixteen. */
const NAME_DIGITS = 16;
const SEGMENT_NAME = /^(\d{16})\.journal(\.zst)?$/;
/** Ending of a file that is being written and will be renamed. */
const TEMPORARY = /^\d{16}\.journal(\.zst)?\.tmp$/;

/** Returns the name of a plain segment: its first offset, so that names sort like offsets. */
export function plainName(firstOffset: Offset): string {
  return `${String(firstOffset).padStart(NAME_DIGITS, "0")}.journal`;
}

/** Returns the name of a sealed segment. */
export function sealedName(firstOffset: Offset): string {
  return `${plainName(firstOffset)}.zst`;
}

/** Returns the name under which a sealed segment is written. */
export function temporaryName(firstOffset: Offset): string {
  return `${sealedName(firstOffset)}.tmp`;
}

/** Returns the name under which a mended segment or a stand-in is written. */
export function temporaryPlainName(firstOffset: Offset): string {
  return `${plainName(firstOffset)}.tmp`;
}

/** Whether a file is an unfinished segment, which would have been renamed. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

/** Parses a segment's name; null if the file is no segment. */
export function parseSegmentName(name: string): { readonly firstOffset: Offset; readonly sealed: boolean } | null {
  const match = SEGMENT_NAME.exec(name);
  if (match === null) return null;
  const firstOffset = Number(match[1]);
  return Number.isSafeInteger(firstOffset) ? { firstOffset, sealed: match[2] !== undefined } : null;
}
