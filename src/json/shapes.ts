import { hasPlainKeys, Shape } from "./shape.ts";
import { COUNT, KEY_END, KEY_START, STRIDE } from "./tape.ts";

/** Shapes that are kept; the one that was least lately of use makes room. */
const SHAPES_MAX = 8;
/** Shapes that are tried for a text, the most lately useful first. */
const ATTEMPTS_MAX = 3;
/** Only texts with at most this many values have a shape worth keeping: longer ones seldom come again. */
const NODES_MAX = 64;
/** A text that is longer or shorter than the shape's first one by more bytes is not tried: its values differ too much. */
const LENGTH_DIFFERENCE_MAX = 64;
/** A shape is learned when texts that look like it were seen this often; each time again twice as often as before. */
const SIGHTINGS = 8;
const SIGHTINGS_MAX = 1 << 15;

/** The shapes that a stream of texts keeps repeating. */
export class Shapes {
  readonly #shapes: Shape[] = [];
  /** By mark: texts seen since the last shape was learned, and how many it takes to learn one. */
  readonly #sightings = new Uint16Array(256);
  readonly #needed = new Uint16Array(256).fill(SIGHTINGS);

  /** The known shape that a text has, with the text's positions on its tape; null where it has none of them. */
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

  /** Notes a text that was read by the grammar. */
  note(tape: Int32Array, size: number, bytes: Uint8Array): void {
    if (size > NODES_MAX * STRIDE) return;
    let mark = size;
    for (let node = 0; node < size; node += STRIDE) {
      mark = (mark * 31 + tape[node + KEY_END] - tape[node + KEY_START] + 7 * tape[node + COUNT]) | 0;
    }
    mark &= 255;
    if (++this.#sightings[mark] < this.#needed[mark]) return;
    this.#sightings[mark] = 0;
    // Texts of more shapes than are kept would have them learned and dropped for ever, which costs more than the grammar.
    this.#needed[mark] = Math.min(this.#needed[mark] * 2, SIGHTINGS_MAX);
    if (!hasPlainKeys(tape, size)) return;
    // Not to the front: a shape moves there by being of use.
    const place = Math.min(this.#shapes.length, ATTEMPTS_MAX - 1);
    this.#shapes.splice(place, 0, new Shape(tape, size, bytes));
    if (this.#shapes.length > SHAPES_MAX) this.#shapes.pop();
  }
}
