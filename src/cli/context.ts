import type { Host } from "../host/mod.ts";

/** How a command ended. */
export const EXIT = { fine: 0, failed: 1, usage: 64, configuration: 78 } as const;

/** One of the exit codes of the program. */
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** What every command gets. */
export interface CliContext {
  readonly host: Host;
  readonly version: string;
  /** The folder of shipped descriptors, maps and configurations; inside the executable when compiled. */
  readonly shippedDir: string;
  /** Told how the command ended; the last call counts. */
  readonly finish: (code: ExitCode) => void;
}

/** A mistake in how the program was called; ends it with code 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Whether colours and bars may be used on a stream: a terminal, and `NO_COLOR` not set (no-color.org). */
export function wantsColor(host: Host, stream: "stdout" | "stderr"): boolean {
  if ((host.environment.get("NO_COLOR") ?? "") !== "") return false;
  return stream === "stdout" ? host.terminal.stdoutIsTerminal : host.terminal.stderrIsTerminal;
}
