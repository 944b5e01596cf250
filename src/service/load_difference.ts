import { comparePlans, type Plan, type RunnableExchange } from "../model/mod.ts";
import type { ReadConfig } from "./sources.ts";

/** Returns the settings that differ from the started plan and that no reload applies, named as in collector.toml. */
export function needingRestart(started: Plan, next: Plan): readonly string[] {
  return comparePlans(started, next).needsRestart;
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
