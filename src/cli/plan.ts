import { Command } from "commander";
import {
  type ConnectionPlan,
  type ExchangePlan,
  type Plan,
  type SelectionPlan,
  showRequest,
  showTemplate,
  type SinkPlan,
  type Template,
} from "../model/mod.ts";
import {
  DEFAULT_CONFIG,
  hasErrors,
  type ListSource,
  loadWithAskedLists,
  planBody,
  UsageError,
} from "../service/mod.ts";
import { sinkTypeOf } from "../sink/mod.ts";
import { showCount, showDuration } from "../text/mod.ts";
import { type CliContext, EXIT, printIssues } from "./context.ts";
import { parseDuration } from "./duration.ts";

interface PlanOptions {
  readonly config: string;
  readonly exchange?: string;
  readonly offline?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

/** `plan`: what `run` would do. Only lists of instruments are asked for, and only where symbols need them. */
export function planCommand(context: CliContext): Command {
  return new Command("plan")
    .description(
      "Show what run would do: connections, the exact subscribe messages, rules, sinks; nothing is subscribed to. " +
        "Exchanges are asked for their instrument lists where symbols need them",
    )
    .option("--config <file>", "configuration file", DEFAULT_CONFIG)
    .option("--exchange <name>", "only this exchange instance")
    .option("--offline", "ask no exchange: patterns mean what the list says that the last run kept")
    .option("--timeout <time>", "longest wait for the exchanges' lists", "10s")
    .option("--json", "print the plan as JSON")
    .action(async (options: PlanOptions) => {
      const { host, finish } = context;
      const timeoutMs = parseDuration(options.timeout);
      const onAsk = (names: readonly string[]) => {
        if (!host.terminal.stderrIsTerminal) return;
        host.terminal.printError(
          `Asking ${names.join(", ")} for the list of instruments (at most ${timeoutMs / 1000} s)`,
        );
      };
      const question = options.offline === true ? null : { exchange: options.exchange ?? null, timeoutMs, onAsk };
      const { plan, issues, lists } = await loadWithAskedLists(context, options.config, question);
      printIssues(context, issues, (text) => host.terminal.printError(text));
      if (hasErrors(issues)) finish(EXIT.configuration);
      if (plan === null) return;
      const exchanges = plan.exchanges.filter(({ name }) =>
        options.exchange === undefined || name === options.exchange
      );
      if (exchanges.length === 0 && options.exchange !== undefined) {
        const names = plan.exchanges.map(({ name }) => name).join(", ");
        throw new UsageError(`No exchange instance ${options.exchange}: the configuration has ${names}`);
      }
      const body = planBody(plan, exchanges, lists);
      host.terminal.print(options.json === true ? JSON.stringify(body, null, 2) : renderPlan(plan, exchanges, lists));
    });
}

type Lists = ReadonlyMap<string, ListSource>;

function renderPlan(plan: Plan, exchanges: readonly ExchangePlan[], lists: Lists): string {
  const lines = [
    ...(plan.run.shard === null ? [] : [`share ${plan.run.shard.index} of ${plan.run.shard.count}`]),
    ...(plan.group === null ? [] : [
      `group ${plan.group.name} on ${plan.group.engine}: ${plan.group.shares} shares, ${plan.group.replicas} at once; ` +
      "this is what all members together collect",
    ]),
    `health and metrics on http://${plan.run.httpHost}:${plan.run.httpPort}`,
    ...(plan.run.collector === null ? [] : [`collector ${plan.run.collector}`]),
    `journal in ${plan.run.dataDir}/journal: synced every ${plan.journal.syncMs} ms, when full ${plan.journal.onFull}`,
    ...plan.sinks.map((sink) => `sink ${sink.name}: ${describeSink(sink)}`),
  ];
  for (const exchange of exchanges) lines.push("", ...renderExchange(exchange, lists.get(exchange.name)));
  return lines.join("\n");
}

function describeSink(sink: SinkPlan): string {
  const filters = [sink.kinds, sink.exchanges, sink.symbols].flatMap((some) => some?.join(", ") ?? []);
  return `${sinkTypeOf(sink).describe(sink)}${filters.length === 0 ? "" : ` (${filters.join("; ")})`}`;
}

function renderExchange(exchange: ExchangePlan, list: ListSource | undefined): readonly string[] {
  const head = `exchange ${exchange.name} (${exchange.descriptorPath})`;
  const { elsewhere } = exchange;
  if (!exchange.enabled && elsewhere.length > 0) {
    return [`${head}: nothing of it is in this share; in other shares: ${elsewhere.join(", ")}`];
  }
  if (!exchange.enabled) return [`${head}: disabled`];
  const { runnable } = exchange;
  if (runnable === null) return [`${head}: does not run, see its errors`];
  const lines = [
    head,
    ...(list === undefined ? [] : [`  ${describeList(list)}`]),
    ...renderSelection(runnable.selection),
    `  ${runnable.instruments.map(({ symbol, native }) => `${symbol} = ${native}`).join(", ")}`,
    ...(elsewhere.length === 0 ? [] : [`  in other shares: ${elsewhere.join(", ")}`]),
    ...runnable.connections.flatMap(renderConnection),
  ];
  for (const request of runnable.rest.requests) {
    const how = request.everyMs === null ? "once a session" : `every ${request.everyMs} ms`;
    lines.push(`  REST ${request.name}, ${how}, for ${request.channel}`);
    for (const { path } of request.targets) {
      lines.push(
        `    GET ${(request.baseUrls ?? runnable.rest.baseUrls).slice(0, 1).map(showTemplate).join("")}${
          showTemplate(path)
        }`,
      );
    }
  }
  for (
    const { name, channel, direction, method, targets, baseUrls = runnable.rest.baseUrls } of runnable.rest.backfills
  ) {
    if (targets.length === 0) continue;
    lines.push(`  backfill ${name}, ${direction}, for ${channel}`);
    const [base] = baseUrls.map(showTemplate);
    for (const { path } of targets) lines.push(`    ${method} ${base}${showTemplate(path)}`);
  }
  lines.push("  control frames");
  for (const { name, action, text, when } of runnable.frames.controls) {
    lines.push(`    ${name} → ${action}: ${text === null ? when?.source ?? "" : JSON.stringify(text)}`);
  }
  lines.push("  event rules");
  for (const rule of runnable.frames.events) {
    const from = rule.source === "ws" ? "" : ` from ${rule.source}`;
    lines.push(`    ${rule.name} → ${rule.kind}${from}: ${rule.when.source}`);
  }
  if (runnable.frames.events.length === 0) lines.push("    none: frames become raw events, by [parse]");
  return lines;
}

function describeList({ from, instruments, ageMs, reason }: ListSource): string {
  const why = reason === null ? "" : `: ${reason}`;
  if (from === "exchange") return `symbols by the exchange's list of now: ${showCount(instruments)} instruments`;
  if (from === "none") return `no list of the exchange is known${why}`;
  const age = ageMs === null ? "" : ` ${showDuration(ageMs)} ago`;
  return `symbols by the list that was kept${age}: ${showCount(instruments)} instruments` +
    (reason === null ? "" : `; the exchange gave ${reason}`);
}

/** Renders what patterns of symbols select, by the known instrument list. */
function renderSelection(selection: SelectionPlan | undefined): readonly string[] {
  if (selection === undefined) return [];
  const texts = selection.patterns.map(({ text }) => JSON.stringify(text)).join(", ");
  if (!selection.isKnown) return [`  symbols by ${texts}: they wait for the exchange's instrument list`];
  return selection.patterns.map(({ text, symbols }) => {
    const what = text.startsWith("!") ? "leaves out" : /^top\s*:/i.test(text) ? "leaves" : "selects";
    return `  ${JSON.stringify(text)} ${what} ${symbols}`;
  });
}

function renderConnection(connection: ConnectionPlan): readonly string[] {
  const { keepalive } = connection;
  const ping = keepalive.mode === "none"
    ? "sends no pings"
    : `${
      keepalive.mode === "ping_frame" ? "ping frame" : showKeepalive(keepalive.template)
    } every ${keepalive.intervalMs} ms` +
      (keepalive.when === "idle" ? " when idle" : "");
  return [
    `  connection ${connection.key}`,
    ...connection.urls.map((url, i) => `    ${i === 0 ? "url" : "failover"} ${showTemplate(url)}`),
    `    ${ping}; silent for ${connection.readTimeoutMs} ms means dead`,
    ...connection.hello.map((hello) => `    hello ${showTemplate(hello)}`),
    ...connection.requests.map(({ message, items, ack }, index) =>
      `    send ${showRequest(message, index + 1)}  (${items.length} ${
        items.length === 1 ? "item" : "items"
      }, ack by ${ack.mode})`
    ),
  ];
}

function showKeepalive(template: Template | null): string {
  return template === null ? "ping" : showTemplate(template);
}
