import { type DigitsColumn, SCALE_NULL, SCALE_TEXT, writeDecimal } from "../model/mod.ts";

const FIRST_BYTES = 4 * 1024;
/** Most bytes of a number. */
const NUMBER_BYTES_MAX = 26;
const ENCODER = new TextEncoder();
const QUOTE = 34;
const BACKSLASH = 92;
const NULL_TEXT = "null";

/** Text as UTF-8 that grows at its end: numbers and plain texts go in without strings in between. */
export class TextBuffer {
  #bytes = new Uint8Array(FIRST_BYTES);
  length = 0;

  /** The bytes so far; good until more is added. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  /** Forgets the text and keeps the room. */
  clear(): void {
    this.length = 0;
  }

  byte(code: number): void {
    this.#room(1);
    this.#bytes[this.length++] = code;
  }

  text(text: string): void {
    const { length } = text;
    this.#room(length * 3);
    const bytes = this.#bytes;
    const start = this.length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) {
        this.length = start + ENCODER.encodeInto(text, bytes.subarray(start)).written;
        return;
      }
      bytes[start + i] = code;
    }
    this.length = start + length;
  }

  /** A number as JavaScript writes it. */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) return this.text(String(value));
    this.#room(NUMBER_BYTES_MAX);
    this.length = writeDecimal(this.#bytes, this.length, value, 0);
  }

  /** A text as a JSON string, as `JSON.stringify` writes it. */
  jsonString(text: string): void {
    const { length } = text;
    this.#room(length + 2);
    const bytes = this.#bytes;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code < 32 || code > 126 || code === QUOTE || code === BACKSLASH) return this.text(JSON.stringify(text));
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  /** The value in a row of a column as a JSON string, or null. */
  jsonDigits(column: DigitsColumn, row: number): void {
    const scale = column.scales[row];
    if (scale === SCALE_NULL) return this.text(NULL_TEXT);
    if (scale === SCALE_TEXT) return this.jsonString(column.text(row) ?? "");
    this.#room(NUMBER_BYTES_MAX + 2);
    const bytes = this.#bytes;
    bytes[this.length] = QUOTE;
    const end = writeDecimal(bytes, this.length + 1, column.coefficients[row], scale);
    bytes[end] = QUOTE;
    this.length = end + 1;
  }

  /** The value in a row of a column as a CSV field as RFC 4180 section 2 asks; null is empty. */
  csvDigits(column: DigitsColumn, row: number): void {
    const scale = column.scales[row];
    if (scale === SCALE_NULL) return;
    if (scale === SCALE_TEXT) return this.csvText(column.text(row) ?? "");
    this.#room(NUMBER_BYTES_MAX);
    this.length = writeDecimal(this.#bytes, this.length, column.coefficients[row], scale);
  }

  /** A text as a CSV field, in quotes where it needs them. */
  csvText(text: string): void {
    this.text(/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  }

  /** Adds bytes. */
  append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  #room(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    let size = this.#bytes.length * 2;
    while (size < this.length + more) size *= 2;
    const larger = new Uint8Array(size);
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
  }
}
