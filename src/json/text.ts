import { Buffer } from "node:buffer";

/** One character a byte: positions in the text are positions in the bytes. */
type Latin1Slice = (this: Uint8Array, start: number, end: number) => string;

const latin1Slice = (Buffer.prototype as unknown as { readonly latin1Slice: Latin1Slice }).latin1Slice;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decodes each byte to one character, so that ASCII parts can be sliced from the result by byte position. */
export function latin1Text(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length);
}

/** Decodes bytes that are known to be valid UTF-8. */
export function utf8Text(bytes: Uint8Array, start: number, end: number): string {
  return utf8.decode(bytes.subarray(start, end));
}

/** Resolves the escapes of the content of a JSON string (RFC 8259 section 7), which must be valid. */
export function unescapeText(text: string): string {
  let result = "";
  let from = 0;
  for (let at = text.indexOf("\\"); at >= 0; at = text.indexOf("\\", from)) {
    result += text.slice(from, at);
    const escape = text[at + 1];
    if (escape === "u") {
      result += String.fromCharCode(Number.parseInt(text.slice(at + 2, at + 6), 16));
      from = at + 6;
    } else {
      result += ESCAPES[escape] ?? escape;
      from = at + 2;
    }
  }
  return result + text.slice(from);
}

/** Escapes of characters other than the escaped one. */
const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/**
 * Returns where the UTF-8 sequence that starts at `at` with a byte of 0x80 or more ends; -1 if it is not well-formed
 * (RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF).
 */
export function utf8SequenceEnd(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + length > bytes.length) return -1;
  const second = bytes[at + 1];
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return -1;
  for (let i = at + 2; i < at + length; i++) if ((bytes[i] & 0xc0) !== 0x80) return -1;
  return at + length;
}
