/** Tracks the steps of a stop, so that a stop that runs out of time can name those it waited for. */
export class StopSteps {
  readonly #running = new Set<string>();
  readonly #failures: string[] = [];
  /** Whether all that was received is safe in the journal. */
  isSafe = false;

  /** The steps that have not ended, and the failures. */
  get end(): { readonly unfinished: readonly string[]; readonly isSafe: boolean } {
    return { unfinished: [...this.#running, ...this.#failures], isSafe: this.isSafe };
  }

  /** Waits for a step. Rejects as the step does. */
  async run<T>(step: string, done: Promise<T> | undefined): Promise<void> {
    this.#running.add(step);
    await done;
    this.#running.delete(step);
  }

  /** Notes the failure that ended the stop early. */
  failed(why: string): void {
    this.#running.clear();
    this.#failures.push(why);
  }
}
