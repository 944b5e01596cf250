/** The simple columns of a batch. Rows are appended and read by index; `clear` keeps the capacity. */

const FIRST_ROWS = 16;

/** Numbers: times, counts, offsets. NaN stands for null. */
export class NumberColumn {
  values = new Float64Array(FIRST_ROWS);
  length = 0;

  append(value: number | null): void {
    if (this.length === this.values.length) this.#grow();
    this.values[this.length++] = value ?? NaN;
  }

  get(row: number): number | null {
    const value = this.values[row];
    return Number.isNaN(value) ? null : value;
  }

  copy(from: NumberColumn, row: number): void {
    this.append(from.values[row]);
  }

  clear(): void {
    this.length = 0;
  }

  #grow(): void {
    const values = new Float64Array(this.values.length * 2);
    values.set(this.values);
    this.values = values;
  }
}

/** Values of a short closed list, stored as indexes into it; the index after the last one is null. */
export class ChoiceColumn<V extends string | boolean> {
  readonly choices: readonly V[];
  /** Indexes into `choices`. */
  places = new Uint8Array(FIRST_ROWS);
  length = 0;

  constructor(choices: readonly V[]) {
    this.choices = choices;
  }

  append(value: V | null): void {
    const place = value === null ? this.choices.length : this.choices.indexOf(value);
    if (place < 0) throw new Error(`Cannot add ${value} to a column of ${this.choices.join(", ")}`);
    this.appendPlace(place);
  }

  /** Appends the value at an index of `choices`. */
  appendPlace(place: number): void {
    if (this.length === this.places.length) {
      const places = new Uint8Array(this.places.length * 2);
      places.set(this.places);
      this.places = places;
    }
    this.places[this.length++] = place;
  }

  get(row: number): V | null {
    return this.choices[this.places[row]] ?? null;
  }

  /** Appends a row of another column. `from` must have the same choices. */
  copy(from: ChoiceColumn<V>, row: number): void {
    this.appendPlace(from.places[row]);
  }

  clear(): void {
    this.length = 0;
  }
}
