import type { Journal } from "../journal/mod.ts";
import type { Envelope, Micros, Offset } from "../model/mod.ts";

/** Records that a reader never had and the journal no longer keeps: at or past `from`, before `to`. */
export interface LostRange {
  readonly from: Offset;
  readonly to: Offset;
}

/**
 * Returns a gap for each exchange instance over records that left the journal before the sink had them. The gaps have
 * the offset of the last lost record, so that they precede everything the sink still receives.
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

/** Returns the time of the oldest record. */
async function timeOf(journal: Journal, oldest: Offset): Promise<Micros> {
  for await (const [entry] of journal.read(oldest)) if (entry !== undefined) return entry.record.at;
  return 0;
}
