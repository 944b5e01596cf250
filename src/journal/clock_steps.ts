import type { Files } from "../host/mod.ts";
import { Failure, JOURNAL_CLOCK_STEPS_MAX, type JournalWarning, type Micros, type Offset } from "../model/mod.ts";

/**
 * A step of the wall clock: the offset of its record, and by how much the clock was set; negative if it was set back.
 */
type Step = readonly [offset: Offset, by: Micros];

/**
 * The steps of the wall clock since the journal's segments were begun, in its file `clock_steps.json`, so that the age
 * of a segment is the time that has really passed. Bounded: past JOURNAL_CLOCK_STEPS_MAX steps the oldest two are
 * merged.
 */
export class ClockSteps {
  readonly #files: Files;
  readonly #path: string;
  readonly #warn: (code: JournalWarning, text: string) => void;
  #steps: readonly Step[];
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    place: { readonly files: Files; readonly path: string },
    warn: (code: JournalWarning, text: string) => void,
    steps: readonly Step[],
  ) {
    this.#files = place.files;
    this.#path = place.path;
    this.#warn = warn;
    this.#steps = steps;
  }

  /** Reads the file in a folder. A damaged or unreadable file is reported, and then no step is known. */
  static async open(
    files: Files,
    dir: string,
    warn: (code: JournalWarning, text: string) => void,
  ): Promise<ClockSteps> {
    const path = `${dir}/clock_steps.json`;
    let steps: readonly Step[] | null = [];
    try {
      const text = await files.readText(path);
      steps = text === null ? [] : parseSteps(text);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      warn("clock_steps", error.message);
    }
    if (steps === null) {
      warn("clock_steps", `The file ${path} holds no steps of the clock: ages are those of the clock`);
    }
    return new ClockSteps({ files, path }, warn, steps ?? []);
  }

  /** Returns by how much the clock was set in total, by records at or past an offset. */
  since(offset: Offset): Micros {
    return this.#steps.reduce((sum, [at, by]) => at >= offset ? sum + by : sum, 0);
  }

  /** Notes a step, removes those before `oldest`, and writes the rest. A failure is reported. */
  note(offset: Offset, by: Micros, oldest: Offset): void {
    const steps: Step[] = [...this.#steps.filter(([at]) => at >= oldest), [offset, by]];
    if (steps.length > JOURNAL_CLOCK_STEPS_MAX) {
      const [[, first], [at, second], ...rest] = steps;
      this.#steps = [[at, first + second], ...rest];
    } else this.#steps = steps;
    this.#writing = this.#writing.then(() => this.#write());
  }

  /** Resolves when all noted steps are written or their failure was reported. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      const text = JSON.stringify({ version: 1, steps: this.#steps });
      await this.#files.writeAtomic(this.#path, new TextEncoder().encode(`${text}\n`));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#warn("clock_steps", error.message);
    }
  }
}

/** Parses the file; null if it is not valid. */
function parseSteps(text: string): readonly Step[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Reflect.get(value, "version") !== 1) return null;
  const steps: unknown = Reflect.get(value, "steps");
  return Array.isArray(steps) && steps.length <= JOURNAL_CLOCK_STEPS_MAX && steps.every(isStep) ? steps : null;
}

function isStep(value: unknown): value is Step {
  return Array.isArray(value) && value.length === 2 && value.every((part) => Number.isSafeInteger(part));
}
