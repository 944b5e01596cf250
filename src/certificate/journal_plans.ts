import type { Files } from "../host/mod.ts";
import { readJournal } from "../journal/mod.ts";
import type { Pause } from "../lake/mod.ts";
import { type Micros, readDerivation } from "../model/mod.ts";
import { type PlanNote, proofsOf } from "./plan_notes.ts";

/** Reads the plans of the exchanges, and their times, from a journal. Reads the whole journal. */
export async function journalPlans(files: Files, dir: string, pause: Pause): Promise<readonly PlanNote[]> {
  const proofs = new Map<string, PlanNote["proofs"]>();
  const notes: PlanNote[] = [];
  const latest = new Map<string, string>();
  const sessions = new Map<number, string>();
  const note = (exchange: string | null, hash: string | null, at: Micros) => {
    if (exchange === null || hash === null || latest.get(exchange) === hash) return;
    latest.set(exchange, hash);
    notes.push({ at, exchange, hash, proofs: proofs.get(hash) ?? {}, tellsGaps: true });
  };
  for await (const entries of readJournal(files, dir)) {
    for (const { offset, record } of entries) {
      switch (record.kind) {
        case "plan": {
          const plan = readDerivation(record.body);
          if (plan !== null) proofs.set(record.hash, proofsOf(plan.frames));
          break;
        }
        case "opened":
          sessions.set(offset, record.exchange);
          note(record.exchange, record.planHash, record.at);
          break;
        case "streams":
          note(sessions.get(record.session) ?? null, record.planHash, record.at);
          break;
        case "closed":
          sessions.delete(record.session);
      }
    }
    await pause();
  }
  return notes;
}
