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

/** Where log lines go and how they look. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "text" | "json";
  /** Colours for text lines. */
  readonly color: boolean;
  /** Writes one line, without its line break. */
  readonly write: (line: string) => void;
  /** Values that no line shows. Default: none. */
  readonly secrets?: Secrets;
  /** Lines that were left out so far, because the reader did not keep up. Default: none ever is. */
  readonly dropped?: () => number;
  /** Monotonic ms, to count repeated lines. */
  readonly nowMs: () => number;
}

/** How long lines with the same key are held back and counted, in ms. */
const REPEAT_MS = 60_000;
/** Keys remembered at most; when reached, all are told and forgotten, so that lines are rather written twice than lost. */
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
 * Turns observations into log lines, as `log_table` says. Of lines that repeat within a minute the first is written; the
 * others are counted, and the latest of them stands with the count in one line when the next line is written after the
 * minute, or at the stop: a fault in every frame neither floods the log nor is silent.
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
    // Braces would be read as placeholders of the message.
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
  let toldDropped = 0;
  const writeNext = (line: Line) => {
    const dropped = options.dropped?.() ?? 0;
    if (dropped > toldDropped) {
      const seen = { kind: "log_dropped", lines: dropped - toldDropped } as const;
      writeLine({ level: "warn", text: LOG_EVENTS.log_dropped?.text(seen) ?? "", seen, repeated: 0 });
      // A reader that still takes nothing was not told.
      if (options.dropped?.() === dropped) toldDropped = dropped;
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
    if (key !== "" && repeats.holdBack(`${seen.kind} ${key}`, { level, text: spec.text, seen, nowMs })) return;
    writeNext({ level, text: spec.text(seen), seen, repeated: 0 });
  };
}

interface Line {
  readonly level: LineLevel;
  readonly text: string;
  readonly seen: Observation;
  /** How many lines were held back that this one stands for; 0 for a line of its own. */
  readonly repeated: number;
}

interface Candidate {
  readonly level: LineLevel;
  readonly text: (seen: Observation) => string;
  readonly seen: Observation;
  readonly nowMs: number;
}

/** Lines that repeat: the first is written, the others are counted and told by one line when the minute is over. */
class Repeats {
  readonly #write: (line: Line) => void;
  readonly #held = new Map<string, { readonly untilMs: number; count: number; latest: Candidate }>();
  #nextMs = Infinity;

  constructor(write: (line: Line) => void) {
    this.#write = write;
  }

  /** Whether a line of this kind was written within the minute, so that this one is only counted. */
  holdBack(key: string, candidate: Candidate): boolean {
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

  /** Tells what was held back by the lines whose minute is over. Cheap while none is. */
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
