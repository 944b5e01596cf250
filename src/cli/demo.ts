import { Command } from "commander";
import type { Host } from "../host/mod.ts";
import { EVENT_KINDS, type EventKind, isSentKind } from "../model/mod.ts";
import { loadFromFiles, Service, UsageError } from "../service/mod.ts";
import { type DialectName, DIALECTS, type Simulator, startSimulator } from "../simulator/mod.ts";
import { createLog, instanceState } from "../telemetry/mod.ts";
import { renderTable, showCount, showDuration } from "../text/mod.ts";
import { type CliContext, commandLine, EXIT, wantsColor } from "./context.ts";
import { type DemoRow, demoRow, DemoScreen, demoTable } from "./demo_screen.ts";
import { parseDuration } from "./duration.ts";
import { RunSignals } from "./run_signals.ts";

interface DemoOptions {
  readonly for: string;
  readonly dataDir?: string;
  readonly rate: string;
  readonly json?: boolean;
}

/** Longest wait for the events sent before the markets were stopped, in ms. */
const DRAIN_MS = 3_000;

/** `demo`: runs three simulated exchanges and collects from them, on this machine alone. */
export function demoCommand(context: CliContext): Command {
  return new Command("demo")
    .description("Run three simulated exchanges and collect from them: no internet, no account, files at the end")
    .option("--for <time>", "how long to collect; 0 runs until Ctrl-C", "20s")
    .option("--data-dir <dir>", "folder for journal and files (default: a new one under data/demo)")
    .option("--rate <events>", "market events per second and symbol", "40")
    .option("--json", "print the summary as JSON")
    .action(async (options: DemoOptions) => {
      const { host, finish } = context;
      const forMs = parseDuration(options.for);
      const rate = Number(options.rate);
      if (!(rate > 0)) throw new UsageError(`--rate takes a number above 0, not ${options.rate}`);
      const dataDir = options.dataDir ?? `data/demo/${stamp(host)}`;
      const signals = new RunSignals(host, { forMs: null, reloads: false });
      const configPath = `${context.shippedDir}/demo.toml`;
      const simulators = await Promise.all(
        simulated(context, configPath).map(({ dialect, symbols }) =>
          startSimulator({ host, dialect, port: 0, rate, symbols })
        ),
      );
      const service = await Service.start({
        context,
        configPath,
        variables: { DEMO_DATA_DIR: dataDir, ...addresses(simulators) },
        httpPort: 0,
        createObserver: (plan) =>
          createLog({
            secrets: host.secrets,
            level: plan?.run.logLevel ?? "warn",
            format: "text",
            color: wantsColor(host, "stderr"),
            write: (line) => host.terminal.printError(line),
            dropped: () => host.terminal.errorLinesDropped,
            nowMs: () => host.clock.monotonicMs(),
          }),
      });
      // The given time is that of collecting: a slow start does not shorten it.
      if (forMs > 0) host.clock.after(forMs, () => signals.end("the time given"));
      const summary = await collect({ host, service, simulators, ending: signals.ended, quiet: options.json === true });
      if (options.json === true) {
        host.terminal.print(JSON.stringify({ ...summaryBody(summary), data_dir: dataDir }, null, 2));
      } else host.terminal.print(renderSummary(summary, dataDir, (command) => commandLine(host, command)));
      finish(summary.isComplete ? EXIT.fine : EXIT.failed);
    });
}

/** Returns the simulated exchanges of the demo's configuration, with their symbols. */
function simulated(
  context: CliContext,
  configPath: string,
): readonly { readonly dialect: DialectName; readonly symbols: readonly string[] }[] {
  const { exchanges } = loadFromFiles(context, configPath);
  return DIALECTS.flatMap((dialect) => {
    const found = exchanges.find((exchange) => exchange.name === dialect);
    const symbols = found?.runnable?.instruments.map(({ symbol }) => symbol) ?? [];
    return symbols.length === 0 ? [] : [{ dialect, symbols }];
  });
}

interface DemoRun {
  readonly host: Host;
  readonly service: Service;
  readonly simulators: readonly Simulator[];
  readonly ending: Promise<string>;
  readonly quiet: boolean;
}

/**
 * Events of one kind: sent by an exchange, collected, and withheld. Withheld are deltas that a snapshot contains: older
 * ones, and those buffered for it and emitted as part of it.
 */
interface Balance {
  readonly exchange: string;
  readonly kind: EventKind;
  readonly sent: number;
  readonly collected: number;
  readonly withheld: number;
}

interface DemoSummary {
  readonly rows: readonly DemoRow[];
  readonly balance: readonly Balance[];
  readonly isComplete: boolean;
  readonly delivered: number;
  readonly elapsedMs: number;
}

async function collect({ host, service, simulators, ending, quiet }: DemoRun): Promise<DemoSummary> {
  const { clock } = host;
  const began = clock.monotonicMs();
  const screen = new DemoScreen(host);
  const rows = () =>
    service.status.instances.map((instance) =>
      demoRow(service.metrics, instance.name, instanceState(instance), clock.monotonicMs() - began)
    );
  const stopped = new AbortController();
  const address = service.address;
  const note = address === null
    ? ""
    : `http://${address.host}:${address.port}/healthz and /metrics are served meanwhile`;
  const showing = (async () => {
    while (!quiet && !stopped.signal.aborted) {
      await screen.show(rows(), `${showDuration(clock.monotonicMs() - began)}  ${note}`);
      await clock.sleep(screen.everyMs, stopped.signal);
    }
  })();
  await ending;
  for (const simulator of simulators) simulator.freeze();
  await drain(host, service, simulators);
  stopped.abort();
  await showing;
  const elapsedMs = clock.monotonicMs() - began;
  const last = rows();
  const deliveredEvents = () => service.status.sinks.reduce((sum, sink) => sum + sink.events, 0);
  await service.stop();
  const delivered = deliveredEvents();
  const balance = balanceOf(service, simulators);
  await Promise.all(simulators.map((simulator) => simulator.stop()));
  await screen.clear();
  return {
    rows: last,
    balance,
    isComplete: balance.every(isBalanced),
    delivered,
    elapsedMs,
  };
}

/** Waits until everything sent has arrived, or the time is over. */
async function drain(host: Host, service: Service, simulators: readonly Simulator[]): Promise<void> {
  const { clock } = host;
  const until = clock.monotonicMs() + DRAIN_MS;
  while (clock.monotonicMs() < until) {
    if (balanceOf(service, simulators).every(isBalanced)) return;
    await clock.sleep(50);
  }
}

function isBalanced({ sent, collected, withheld }: Balance): boolean {
  return sent === collected + withheld;
}

function balanceOf(service: Service, simulators: readonly Simulator[]): readonly Balance[] {
  return simulators.flatMap((simulator) => {
    const { symbols } = simulator.statistics();
    return EVENT_KINDS.flatMap((kind) => {
      if (!isSentKind(kind)) return [];
      const sent = symbols.reduce((sum, { events }) => sum + (events[kind] ?? 0), 0);
      const collected = service.metrics.count("collector_events_total", simulator.dialect, kind);
      const withheld = service.metrics.count("collector_book_withheld_total", simulator.dialect, kind);
      if (sent + collected + withheld === 0) return [];
      return [{ exchange: simulator.dialect, kind, sent, collected, withheld }];
    });
  });
}

/** `BINANCE_STREAM_URL`, `OKX_PUBLIC_URL`, `KRAKEN_REST_URL` …, as `demo.toml` names them. */
function addresses(simulators: readonly Simulator[]): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const { dialect, urls } of simulators) {
    const name = dialect.toUpperCase();
    for (const [purpose, url] of Object.entries(urls.ws)) variables[`${name}_${purpose.toUpperCase()}_URL`] = url;
    variables[`${name}_REST_URL`] = urls.rest;
  }
  return variables;
}

function renderSummary(summary: DemoSummary, dataDir: string, show: (command: string) => string): string {
  const withheld = summary.balance.reduce((sum, one) => sum + one.withheld, 0);
  const verdict = summary.isComplete
    ? "Every event that the simulated exchanges sent is in the files" +
      (withheld === 0 ? "." : `, but for ${showCount(withheld)} changes of books that are part of a snapshot.`)
    : "The counts differ: see the log above for gaps and faults.";
  return [
    `${showDuration(summary.elapsedMs)} of three exchanges:`,
    demoTable(summary.rows),
    renderTable(
      ["exchange", "kind", "sent", "collected", "withheld"],
      summary.balance.map((
        { exchange, kind, sent, collected, withheld },
      ) => [exchange, kind, showCount(sent), showCount(collected), showCount(withheld)]),
    ),
    `${verdict} ${showCount(summary.delivered)} events, gaps included, in ${dataDir}/parquet`,
    [
      "Query them, for example with DuckDB:",
      `  select exchange, symbol, count(*), avg(price) from read_parquet('${dataDir}/parquet/kind=trade/**/*.parquet', hive_partitioning = true) group by all;`,
      "The raw frames are in the journal:",
      `  ${show(`journal ls ${dataDir}`)}`,
      `  ${show(`replay ${dataDir}/journal`)}`,
    ].join("\n"),
  ].join("\n\n");
}

function summaryBody(summary: DemoSummary): Readonly<Record<string, unknown>> {
  return {
    elapsed_ms: Math.round(summary.elapsedMs),
    complete: summary.isComplete,
    delivered: summary.delivered,
    exchanges: summary.rows.map(({ events, ...row }) => ({ ...row, events: Object.fromEntries(events) })),
    balance: summary.balance,
  };
}

/** `20261122-201500`, UTC. */
function stamp(host: Host): string {
  return new Date(host.clock.nowMs()).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
}
