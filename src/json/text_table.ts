import type { JsonDocument } from "./document.ts";
import type { NodeId } from "./tape.ts";

/** Slots at first and at most, indexed by hash; powers of two. */
const PLACES_MIN = 64;
const PLACES_MAX = 16_384;
/** Longest text that is cached, in bytes. */
const TEXT_BYTES_MAX = 64;

/**
 * Caches values by the scalar text of nodes, looked up by bytes, so that a repeated text is not decoded again. Bounded:
 * the table grows up to a limit; texts with the same slot evict each other. Long texts and texts with escapes are not
 * cached.
 */
export class TextTable<T> {
  #texts: (Uint8Array | undefined)[] = new Array(PLACES_MIN).fill(undefined);
  #values: (T | undefined)[] = new Array(PLACES_MIN).fill(undefined);
  /** Hash of the text last looked up; null if it cannot be cached. */
  #hash: number | null = null;
  /** Evictions since the table last grew. */
  #evicted = 0;

  /** Returns the value cached for the text of a scalar; undefined if there is none. */
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

  /** Caches a value for the text last looked up with `find`, if it can be cached. */
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

  /** Starts an empty, larger table; false at the limit. */
  #grow(): boolean {
    const places = this.#texts.length * 4;
    if (places > PLACES_MAX) return false;
    this.#texts = new Array(places).fill(undefined);
    this.#values = new Array(places).fill(undefined);
    this.#evicted = 0;
    return true;
  }
}
