import { type Micros, type Observation, PAGE_LOG_LINES } from "../../model/mod.ts";
import { logSpec } from "../../telemetry/mod.ts";

/** A line of the log. */
export interface TailLine {
  readonly at: Micros;
  readonly level: string;
  readonly text: string;
}

const SHOWN: ReadonlySet<string> = new Set(["info", "warn", "error"]);

/** Keeps the last log lines of level `info` and above, whatever the level of the log. */
export class LogTail {
  readonly #now: () => Micros;
  #lines: TailLine[] = [];
  #last = "";

  constructor(now: () => Micros) {
    this.#now = now;
  }

  observe(seen: Observation): void {
    const spec = logSpec(seen);
    if (spec === null) return;
    const level = typeof spec.level === "function" ? spec.level(seen) : spec.level;
    if (!SHOWN.has(level)) return;
    const text = spec.text(seen);
    // A repeated line replaces the one before it.
    if (text === this.#last) this.#lines.pop();
    this.#last = text;
    this.#lines.push({ at: this.#now(), level, text });
    if (this.#lines.length > PAGE_LOG_LINES * 2) this.#lines = this.#lines.slice(-PAGE_LOG_LINES);
  }

  get lines(): readonly TailLine[] {
    return this.#lines.slice(-PAGE_LOG_LINES);
  }
}
