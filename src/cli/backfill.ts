import { Command, Option } from "commander";
import { type Channel, Failure, type HistoryJobStatus, isoFromMicros } from "../model/mod.ts";
import {
  DEFAULT_CONFIG,
  fetchHistoryAlone,
  hasErrors,
  type HistoryDemand,
  type HistoryOutcome,
  type HistoryTask,
  historyTask,
  isJournalHeld,
  loadWithKeptLists,
} from "../service/mod.ts";
import { createLog } from "../telemetry/mod.ts";
import { renderTable, showCount } from "../text/mod.ts";
import { type CliContext, EXIT, printIssues, wantsColor } from "./context.ts";
import { askApi, type CollectorHttp } from "./collector_api.ts";
import { interruptible } from "./interruptible.ts";
import { progressBar } from "./progress.ts";
import { readTime } from "./time_option.ts";

interface BackfillOptions {
  readonly config: string;
  readonly exchange: string;
  readonly from: string;
  readonly to?: string;
  readonly symbols?: readonly string[];
  readonly kind: Channel;
  readonly json?: boolean;
}

/** `backfill`: fetches history on demand. */
export function backfillCommand(context: CliContext): Command {
  return new Command("backfill")
    .description(
      "Fetch history of an exchange through the journal into the sinks, without events that are there already",
    )
    .option("--config <file>", "configuration with the instance, journal and sinks", DEFAULT_CONFIG)
    .requiredOption("--exchange <name>", "instance of the configuration")
    .requiredOption("--from <time>", "first time (UTC), such as 2026-11-22 or 2026-11-22T13:00:00Z")
    .option("--to <time>", "time to stop before (default: now)")
    .option("--symbols <symbol...>", "only these canonical symbols (default: all of the instance)")
    .addOption(
      new Option("--kind <kind>", "kind of events to fetch").choices(["trades", "candles", "funding"]).default(
        "trades",
      ),
    )
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action((options: BackfillOptions) => backfill(context, options));
}

const HELP = `
Events are marked as backfilled. Trades in the journal are
recognised by their ids. The limits of the exchange are
kept. Exits 1 if a part of the range stays missing.`;

async function backfill(context: CliContext, options: BackfillOptions): Promise<void> {
  const { host } = context;
  const { plan, issues, http } = loadWithKeptLists(context, options.config);
  if (plan === null || hasErrors(issues)) {
    printIssues(context, issues, (text) => host.terminal.printError(text));
    return context.finish(EXIT.configuration);
  }
  const now = host.clock.nowMicros();
  const demand = {
    exchange: options.exchange,
    channel: options.kind,
    symbols: options.symbols?.flatMap((symbol) => symbol.split(",")) ?? null,
    from: readTime("--from", options.from),
    to: options.to === undefined ? now : readTime("--to", options.to),
  };
  const task = historyTask(plan, demand, now);
  for (const note of task.notes) host.terminal.printError(note);
  const log = createLog({
    level: "warn",
    format: "text",
    color: wantsColor(host, "stderr"),
    write: (line) => host.terminal.printError(line),
    dropped: () => host.terminal.errorLinesDropped,
    secrets: host.secrets,
    nowMs: () => host.clock.monotonicMs(),
  });
  const bar = progressBar(host, 1);
  const onProgress = ({ step, done, total, fetched }: Progress) => {
    bar?.setTotal(Math.max(1, total));
    bar?.update(done, { rate: step === "known" ? "reading the journal" : `${showCount(fetched)} fetched` });
  };
  let outcome: HistoryOutcome;
  try {
    outcome = await interruptible(
      host,
      "Interrupted",
      (_pause, signal) =>
        fetchHistoryAlone(context, plan, { wish: task.wish, observe: log, signal, onProgress }).catch((error) => {
          if (!isJournalHeld(error)) throw error;
          const held = error instanceof Error ? error.message : "";
          return fetchByCollector(context, { http, demand, held, signal, onProgress });
        }),
    );
  } finally {
    bar?.stop();
  }
  host.terminal.print(options.json === true ? JSON.stringify(outcome, null, 2) : summary(task, outcome));
  for (const sink of outcome.behind) {
    host.terminal.printError(`Sink ${sink}: it gets what was fetched when the collector runs again`);
  }
  const isWhole = outcome.streams.every(({ missing }) => missing.length === 0);
  context.finish(isWhole && outcome.behind.length === 0 ? EXIT.fine : EXIT.failed);
}

/** How far fetching has come. */
interface Progress {
  readonly step: "known" | "fetch";
  readonly done: number;
  readonly total: number;
  readonly fetched: number;
}

/** How often a collector is asked how far it has come, in ms. */
const LOOK_MS = 500;

/** Lets the collector that has the journal fetch what is asked for, and waits for it. */
async function fetchByCollector(
  context: CliContext,
  { http, demand, held, signal, onProgress }: {
    readonly http: CollectorHttp;
    readonly demand: HistoryDemand;
    /** Why it cannot be done here. */
    readonly held: string;
    readonly signal: AbortSignal;
    readonly onProgress: (progress: Progress) => void;
  },
): Promise<HistoryOutcome> {
  const { host: { clock, terminal } } = context;
  const query = new URLSearchParams({
    exchange: demand.exchange,
    kind: demand.channel,
    from: isoFromMicros(demand.from),
    to: isoFromMicros(demand.to),
    ...(demand.symbols === null ? {} : { symbols: demand.symbols.join(",") }),
  });
  const begun = await askApi(context, http, { method: "POST", path: `/backfill?${query}` }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure("busy", `${held}, and no collector answers for it: ${why}; stop that process, or ask it`, {
      retry: false,
    });
  });
  if (begun.status !== 202) {
    throw new Failure("busy", `The running collector does not fetch it: ${String(begun.body.error)}`, { retry: false });
  }
  terminal.printError("A collector has the journal: it fetches beside what it collects");
  while (!signal.aborted) {
    const { body } = await askApi(context, http, { method: "GET", path: "/backfill" });
    const job = body.job as HistoryJobStatus | null;
    if (job === null) throw new Failure("gone", "The collector was started anew: ask again", { retry: false });
    if (job.state === "failed") throw new Failure("gone", job.error, { retry: false });
    if (job.state === "done") return { streams: job.streams, behind: [] };
    onProgress(job);
    await clock.sleep(LOOK_MS, signal);
  }
  throw new Failure("cancelled", "Interrupted: the collector goes on with it", { retry: false });
}

function summary({ wish: { channel } }: HistoryTask, { streams }: HistoryOutcome): string {
  const iso = (at: number) => new Date(at / 1000).toISOString();
  const total = streams.reduce((sum, { fetched }) => sum + fetched, 0);
  const missing = streams.flatMap(({ symbol, missing }) =>
    missing.map(({ from, to, reason }) => `${symbol} from ${iso(from)} to ${iso(to)} may lack events: ${reason}`)
  );
  return [
    renderTable(
      ["symbol", "known", "fetched", "outcome"],
      streams.map(({ symbol, known, fetched, missing }) => [
        symbol,
        showCount(known),
        showCount(fetched),
        missing.length === 0 ? "whole" : "in part",
      ]),
    ),
    ...missing,
    `${showCount(total)} ${channel} fetched`,
  ].join("\n");
}
