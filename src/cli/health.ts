import { Command } from "commander";
import { Failure } from "../model/mod.ts";
import { DEFAULT_CONFIG, loadFromFiles, UsageError } from "../service/mod.ts";
import { addressOfHttp } from "./collector_api.ts";
import { type CliContext, EXIT } from "./context.ts";
import { parseDuration } from "./duration.ts";

interface HealthOptions {
  readonly config: string;
  readonly url?: string;
  readonly ready?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

/** Most bytes of an answer. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** `health`: shows the health of a running collector, for containers and people. */
export function healthCommand(context: CliContext): Command {
  return new Command("health")
    .description(
      "Show the health of a running collector; exits 1 if it does not answer or cannot run, for container checks",
    )
    .option("--config <file>", "the collector's configuration, for its address", DEFAULT_CONFIG)
    .option("--url <url>", "address of the collector instead, such as http://127.0.0.1:8090")
    .option("--ready", "exit 1 unless the collector is ready")
    .option("--timeout <time>", "longest wait for the answer", "5s")
    .option("--json", "print the body of /healthz")
    .action(async (options: HealthOptions) => {
      const { host: { terminal }, finish } = context;
      const base = options.url?.replace(/\/+$/, "") ?? addressOf(context, options.config);
      const { status, text } = await ask(context, `${base}/healthz`, parseDuration(options.timeout));
      const isReady = options.ready !== true ||
        (await ask(context, `${base}/readyz`, parseDuration(options.timeout))).status === 200;
      finish(status === 200 && isReady ? EXIT.fine : EXIT.failed);
      if (options.json === true) terminal.print(text);
      else for (const line of summary(text, base)) terminal.print(line);
      if (!isReady) terminal.print("not ready");
    });
}

/** Returns the collector's address from a configuration; a loopback address if it is bound to all. */
function addressOf(context: CliContext, config: string): string {
  const { http, isMissing } = loadFromFiles(context, config);
  if (isMissing) throw new UsageError(`Cannot find configuration file "${config}": name it, or the address with --url`);
  return addressOfHttp(http);
}

async function ask(
  { host: { fetcher } }: CliContext,
  url: string,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly text: string }> {
  const request = { method: "GET", url, headers: {}, body: null, caCertPaths: [], timeoutMs } as const;
  const { status, body } = await fetcher.fetch({ ...request, bytesMax: ANSWER_BYTES_MAX });
  return { status, text: new TextDecoder().decode(body) };
}

/** Returns the status and every problem, one per line. */
function summary(text: string, base: string): readonly string[] {
  const body = parsed(text);
  if (body === null || typeof body.status !== "string") {
    throw new Failure("connect", `The server at ${base} is no collector`, { retry: false });
  }
  const problems: readonly unknown[] = Array.isArray(body.problems) ? body.problems : [];
  const head = `${body.status}: ${body.service ?? ""} ${body.version ?? ""} at ${base}`;
  return [head, ...problems.map((problem) => `- ${problemText(problem)}`)];
}

function problemText(problem: unknown): string {
  if (typeof problem !== "object" || problem === null) return String(problem);
  const { scope, name, text, since } = problem as Readonly<Record<string, unknown>>;
  return [`${scope}${name === "" ? "" : ` ${name}`}: ${text}`, typeof since === "string" ? ` (since ${since})` : ""]
    .join("");
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body as Readonly<Record<string, unknown>> : null;
  } catch {
    return null; // Said by the caller, with the address.
  }
}
