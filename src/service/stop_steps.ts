/** Keeps account of the steps of a stop, so that a stop which runs out of time can say what it waited for. */
export class StopSteps {
  readonly #running = new Set<string>();
  readonly #failures: string[] = [];
  /** Whether all that was received is safe in the journal. */
  isSafe = false;

  /** What has not ended, or failed, so far. */
  get end(): { readonly unfinished: readonly string[]; readonly isSafe: boolean } {
    return { unfinished: [...this.#running, ...this.#failures], isSafe: this.isSafe };
  }

  /** Waits for a step. What it rejects with is passed on. */
  async run<T>(step: string, done: Promise<T> | undefined): Promise<void> {
    this.#running.add(step);
    await done;
    this.#running.delete(step);
  }

  /** Notes why the stop could not go on. */
  failed(why: string): void {
    this.#running.clear();
    this.#failures.push(why);
  }
}
