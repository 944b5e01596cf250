import { Command } from "commander";
import type { Host } from "../host/mod.ts";
import type { Plan } from "../model/mod.ts";
import { DEFAULT_CONFIG, hasErrors, loadFromFiles, Service } from "../service/mod.ts";
import { createLog } from "../telemetry/mod.ts";
import { type CliContext, EXIT, printIssues, wantsColor } from "./context.ts";
import { parseDuration } from "./duration.ts";

interface RunOptions {
  readonly config: string;
  readonly for?: string;
  readonly failFast?: boolean;
}

/** `run`: the collector, until a signal ends it. */
export function runCommand(context: CliContext): Command {
  return new Command("run")
    .description("Collect until Ctrl-C or SIGTERM; a second signal exits at once; SIGHUP reads the configuration again")
    .option("--config <file>", "configuration file", DEFAULT_CONFIG)
    .option("--for <time>", "stop by itself after 30s, 5m, 2h")
    .option("--fail-fast", "exit 78 when the configuration is broken, instead of reporting it on /healthz")
    .action(async (options: RunOptions) => {
      const { host, finish } = context;
      const forMs = options.for === undefined ? null : parseDuration(options.for);
      if (options.failFast === true) {
        const { issues } = loadFromFiles(context, options.config);
        if (hasErrors(issues)) {
          printIssues(context, issues, (text) => host.terminal.printError(text));
          finish(EXIT.configuration);
          return;
        }
      }
      const stopping = new AbortController();
      const ending = untilEnd(host, forMs).finally(() => stopping.abort());
      const service = await Service.start({
        context,
        configPath: options.config,
        createObserver: (plan) => createRunLog(host, plan),
        stopping: stopping.signal,
      });
      const reload = () => void service.reload();
      host.signals.on("SIGHUP", reload);
      try {
        const signal = await ending;
        const began = host.clock.monotonicMs();
        service.observe({ kind: "stopping", signal });
        await service.stop();
        service.observe({ kind: "stopped", durationMs: host.clock.monotonicMs() - began });
      } finally {
        host.signals.off("SIGHUP", reload);
      }
    });
}

/** The log of a run: on standard error, because standard output may belong to a sink. */
function createRunLog(host: Host, plan: Plan | null) {
  const format = plan?.run.logFormat ?? "auto";
  return createLog({
    level: plan?.run.logLevel ?? "info",
    format: format === "auto" ? (host.terminal.stderrIsTerminal ? "text" : "json") : format,
    color: wantsColor(host, "stderr"),
    write: (line) => host.terminal.printError(line),
    secrets: host.secrets,
    nowMs: () => host.clock.monotonicMs(),
  });
}

/**
 * Signals that follow the first one within this time are the same one, in ms: a terminal signals the whole group of
 * processes, and the programs in between, such as `npx` and `deno task`, pass theirs on.
 */
const SAME_SIGNAL_MS = 500;

/** Resolves with what ends the run: a signal, or the time. A second signal exits at once. */
export function untilEnd(host: Host, forMs: number | null): Promise<string> {
  return new Promise((resolve) => {
    let endedAt: number | null = null;
    const end = (signal: string) => {
      const now = host.clock.monotonicMs();
      if (endedAt !== null && now - endedAt > SAME_SIGNAL_MS) host.exit(EXIT.failed);
      endedAt ??= now;
      resolve(signal);
    };
    host.signals.on("SIGINT", () => end("SIGINT"));
    host.signals.on("SIGTERM", () => end("SIGTERM"));
    if (forMs !== null && forMs > 0) host.clock.after(forMs, () => resolve("the time given"));
  });
}
