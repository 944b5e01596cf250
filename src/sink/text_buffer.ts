import { type DigitsColumn, SCALE_NULL, SCALE_TEXT, writeDecimal } from "../model/mod.ts";

const FIRST_BYTES = 4 * 1024;
/** Most bytes of a number. */
const NUMBER_BYTES_MAX = 26;
const ENCODER = new TextEncoder();
const QUOTE = 34;
const BACKSLASH = 92;
const NULL_TEXT = "null";

/** Builds a UTF-8 text: appends numbers and digits without intermediate strings. */
export class TextBuffer {
  #bytes = new Uint8Array(FIRST_BYTES);
  length = 0;

  /** The bytes so far; valid until the next append. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  /** Clears the text and keeps the memory. */
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

  /** Appends a number as JavaScript writes it. */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) return this.text(String(value));
    this.#room(NUMBER_BYTES_MAX);
    this.length = writeDecimal(this.#bytes, this.length, value, 0);
  }

  /** Appends a text as a JSON string, as `JSON.stringify` does. */
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

  /** Appends the value in a row of a column as a JSON string, or null. */
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

  /** Appends the value in a row of a column as a CSV field (RFC 4180, section 2); null is empty. */
  csvDigits(column: DigitsColumn, row: number): void {
    const scale = column.scales[row];
    if (scale === SCALE_NULL) return;
    if (scale === SCALE_TEXT) return this.csvText(column.text(row) ?? "");
    this.#room(NUMBER_BYTES_MAX);
    this.length = writeDecimal(this.#bytes, this.length, column.coefficients[row], scale);
  }

  /** Appends a text as a CSV field, quoted if necessary. */
  csvText(text: string): void {
    this.text(/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  }

  /** Appends bytes. */
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
