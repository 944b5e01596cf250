import {
  END,
  FLAG_ESCAPED,
  FLAG_KEY_ESCAPED,
  FLAG_KEY_WIDE,
  FLAG_WIDE,
  KEY_END,
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
  PARENT,
  START,
  STRIDE,
} from "./tape.ts";

const QUOTE = 34;
const BACKSLASH = 92;

/** Bytes that need no decoding inside a string: ASCII without controls, quote and backslash. */
const PLAIN = new Uint8Array(256).map((_, byte) =>
  byte >= 32 && byte < 128 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0
);

/**
 * The shape of a text: everything but its scalar values. Texts of one shape have the same bytes between their values,
 * so another one is read without the grammar: its literal bytes are compared, the values between them are found, and
 * their positions are written onto a tape whose structure is already there.
 */
export class Shape {
  /** The shape's own tape, with the positions of the last text that had the shape. */
  readonly tape: Int32Array;
  readonly size: number;
  /** Length in bytes of the text from which the shape was learned. */
  readonly textLength: number;
  /** Nodes of the scalar values in text order, and their flags as members. */
  readonly #values: Int32Array;
  readonly #flags: Int32Array;
  /** The literal bytes before each value and after the last one, concatenated, and where each section ends. */
  readonly #literal: Uint8Array;
  readonly #literalEnds: Int32Array;
  /**
   * Tape indexes that hold a position within a literal section, and that position relative to the section's first byte.
   */
  readonly #places: Int32Array;
  readonly #offsets: Int32Array;
  readonly #placeEnds: Int32Array;

  /** Learns the shape of a text from its tape. */
  constructor(tape: Int32Array, size: number, bytes: Uint8Array) {
    this.tape = tape.slice(0, size);
    this.size = size;
    this.textLength = bytes.length;
    const values = scalarNodes(tape, size);
    const literal: number[] = [];
    const literalEnds: number[] = [];
    const places: number[] = [];
    const offsets: number[] = [];
    const placeEnds: number[] = [];
    const positions = literalPositions(tape, size);
    let from = 0;
    let next = 0;
    for (let i = 0; i <= values.length; i++) {
      const to = i < values.length ? tape[values[i] + START] : bytes.length;
      for (let at = from; at < to; at++) literal.push(bytes[at]);
      literalEnds.push(literal.length);
      for (; next < positions.length && positions[next].position <= to; next++) {
        places.push(positions[next].place);
        offsets.push(positions[next].position - from);
      }
      placeEnds.push(places.length);
      from = i < values.length ? tape[values[i] + END] : to;
    }
    this.#values = Int32Array.from(values);
    this.#flags = Int32Array.from(values, (node) => tape[node + KIND] & ~(KIND_MASK | FLAG_ESCAPED | FLAG_WIDE));
    this.#literal = Uint8Array.from(literal);
    this.#literalEnds = Int32Array.from(literalEnds);
    this.#places = Int32Array.from(places);
    this.#offsets = Int32Array.from(offsets);
    this.#placeEnds = Int32Array.from(placeEnds);
  }

  /**
   * Whether a text has this shape; if so, the tape describes it. False also if a value needs the full grammar: escapes,
   * bytes outside ASCII, numbers with exponents.
   */
  follow(bytes: Uint8Array): boolean {
    const length = bytes.length;
    const tape = this.tape;
    const values = this.#values;
    const literal = this.#literal;
    const places = this.#places;
    const offsets = this.#offsets;
    const count = values.length;
    let at = 0;
    let literalAt = 0;
    let place = 0;
    for (let i = 0; i <= count; i++) {
      const literalEnd = this.#literalEnds[i];
      const start = at;
      if (at + literalEnd - literalAt > length) return false;
      while (literalAt < literalEnd) if (bytes[at++] !== literal[literalAt++]) return false;
      for (const placeEnd = this.#placeEnds[i]; place < placeEnd; place++) tape[places[place]] = start + offsets[place];
      if (i === count) return at === length;
      if (at >= length) return false;
      const valueStart = at;
      let kind: number;
      const first = bytes[at];
      if (first === QUOTE) {
        at++;
        while (at < length && PLAIN[bytes[at]] === 1) at++;
        if (at >= length || bytes[at] !== QUOTE) return false;
        at++;
        kind = KIND_STRING;
      } else if (first === 116) {
        if (at + 4 > length || bytes[at + 1] !== 114 || bytes[at + 2] !== 117 || bytes[at + 3] !== 101) return false;
        at += 4;
        kind = KIND_TRUE;
      } else if (first === 102) {
        if (at + 5 > length || bytes[at + 1] !== 97 || bytes[at + 2] !== 108 || bytes[at + 3] !== 115) return false;
        if (bytes[at + 4] !== 101) return false;
        at += 5;
        kind = KIND_FALSE;
      } else if (first === 110) {
        if (at + 4 > length || bytes[at + 1] !== 117 || bytes[at + 2] !== 108 || bytes[at + 3] !== 108) return false;
        at += 4;
        kind = KIND_NULL;
      } else {
        if (first === 45) at++;
        const integer = at;
        while (at < length && bytes[at] >= 48 && bytes[at] <= 57) at++;
        if (at === integer || (bytes[integer] === 48 && at > integer + 1)) return false;
        if (at < length && bytes[at] === 46) {
          const fraction = ++at;
          while (at < length && bytes[at] >= 48 && bytes[at] <= 57) at++;
          if (at === fraction) return false;
        }
        kind = KIND_NUMBER;
      }
      const node = values[i];
      tape[node + KIND] = kind | this.#flags[i];
      tape[node + START] = valueStart;
      tape[node + END] = at;
    }
    return false;
  }
}

/** Whether the shape of a text can be learned: all keys must be plain, so that equal bytes mean equal names. */
export function hasPlainKeys(tape: Int32Array, size: number): boolean {
  for (let node = 0; node < size; node += STRIDE) {
    if ((tape[node] & (FLAG_KEY_ESCAPED | FLAG_KEY_WIDE)) !== 0) return false;
  }
  return true;
}

function isContainer(tape: Int32Array, node: number): boolean {
  const kind = tape[node] & KIND_MASK;
  return kind === KIND_ARRAY || kind === KIND_OBJECT;
}

function scalarNodes(tape: Int32Array, size: number): number[] {
  const nodes: number[] = [];
  for (let node = 0; node < size; node += STRIDE) if (!isContainer(tape, node)) nodes.push(node);
  return nodes;
}

/** Returns every position on the tape that lies in the literal bytes, in text order, with its index on the tape. */
function literalPositions(tape: Int32Array, size: number): { readonly place: number; readonly position: number }[] {
  const found: { place: number; position: number }[] = [];
  const add = (place: number) => found.push({ place, position: tape[place] });
  for (let node = 0; node < size; node += STRIDE) {
    if (isContainer(tape, node)) {
      add(node + START);
      add(node + END);
    }
    if (tape[node + PARENT] >= 0 && (tape[tape[node + PARENT]] & KIND_MASK) === KIND_OBJECT) {
      add(node + KEY_START);
      add(node + KEY_END);
    }
  }
  return found.sort((left, right) => left.position - right.position);
}
