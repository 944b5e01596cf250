import type { JournalRecord, PlanRecord } from "../model/mod.ts";
import type { OpenSession } from "./open_sessions.ts";

/**
 * Knows which plans stand in the segment that is being written, so that a record never names a plan that a reader of this
 * segment has not met. Keeps the plans of open sessions, of the last checkpoint and of the segment being written.
 */
export class JournaledPlans {
  readonly #known = new Map<string, PlanRecord>();
  #written = new Set<string>();

  /** Takes a record that was written to the segment. */
  follow(record: JournalRecord): void {
    if (record.kind !== "plan") return;
    this.#known.set(record.hash, record);
    this.#written.add(record.hash);
  }

  /** The plan that has to be written before a record; null where none has to be, or where it is not known. */
  missing(record: JournalRecord): PlanRecord | null {
    if (record.kind !== "opened" && record.kind !== "http") return null;
    const hash = record.planHash;
    if (hash === null || this.#written.has(hash)) return null;
    return this.#known.get(hash) ?? null;
  }

  /** The plans with which a segment begins. */
  inUse(sessions: readonly OpenSession[], others: Iterable<PlanRecord>): readonly PlanRecord[] {
    const plans = new Map<string, PlanRecord>();
    for (const plan of others) plans.set(plan.hash, plan);
    for (const { record } of sessions) {
      const plan = record.planHash === null ? undefined : this.#known.get(record.planHash);
      if (plan !== undefined) plans.set(plan.hash, plan);
    }
    return [...plans.values()];
  }

  /** A segment was begun with these plans. Those of the segment before are kept for this one. */
  begin(plans: readonly PlanRecord[]): void {
    const before = this.#written;
    for (const hash of this.#known.keys()) {
      if (!before.has(hash)) this.#known.delete(hash);
    }
    this.#written = new Set(plans.map(({ hash }) => hash));
    for (const plan of plans) this.#known.set(plan.hash, plan);
  }
}
