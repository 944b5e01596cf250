import { LAKE_ROWS_HELD_MAX } from "../model/mod.ts";
import { compareBytes } from "../sink/mod.ts";
import type { ParquetSource, SourceGroup, Value } from "./parquet_source.ts";

/** A group whose columns are in memory. */
export interface LoadedGroup {
  readonly columns: ReadonlyMap<string, readonly Value[]>;
}

/** A row of a loaded group, with its sort keys. */
export interface Row {
  readonly group: LoadedGroup;
  readonly at: number;
  readonly symbol: string;
  readonly offset: number;
  readonly index: number;
}

/** A group with its symbols and their numbers of rows. */
interface Counted {
  readonly group: SourceGroup;
  readonly symbols: ReadonlyMap<string, number>;
  readonly firstOffset: number;
}

/** Called after each few ms of work, to let other work run. Rejects if the work is given up. */
export type Pause = () => Promise<void>;

/**
 * Yields all rows of the files, ordered by symbol, offset and index; rows of one event keep their order. Bounds its
 * memory: it sorts symbols together up to `LAKE_ROWS_HELD_MAX` rows; a symbol with more rows is merged row by row,
 * because each file holds a symbol's rows in order.
 */
export async function* sortedRows(sources: readonly ParquetSource[], pause: Pause): AsyncGenerator<readonly Row[]> {
  const counted: Counted[] = [];
  const totals = new Map<string, number>();
  for (const group of sources.flatMap(({ groups }) => groups)) {
    const symbols = new Map<string, number>();
    for (const value of await group.source.read(group, symbolColumn(group.source))) {
      const symbol = String(value);
      symbols.set(symbol, (symbols.get(symbol) ?? 0) + 1);
    }
    let firstOffset = Infinity;
    for (const offset of await group.source.read(group, "offset")) {
      if (Number(offset) < firstOffset) firstOffset = Number(offset);
    }
    for (const [symbol, rows] of symbols) totals.set(symbol, (totals.get(symbol) ?? 0) + rows);
    counted.push({ group, symbols, firstOffset });
    await pause();
  }
  counted.sort((a, b) => a.firstOffset - b.firstOffset);
  for (const symbols of batchesOf(totals)) {
    yield* rowsOf(counted.filter((group) => symbols.some((symbol) => group.symbols.has(symbol))), symbols, pause);
  }
}

/** Groups symbols, in order, as far as their rows may be held in memory together. */
function batchesOf(totals: ReadonlyMap<string, number>): readonly (readonly string[])[] {
  const batches: string[][] = [];
  let held = Infinity;
  for (const symbol of [...totals.keys()].sort(compareBytes)) {
    const rows = totals.get(symbol) ?? 0;
    if (held + rows > LAKE_ROWS_HELD_MAX) {
      batches.push([]);
      held = 0;
    }
    batches.at(-1)?.push(symbol);
    held += rows;
  }
  return batches;
}

async function* rowsOf(
  groups: readonly Counted[],
  symbols: readonly string[],
  pause: Pause,
): AsyncGenerator<readonly Row[]> {
  const ranks = new Map(symbols.map((symbol, rank) => [symbol, rank]));
  let held: Row[] = [];
  for (const [at, { group }] of groups.entries()) {
    held.push(...await load(group, ranks, pause));
    const next = groups.at(at + 1);
    if (next === undefined || symbols.length > 1 || held.length < LAKE_ROWS_HELD_MAX / 2) continue;
    // No later row precedes these.
    const ready = held.filter(({ offset }) => offset < next.firstOffset);
    held = held.filter(({ offset }) => offset >= next.firstOffset);
    yield inOrder(ready, ranks);
  }
  yield inOrder(held, ranks);
}

async function load(group: SourceGroup, ranks: ReadonlyMap<string, number>, pause: Pause): Promise<readonly Row[]> {
  const { source } = group;
  const columns = new Map<string, readonly Value[]>();
  for (const { name } of source.columns) {
    columns.set(name, await source.read(group, name));
    await pause();
  }
  const [symbols, offsets, indexes] = [symbolColumn(source), "offset", "index"].map((name) => columns.get(name) ?? []);
  const loaded: LoadedGroup = { columns };
  const rows: Row[] = [];
  for (let at = 0; at < group.rows; at++) {
    const symbol = String(symbols[at]);
    if (!ranks.has(symbol)) continue;
    rows.push({ group: loaded, at, symbol, offset: Number(offsets[at]), index: Number(indexes[at]) });
  }
  return rows;
}

/** The sort is stable. */
function inOrder(rows: Row[], ranks: ReadonlyMap<string, number>): readonly Row[] {
  const rank = ({ symbol }: Row) => ranks.get(symbol) ?? 0;
  return rows.sort((a, b) => rank(a) - rank(b) || a.offset - b.offset || a.index - b.index);
}

/** Returns the column with the exact symbol, in either layout. */
function symbolColumn({ columns }: ParquetSource): string {
  return columns.some(({ name }) => name === "symbol") ? "symbol" : "canonical_symbol";
}
