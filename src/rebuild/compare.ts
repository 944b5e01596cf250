import type { Files } from "../host/mod.ts";
import { openSource, type ParquetSource, type Pause, type Row, sortedRows, type Value } from "../lake/mod.ts";
import type { Offset } from "../model/mod.ts";
import { compareBytes } from "../sink/mod.ts";

/** Differences between the rows of a partition and those derived again. */
export interface RowDifference {
  readonly before: number;
  readonly after: number;
  /** Rows that only one side has, by symbol, offset and index. */
  readonly added: number;
  readonly removed: number;
  /** Rows on both sides with different values. */
  readonly changed: number;
  /** Columns with changed values, and columns that only one side has. */
  readonly columns: readonly string[];
  /** Least and greatest offset of the existing rows; null if there were none. */
  readonly range: readonly [first: Offset, last: Offset] | null;
  /** Ids of the journals that the files name. */
  readonly journals: readonly string[];
}

/** Compares the rows of two sets of files. Rejects with a `Failure` of code `corrupt` if one cannot be read. */
export async function compareRows(
  files: Files,
  { before, after, pause }: {
    readonly before: readonly string[];
    readonly after: readonly string[];
    readonly pause: Pause;
  },
): Promise<RowDifference> {
  const opened: ParquetSource[] = [];
  const open = async (paths: readonly string[]) => {
    const sources: ParquetSource[] = [];
    for (const path of paths) {
      const source = await openSource(files, path);
      opened.push(source);
      sources.push(source);
    }
    return sources;
  };
  try {
    return await compareSources(await open(before), await open(after), pause);
  } finally {
    for (const source of opened) await source.close();
  }
}

async function compareSources(
  before: readonly ParquetSource[],
  after: readonly ParquetSource[],
  pause: Pause,
): Promise<RowDifference> {
  const names = (sources: readonly ParquetSource[]) =>
    new Set(sources.flatMap(({ columns }) => columns.map(({ name }) => name)));
  const [oldNames, newNames] = [names(before), names(after)];
  const common = [...newNames].filter((name) => oldNames.has(name));
  // An empty side has no columns to compare.
  const columns = new Set(
    before.length === 0 || after.length === 0
      ? []
      : [...oldNames, ...newNames].filter((name) => oldNames.has(name) !== newNames.has(name)),
  );
  const counts = { before: 0, after: 0, added: 0, removed: 0, changed: 0 };
  let range: [Offset, Offset] | null = null;
  const old = eachRow(before, pause);
  const fresh = eachRow(after, pause);
  let [left, right] = [await old.next(), await fresh.next()];
  while (left.done !== true || right.done !== true) {
    const order = left.done === true ? 1 : right.done === true ? -1 : orderOf(left.value, right.value);
    if (left.done !== true && order <= 0) {
      counts.before++;
      const { offset } = left.value;
      range = range === null ? [offset, offset] : [Math.min(range[0], offset), Math.max(range[1], offset)];
    }
    if (order >= 0) counts.after++;
    if (order < 0) counts.removed++;
    else if (order > 0) counts.added++;
    else if (left.done !== true && right.done !== true) {
      const differing = differingColumns(left.value, right.value, common);
      if (differing.length > 0) counts.changed++;
      for (const name of differing) columns.add(name);
    }
    if (order <= 0) left = await old.next();
    if (order >= 0) right = await fresh.next();
  }
  const journals = [...new Set(before.flatMap(({ notes }) => (notes.journal ?? "").split(" ")))];
  return { ...counts, columns: [...columns].sort(), range, journals };
}

async function* eachRow(sources: readonly ParquetSource[], pause: Pause): AsyncGenerator<Row, undefined> {
  if (sources.length === 0) return;
  for await (const rows of sortedRows(sources, pause)) yield* rows;
}

function orderOf(a: Row, b: Row): number {
  return compareBytes(a.symbol, b.symbol) || a.offset - b.offset || a.index - b.index;
}

function differingColumns(a: Row, b: Row, columns: readonly string[]): readonly string[] {
  return columns.filter((name) => !Object.is(valueOf(a, name), valueOf(b, name)));
}

function valueOf({ group, at }: Row, column: string): Value {
  return group.columns.get(column)?.[at] ?? null;
}
