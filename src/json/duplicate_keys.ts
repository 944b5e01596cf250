import {
  COUNT,
  FLAG_HIDDEN,
  FLAG_KEY_ESCAPED,
  KEY_END,
  KEY_START,
  KIND,
  NEXT,
  type NodeId,
  PARENT,
  STRIDE,
} from "./tape.ts";
import { unescapeText, utf8Text } from "./text.ts";

/** Objects with more members are checked with a map, so that the cost stays linear. */
const MEMBERS_COMPARED_MAX = 48;

/**
 * Finds members of an object with the same key and hides all but the last, as `JSON.parse` does. A bit mask of key
 * fingerprints per open object saves the comparisons for members with a new fingerprint, which are most.
 */
export class DuplicateKeys {
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  readonly #maps: (Map<string, NodeId> | null)[];

  /** `depths` is the deepest nesting of objects, plus one. */
  constructor(depths: number) {
    this.#low = new Int32Array(depths);
    this.#high = new Int32Array(depths);
    this.#maps = new Array(depths).fill(null);
  }

  /** Begins an object whose members are at `depth`. */
  open(depth: number): void {
    this.#low[depth] = 0;
    this.#high[depth] = 0;
    this.#maps[depth] = null;
  }

  /** Checks a member just appended to the tape, the last of its object so far. */
  note(tape: Int32Array, bytes: Uint8Array, node: NodeId, depth: number): void {
    const start = tape[node + KEY_START];
    const end = tape[node + KEY_END];
    if ((tape[node] & FLAG_KEY_ESCAPED) === 0) {
      const print = end === start ? 63 : (bytes[start] + 5 * bytes[(start + end) >> 1] + 11 * bytes[end - 1] +
        7 * (end - start)) & 63;
      const masks = print < 32 ? this.#low : this.#high;
      const bit = 1 << (print & 31);
      if ((masks[depth] & bit) === 0) {
        masks[depth] |= bit;
        return;
      }
    } else {
      // The escapes would give another fingerprint than the key itself: from here on every member is compared.
      this.#low[depth] = -1;
      this.#high[depth] = -1;
    }
    const parent = tape[node + PARENT];
    if (tape[parent + COUNT] > MEMBERS_COMPARED_MAX) this.#noteInMap(tape, bytes, node, depth);
    else hideEarlier(tape, bytes, node);
  }

  #noteInMap(tape: Int32Array, bytes: Uint8Array, node: NodeId, depth: number): void {
    let map = this.#maps[depth];
    if (map === null) {
      map = new Map();
      this.#maps[depth] = map;
      // From here on every member must be in the map.
      this.#low[depth] = -1;
      this.#high[depth] = -1;
      hideEarlier(tape, bytes, node);
      for (let other = tape[node + PARENT] + STRIDE; other !== node; other = tape[other + NEXT]) {
        map.set(keyText(tape, bytes, other), other);
      }
    }
    const key = keyText(tape, bytes, node);
    const earlier = map.get(key);
    if (earlier !== undefined) tape[earlier + KIND] |= FLAG_HIDDEN;
    map.set(key, node);
  }
}

/** Returns the text of a member's key. */
export function keyText(tape: Int32Array, bytes: Uint8Array, node: NodeId): string {
  const text = utf8Text(bytes, tape[node + KEY_START], tape[node + KEY_END]);
  return (tape[node + KIND] & FLAG_KEY_ESCAPED) === 0 ? text : unescapeText(text);
}

function hideEarlier(tape: Int32Array, bytes: Uint8Array, node: NodeId): void {
  for (let other = tape[node + PARENT] + STRIDE; other !== node; other = tape[other + NEXT]) {
    if (hasSameKey(tape, bytes, other, node)) tape[other + KIND] |= FLAG_HIDDEN;
  }
}

function hasSameKey(tape: Int32Array, bytes: Uint8Array, left: NodeId, right: NodeId): boolean {
  if (((tape[left] | tape[right]) & FLAG_KEY_ESCAPED) !== 0) {
    return keyText(tape, bytes, left) === keyText(tape, bytes, right);
  }
  let at = tape[left + KEY_START];
  let other = tape[right + KEY_START];
  const end = tape[left + KEY_END];
  if (end - at !== tape[right + KEY_END] - other) return false;
  while (at < end) if (bytes[at++] !== bytes[other++]) return false;
  return true;
}
