import type { Position } from "./position.ts";

/** Turns offsets of a text into lines and columns of its file. */
export class LineIndex {
  readonly #file: string;
  readonly #text: string;
  readonly #starts: number[] = [0];
  readonly #isShown: boolean;

  /** With `isShown` false positions have no source line: the file may not be meant for whoever reads them. */
  constructor(file: string, text: string, options: { readonly isShown: boolean } = { isShown: true }) {
    this.#isShown = options.isShown;
    this.#file = file;
    this.#text = text;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) this.#starts.push(at + 1);
  }

  /** The text itself. */
  get text(): string {
    return this.#text;
  }

  /** A stretch from an offset on, cut at the end of its line. */
  at(offset: number, length: number): Position {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    const start = this.#starts[low];
    const end = this.#starts[low + 1] ?? this.#text.length + 1;
    const sourceLine = this.#text.slice(start, end - 1).replace(/\r$/, "");
    const column = Math.min(offset - start, sourceLine.length);
    return {
      file: this.#file,
      line: low + 1,
      column: column + 1,
      length: Math.max(1, Math.min(length, sourceLine.length - column)),
      sourceLine: this.#isShown ? sourceLine : "",
    };
  }

  /** One character, by line and column as a parser counts them. */
  atLine(line: number, column: number): Position {
    const start = this.#starts[Math.min(Math.max(line, 1), this.#starts.length) - 1];
    return this.at(start + Math.max(column, 1) - 1, 1);
  }
}
