import { comparePlans, type Plan, type RunnableExchange } from "../model/mod.ts";
import type { ReadConfig } from "./sources.ts";

/** Returns the settings and sinks that differ from the started plan, named as in collector.toml: `sink.archive`. */
export function needingRestart(started: Plan, next: Plan): readonly string[] {
  const { sinks, needsRestart } = comparePlans(started, next);
  return [...needsRestart, ...sinks.map(({ name }) => `sink.${name}`)];
}

/** Returns how the symbols of each instance are resolved, as text to compare. */
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

/** Returns the instruments of which an instance emits events, as text to compare. */
export function toldOf(runnable: RunnableExchange | null): string {
  return Object.keys(runnable?.frames.instruments?.asked ?? {}).join("\n");
}
