import { CHANNELS, Failure, GAP_CAUSES, GAP_STATES } from "../model/mod.ts";
import type { GapFact } from "./day_facts.ts";

/** Fields of a gap event in a file; times as numbers or digits. */
export type GapFields = Readonly<Record<string, unknown>>;

/** Returns the gap of these fields. Throws a `Failure` of code `corrupt` if they are not of this program. */
export function gapFactOf(fields: GapFields, path: string): GapFact {
  const state = GAP_STATES.find((known) => known === fields.state);
  const cause = GAP_CAUSES.find((known) => known === fields.cause);
  const channel = CHANNELS.find((known) => known === fields.stream) ?? null;
  const isChannel = channel !== null || fields.stream === null || fields.stream === "";
  if (state === undefined || cause === undefined || !isChannel || typeof fields.gap_id !== "string") {
    const text =
      `Cannot read ${path}: a gap of it has state ${fields.state}, cause ${fields.cause}, stream ${fields.stream}`;
    throw new Failure("corrupt", text, { retry: false });
  }
  return {
    gap_id: fields.gap_id,
    channel,
    symbol: String(fields.symbol ?? ""),
    state,
    cause,
    from_ts: timeOf(fields.from_ts),
    to_ts: timeOf(fields.to_ts),
    detail: String(fields.detail ?? ""),
    action: String(fields.action ?? ""),
    order: [Number(fields.offset ?? 0), Number(fields.index ?? 0)],
  };
}

function timeOf(value: unknown): number | null {
  return value === null || value === undefined || value === "" ? null : Number(value);
}
