import { crc32 } from "node:zlib";

/** Hive's name of a partition without a value; stands for the empty symbol. */
const EMPTY_PART = "__HIVE_DEFAULT_PARTITION__";
/** Longest part in bytes: file systems allow 255 for `key=part`. */
const PART_BYTES_MAX = 200;
const DAY_MICROS = 86_400_000_000;

/**
 * Returns a text as one part of a path, safe on every file system and reversible: letters, digits and `.` stay, `/`
 * becomes `-`, `:` becomes `_`, every other byte of its UTF-8 (`-`, `_` and `%` themselves too) becomes `%XX`. So
 * `BTC/USD:BTC-260327` is `BTC-USD_BTC%2D260327`. A leading `.` is `%2E`. Only a text of more than 200 bytes is cut and
 * ends in `~` and its CRC32; readers find the exact text in the column `canonical_symbol`.
 */
export function pathPart(text: string): string {
  if (text === "") return EMPTY_PART;
  let part = "";
  const bytes = new TextEncoder().encode(text);
  for (const byte of bytes) {
    const plain = isLetterOrDigit(byte) || (byte === 46 && part !== "");
    part += plain
      ? String.fromCharCode(byte)
      : byte === 47
      ? "-"
      : byte === 58
      ? "_"
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  if (part === EMPTY_PART) return `%3A${part.slice(1)}`;
  if (part.length <= PART_BYTES_MAX) return part;
  return `${part.slice(0, PART_BYTES_MAX - 10)}~${crc32(bytes).toString(16).padStart(8, "0")}`;
}

/**
 * The name of an exchange instance as one part of a path: configuration allows only what is safe there, and it stays as
 * it is.
 */
export function exchangePart(name: string): string {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name) && name.length <= PART_BYTES_MAX ? name : pathPart(name);
}

/** The text that `pathPart` made a part of; null if the part was cut or is none of its own. */
export function textFromPathPart(part: string): string | null {
  if (part === EMPTY_PART) return "";
  if (part.includes("~")) return null;
  try {
    return decodeURIComponent(part.replaceAll("-", "%2F").replaceAll("_", "%3A"));
  } catch {
    return null;
  }
}

/** Days since the epoch, UTC. */
export function dayOf(micros: number): number {
  return Math.floor(micros / DAY_MICROS);
}

/** A day as `2026-11-22`. */
export function dateOfDay(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

function isLetterOrDigit(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}
