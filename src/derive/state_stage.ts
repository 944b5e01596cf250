import type { Micros, PlanRecord } from "../model/mod.ts";
import type { RecordAccount } from "./account.ts";
import { CheckpointError } from "./checkpoint.ts";
import { PipelineMemory } from "./pipeline_memory.ts";
import type { Plans } from "./plan_store.ts";

/** Holds what the pipeline remembers, and takes it from the checkpoints of the records where it is not known otherwise. */
export class StateStage {
  readonly #account: RecordAccount;
  readonly #plans: Plans;
  #memory: PipelineMemory;
  /** Parts of the checkpoint that the records begin with; null once another record was processed. */
  #checkpoint: string[] | null = [];

  constructor(account: RecordAccount, plans: Plans) {
    this.#account = account;
    this.#plans = plans;
    this.#memory = new PipelineMemory(plans);
  }

  get memory(): PipelineMemory {
    return this.#memory;
  }

  /** Notes that a record counts besides checkpoints and plans. */
  begin(): void {
    this.#checkpoint = null;
  }

  /** Yields the memory as texts of bounded length. */
  save(): Iterable<string> {
    return this.#memory.save();
  }

  /** Goes on from a saved memory. Throws a `CheckpointError`, and knows nothing, where this build cannot read it. */
  restore(parts: Iterable<string>): void {
    this.#memory = new PipelineMemory(this.#plans);
    try {
      this.#memory.restore(parts);
    } catch (error) {
      this.#memory = new PipelineMemory(this.#plans);
      throw error instanceof CheckpointError ? error : new CheckpointError(0, String(error));
    }
  }

  /** Yields the plans that open sessions name. */
  plansInUse(at: Micros): Iterable<PlanRecord> {
    return this.#memory.plansInUse(at);
  }

  /** Forgets everything: a checkpoint may come again, as at the beginning. */
  restart(): void {
    this.#memory = new PipelineMemory(this.#plans);
    this.#checkpoint = [];
  }

  /** A checkpoint counts only before every other record: later ones say what is known already. */
  resume(part: string, isLast: boolean): void {
    const parts = this.#checkpoint;
    if (parts === null) return;
    parts.push(part);
    if (!isLast) return;
    this.#checkpoint = null;
    try {
      this.restore(parts);
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      this.#account.refusedCheckpoint = error.version;
    }
  }
}
