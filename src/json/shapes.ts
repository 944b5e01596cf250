import { hasPlainKeys, Shape } from "./shape.ts";
import { COUNT, KEY_END, KEY_START, STRIDE } from "./tape.ts";

/** Shapes that are kept; the one at the end of the list is evicted. */
const SHAPES_MAX = 8;
/** Shapes that are tried for a text, the most recently useful first. */
const ATTEMPTS_MAX = 3;
/** Most values of a text whose shape is learned: longer texts seldom repeat their shape. */
const NODES_MAX = 64;
/** A shape is not tried on a text whose length differs by more bytes from the text it was learned from. */
const LENGTH_DIFFERENCE_MAX = 64;
/** A shape is learned after this many similar texts; each time twice as many are needed. */
const SIGHTINGS = 8;
const SIGHTINGS_MAX = 1 << 15;

/** The shapes that a stream of texts keeps repeating. */
export class Shapes {
  readonly #shapes: Shape[] = [];
  /** By fingerprint: texts seen since the last shape was learned, and texts needed to learn the next. */
  readonly #sightings = new Uint16Array(256);
  readonly #needed = new Uint16Array(256).fill(SIGHTINGS);

  /** Returns the known shape that a text has, with the text's positions on its tape; null if it has none. */
  follow(bytes: Uint8Array): Shape | null {
    const shapes = this.#shapes;
    const attempts = Math.min(shapes.length, ATTEMPTS_MAX);
    for (let i = 0; i < attempts; i++) {
      const shape = shapes[i];
      if (Math.abs(bytes.length - shape.textLength) > LENGTH_DIFFERENCE_MAX) continue;
      if (!shape.follow(bytes)) continue;
      if (i > 0) {
        shapes[i] = shapes[i - 1];
        shapes[i - 1] = shape;
      }
      return shape;
    }
    return null;
  }

  /** Counts a text that was read by the grammar, and learns its shape when it is due. */
  note(tape: Int32Array, size: number, bytes: Uint8Array): void {
    if (size > NODES_MAX * STRIDE) return;
    let mark = size;
    for (let node = 0; node < size; node += STRIDE) {
      mark = (mark * 31 + tape[node + KEY_END] - tape[node + KEY_START] + 7 * tape[node + COUNT]) | 0;
    }
    mark &= 255;
    if (++this.#sightings[mark] < this.#needed[mark]) return;
    this.#sightings[mark] = 0;
    // With more shapes than are kept, learning and evicting them for ever would cost more than the grammar.
    this.#needed[mark] = Math.min(this.#needed[mark] * 2, SIGHTINGS_MAX);
    if (!hasPlainKeys(tape, size)) return;
    // Not to the front: a shape moves there when it is useful.
    const place = Math.min(this.#shapes.length, ATTEMPTS_MAX - 1);
    this.#shapes.splice(place, 0, new Shape(tape, size, bytes));
    if (this.#shapes.length > SHAPES_MAX) this.#shapes.pop();
  }
}
