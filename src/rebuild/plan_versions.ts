import {
  type BookTopPlan,
  buildDerivation,
  type DedupPlan,
  type DerivationText,
  type FramePlan,
  type JournalRecord,
  type Micros,
  writeDerivation,
} from "../model/mod.ts";

/** The plans of an instance, by the time from which they apply. */
export interface PlanVersions {
  /** Plan at or after the last `until`. */
  readonly now: FramePlan;
  /** Earlier plans, the oldest first: each applies before its `until` and from that of the one before. */
  readonly earlier: readonly { readonly until: Micros; readonly frames: FramePlan }[];
}

/** Returns the plan of a time. */
export function versionAt({ now, earlier }: PlanVersions, at: Micros): FramePlan {
  return earlier.find(({ until }) => at < until)?.frames ?? now;
}

/** Replaces the plans of records by today's plans. */
export class PlanChange {
  readonly #versions: ReadonlyMap<string, PlanVersions>;
  readonly #run: { readonly dedup: DedupPlan; readonly bookTops: BookTopPlan | null };
  readonly #written = new Map<FramePlan, DerivationText>();

  constructor(
    versions: ReadonlyMap<string, PlanVersions>,
    run: { readonly dedup: DedupPlan; readonly bookTops: BookTopPlan | null },
  ) {
    this.#versions = versions;
    this.#run = run;
  }

  /** Returns the plan of an instance at a time; null if the journal's plan stays. */
  planFor(exchange: string, at: Micros): DerivationText | null {
    const versions = this.#versions.get(exchange);
    if (versions === undefined) return null;
    const frames = versionAt(versions, at);
    let written = this.#written.get(frames);
    if (written === undefined) {
      this.#written.set(frames, written = writeDerivation(buildDerivation(frames, this.#run)));
    }
    return written;
  }

  /**
   * Returns a record with the plan to derive it by. A session keeps the plan of its opening, even when its streams
   * change; an answer without a session has the plan of its own time.
   */
  change(record: JournalRecord, sessionAt: Micros | null, exchange: string | null): Changed {
    const at = record.kind === "streams" ? sessionAt ?? record.at : record.at;
    switch (record.kind) {
      case "opened":
      case "http":
      case "streams": {
        if (record.kind === "http" && record.session !== null && record.planHash === null) break;
        const plan = exchange === null ? null : this.planFor(exchange, at);
        if (plan !== null) return { record: { ...record, planHash: plan.hash }, plan };
      }
    }
    return { record, plan: null };
  }
}

/** A record and its new plan; null if the plan is unchanged. */
export interface Changed {
  readonly record: JournalRecord;
  readonly plan: DerivationText | null;
}
