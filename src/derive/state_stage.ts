import type { CheckpointRecord, JournalRecord, Micros, PlanRecord } from "../model/mod.ts";
import type { RecordAccount } from "./account.ts";
import { CheckpointError } from "./checkpoint.ts";
import { PipelineMemory } from "./pipeline_memory.ts";
import type { Plans } from "./plan_store.ts";
import { tellResumed } from "./resumed_gaps.ts";
import type { SavedState } from "./saved_state.ts";

/**
 * Whether the memory says all that the records before would: `none` at their beginning, `torn` after a stretch of them
 * that is lost. A checkpoint makes it `whole`, and to a whole memory it says nothing new.
 */
type Wholeness = "none" | "torn" | "whole";

/** Holds what the pipeline remembers, and takes it from the checkpoints of the records where it is not known otherwise. */
export class StateStage {
  readonly #account: RecordAccount;
  readonly #plans: Plans;
  #memory: PipelineMemory;
  #wholeness: Wholeness = "none";
  /** The checkpoint that is coming, from its first part on; null while none is. */
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
   * Takes a part of a checkpoint: with its last one the memory is what it says, unless it is whole already. After a lost
   * stretch that emits what became of the gaps meanwhile, and a checkpoint that cannot be read leaves the memory torn.
   */
  resume({ part, last, state }: CheckpointRecord): void {
    if (this.#wholeness === "whole") return;
    if (part === 0) this.#coming = new ComingCheckpoint(new PipelineMemory(this.#plans));
    // The first parts may be lost; the rest alone says nothing.
    if (this.#coming === null || part !== this.#coming.parts) return;
    this.#coming.read(state);
    if (!last) return;
    const coming = this.#coming;
    this.#coming = null;
    try {
      const before = this.#memory;
      const after = coming.end();
      if (this.#wholeness === "torn") tellResumed(this.#account, { before, after });
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

  /** Returns the memory as it is now, as texts of bounded length. */
  save(): SavedState {
    return this.#memory.save();
  }

  /** Goes on from a saved memory. Throws a `CheckpointError`, and knows nothing, where this build cannot read it. */
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

  /** Forgets everything: a checkpoint may come again, as at the beginning. */
  restart(): void {
    this.#memory = new PipelineMemory(this.#plans);
    this.#wholeness = "none";
    this.#coming = null;
  }
}

/** A checkpoint that is read part by part, so that none of them waits for the others. */
class ComingCheckpoint {
  readonly #memory: PipelineMemory;
  #fault: CheckpointError | null = null;
  /** How many parts were read. */
  parts = 0;

  constructor(empty: PipelineMemory) {
    this.#memory = empty;
  }

  /** Reads the next part. After one that cannot be read the others are passed over. */
  read(state: string): void {
    this.parts++;
    if (this.#fault !== null) return;
    try {
      this.#memory.restore([state]);
    } catch (error) {
      this.#fault = error instanceof CheckpointError ? error : new CheckpointError(0, String(error));
    }
  }

  /** Returns the memory that all parts hold. Throws a `CheckpointError` where one of them could not be read. */
  end(): PipelineMemory {
    if (this.#fault !== null) throw this.#fault;
    return this.#memory;
  }
}
