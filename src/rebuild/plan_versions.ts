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

/** What the frames of an instance are derived by, by the time at which they came. */
export interface PlanVersions {
  /** For what comes at or after the last `until`. */
  readonly now: FramePlan;
  /** Earlier rules, the oldest first: each for what came before its `until` and not before that of the one before. */
  readonly earlier: readonly { readonly until: Micros; readonly frames: FramePlan }[];
}

/** Returns the plan for what came at a time. */
export function versionAt({ now, earlier }: PlanVersions, at: Micros): FramePlan {
  return earlier.find(({ until }) => at < until)?.frames ?? now;
}

/** Writes today's plans into records, in the place of those that they were first derived by. */
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

  /** The plan for what an instance received at a time; null if there is none but that of the journal. */
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
   * Returns a record as it is to be derived, with the plan that it names. A session keeps the rules of the time at
   * which it was opened, also over changes of its streams; an answer that belongs to none has those of its own time.
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

/** A record and the plan that it names now; null if that is unchanged. */
export interface Changed {
  readonly record: JournalRecord;
  readonly plan: DerivationText | null;
}
