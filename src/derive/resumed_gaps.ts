import { type Channel, type GapCause, type Micros, type SessionId, UNKNOWN_EXCHANGE } from "../model/mod.ts";
import { CONNECTION, type EventPlace, type RecordAccount } from "./account.ts";
import { closedGap, openedGap } from "./gaps.ts";
import type { PipelineMemory } from "./pipeline_memory.ts";
import { unknownPlan, unknownSession } from "./session_memory.ts";

/** An emitted gap that is still open. */
interface EmittedGap {
  readonly id: string;
  readonly exchange: string;
  readonly session: SessionId;
  readonly place: EventPlace;
  readonly stream: Channel | null;
  readonly cause: GapCause;
  readonly from: Micros | null;
  readonly fromSequence: string | null;
  readonly detail: string;
}

/**
 * Emits the changes of open gaps across lost records, by comparing the memory before with the checkpoint after: closes
 * gaps that are no longer open, and opens new ones. So each opened gap is closed once.
 */
export function emitResumed(
  account: RecordAccount,
  { before, after }: { readonly before: PipelineMemory; readonly after: PipelineMemory },
): void {
  const known = openGapsOf(before);
  const open = openGapsOf(after);
  for (const [key, gap] of known) {
    if (open.has(key)) continue;
    const fields = closedGap({ ...gap, to: account.at, action: "recovered" });
    emit(account, gap, fields);
  }
  for (const [key, gap] of open) {
    if (!known.has(key)) emit(account, gap, openedGap({ ...gap, action: "none" }));
  }
}

function emit(account: RecordAccount, gap: EmittedGap, fields: Parameters<RecordAccount["emitGap"]>[1]): void {
  account.exchange = gap.exchange;
  account.session = gap.session;
  account.emitGap(gap.place, fields, gap.id);
}

/** Returns all open gaps of a memory: of streams, sessions and books. */
function openGapsOf(memory: PipelineMemory): ReadonlyMap<string, EmittedGap> {
  const gaps = new Map<string, EmittedGap>();
  const add = (gap: EmittedGap) => void gaps.set([gap.id, gap.exchange, gap.place.symbol, gap.stream].join("\n"), gap);
  for (const [exchange, symbol, stream, gap] of memory.gaps.entries()) {
    const { id, cause, from, fromSequence, detail } = gap;
    const place = { symbol, native: memory.nativeOf(exchange, symbol) };
    add({ id, exchange, session: 0, place, stream, cause, from, fromSequence, detail });
  }
  const whole = { place: CONNECTION, stream: null, cause: "undecodable", fromSequence: null } as const;
  for (const [session, { gapId: id, from }] of memory.orphans) {
    add({ ...whole, id, exchange: UNKNOWN_EXCHANGE, session, from, detail: unknownSession(session) });
  }
  for (const { id: session, exchange, origin, gap, books } of memory.sessions.values()) {
    if (gap !== null) add({ ...whole, id: gap.id, exchange, session, from: gap.from, detail: unknownPlan(origin) });
    for (const { symbol, native, gapId: id, keeper } of books?.all() ?? []) {
      const open = id === "" ? null : keeper.openGap;
      if (open === null) continue;
      const { cause, fromTs: from, fromSequence, detail } = open;
      add({ id, exchange, session, place: { symbol, native }, stream: "book", cause, from, fromSequence, detail });
    }
  }
  return gaps;
}
