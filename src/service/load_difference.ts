import { comparePlans, type Plan, type RunnableExchange } from "../model/mod.ts";
import type { ReadConfig } from "./sources.ts";

/** Names of the settings and sinks that differ from what was started, as collector.toml writes them: `sink.archive`. */
export function needingRestart(started: Plan, next: Plan): readonly string[] {
  const { sinks, needsRestart } = comparePlans(started, next);
  return [...needsRestart, ...sinks.map(({ name }) => `sink.${name}`)];
}

/** How the symbols of each instance are resolved, as text. */
export function symbolsOf({ exchanges }: ReadConfig): string {
  return JSON.stringify(
    exchanges.map(({ name, runnable }) => [
      name,
      runnable?.instruments,
      runnable?.unresolved,
      runnable?.selection,
      runnable?.frames.connections.map(({ listed }) => listed),
    ]),
  );
}

/** The instruments that an instance tells, as text. */
export function toldOf(runnable: RunnableExchange | null): string {
  return Object.keys(runnable?.frames.instruments?.asked ?? {}).join("\n");
}
