import { Command } from "commander";
import { type ConnectionPlan, Failure, type RestPlan, showTemplate } from "../model/mod.ts";
import { DEFAULT_CONFIG, hasErrors, loadFromFiles, type ReadConfig } from "../service/mod.ts";
import { type CliContext, commandLine, EXIT, wantsColor } from "./context.ts";

/** Result of a check; a `warning` does not prevent running. */
type Verdict = "ok" | "warning" | "failed";

interface Check {
  readonly verdict: Verdict;
  readonly about: string;
  readonly text: string;
}

/** Longest wait for an address, in ms. */
const ADDRESS_MS_MAX = 10_000;
/** Bytes written to measure a disk. */
const DISK_PROBE_BYTES = 8 * 1024 * 1024;
/** Free space below which a journal has little room, in bytes. */
const FREE_BYTES_LOW = 2 * 1024 * 1024 * 1024;
/** A sync that takes longer than this, in ms, is slower than the usual group commit interval. */
const SYNC_MS_SLOW = 100;
/** Offset of the clock beyond which it is worth setting, in ms; `Date` headers have whole seconds. */
const CLOCK_MS_MAX = 2_000;
const BYTES_PER_MB = 1024 * 1024;

/** `doctor`: checks that this machine can run a configuration. */
export function doctorCommand(context: CliContext): Command {
  return new Command("doctor")
    .description(
      "Check that this machine can run a configuration: addresses, clock, disk, port; subscribes to nothing",
    )
    .option("--config <file>", "configuration file", DEFAULT_CONFIG)
    .option("--offline", "skip the exchanges' addresses")
    .option("--json", "print the checks as JSON")
    .action(async (options: { config: string; offline?: boolean; json?: boolean }) => {
      const { host: { terminal }, finish } = context;
      const loaded = loadFromFiles(context, options.config);
      const checks: Check[] = [];
      const tell = (check: Check) => {
        checks.push(check);
        if (options.json !== true) terminal.print(line(context, check));
      };
      tell(configCheck(context, loaded, options.config));
      for await (const check of diskChecks(context, loaded)) tell(check);
      tell(await portCheck(context, loaded));
      if (options.offline !== true) { for await (const check of addressChecks(context, loaded)) tell(check); }
      for (const check of proxyChecks(context)) tell(check);
      finish(checks.some(({ verdict }) => verdict === "failed") ? EXIT.failed : EXIT.fine);
      if (options.json === true) terminal.print(JSON.stringify(checks, null, 2));
    });
}

function line(context: CliContext, { verdict, about, text }: Check): string {
  const marks = { ok: ["ok", 32], warning: ["warning", 33], failed: ["FAILED", 31] } as const;
  const [word, color] = marks[verdict];
  const mark = wantsColor(context.host, "stdout") ? `\u001b[${color}m${word}\u001b[0m` : word;
  return `${mark}${" ".repeat(8 - word.length)} ${about}: ${text}`;
}

function configCheck(context: CliContext, { issues, plan }: ReadConfig, path: string): Check {
  const errors = issues.filter(({ severity }) => severity === "error").length;
  const more = commandLine(context.host, `validate --config ${path}`);
  if (hasErrors(issues)) return { verdict: "failed", about: path, text: `${errors} errors: ${more} shows them` };
  const enabled = plan?.exchanges.filter((exchange) => exchange.enabled).length ?? 0;
  const text = `${enabled} instances enabled, ${issues.length} warnings`;
  return { verdict: issues.length > 0 || enabled === 0 ? "warning" : "ok", about: path, text };
}

/** Writes, syncs and removes a file in the data folder. */
async function* diskChecks({ host }: CliContext, { plan }: ReadConfig): AsyncIterable<Check> {
  const dir = plan?.run.dataDir ?? "data";
  const about = `folder ${dir}`;
  const probe = `${dir}/.doctor-${host.processId}`;
  try {
    await host.files.makeDir(dir);
    const file = await host.files.open(probe, "append");
    try {
      const began = host.clock.monotonicMs();
      await file.write(new Uint8Array(DISK_PROBE_BYTES));
      await file.sync();
      const writtenMs = host.clock.monotonicMs() - began;
      await file.write(new Uint8Array(512));
      const synced = host.clock.monotonicMs();
      await file.sync();
      const syncMs = host.clock.monotonicMs() - synced;
      const rate = DISK_PROBE_BYTES / BYTES_PER_MB / Math.max(writtenMs, 0.1) * 1000;
      const text = `writes ${Math.round(rate)} MiB/s, a sync takes ${syncMs.toFixed(1)} ms`;
      yield { verdict: syncMs > SYNC_MS_SLOW ? "warning" : "ok", about, text };
    } finally {
      await file.close();
      await host.files.remove(probe);
    }
  } catch (error) {
    yield { verdict: "failed", about, text: reasonOf(error) };
    return;
  }
  const space = await host.files.space(dir);
  if (space === null) return;
  const free = `${(space.freeBytes / BYTES_PER_MB / 1024).toFixed(1)} GiB free`;
  const wanted = plan?.journal.totalBytesMax ?? 0;
  if (space.freeBytes < FREE_BYTES_LOW || space.freeBytes < wanted) {
    const text = `${free}; the journal alone may take ${Math.round(wanted / BYTES_PER_MB)} MiB (max_total_mb)`;
    yield { verdict: "warning", about, text };
  } else yield { verdict: "ok", about, text: free };
}

async function portCheck({ host }: CliContext, { http }: ReadConfig): Promise<Check> {
  const address = { host: http.host ?? "127.0.0.1", port: http.port ?? 8090 };
  const about = `port ${address.host}:${address.port}`;
  try {
    const server = await host.listener.serveHttp(address, () => new Response("", { status: 503 }));
    await server.stop();
    return { verdict: "ok", about, text: "free" };
  } catch (error) {
    return { verdict: "failed", about, text: reasonOf(error) };
  }
}

/** Checks every address of the enabled instances once: opens and closes WebSockets, asks REST hosts for their time. */
async function* addressChecks(context: CliContext, { plan }: ReadConfig): AsyncIterable<Check> {
  const seen = new Set<string>();
  const isNew = (url: string) => !seen.has(url) && seen.add(url) !== undefined;
  for (const { name, runnable } of plan?.exchanges ?? []) {
    if (runnable === null) continue;
    for (const connection of runnable.connections) {
      for (const url of connection.urls.map(showTemplate).filter(isNew)) {
        const about = `${name} ${url}`;
        yield url.includes("{")
          ? { verdict: "ok", about, text: "has placeholders that only a running collector knows: not tried" }
          : await socketCheck(context, { about, url, connection });
      }
    }
    const { rest } = runnable;
    const templates = [rest, ...rest.requests, ...rest.instruments, ...rest.backfills].flatMap(({ baseUrls }) =>
      baseUrls ?? []
    );
    for (const url of templates.map(showTemplate).filter((one) => !one.includes("{") && isNew(one))) {
      yield* restChecks(context, { about: `${name} ${url}`, url, rest });
    }
  }
}

/** Opens an address as a session does, with the same proxy and headers. */
async function socketCheck(
  { host }: CliContext,
  { about, url, connection }: { readonly about: string; readonly url: string; readonly connection: ConnectionPlan },
): Promise<Check> {
  const began = host.clock.monotonicMs();
  const quiet = { onFrame: () => {}, onPing: () => {}, onPong: () => {}, onClose: () => {} };
  const { headers, proxy, subprotocols, compression, tls } = connection;
  const options = {
    url,
    headers,
    proxy,
    subprotocols,
    compression,
    caCertPath: tls.caCertPath,
    timeoutMs: ADDRESS_MS_MAX,
    frameBytesMax: BYTES_PER_MB,
  };
  try {
    const socket = await host.dialer.dial(options, quiet);
    socket.close(1000, "");
    return { verdict: "ok", about, text: `opens in ${Math.round(host.clock.monotonicMs() - began)} ms` };
  } catch (error) {
    return { verdict: "failed", about, text: reasonOf(error) };
  }
}

async function* restChecks(
  { host }: CliContext,
  { about, url, rest }: { readonly about: string; readonly url: string; readonly rest: RestPlan },
): AsyncIterable<Check> {
  const began = host.clock.monotonicMs();
  const { headers, caCertPaths, proxy } = rest;
  const bounds = { timeoutMs: ADDRESS_MS_MAX, bytesMax: BYTES_PER_MB };
  try {
    const { dateMs, receivedTs } = await host.fetcher.fetch({
      method: "GET",
      url,
      headers,
      body: null,
      caCertPaths,
      ...(proxy === undefined ? {} : { proxy }),
      ...bounds,
    });
    yield { verdict: "ok", about, text: `answers in ${Math.round(host.clock.monotonicMs() - began)} ms` };
    if (dateMs === undefined || dateMs === null) return;
    // A `Date` header has whole seconds: takes the middle of the second.
    const offsetMs = receivedTs / 1000 - (dateMs + 500);
    const verdict = Math.abs(offsetMs) > CLOCK_MS_MAX ? "warning" : "ok";
    const side = offsetMs > 0 ? "ahead of" : "behind";
    yield {
      verdict,
      about: "clock",
      text: `about ${(Math.abs(offsetMs) / 1000).toFixed(1)} s ${side} ${new URL(url).host}`,
    };
  } catch (error) {
    yield { verdict: "failed", about, text: reasonOf(error) };
  }
}

/** Warns of proxies in the environment. */
function* proxyChecks({ host }: CliContext): Iterable<Check> {
  for (const name of ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) {
    const value = host.environment.get(name);
    if (value === undefined || value === "") continue;
    const text =
      "is set: REST requests go through that proxy, WebSockets through the one of [exchange.overrides] alone";
    yield { verdict: "warning", about: name, text };
  }
}

/** Returns the message of a `Failure`; throws any other error. */
function reasonOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  throw error;
}
