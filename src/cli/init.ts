import { Command } from "commander";
import { describeDescriptor, type DescriptorAbout, suggest } from "../config/mod.ts";
import { type Channel, CHANNELS } from "../model/mod.ts";
import {
  hasErrors,
  loadDescriptorNamed,
  loadFromFiles,
  shippedDescriptor,
  shippedNames,
  UsageError,
} from "../service/mod.ts";
import { SINK_TYPES } from "../sink/mod.ts";
import { type CliContext, commandLine, EXIT, printIssues } from "./context.ts";

interface InitOptions {
  readonly output: string;
  readonly exchange?: readonly string[];
  readonly symbols?: string;
  readonly channels?: string;
  readonly sink?: string;
  readonly dataDir?: string;
  readonly port?: string;
  readonly force?: boolean;
}

/** The settings to write. */
interface Wanted {
  readonly exchanges: readonly DescriptorAbout[];
  readonly symbols: readonly string[] | null;
  readonly channels: readonly Channel[] | null;
  readonly sink: string;
  readonly dataDir: string;
  readonly port: number;
}

/** `init`: writes a valid, commented configuration, from options or from answers on a terminal. */
export function initCommand(context: CliContext): Command {
  return new Command("init")
    .description("Write a configuration with comments; on a terminal it asks for what no option gives")
    .option("--output <file>", "file to write", "collector.toml")
    .option("--exchange <name...>", "exchanges to collect from, see the command exchanges")
    .option("--symbols <list>", "canonical symbols, such as BTC/USDT,ETH/USDT (default: one that each exchange has)")
    .option("--channels <list>", "channels, such as trades,quotes (default: trades,book)")
    .option("--sink <type>", `sink for the events: ${FILE_SINKS.join(", ")}`)
    .option("--data-dir <dir>", "folder of the data")
    .option("--port <port>", "port of /healthz and /metrics")
    .option("--force", "overwrite an existing file")
    .action(async (options: InitOptions) => {
      const { host, finish } = context;
      if (options.force !== true && await host.files.stat(options.output) !== null) {
        throw new UsageError(`${options.output} exists: name another file with --output, or say --force`);
      }
      const text = configText(context, await wantedOf(context, options));
      const { issues } = loadFromFiles(context, options.output, { text });
      if (hasErrors(issues)) {
        printIssues(context, issues, (line) => host.terminal.printError(line));
        finish(EXIT.configuration);
        return;
      }
      await host.files.writeAtomic(options.output, new TextEncoder().encode(text));
      host.terminal.print([
        `Wrote ${options.output}. Next:`,
        `  ${commandLine(host, `plan --config ${options.output}`)}     show the connections and subscriptions`,
        `  ${commandLine(host, `doctor --config ${options.output}`)}   check this machine`,
        `  ${commandLine(host, `run --config ${options.output}`)}      collect; Ctrl-C stops in order`,
      ].join("\n"));
    });
}

/** Sinks that need only a folder. */
const FILE_SINKS = SINK_TYPES.filter(({ keys }) => Object.hasOwn(keys, "dir")).map(({ name }) => name);

/** Returns the settings from options, else from answers, else defaults. Throws a `UsageError` for unknown names. */
async function wantedOf(context: CliContext, options: InitOptions): Promise<Wanted> {
  const asks = context.host.terminal.stdinIsTerminal && options.exchange === undefined;
  const question = async (text: string, fallback: string) => {
    if (!asks) return fallback;
    const prompt = fallback === "" ? `${text}: ` : `${text} [${fallback}]: `;
    const answer = (await context.host.terminal.ask(prompt))?.trim() ?? "";
    return answer === "" ? fallback : answer;
  };
  const names = options.exchange ?? listOf(await question(`Exchanges, of ${shippedNames(context).join(", ")}`, ""));
  if (names.length === 0) {
    throw new UsageError(
      `No exchange: name some with --exchange; ${commandLine(context.host, "exchanges")} lists them`,
    );
  }
  const exchanges = names.map((name) => exchangeNamed(context, name));
  const symbols = options.symbols ?? await question("Symbols, as BTC/USDT,ETH/USDT", "what each is sure to have");
  const offered = CHANNELS.filter((channel) => exchanges.some(({ channels }) => channels.includes(channel)));
  const channels = options.channels ?? await question(`Channels, of ${offered.join(", ")}`, "trades,book");
  const sink = options.sink ?? "parquet";
  if (!FILE_SINKS.includes(sink)) {
    throw new UsageError(`No sink ${sink} that needs only a folder: there are ${FILE_SINKS.join(", ")}`);
  }
  const port = Number(options.port ?? "8090");
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new UsageError(`Not a port: ${options.port}`);
  return {
    exchanges,
    symbols: symbols.includes("sure") ? null : listOf(symbols),
    channels: listOf(channels).map((channel) => channelNamed(channel)),
    sink,
    dataDir: options.dataDir ?? await question("Folder of the data", "data"),
    port,
  };
}

function listOf(text: string): readonly string[] {
  return text.split(/[,\s]+/).filter((part) => part !== "");
}

function exchangeNamed(context: CliContext, name: string): DescriptorAbout {
  const file = shippedDescriptor(context, name);
  const about = file === null ? null : describeDescriptor(file);
  if (about !== null) return { ...about, name };
  const near = suggest(name, shippedNames(context));
  throw new UsageError(
    `No exchange ${name}${near === null ? "" : `: did you mean ${near}?`}; ` +
      `${commandLine(context.host, "exchanges")} lists them`,
  );
}

function channelNamed(text: string): Channel {
  const channel = CHANNELS.find((one) => one === text);
  if (channel !== undefined) return channel;
  throw new UsageError(`No channel ${text}: there are ${CHANNELS.join(", ")}`);
}

function configText(context: CliContext, wanted: Wanted): string {
  const { sink, dataDir, port } = wanted;
  return `# Configuration of crypto-collector. Check it with: ${commandLine(context.host, "validate --config FILE")}

[run]
http_port = ${port}                  # /healthz, /readyz and /metrics, on 127.0.0.1
data_dir = ${JSON.stringify(dataDir)}                 # the raw log, and what sinks without a folder of their own write

[[sink]]                          # more of them may stand side by side; each has its own position
type = ${JSON.stringify(sink)}
name = "archive"                  # keeps its position under this name: do not change it

# [books]                         # best levels of every kept book, at an interval of exchange time
# top_levels = 10
# interval_ms = 1000
${wanted.exchanges.map((about) => exchangeText(context, about, wanted)).join("")}`;
}

function exchangeText(context: CliContext, about: DescriptorAbout, wanted: Wanted): string {
  const channels = wanted.channels?.filter((channel) => about.channels.includes(channel)) ?? [];
  if (channels.length === 0) {
    throw new UsageError(`${about.name} offers none of these channels: it has ${about.channels.join(", ")}`);
  }
  const others = about.channels.filter((channel) => !channels.includes(channel));
  const more = others.length === 0 ? "" : `    # also offered: ${others.join(", ")}`;
  const args = about.args.map(({ name, value, meaning }) =>
    `# ${name} = ${JSON.stringify(value)}${meaning === "" ? "" : `    # ${meaning}`}\n`
  );
  return `
${about.text === "" ? "" : `# ${about.text}\n`}[[exchange]]
name = ${JSON.stringify(about.name)}
descriptor_path = "builtin:${about.name}"
symbols = ${tomlList(wanted.symbols ?? sureSymbols(context, about.name))}
channels = ${tomlList(channels)}${more}
${args.length === 0 ? "" : `# [exchange.overrides]\n${args.join("")}`}`;
}

function tomlList(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
}

/**
 * Returns BTC/USDT if the descriptor's map has it or there is no map, else the first BTC symbol, else the first symbol.
 */
function sureSymbols(context: CliContext, name: string): readonly string[] {
  const { frames } = loadDescriptorNamed(context, name);
  const mapped = (frames?.connections ?? []).flatMap(({ canonical }) => Object.values(canonical));
  if (mapped.length === 0 || mapped.includes("BTC/USDT")) return ["BTC/USDT"];
  return [mapped.find((symbol) => symbol.startsWith("BTC/")) ?? mapped[0]];
}
