import {
  compareNumbers,
  decimalText,
  type DigitsColumn,
  type Level,
  type LevelColumns,
  SCALE_TEXT,
} from "../model/mod.ts";
import { compareDecimals } from "./decimal_order.ts";

const FIRST_SLOTS = 32;

/**
 * The digits of a side's levels, each in a slot that it keeps until freed: price and size as integer coefficient and
 * scale, as in `DigitsColumn`. Texts that are no plain numbers are kept in side tables.
 */
export class LevelSlots {
  #prices = new Float64Array(FIRST_SLOTS);
  #priceScales = new Uint8Array(FIRST_SLOTS);
  #sizes = new Float64Array(FIRST_SLOTS);
  #sizeScales = new Uint8Array(FIRST_SLOTS);
  readonly #priceTexts = new Map<number, string>();
  readonly #sizeTexts = new Map<number, string>();
  /** Freed slots, the first `#free` of them. */
  #freed = new Uint32Array(FIRST_SLOTS);
  #free = 0;
  /** Slots allocated since the last `clear`, freed ones included. */
  #used = 0;

  /** Allocates a slot for the level in a row. */
  allocate(levels: LevelColumns, row: number): number {
    const slot = this.#free > 0 ? this.#freed[--this.#free] : this.#used++;
    if (slot === this.#prices.length) this.#grow();
    this.set(slot, levels, row);
    return slot;
  }

  /** Sets a slot to the level in a row. */
  set(slot: number, { prices, sizes }: LevelColumns, row: number): void {
    if (this.#priceScales[slot] === SCALE_TEXT) this.#priceTexts.delete(slot);
    if (this.#sizeScales[slot] === SCALE_TEXT) this.#sizeTexts.delete(slot);
    const priceScale = prices.scales[row];
    const sizeScale = sizes.scales[row];
    this.#prices[slot] = prices.coefficients[row];
    this.#priceScales[slot] = priceScale;
    this.#sizes[slot] = sizes.coefficients[row];
    this.#sizeScales[slot] = sizeScale;
    if (priceScale === SCALE_TEXT) this.#priceTexts.set(slot, prices.text(row) ?? "");
    if (sizeScale === SCALE_TEXT) this.#sizeTexts.set(slot, sizes.text(row) ?? "");
  }

  free(slot: number): void {
    if (this.#priceScales[slot] === SCALE_TEXT) this.#priceTexts.delete(slot);
    if (this.#sizeScales[slot] === SCALE_TEXT) this.#sizeTexts.delete(slot);
    this.#priceScales[slot] = 0;
    this.#sizeScales[slot] = 0;
    this.#freed[this.#free++] = slot;
  }

  clear(): void {
    this.#priceTexts.clear();
    this.#sizeTexts.clear();
    this.#priceScales.fill(0, 0, this.#used);
    this.#sizeScales.fill(0, 0, this.#used);
    this.#free = 0;
    this.#used = 0;
  }

  /** Returns the integer coefficient of a price; meaningful only if its scale is not SCALE_TEXT. */
  price(slot: number): number {
    return this.#prices[slot];
  }

  /** Returns the scale of a price; SCALE_TEXT if only `priceText` has the price. */
  priceScale(slot: number): number {
    return this.#priceScales[slot];
  }

  priceText(slot: number): string {
    const scale = this.#priceScales[slot];
    return scale === SCALE_TEXT ? this.#priceTexts.get(slot) ?? "" : decimalText(this.#prices[slot], scale);
  }

  /** Returns the integer coefficient of a size; meaningful only if its scale is not SCALE_TEXT. */
  size(slot: number): number {
    return this.#sizes[slot];
  }

  /** Returns the scale of a size; SCALE_TEXT if only `sizeText` has the size. */
  sizeScale(slot: number): number {
    return this.#sizeScales[slot];
  }

  sizeText(slot: number): string {
    const scale = this.#sizeScales[slot];
    return scale === SCALE_TEXT ? this.#sizeTexts.get(slot) ?? "" : decimalText(this.#sizes[slot], scale);
  }

  /** Returns the level as texts. */
  level(slot: number): Level {
    return [this.priceText(slot), this.sizeText(slot)];
  }

  /** Appends the level to columns. */
  copyTo(levels: LevelColumns, slot: number): void {
    const priceScale = this.#priceScales[slot];
    const sizeScale = this.#sizeScales[slot];
    if (priceScale === SCALE_TEXT) levels.prices.append(this.priceText(slot));
    else levels.prices.appendNumber(this.#prices[slot], priceScale);
    if (sizeScale === SCALE_TEXT) levels.sizes.append(this.sizeText(slot));
    else levels.sizes.appendNumber(this.#sizes[slot], sizeScale);
  }

  /** Compares a slot's price with the one in a row exactly; negative if the slot's is less. */
  comparePrice(slot: number, prices: DigitsColumn, row: number): number {
    const scale = this.#priceScales[slot];
    const otherScale = prices.scales[row];
    if (scale === SCALE_TEXT || otherScale === SCALE_TEXT) {
      return compareDecimals(this.priceText(slot), prices.text(row) ?? "");
    }
    return compareNumbers(this.#prices[slot], scale, prices.coefficients[row], otherScale);
  }

  #grow(): void {
    const size = this.#prices.length * 2;
    this.#prices = grown(this.#prices, new Float64Array(size));
    this.#sizes = grown(this.#sizes, new Float64Array(size));
    this.#priceScales = grown(this.#priceScales, new Uint8Array(size));
    this.#sizeScales = grown(this.#sizeScales, new Uint8Array(size));
    this.#freed = grown(this.#freed, new Uint32Array(size));
  }
}

function grown<T extends Float64Array | Uint8Array | Uint32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
