import { type FrameLayout, unreachable } from "../model/mod.ts";

const ZERO = 0x30;
const NINE = 0x39;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const RECORD_SEPARATOR = 0x1e;
const LIST_TAIL = new TextEncoder().encode("]");
const DATA_HEAD = new TextEncoder().encode('{"data":');
const DATA_TAIL = new TextEncoder().encode("}");

/** The JSON text of a frame, and how its positions relate to those of the frame. */
export interface LaidOut {
  readonly bytes: Uint8Array;
  /** Number to subtract from a position to get that in the frame; null if it varies. */
  readonly shift: number | null;
}

/** Returns the text of a frame as one JSON text, by the layout that its connection declares. */
export function layOut(bytes: Uint8Array, layout: FrameLayout): LaidOut {
  switch (layout) {
    case "document":
      return { bytes, shift: 0 };
    case "prefixed":
      return prefixed(bytes);
    case "several":
      return { bytes: listed(bytes), shift: null };
    case "bare":
      return between(DATA_HEAD, bytes, DATA_TAIL);
    default:
      return unreachable(layout);
  }
}

/** Returns `42["a"]` as `["42",["a"]]`. Nothing after the digits gives null; no digits give an empty text. */
function prefixed(bytes: Uint8Array): LaidOut {
  let digits = 0;
  while (digits < bytes.length && bytes[digits] >= ZERO && bytes[digits] <= NINE) digits++;
  const prefix = new TextDecoder().decode(bytes.subarray(0, digits));
  const head = new TextEncoder().encode(`["${prefix}",`);
  const rest = digits === bytes.length ? new TextEncoder().encode("null") : bytes.subarray(digits);
  const { bytes: text, shift } = between(head, rest, LIST_TAIL);
  return { bytes: text, shift: shift - digits };
}

/** A text with something before and behind it. */
function between(head: Uint8Array, body: Uint8Array, tail: Uint8Array): { bytes: Uint8Array; shift: number } {
  const bytes = new Uint8Array(head.length + body.length + tail.length);
  bytes.set(head);
  bytes.set(body, head.length);
  bytes.set(tail, head.length + body.length);
  return { bytes, shift: head.length };
}

/**
 * Returns successive documents as the elements of a list. White space, or the record separator of RFC 7464, may be
 * before, between and after them. Invalid JSON stays as it is, for the parser to refuse.
 */
function listed(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(bytes.length * 2 + 2);
  let length = 0;
  text[length++] = 0x5b;
  let depth = 0;
  let isText = false;
  // Whether a document at the top level has ended, so that the next significant byte begins another.
  let hasEnded = false;
  let isScalar = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isText) {
      text[length++] = byte;
      if (byte === BACKSLASH && at + 1 < bytes.length) text[length++] = bytes[++at];
      else if (byte === QUOTE) {
        isText = false;
        if (depth === 0) hasEnded = true;
      }
      continue;
    }
    if (isBetween(byte)) {
      if (isScalar && depth === 0) [isScalar, hasEnded] = [false, true];
      text[length++] = byte === RECORD_SEPARATOR && depth === 0 ? 0x20 : byte;
      continue;
    }
    const opens = byte === 0x7b || byte === 0x5b;
    if (depth === 0 && isScalar && (opens || byte === QUOTE)) [isScalar, hasEnded] = [false, true];
    if (hasEnded) {
      text[length++] = COMMA;
      hasEnded = false;
    }
    text[length++] = byte;
    if (byte === QUOTE) isText = true;
    else if (opens) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      depth--;
      if (depth === 0) hasEnded = true;
    } else if (depth === 0) isScalar = true;
  }
  text[length++] = 0x5d;
  return text.subarray(0, length);
}

function isBetween(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === RECORD_SEPARATOR;
}
