import type { JournalRecord, PlanRecord } from "../model/mod.ts";
import type { OpenSession } from "./open_sessions.ts";

/**
 * Tracks the plans in the segment being written, so that every plan precedes the records that name it. Keeps the plans
 * of open sessions, of the last checkpoint and of the segment being written.
 */
export class JournaledPlans {
  readonly #known = new Map<string, PlanRecord>();
  #written = new Set<string>();

  /** Notes a record written to the segment. */
  follow(record: JournalRecord): void {
    if (record.kind !== "plan") return;
    this.#known.set(record.hash, record);
    this.#written.add(record.hash);
  }

  /** Returns the plan that must be written before a record; null if none must, or it is unknown. */
  missing(record: JournalRecord): PlanRecord | null {
    if (record.kind !== "opened" && record.kind !== "http") return null;
    const hash = record.planHash;
    if (hash === null || this.#written.has(hash)) return null;
    return this.#known.get(hash) ?? null;
  }

  /** Returns the plans for the head of a segment. */
  inUse(sessions: readonly OpenSession[], others: Iterable<PlanRecord>): readonly PlanRecord[] {
    const plans = new Map<string, PlanRecord>();
    for (const plan of others) plans.set(plan.hash, plan);
    for (const { record } of sessions) {
      const plan = record.planHash === null ? undefined : this.#known.get(record.planHash);
      if (plan !== undefined) plans.set(plan.hash, plan);
    }
    return [...plans.values()];
  }

  /** Notes that a segment was begun with these plans. Those of the previous segment are kept for this one. */
  begin(plans: readonly PlanRecord[]): void {
    const before = this.#written;
    for (const hash of this.#known.keys()) {
      if (!before.has(hash)) this.#known.delete(hash);
    }
    this.#written = new Set(plans.map(({ hash }) => hash));
    for (const plan of plans) this.#known.set(plan.hash, plan);
  }
}
