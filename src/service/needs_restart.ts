import type { Plan } from "../model/mod.ts";

/** What of a plan is applied by a reload: exchange instances, and how and for how long the process logs and stops. */
const APPLIED: ReadonlySet<string> = new Set([
  "exchanges",
  "run.log_level",
  "run.log_format",
  "run.shutdown_timeout_ms",
]);

/**
 * Returns the names of settings that differ between the plan that was started and a new one and that only a restart
 * applies, as they are written in collector.toml: `run.http_port`, `sink.archive`.
 */
export function needsRestart(started: Plan, next: Plan): readonly string[] {
  const names: string[] = [];
  for (const [part, before] of Object.entries(started)) {
    const after: unknown = Object.entries(next).find(([name]) => name === part)?.[1];
    const table = TABLES[part] ?? snakeCase(part);
    if (APPLIED.has(table)) continue;
    if (part === "sinks") names.push(...changedSinks(started, next));
    else names.push(...changedKeys(table, before, after));
  }
  return names.filter((name) => !APPLIED.has(name)).sort();
}

/** Parts of the plan whose table has another name. */
const TABLES: Readonly<Record<string, string>> = { bookTops: "books" };

function changedSinks(started: Plan, next: Plan): readonly string[] {
  const before = new Map(started.sinks.map((sink) => [sink.name, JSON.stringify(sink)]));
  const after = new Map(next.sinks.map((sink) => [sink.name, JSON.stringify(sink)]));
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name)).map((name) => `sink.${name}`);
}

function changedKeys(table: string, before: unknown, after: unknown): readonly string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (!isRecord(before) || !isRecord(after)) return [table];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => `${table}.${snakeCase(key)}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
