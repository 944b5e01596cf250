import { countIssues, renderIssue } from "../config/mod.ts";
import type { Host } from "../host/mod.ts";
import type { Issue } from "../model/mod.ts";
import type { ServiceContext } from "../service/mod.ts";

/** How a command ended. */
export const EXIT = { fine: 0, failed: 1, usage: 64, configuration: 78 } as const;

/** One of the exit codes of the program. */
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** Context of every command. */
export interface CliContext extends ServiceContext {
  /** Sets the exit code; the last call counts. */
  readonly finish: (code: ExitCode) => void;
}

/** Whether colours and bars may be used on a stream: a terminal, and `NO_COLOR` not set (no-color.org). */
export function wantsColor(host: Host, stream: "stdout" | "stderr"): boolean {
  if ((host.environment.get("NO_COLOR") ?? "") !== "") return false;
  return stream === "stdout" ? host.terminal.stdoutIsTerminal : host.terminal.stderrIsTerminal;
}

/** Prints issues in their order, and a count at the end. */
export function printIssues(context: CliContext, issues: readonly Issue[], print: (text: string) => void): void {
  const color = wantsColor(context.host, "stderr");
  for (const issue of issues) print(renderIssue(issue, { color }));
  if (issues.length > 0) print(countIssues(issues));
}

/** Returns the command line of a command: of the executable, or of the checkout's task. */
export function commandLine(host: Host, command: string): string {
  if (host.isStandalone) return `crypto-collector ${command}`;
  // In a checkout the task `test` runs the tests of the code.
  return `deno task ${command.replace(/^test\b/, "test-descriptors")}`;
}
