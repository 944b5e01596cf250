import type { Journal } from "../journal/mod.ts";
import type { Envelope, Micros, Offset } from "../model/mod.ts";

/** Records that a reader never had and that the journal no longer keeps: at or past `from`, before `to`. */
export interface LostRange {
  readonly from: Offset;
  readonly to: Offset;
}

/**
 * The gaps, one for each exchange instance, that tell a sink of records which left the journal before it had them. Their
 * offset is that of the last record lost, so that they stand before everything the sink still gets.
 */
export async function lostRangeGaps(
  journal: Journal,
  { range, exchanges }: { readonly range: LostRange; readonly exchanges: readonly string[] },
): Promise<readonly Envelope[]> {
  const at = await timeOf(journal, range.to);
  const offset = range.to - 1;
  return exchanges.map((exchange, index) => ({
    ...{ exchange, symbol: "", native_symbol: "", exchange_ts: null, received_ts: at, session: 0, offset, index },
    event: {
      kind: "gap",
      gap_id: `${offset}-${index}`,
      state: "closed",
      stream: null,
      cause: "dropped",
      from_ts: null,
      to_ts: at,
      from_sequence: null,
      to_sequence: null,
      detail: `records ${range.from} to ${offset} left the journal before this sink had them`,
      action: "continued after them",
    },
  }));
}

/** Time of the first record that is kept. */
async function timeOf(journal: Journal, oldest: Offset): Promise<Micros> {
  for await (const [entry] of journal.read(oldest)) if (entry !== undefined) return entry.record.at;
  return 0;
}
