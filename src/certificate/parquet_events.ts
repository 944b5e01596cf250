import type { Files } from "../host/mod.ts";
import { openSource, type ParquetSource, type Pause, type Value } from "../lake/mod.ts";
import { type EventKind, hasLevels } from "../model/mod.ts";
import type { DayFile } from "./archive_days.ts";
import type { ExchangeFacts, StreamFacts } from "./day_facts.ts";
import { gapFactOf, type GapFields } from "./gap_fields.ts";

/** Reads a Parquet file of an archive into the facts of its exchange. */
export async function readParquetFile(
  files: Files,
  dir: string,
  { file, facts, pause }: { readonly file: DayFile; readonly facts: ExchangeFacts; readonly pause: Pause },
): Promise<void> {
  const source = await openSource(files, `${dir}/${file.path}`);
  try {
    const [kind] = file.kinds;
    const owners = (source.notes.journal ?? "").split(" ");
    for (const owner of owners) facts.journals.add(owner);
    const journal = owners.length === 1 ? owners[0] : null;
    if (kind === "gap") await readGaps(source, facts, pause);
    else await readEvents(source, { kind, journal, facts, pause });
  } finally {
    await source.close();
  }
}

interface Reading {
  readonly kind: EventKind;
  readonly journal: string | null;
  readonly facts: ExchangeFacts;
  readonly pause: Pause;
}

async function readEvents(source: ParquetSource, { kind, journal, facts, pause }: Reading): Promise<void> {
  const names = new Set(source.columns.map(({ name }) => name));
  const symbolColumn = names.has("symbol") ? "symbol" : "canonical_symbol";
  const leveled = hasLevels(kind);
  let stream: StreamFacts | null = null;
  let [lastOffset, lastIndex]: [Value, Value] = [null, null];
  for (const group of source.groups) {
    const symbols = await source.read(group, symbolColumn);
    const received = await source.read(group, "received_ts");
    const offsets = leveled ? await source.read(group, "offset") : null;
    const indexes = leveled ? await source.read(group, "index") : null;
    const backfilled = names.has("backfilled") ? await source.read(group, "backfilled") : null;
    for (let row = 0; row < symbols.length; row++) {
      const symbol = String(symbols[row] ?? "");
      if (stream === null || stream.symbol !== symbol) {
        stream = facts.stream(kind, symbol);
        lastOffset = null;
      }
      let isNew = true;
      if (offsets !== null && indexes !== null) {
        isNew = offsets[row] !== lastOffset || indexes[row] !== lastIndex;
        lastOffset = offsets[row];
        lastIndex = indexes[row];
      }
      const isLate = backfilled !== null && backfilled[row] === true;
      stream.count(kind, isNew, isLate);
      // `book_top` events are derived from the book's updates, and prove nothing more.
      if (isNew && !isLate && kind !== "book_top") stream.saw(Number(received[row]), journal);
    }
    await pause();
  }
}

const GAP_COLUMNS = [
  "gap_id",
  "state",
  "stream",
  "cause",
  "from_ts",
  "to_ts",
  "detail",
  "action",
  "offset",
  "index",
] as const;

async function readGaps(source: ParquetSource, facts: ExchangeFacts, pause: Pause): Promise<void> {
  const symbolColumn = source.columns.some(({ name }) => name === "symbol") ? "symbol" : "canonical_symbol";
  for (const group of source.groups) {
    const symbols = await source.read(group, symbolColumn);
    const columns = new Map<string, readonly Value[]>();
    for (const name of GAP_COLUMNS) columns.set(name, await source.read(group, name));
    for (let row = 0; row < symbols.length; row++) {
      const fields: GapFields = Object.fromEntries(GAP_COLUMNS.map((name) => [name, columns.get(name)?.[row] ?? null]));
      facts.gap(gapFactOf({ ...fields, symbol: symbols[row] }, source.path));
    }
    await pause();
  }
}
