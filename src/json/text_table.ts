import type { JsonDocument } from "./document.ts";
import type { NodeId } from "./tape.ts";

/** Texts that are remembered at first and at most, each at the place that its bytes give; powers of two. */
const PLACES_MIN = 64;
const PLACES_MAX = 16_384;
/** Longest text that is remembered, in bytes. */
const TEXT_BYTES_MAX = 64;

/**
 * Remembers something for the scalar texts of documents, found by their bytes, so that a text which comes again need not
 * be made. Bounded: it grows with the texts that come again, up to a limit from which they take each other's place. Long
 * texts and those with escapes have none.
 */
export class TextTable<T> {
  #texts: (Uint8Array | undefined)[] = new Array(PLACES_MIN).fill(undefined);
  #values: (T | undefined)[] = new Array(PLACES_MIN).fill(undefined);
  /** Hash of the text that was looked for last; null where it has no place. */
  #hash: number | null = null;
  /** Texts that took the place of others since it has grown. */
  #evicted = 0;

  /** What is remembered for the text of a scalar; undefined where nothing is. */
  find(document: JsonDocument, node: NodeId): T | undefined {
    const length = document.plainLength(node);
    this.#hash = null;
    if (length <= 0 || length > TEXT_BYTES_MAX) return undefined;
    const { bytes } = document;
    const start = document.plainStart(node);
    const end = start + length;
    let hash = length;
    for (let at = start; at < end; at++) hash = Math.imul(hash, 31) + bytes[at] | 0;
    hash ^= hash >>> 13;
    this.#hash = hash;
    const place = hash & (this.#texts.length - 1);
    const text = this.#texts[place];
    return text !== undefined && document.equals(node, text) ? this.#values[place] : undefined;
  }

  /** Remembers something for the text that was looked for last, where it is one that can be. */
  remember(document: JsonDocument, node: NodeId, value: T): void {
    if (this.#hash === null) return;
    const place = this.#hash & (this.#texts.length - 1);
    if (this.#texts[place] !== undefined && ++this.#evicted > this.#texts.length && this.#grow()) {
      return this.remember(document, node, value);
    }
    const start = document.plainStart(node);
    this.#texts[place] = document.bytes.slice(start, start + document.plainLength(node));
    this.#values[place] = value;
  }

  /** Begins anew with more room; false where there is no more. */
  #grow(): boolean {
    const places = this.#texts.length * 4;
    if (places > PLACES_MAX) return false;
    this.#texts = new Array(places).fill(undefined);
    this.#values = new Array(places).fill(undefined);
    this.#evicted = 0;
    return true;
  }
}
