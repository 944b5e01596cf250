import { keyText } from "./duplicate_keys.ts";
import type { Path, PathStep } from "./path.ts";
import { type RefusalCause, Scanner } from "./scanner.ts";
import type { Shape } from "./shape.ts";
import { Shapes } from "./shapes.ts";
import {
  COUNT,
  END,
  FLAG_ESCAPED,
  FLAG_HIDDEN,
  FLAG_KEY_ESCAPED,
  FLAG_KEY_WIDE,
  FLAG_WIDE,
  KEY_END,
  KEY_START,
  KIND_ARRAY,
  KIND_FALSE,
  KIND_MASK,
  KIND_NULL,
  KIND_NUMBER,
  KIND_OBJECT,
  KIND_STRING,
  KIND_TRUE,
  NEXT,
  type NodeId,
  NOT_FOUND,
  PARENT,
  START,
  STRIDE,
} from "./tape.ts";
import { latin1Text, unescapeText, utf8Text } from "./text.ts";

/** The kinds of JSON values (RFC 8259 section 3). */
export type JsonKind = "null" | "true" | "false" | "number" | "string" | "array" | "object";

/**
 * Why bytes are not JSON. `at` is the position of the first unexpected byte, or the length if the text ends too early.
 */
export interface JsonError {
  readonly at: number;
  readonly message: string;
  readonly cause: RefusalCause;
}

const KINDS: readonly JsonKind[] = (() => {
  const kinds: JsonKind[] = [];
  kinds[KIND_NULL] = "null";
  kinds[KIND_TRUE] = "true";
  kinds[KIND_FALSE] = "false";
  kinds[KIND_NUMBER] = "number";
  kinds[KIND_STRING] = "string";
  kinds[KIND_ARRAY] = "array";
  kinds[KIND_OBJECT] = "object";
  return kinds;
})();

const NO_BYTES = new Uint8Array(0);

/**
 * A parsed JSON text whose values are decoded only on request, so that numbers keep their digits. Of members with the
 * same key the last one counts, as in `JSON.parse`. One document is reused for many texts: `parse` invalidates all
 * nodes, and the bytes must not change while nodes are in use.
 */
export class JsonDocument {
  readonly #scanner = new Scanner();
  readonly #shapes = new Shapes();
  /** The shape of the text; null if it has no known one. */
  #shape: Shape | null = null;
  #tape = this.#scanner.tape;
  #size = 0;
  #bytes: Uint8Array = NO_BYTES;
  #text: string | null = null;

  /**
   * Parses JSON text and replaces the document's content. Returns false if it is not JSON (RFC 8259, UTF-8); `error`
   * then says why.
   */
  parse(bytes: Uint8Array): boolean {
    const scanner = this.#scanner;
    this.#bytes = bytes;
    this.#text = null;
    const shape = this.#shapes.follow(bytes);
    this.#shape = shape;
    if (shape !== null) {
      scanner.errorAt = -1;
      this.#tape = shape.tape;
      this.#size = shape.size;
      return true;
    }
    const isJson = scanner.scan(bytes);
    this.#tape = scanner.tape;
    this.#size = isJson ? scanner.size : 0;
    if (isJson) this.#shapes.note(scanner.tape, scanner.size, bytes);
    return isJson;
  }

  /** Why the last text was refused; null if it was parsed. */
  get error(): JsonError | null {
    const { errorAt, errorMessage, errorCause } = this.#scanner;
    return errorAt < 0 ? null : { at: errorAt, message: errorMessage, cause: errorCause };
  }

  /** Returns the kind of a node, which must exist. */
  kind(node: NodeId): JsonKind {
    return KINDS[this.#tape[node] & KIND_MASK];
  }

  /** Returns the node at a path; NOT_FOUND if there is none. */
  find(path: Path, from: NodeId): NodeId {
    const shape = this.#shape;
    if (shape === null) return this.#follow(path, from);
    if (path.shape !== shape || path.from !== from) {
      path.found = this.#follow(path, from);
      path.shape = shape;
      path.from = from;
    }
    return path.found;
  }

  #follow(path: Path, from: NodeId): NodeId {
    const tape = this.#tape;
    const steps = path.steps;
    let node = from < this.#size ? from : NOT_FOUND;
    for (let i = 0; i < steps.length && node >= 0; i++) {
      const step = steps[i];
      const kind = tape[node] & KIND_MASK;
      if (kind === KIND_OBJECT) {
        const hinted = node + step.hint;
        if (hinted < this.#size && tape[hinted + PARENT] === node && this.#isMember(hinted, step)) node = hinted;
        else node = this.#search(node, step);
      } else if (kind === KIND_ARRAY && step.index !== null) {
        node = this.#element(node, step.index);
      } else return NOT_FOUND;
    }
    return node;
  }

  /**
   * Returns a scalar's text: decoded string, digits of a number, `true`, `false`; null for JSON null, containers,
   * NOT_FOUND.
   */
  text(node: NodeId): string | null {
    if (node < 0) return null;
    const tape = this.#tape;
    const kind = tape[node];
    switch (kind & KIND_MASK) {
      case KIND_STRING: {
        const start = tape[node + START] + 1;
        const end = tape[node + END] - 1;
        if ((kind & (FLAG_ESCAPED | FLAG_WIDE)) === 0) return this.#latin1().slice(start, end);
        const text = utf8Text(this.#bytes, start, end);
        return (kind & FLAG_ESCAPED) === 0 ? text : unescapeText(text);
      }
      case KIND_NUMBER:
        return this.#latin1().slice(tape[node + START], tape[node + END]);
      case KIND_TRUE:
        return "true";
      case KIND_FALSE:
        return "false";
      default:
        return null;
    }
  }

  /**
   * Whether a scalar's text equals `text` (UTF-8), without decoding it. False for null, containers, NOT_FOUND, and
   * strings with escapes, which must be compared as text.
   */
  equals(node: NodeId, text: Uint8Array): boolean {
    return this.plainLength(node) === text.length && this.#hasBytes(node, text);
  }

  /** Whether a scalar's text begins with `text` (UTF-8); false for all nodes for which `equals` is always false. */
  startsWith(node: NodeId, text: Uint8Array): boolean {
    return this.plainLength(node) >= text.length && this.#hasBytes(node, text);
  }

  /** The bytes of the last parsed text. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Returns where a scalar's text begins in `bytes`. The node must exist. */
  plainStart(node: NodeId): number {
    return this.#tape[node + START] + ((this.#tape[node] & KIND_MASK) === KIND_STRING ? 1 : 0);
  }

  /** Returns the length in bytes of a scalar's text if its bytes are its text; otherwise -1. */
  plainLength(node: NodeId): number {
    if (node < 0) return -1;
    const tape = this.#tape;
    const kind = tape[node];
    switch (kind & KIND_MASK) {
      case KIND_STRING:
        return (kind & FLAG_ESCAPED) === 0 ? tape[node + END] - tape[node + START] - 2 : -1;
      case KIND_NUMBER:
      case KIND_TRUE:
      case KIND_FALSE:
        return tape[node + END] - tape[node + START];
      default:
        return -1;
    }
  }

  /**
   * Writes where the texts of the first two elements of an array are in `bytes`: start and end of the first, start and
   * end of the second. Returns false unless the node is an array that begins with two numbers or strings without
   * escapes.
   */
  pairSpans(node: NodeId, spans: Int32Array): boolean {
    const tape = this.#tape;
    if ((tape[node] & KIND_MASK) !== KIND_ARRAY || tape[node + COUNT] < 2) return false;
    const first = node + STRIDE;
    return this.#span(first, spans, 0) && this.#span(tape[first + NEXT], spans, 2);
  }

  #span(node: NodeId, spans: Int32Array, at: number): boolean {
    const tape = this.#tape;
    const kind = tape[node];
    const isString = (kind & KIND_MASK) === KIND_STRING;
    if (isString ? (kind & FLAG_ESCAPED) !== 0 : (kind & KIND_MASK) !== KIND_NUMBER) return false;
    const quote = isString ? 1 : 0;
    spans[at] = tape[node + START] + quote;
    spans[at + 1] = tape[node + END] - quote;
    return true;
  }

  /** Whether the bytes of a scalar, at least as many as `text`, begin with `text`. */
  #hasBytes(node: NodeId, text: Uint8Array): boolean {
    const bytes = this.#bytes;
    const start = this.plainStart(node);
    const length = text.length;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== text[i]) return false;
    return true;
  }

  /** Whether a node is a string with escapes. */
  isEscaped(node: NodeId): boolean {
    return node >= 0 && (this.#tape[node] & FLAG_ESCAPED) !== 0;
  }

  /** Returns the value of a number or string of 1 to 15 digits; -1 for anything else. */
  digits(node: NodeId): number {
    if (node < 0) return -1;
    const tape = this.#tape;
    const kind = tape[node] & KIND_MASK;
    if (kind !== KIND_NUMBER && kind !== KIND_STRING) return -1;
    const quote = kind === KIND_STRING ? 1 : 0;
    const end = tape[node + END] - quote;
    let at = tape[node + START] + quote;
    if (at >= end || end - at > 15) return -1;
    const bytes = this.#bytes;
    let value = 0;
    for (; at < end; at++) {
      const digit = bytes[at] - 48;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value;
  }

  /** Returns the text of a JSON number, or of a string of digits with at most one point; null for anything else. */
  plainDecimal(node: NodeId): string | null {
    if (node < 0) return null;
    const tape = this.#tape;
    const kind = tape[node] & KIND_MASK;
    if (kind === KIND_NUMBER) return this.#latin1().slice(tape[node + START], tape[node + END]);
    if (kind !== KIND_STRING) return null;
    const end = tape[node + END] - 1;
    const bytes = this.#bytes;
    let points = 0;
    const start = tape[node + START] + 1;
    for (let at = start; at < end; at++) {
      const byte = bytes[at];
      if (byte === 46) points++;
      else if (byte < 48 || byte > 57) return null;
    }
    return points <= 1 && end - start > points ? this.#latin1().slice(start, end) : null;
  }

  /** Returns the exact source text of a value. */
  source(node: NodeId): string {
    return utf8Text(this.#bytes, this.#tape[node + START], this.#tape[node + END]);
  }

  /** Returns the first element, or the first member's value; NOT_FOUND if the node is empty or a scalar. */
  firstChild(node: NodeId): NodeId {
    if (node < 0 || this.#tape[node + COUNT] === 0) return NOT_FOUND;
    const child = node + STRIDE;
    return (this.#tape[child] & FLAG_HIDDEN) === 0 ? child : this.next(child);
  }

  /** Returns the next element, or the next member's value; NOT_FOUND at the end. */
  next(node: NodeId): NodeId {
    const tape = this.#tape;
    let next = tape[node + NEXT];
    while (next >= 0 && (tape[next] & FLAG_HIDDEN) !== 0) next = tape[next + NEXT];
    return next;
  }

  /** Returns the key of a member's value; empty for other nodes. */
  key(node: NodeId): string {
    const tape = this.#tape;
    if ((tape[node] & (FLAG_KEY_ESCAPED | FLAG_KEY_WIDE)) !== 0) return keyText(tape, this.#bytes, node);
    return this.#latin1().slice(tape[node + KEY_START], tape[node + KEY_END]);
  }

  /** Returns the number of elements, or of members with different keys; 0 for scalars. */
  length(node: NodeId): number {
    if (node < 0) return 0;
    if ((this.#tape[node] & KIND_MASK) === KIND_ARRAY) return this.#tape[node + COUNT];
    let length = 0;
    for (let child = this.firstChild(node); child >= 0; child = this.next(child)) length++;
    return length;
  }

  #latin1(): string {
    return this.#text ??= latin1Text(this.#bytes);
  }

  #search(object: NodeId, step: PathStep): NodeId {
    const tape = this.#tape;
    if (tape[object + COUNT] === 0) return NOT_FOUND;
    for (let member = object + STRIDE; member >= 0; member = tape[member + NEXT]) {
      if (!this.#isMember(member, step)) continue;
      step.hint = member - object;
      return member;
    }
    return NOT_FOUND;
  }

  #isMember(node: NodeId, step: PathStep): boolean {
    const tape = this.#tape;
    const bytes = this.#bytes;
    const name = step.bytes;
    const flags = tape[node] & (FLAG_HIDDEN | FLAG_KEY_ESCAPED);
    if (flags !== 0) return (flags & FLAG_HIDDEN) === 0 && keyText(tape, bytes, node) === step.name;
    const start = tape[node + KEY_START];
    const length = tape[node + KEY_END] - start;
    if (length !== name.length) return false;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== name[i]) return false;
    return true;
  }

  #element(array: NodeId, index: number): NodeId {
    const tape = this.#tape;
    const count = tape[array + COUNT];
    const position = index < 0 ? count + index : index;
    if (position < 0 || position >= count) return NOT_FOUND;
    let element = array + STRIDE;
    for (let i = 0; i < position; i++) element = tape[element + NEXT];
    return element;
  }
}
