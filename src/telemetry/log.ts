import {
  configureSync,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type LogLevel as LibraryLevel,
  type LogRecord,
} from "@logtape/logtape";
import { type LogLevel, type Observation, type Observer, Secrets, unreachable } from "../model/mod.ts";
import { type LineLevel, LOG_EVENTS, logSpec } from "./log_table.ts";

/** Options of `createLog`. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "text" | "json";
  /** Colours for text lines. */
  readonly color: boolean;
  /** Writes one line, without its line break. */
  readonly write: (line: string) => void;
  /** Values to hide in every line. Default: none. */
  readonly secrets?: Secrets;
  /** Returns how many lines were dropped so far because the reader did not keep up. Default: none. */
  readonly dropped?: () => number;
  /** Monotonic ms, to count repeated lines. */
  readonly nowMs: () => number;
}

/** How long lines with the same key are counted instead of written, in ms. */
const REPEAT_MS = 60_000;
/**
 * Most keys remembered. At the limit all counts are written and the keys forgotten: rather a line twice than a line
 * lost.
 */
const REPEAT_KEYS_MAX = 10_000;

const LIBRARY_LEVELS: Readonly<Record<LineLevel, LibraryLevel>> = {
  trace: "trace",
  debug: "debug",
  info: "info",
  warn: "warning",
  error: "error",
};

const LEVELS: readonly LineLevel[] = ["trace", "debug", "info", "warn", "error"];

/**
 * Turns observations into log lines, as `log_table` says. Of lines that repeat within a minute only the first is
 * written. The others are counted; the next line after the minute, or the stop, writes the latest of them with the
 * count. So a fault in every frame neither floods the log nor vanishes from it.
 */
export function createLog(options: LogOptions): Observer {
  const format = options.format === "json"
    ? getJsonLinesFormatter({ properties: "flatten" })
    : options.color
    ? getAnsiColorFormatter({ timestamp: "rfc3339" })
    : getTextFormatter({ timestamp: "rfc3339" });
  configureSync({
    reset: true,
    sinks: { lines: (record: LogRecord) => options.write(format(record).trimEnd()) },
    loggers: [
      { category: ["collector"], sinks: ["lines"], lowestLevel: LIBRARY_LEVELS[options.level] },
      { category: ["logtape", "meta"], sinks: ["lines"], lowestLevel: "error" },
    ],
  });
  const logger = getLogger(["collector"]);
  const secrets = options.secrets ?? new Secrets();
  const lowest = LEVELS.indexOf(options.level);
  const writeLine = ({ level, text, seen, repeated }: Line) => {
    const properties = secrets.hideIn(repeated === 0 ? fieldsOf(seen) : { ...fieldsOf(seen), repeated });
    const full = repeated === 0 ? text : `${text} (the latest of ${repeated} more like it)`;
    // The library reads braces as placeholders.
    const message = secrets.hide(full).replaceAll("{", "{{").replaceAll("}", "}}");
    switch (level) {
      case "trace":
        return logger.trace(message, properties);
      case "debug":
        return logger.debug(message, properties);
      case "info":
        return logger.info(message, properties);
      case "warn":
        return logger.warn(message, properties);
      case "error":
        return logger.error(message, properties);
      default:
        return unreachable(level);
    }
  };
  let writtenDropped = 0;
  const writeNext = (line: Line) => {
    const dropped = options.dropped?.() ?? 0;
    if (dropped > writtenDropped) {
      const seen = { kind: "log_dropped", lines: dropped - writtenDropped } as const;
      writeLine({ level: "warn", text: LOG_EVENTS.log_dropped?.text(seen) ?? "", seen, repeated: 0 });
      // If the count has grown, this very line was dropped.
      if (options.dropped?.() === dropped) writtenDropped = dropped;
    }
    writeLine(line);
  };
  const repeats = new Repeats(writeNext);
  return (seen) => {
    if (seen.kind === "stopped") repeats.release(Infinity);
    const spec = logSpec(seen);
    if (spec === null) return;
    const level = typeof spec.level === "function" ? spec.level(seen) : spec.level;
    if (LEVELS.indexOf(level) < lowest) return;
    const nowMs = options.nowMs();
    repeats.release(nowMs);
    const key = spec.repeatKey?.(seen) ?? "";
    if (key !== "" && repeats.count(`${seen.kind} ${key}`, { level, text: spec.text, seen, nowMs })) return;
    writeNext({ level, text: spec.text(seen), seen, repeated: 0 });
  };
}

interface Line {
  readonly level: LineLevel;
  readonly text: string;
  readonly seen: Observation;
  /** How many counted lines this one stands for; 0 for a line of its own. */
  readonly repeated: number;
}

interface Candidate {
  readonly level: LineLevel;
  readonly text: (seen: Observation) => string;
  readonly seen: Observation;
  readonly nowMs: number;
}

/** Counts repeated lines: the first is written at once, the others as one line when the minute is over. */
class Repeats {
  readonly #write: (line: Line) => void;
  readonly #held = new Map<string, { readonly untilMs: number; count: number; latest: Candidate }>();
  #nextMs = Infinity;

  constructor(write: (line: Line) => void) {
    this.#write = write;
  }

  /** Counts a line if one with this key was written within the minute. Returns whether it was counted. */
  count(key: string, candidate: Candidate): boolean {
    const before = this.#held.get(key);
    if (before !== undefined) {
      before.count++;
      before.latest = candidate;
      return true;
    }
    if (this.#held.size >= REPEAT_KEYS_MAX) this.release(Infinity);
    const untilMs = candidate.nowMs + REPEAT_MS;
    this.#held.set(key, { untilMs, count: 0, latest: candidate });
    this.#nextMs = Math.min(this.#nextMs, untilMs);
    return false;
  }

  /** Writes the counts whose minute is over. Cheap while there is none. */
  release(nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    this.#nextMs = Infinity;
    for (const [key, { untilMs, count, latest }] of this.#held) {
      if (untilMs > nowMs) {
        this.#nextMs = Math.min(this.#nextMs, untilMs);
        continue;
      }
      this.#held.delete(key);
      if (count === 0) continue;
      this.#write({ level: latest.level, text: latest.text(latest.seen), seen: latest.seen, repeated: count });
    }
  }
}

function fieldsOf({ kind, ...fields }: Observation): Record<string, unknown> {
  return { event: kind, ...fields };
}
