import type { CheckpointRecord, JournalRecord, Micros, PlanRecord } from "../model/mod.ts";
import type { RecordAccount } from "./account.ts";
import { CheckpointError } from "./checkpoint.ts";
import { PipelineMemory } from "./pipeline_memory.ts";
import type { Plans } from "./plan_store.ts";
import { emitResumed } from "./resumed_gaps.ts";
import type { SavedState } from "./saved_state.ts";

/**
 * Whether the memory includes all earlier records: `none` at their beginning, `torn` after lost records, otherwise
 * `whole`. A checkpoint makes it `whole`; a whole memory ignores checkpoints.
 */
type Wholeness = "none" | "torn" | "whole";

/** Holds the pipeline's memory, and restores it from checkpoints among the records if it is not whole. */
export class StateStage {
  readonly #account: RecordAccount;
  readonly #plans: Plans;
  #memory: PipelineMemory;
  #wholeness: Wholeness = "none";
  /** The checkpoint being read, from its first part on; null if there is none. */
  #coming: ComingCheckpoint | null = null;

  constructor(account: RecordAccount, plans: Plans) {
    this.#account = account;
    this.#plans = plans;
    this.#memory = new PipelineMemory(plans);
  }

  get memory(): PipelineMemory {
    return this.#memory;
  }

  /** Notes a record that is neither a part of a checkpoint nor a plan. */
  follow(record: JournalRecord): void {
    this.#coming = null;
    if (record.kind === "dropped" && record.toOffset !== null) this.#wholeness = "torn";
    else if (this.#wholeness === "none") this.#wholeness = "whole";
  }

  /**
   * Reads a part of a checkpoint. The last part replaces the memory, unless it is whole. After lost records this emits
   * the changes of open gaps; a checkpoint that cannot be read leaves a torn memory torn.
   */
  resume({ part, last, state }: CheckpointRecord): void {
    if (this.#wholeness === "whole") return;
    if (part === 0) this.#coming = new ComingCheckpoint(new PipelineMemory(this.#plans));
    // If the first parts are lost, the rest is useless.
    if (this.#coming === null || part !== this.#coming.parts) return;
    this.#coming.read(state);
    if (!last) return;
    const coming = this.#coming;
    this.#coming = null;
    try {
      const before = this.#memory;
      const after = coming.end();
      if (this.#wholeness === "torn") emitResumed(this.#account, { before, after });
      this.#memory = after;
      this.#wholeness = "whole";
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      if (this.#wholeness === "torn") return;
      this.#account.refusedCheckpoint = error.version;
      this.#memory = new PipelineMemory(this.#plans);
      this.#wholeness = "whole";
    }
  }

  /** Returns the present memory as texts of bounded length. */
  save(): SavedState {
    return this.#memory.save();
  }

  /** Restores a saved memory. Throws a `CheckpointError` if this build cannot read it; the memory is then empty. */
  restore(parts: Iterable<string>): void {
    this.#memory = new PipelineMemory(this.#plans);
    const coming = new ComingCheckpoint(new PipelineMemory(this.#plans));
    for (const part of parts) coming.read(part);
    this.#memory = coming.end();
  }

  /** Yields the plans that open sessions name. */
  plansInUse(at: Micros): Iterable<PlanRecord> {
    return this.#memory.plansInUse(at);
  }

  /** Clears everything, so that a checkpoint is read again as at the beginning. */
  restart(): void {
    this.#memory = new PipelineMemory(this.#plans);
    this.#wholeness = "none";
    this.#coming = null;
  }
}

/** A checkpoint that is read part by part, so that parts need not be collected. */
class ComingCheckpoint {
  readonly #memory: PipelineMemory;
  #fault: CheckpointError | null = null;
  /** Number of parts read. */
  parts = 0;

  constructor(empty: PipelineMemory) {
    this.#memory = empty;
  }

  /** Reads the next part. After an unreadable part all others are skipped. */
  read(state: string): void {
    this.parts++;
    if (this.#fault !== null) return;
    try {
      this.#memory.restore([state]);
    } catch (error) {
      this.#fault = error instanceof CheckpointError ? error : new CheckpointError(0, String(error));
    }
  }

  /** Returns the restored memory. Throws a `CheckpointError` if a part could not be read. */
  end(): PipelineMemory {
    if (this.#fault !== null) throw this.#fault;
    return this.#memory;
  }
}
