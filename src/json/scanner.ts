import { DuplicateKeys } from "./duplicate_keys.ts";
import { utf8SequenceEnd } from "./text.ts";
import {
  COUNT,
  END,
  FLAG_ESCAPED,
  FLAG_WIDE,
  KEY_END,
  KEY_FLAG_SHIFT,
  KEY_START,
  KIND,
  KIND_ARRAY,
  KIND_FALSE,
  KIND_MASK,
  KIND_NULL,
  KIND_NUMBER,
  KIND_OBJECT,
  KIND_STRING,
  KIND_TRUE,
  NEXT,
  PARENT,
  START,
  STRIDE,
} from "./tape.ts";

/** Deepest nesting that is read. Equals JSON_DEPTH_MAX of the model, which this folder does not import. */
export const DEPTH_MAX = 128;

/** Why a text was refused: it breaks the grammar, is not UTF-8, or nests too deeply. */
export type RefusalCause = "grammar" | "encoding" | "depth";

const PLAIN = 0;
const QUOTE = 34;
const BACKSLASH = 92;

/** Class of a byte inside a string: PLAIN needs no check; all others do. */
const STRING_CLASS = new Uint8Array(256).map((_, byte) =>
  byte < 32 || byte >= 128 || byte === QUOTE || byte === BACKSLASH ? 1 : PLAIN
);
const WHITESPACE = new Uint8Array(256).map((_, byte) =>
  byte === 32 || byte === 9 || byte === 10 || byte === 13 ? 1 : 0
);
const HEX = new Uint8Array(256).map((_, byte) => /[0-9a-fA-F]/.test(String.fromCharCode(byte)) ? 1 : 0);
const SIMPLE_ESCAPE = new Uint8Array(256).map((_, byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0);

/**
 * Reads JSON text (RFC 8259) onto a tape in one pass. Reused: the tape grows to the largest text and keeps its size.
 */
export class Scanner {
  tape: Int32Array = new Int32Array(STRIDE * 128);
  /** Number of integers in use on the tape. */
  size = 0;
  /** Where and why the last text was refused; -1 and "" if it was not. */
  errorAt = -1;
  errorMessage = "";
  errorCause: RefusalCause = "grammar";
  readonly #duplicates = new DuplicateKeys(DEPTH_MAX + 1);
  #flags = 0;

  /** Reads one JSON text. Returns false, with the error fields set, if the bytes are not one. */
  scan(bytes: Uint8Array): boolean {
    const length = bytes.length;
    this.errorAt = -1;
    this.errorMessage = "";
    let tape = this.tape;
    let size = 0;
    let at = 0;
    let parent = -1;
    let depth = 0;
    let keyStart = 0;
    let keyEnd = 0;
    let keyFlags = 0;
    this.size = 0;
    while (at < length && WHITESPACE[bytes[at]] === 1) at++;

    // Each turn reads one value that starts at `at`, then closes the containers that end after it.
    for (;;) {
      if (at >= length) return this.#refuse(at, "Unexpected end of text");
      if (size + STRIDE > tape.length) tape = this.#grow(tape);
      let node = size;
      size += STRIDE;
      const first = bytes[at];
      let end: number;
      let kind: number;
      let opened = false;
      switch (first) {
        case QUOTE:
          end = at + 1;
          while (end < length && STRING_CLASS[bytes[end]] === PLAIN) end++;
          if (end < length && bytes[end] === QUOTE) {
            end++;
            kind = KIND_STRING;
            break;
          }
          end = this.#stringEnd(bytes, at + 1);
          if (end < 0) return false;
          kind = KIND_STRING | this.#flags;
          break;
        case 123: // {
        case 91: // [
          kind = first === 123 ? KIND_OBJECT : KIND_ARRAY;
          if (depth === DEPTH_MAX) return this.#refuse(at, `Nested deeper than ${DEPTH_MAX}`, "depth");
          opened = true;
          end = at + 1;
          break;
        case 116: // true
          if (at + 4 > length || bytes[at + 1] !== 114 || bytes[at + 2] !== 117 || bytes[at + 3] !== 101) {
            return this.#refuse(at, "Unknown literal");
          }
          kind = KIND_TRUE;
          end = at + 4;
          break;
        case 102: // false
          if (
            at + 5 > length || bytes[at + 1] !== 97 || bytes[at + 2] !== 108 || bytes[at + 3] !== 115 ||
            bytes[at + 4] !== 101
          ) return this.#refuse(at, "Unknown literal");
          kind = KIND_FALSE;
          end = at + 5;
          break;
        case 110: // null
          if (at + 4 > length || bytes[at + 1] !== 117 || bytes[at + 2] !== 108 || bytes[at + 3] !== 108) {
            return this.#refuse(at, "Unknown literal");
          }
          kind = KIND_NULL;
          end = at + 4;
          break;
        default:
          end = this.#numberEnd(bytes, at);
          if (end < 0) return false;
          kind = KIND_NUMBER;
      }
      tape[node + KIND] = kind | (keyFlags << KEY_FLAG_SHIFT);
      tape[node + START] = at;
      tape[node + END] = end;
      tape[node + NEXT] = -1;
      tape[node + PARENT] = parent;
      tape[node + KEY_START] = keyStart;
      tape[node + KEY_END] = keyEnd;
      tape[node + COUNT] = 0;
      at = end;
      let wantsKey = false;
      if (parent >= 0) {
        tape[parent + COUNT]++;
        if ((tape[parent] & KIND_MASK) === KIND_OBJECT) this.#duplicates.note(tape, bytes, node, depth);
      }
      if (opened) {
        while (at < length && WHITESPACE[bytes[at]] === 1) at++;
        if (at >= length) return this.#refuse(at, "Unexpected end of text");
        if (bytes[at] !== first + 2) {
          depth++;
          parent = node;
          wantsKey = first === 123;
          if (wantsKey) this.#duplicates.open(depth);
          else keyStart = keyEnd = keyFlags = 0;
          if (!wantsKey) continue;
        } else {
          at++;
          tape[node + END] = at;
        }
      }
      // After a value: a comma continues, a bracket closes the container, which is then the value.
      while (!wantsKey) {
        while (at < length && bytes[at] <= 32 && WHITESPACE[bytes[at]] === 1) at++;
        if (parent < 0) {
          if (at < length) return this.#refuse(at, "Unexpected text after the value");
          this.size = size;
          return true;
        }
        if (at >= length) return this.#refuse(at, "Unexpected end of text");
        const byte = bytes[at];
        const inObject = (tape[parent] & KIND_MASK) === KIND_OBJECT;
        if (byte === 44) {
          tape[node + NEXT] = size;
          at++;
          while (at < length && WHITESPACE[bytes[at]] === 1) at++;
          if (inObject) wantsKey = true;
          else {
            keyStart = keyEnd = keyFlags = 0;
            break;
          }
        } else if (byte === (inObject ? 125 : 93)) {
          at++;
          node = parent;
          tape[node + END] = at;
          parent = tape[node + PARENT];
          depth--;
        } else return this.#refuse(at, inObject ? "Expected , or }" : "Expected , or ]");
      }
      if (!wantsKey) continue;
      if (at >= length) return this.#refuse(at, "Unexpected end of text");
      if (bytes[at] !== QUOTE) return this.#refuse(at, "Expected a key in double quotes");
      keyStart = at + 1;
      at = keyStart;
      while (at < length && STRING_CLASS[bytes[at]] === PLAIN) at++;
      keyFlags = 0;
      if (at < length && bytes[at] === QUOTE) {
        at++;
      } else {
        at = this.#stringEnd(bytes, keyStart);
        if (at < 0) return false;
        keyFlags = this.#flags;
      }
      keyEnd = at - 1;
      while (at < length && WHITESPACE[bytes[at]] === 1) at++;
      if (at >= length) return this.#refuse(at, "Unexpected end of text");
      if (bytes[at] !== 58) return this.#refuse(at, "Expected :");
      at++;
      while (at < length && WHITESPACE[bytes[at]] === 1) at++;
    }
  }

  #grow(tape: Int32Array): Int32Array {
    const larger = new Int32Array(tape.length * 2);
    larger.set(tape);
    this.tape = larger;
    return larger;
  }

  #refuse(at: number, message: string, cause: RefusalCause = "grammar"): false {
    this.errorAt = at;
    this.errorCause = cause;
    this.errorMessage = message;
    return false;
  }

  /**
   * Returns the position after the closing quote of the string whose content starts at `at`; -1 if refused. Sets the
   * flags.
   */
  #stringEnd(bytes: Uint8Array, at: number): number {
    const length = bytes.length;
    this.#flags = 0;
    for (;;) {
      while (at < length && STRING_CLASS[bytes[at]] === PLAIN) at++;
      if (at >= length) break;
      const byte = bytes[at];
      if (byte === QUOTE) return at + 1;
      if (byte === BACKSLASH) {
        const next = at + 1 < length ? bytes[at + 1] : 0;
        this.#flags |= FLAG_ESCAPED;
        if (SIMPLE_ESCAPE[next] === 1) {
          at += 2;
        } else if (next === 117) {
          for (let i = at + 2; i < at + 6; i++) {
            if (i >= length || HEX[bytes[i]] === 0) {
              this.#refuse(Math.min(i, length), i >= length ? "Unexpected end of text" : "Expected four hex digits");
              return -1;
            }
          }
          at += 6;
        } else {
          const ended = at + 1 >= length;
          this.#refuse(at + 1, ended ? "Unexpected end of text" : "Unknown escape");
          return -1;
        }
      } else if (byte < 32) {
        this.#refuse(at, "Control character in a string");
        return -1;
      } else {
        const end = utf8SequenceEnd(bytes, at);
        if (end < 0) {
          this.#refuse(at, "Invalid UTF-8", "encoding");
          return -1;
        }
        this.#flags |= FLAG_WIDE;
        at = end;
      }
    }
    this.#refuse(at, "Unexpected end of text");
    return -1;
  }

  /** Returns the position after the number that starts at `start` (RFC 8259 section 6); -1 if refused. */
  #numberEnd(bytes: Uint8Array, start: number): number {
    const length = bytes.length;
    let at = start;
    if (bytes[at] === 45) at++;
    const integer = at;
    while (at < length && bytes[at] >= 48 && bytes[at] <= 57) at++;
    if (at === integer) {
      this.#refuse(
        at,
        at >= length ? "Unexpected end of text" : at === start ? "Expected a value" : "Expected a digit",
      );
      return -1;
    }
    if (bytes[integer] === 48 && at > integer + 1) {
      this.#refuse(integer + 1, "Leading zero");
      return -1;
    }
    if (at < length && bytes[at] === 46) {
      at = this.#digitsEnd(bytes, at + 1);
      if (at < 0) return -1;
    }
    if (at < length && (bytes[at] | 32) === 101) {
      at++;
      if (at < length && (bytes[at] === 43 || bytes[at] === 45)) at++;
      at = this.#digitsEnd(bytes, at);
    }
    return at;
  }

  /** Returns the position after at least one digit; -1 if refused. */
  #digitsEnd(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length && bytes[at] >= 48 && bytes[at] <= 57) at++;
    if (at > start) return at;
    this.#refuse(at, at >= bytes.length ? "Unexpected end of text" : "Expected a digit");
    return -1;
  }
}
