import { Command } from "commander";
import type { Host } from "../host/mod.ts";
import type { Plan } from "../model/mod.ts";
import { DEFAULT_CONFIG, hasErrors, loadFromFiles, type ReadConfig, Service } from "../service/mod.ts";
import { createLog } from "../telemetry/mod.ts";
import { type CliContext, EXIT, printIssues, wantsColor } from "./context.ts";
import { parseDuration } from "./duration.ts";
import { RunScreen } from "./run_screen.ts";
import { RunSignals } from "./run_signals.ts";
import { ToldSupervisor } from "./told_supervisor.ts";

interface RunOptions {
  readonly config: string;
  readonly for?: string;
  readonly failFast?: boolean;
  readonly waitConfig?: boolean;
  readonly table: boolean;
}

/** `run`: collects until a signal. */
export function runCommand(context: CliContext): Command {
  return new Command("run")
    .description("Collect until Ctrl-C or SIGTERM; a second signal exits at once; SIGHUP reads the configuration again")
    .option("--config <file>", "configuration file", DEFAULT_CONFIG)
    .option("--for <time>", "stop by itself after 30s, 5m, 2h")
    .option("--fail-fast", "exit 78 if the configuration is broken, instead of reporting it on /healthz")
    .option("--no-table", "show no live table under the log on a terminal")
    .option("--wait-config", "wait for a missing configuration file, instead of exiting 78")
    .action(async (options: RunOptions) => {
      const { host, finish } = context;
      const signals = new RunSignals(host, {
        forMs: options.for === undefined ? null : parseDuration(options.for),
        reloads: true,
      });
      try {
        const loaded = loadFromFiles(context, options.config);
        const isFinal = options.failFast === true || (loaded.isMissing && options.waitConfig !== true);
        if (isFinal && hasErrors(loaded.issues)) {
          printIssues(context, loaded.issues, (text) => host.terminal.printError(text));
          finish(EXIT.configuration);
          return;
        }
        await collect(context, { loaded, signals, configPath: options.config, hasTable: options.table });
      } finally {
        signals.close();
      }
    });
}

async function collect(
  context: CliContext,
  { loaded, signals, configPath, hasTable }: {
    readonly loaded: ReadConfig;
    readonly signals: RunSignals;
    readonly configPath: string;
    readonly hasTable: boolean;
  },
): Promise<void> {
  const { host, finish } = context;
  // The table must not overwrite a sink's lines or a log for programs.
  const isForPeople = loaded.plan === null ||
    (loaded.plan.run.logFormat !== "json" && loaded.plan.sinks.every(({ type }) => type !== "stdout"));
  const made: { service: Service | null } = { service: null };
  const screen = hasTable && isForPeople && wantsColor(host, "stderr") ? new RunScreen(host, () => made.service) : null;
  const service = new Service({
    context,
    configPath,
    loaded,
    onNobodyReads: () => signals.end("the last reader's leaving"),
    createObserver: (plan) =>
      createRunLog(host, plan, (line) => screen === null ? host.terminal.printError(line) : screen.print(line)),
  });
  made.service = service;
  const told = ToldSupervisor.of(host, service);
  signals.onReload(() => void (told === null ? service.reload() : told.reload(() => service.reload())));
  let isBroken = false;
  const letGo = host.onUncaught((error) => {
    const ends = !isOfConnection(error);
    service.observe({ kind: "uncaught_error", error: error instanceof Error ? error.message : String(error), ends });
    if (!ends) return;
    isBroken = true;
    signals.end("a bug");
  });
  try {
    await Promise.race([service.begin(), signals.ended]);
    signals.begun();
    told?.ready();
    screen?.begin();
    const signal = await signals.ended;
    const began = host.clock.monotonicMs();
    service.observe({ kind: "stopping", signal });
    await told?.stopping();
    screen?.end();
    const end = await service.stop();
    service.observe({ kind: "stopped", durationMs: host.clock.monotonicMs() - began, ...end });
    if (!end.isSafe || isBroken) finish(EXIT.failed);
  } finally {
    screen?.end();
    told?.close();
    letGo();
  }
}

/** System error codes of connections only; others, such as ENOENT, may be of files. */
const CONNECTION_CODES: ReadonlySet<unknown> = new Set([
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
]);

/** Codes of a stream that was written to after its end. Only clients of servers write to streams here: to their sockets. */
const STREAM_CODES: ReadonlySet<unknown> = new Set([
  "ERR_SOCKET_CLOSED",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_WRITE_AFTER_END",
]);

/**
 * Whether an error is one of a socket, given by the system or by its stream. Client libraries sometimes leave a socket
 * without a listener; the user of the connection notices its end all the same, or a missing answer.
 */
function isOfConnection(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return STREAM_CODES.has(error.code) || ("syscall" in error && CONNECTION_CODES.has(error.code));
}

/** Makes the log of a run, on standard error, because standard output may belong to a sink. */
function createRunLog(host: Host, plan: Plan | null, write: (line: string) => void) {
  const format = plan?.run.logFormat ?? "auto";
  return createLog({
    level: plan?.run.logLevel ?? "info",
    format: format === "auto" ? (host.terminal.stderrIsTerminal ? "text" : "json") : format,
    color: wantsColor(host, "stderr"),
    write,
    dropped: () => host.terminal.errorLinesDropped,
    secrets: host.secrets,
    nowMs: () => host.clock.monotonicMs(),
  });
}
