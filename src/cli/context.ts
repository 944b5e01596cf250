import { countIssues, renderIssue } from "../config/mod.ts";
import type { Host } from "../host/mod.ts";
import type { Issue } from "../model/mod.ts";
import type { ServiceContext } from "../service/mod.ts";

/** How a command ended. */
export const EXIT = { fine: 0, failed: 1, usage: 64, configuration: 78 } as const;

/** One of the exit codes of the program. */
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** What every command gets. */
export interface CliContext extends ServiceContext {
  /** Told how the command ended; the last call counts. */
  readonly finish: (code: ExitCode) => void;
}

/** Whether colours and bars may be used on a stream: a terminal, and `NO_COLOR` not set (no-color.org). */
export function wantsColor(host: Host, stream: "stdout" | "stderr"): boolean {
  if ((host.environment.get("NO_COLOR") ?? "") !== "") return false;
  return stream === "stdout" ? host.terminal.stdoutIsTerminal : host.terminal.stderrIsTerminal;
}

/** Prints issues for a person, errors and warnings as they come, and a count at the end. */
export function printIssues(context: CliContext, issues: readonly Issue[], print: (text: string) => void): void {
  const color = wantsColor(context.host, "stderr");
  for (const issue of issues) print(renderIssue(issue, { color }));
  if (issues.length > 0) print(countIssues(issues));
}

/** How a command is called in this form of use: the executable by its name, a checkout by its tasks. */
export function commandLine(host: Host, command: string): string {
  if (host.isStandalone) return `crypto-collector ${command}`;
  // In a checkout the task `test` is the gate's.
  return `deno task ${command.replace(/^test\b/, "test-descriptors")}`;
}
