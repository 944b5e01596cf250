import {
  configureSync,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type LogLevel as LibraryLevel,
  type LogRecord,
} from "@logtape/logtape";
import type { LogLevel, Observation, Observer } from "../model/mod.ts";
import { type LineLevel, logSpec } from "./log_table.ts";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "text" | "json";
  /** Colours for text lines. */
  readonly color: boolean;
  /** Writes one line, without its line break. */
  readonly write: (line: string) => void;
  /** Monotonic ms, to count repeated lines. */
  readonly nowMs: () => number;
}

/** How long lines with the same key are held back and counted, in ms. */
const REPEAT_MS = 60_000;
/** Keys remembered at most; when reached, all are forgotten, so that lines are rather written twice than lost. */
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
 * Turns observations into log lines, as `log_table` says. A line that repeats within a minute is counted, and the count
 * stands on the next one, so that a fault in every frame neither floods the log nor is silent.
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
  const lowest = LEVELS.indexOf(options.level);
  const repeats = new Map<string, { until: number; held: number }>();
  return (seen) => {
    const spec = logSpec(seen);
    if (spec === null) return;
    const level = typeof spec.level === "function" ? spec.level(seen) : spec.level;
    if (LEVELS.indexOf(level) < lowest) return;
    const key = spec.repeatKey?.(seen) ?? "";
    const held = key === "" ? 0 : holdBack(repeats, `${seen.kind} ${key}`, options.nowMs());
    if (held === null) return;
    const properties = held === 0 ? fieldsOf(seen) : { ...fieldsOf(seen), repeated: held };
    const text = held === 0 ? spec.text(seen) : `${spec.text(seen)} (and ${held} more like it before)`;
    // Braces would be read as placeholders of the message.
    const message = text.replaceAll("{", "{{").replaceAll("}", "}}");
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
    }
  };
}

/** Null: hold the line back. Otherwise how many were held back before this one. */
function holdBack(
  repeats: Map<string, { until: number; held: number }>,
  key: string,
  nowMs: number,
): number | null {
  const before = repeats.get(key);
  if (before !== undefined && nowMs < before.until) {
    before.held++;
    return null;
  }
  if (repeats.size >= REPEAT_KEYS_MAX) repeats.clear();
  repeats.set(key, { until: nowMs + REPEAT_MS, held: 0 });
  return before?.held ?? 0;
}

function fieldsOf({ kind, ...fields }: Observation): Record<string, unknown> {
  return { event: kind, ...fields };
}
