import { Command } from "commander";
import type { Host } from "../host/mod.ts";
import { UsageError } from "../service/mod.ts";
import {
  acknowledgeAs,
  type DialectName,
  DIALECTS,
  type SimulatorStatistics,
  startPlayback,
  startSimulator,
} from "../simulator/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { addFaultOptions, type FaultOptions, readFaults, readNumber } from "./fault_options.ts";
import { readRecordingFile } from "./recording.ts";
import { spoolInputs } from "./spooled_inputs.ts";
import { untilSignal } from "./until_signal.ts";

interface SimulateOptions extends FaultOptions {
  readonly dialect?: string;
  readonly recording: readonly string[];
  readonly port: string;
  readonly address: string;
  readonly speed: string;
  readonly rate: string;
  readonly seed: string;
  readonly symbols: string;
  readonly repeat: boolean;
  readonly json: boolean;
}

/** The running exchange, synthetic or played back. */
interface Running {
  readonly urls: { readonly ws: Readonly<Record<string, string>>; readonly rest: string };
  readonly report: () => object;
  readonly stop: () => Promise<void>;
}

/** `simulate`: runs a local exchange until Ctrl-C or SIGTERM, then prints counts. */
export function simulateCommand(context: CliContext): Command {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  const command = new Command("simulate")
    .description("Run a local exchange: a synthetic one that speaks a real protocol, or a recording played back")
    .option("--dialect <name>", `protocol of the synthetic exchange: ${DIALECTS.join(", ")}`)
    .option(
      "--recording <file>",
      "play a recording back instead, - for standard input; may be given several times",
      collect,
      [],
    )
    .option("--port <port>", "port to listen on; 0 picks a free one", "0")
    .option("--address <address>", "address to listen on", "127.0.0.1")
    .option(
      "--speed <factor>",
      "multiplies the rate or the recorded pace; 0 plays a recording as fast as the client reads",
      "1",
    )
    .option("--rate <events>", "market events per second and symbol", "20")
    .option("--seed <number>", "seed of the markets: equal seeds give equal markets", "1")
    .option("--symbols <list>", "canonical symbols, separated by commas", "BTC/USDT,ETH/USDT")
    .option("--repeat", "play the recording again for later connections", false)
    .option("--json", "print URLs and counts as JSON lines", false);
  return addFaultOptions(command)
    .action(async (options: SimulateOptions) => {
      const { host } = context;
      const running = options.recording.length > 0 ? await play(host, options) : await simulate(host, options);
      announce(host, running, options.json);
      await untilSignal(host);
      await running.stop();
      host.terminal.print(options.json ? JSON.stringify(running.report()) : describe(running.report()));
      context.finish(EXIT.fine);
    });
}

async function simulate(host: Host, options: SimulateOptions): Promise<Running> {
  const dialect = readDialect(options.dialect ?? DIALECTS[0]);
  const simulator = await startSimulator({
    host,
    dialect,
    port: readNumber("--port", options.port, 65_535),
    address: options.address,
    speed: readNumber("--speed", options.speed),
    rate: readNumber("--rate", options.rate),
    seed: readNumber("--seed", options.seed),
    symbols: options.symbols.split(",").map((symbol) => symbol.trim()).filter((symbol) => symbol !== ""),
    faults: readFaults(options),
  }).catch((error: unknown) => {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  });
  return { urls: simulator.urls, report: () => simulator.statistics(), stop: () => simulator.stop() };
}

async function play(host: Host, options: SimulateOptions): Promise<Running> {
  const dialect = options.dialect === undefined ? null : readDialect(options.dialect);
  const port = readNumber("--port", options.port, 65_535);
  const speed = readNumber("--speed", options.speed);
  const spooled = await spoolInputs(host, options.recording);
  const playback = await startPlayback({
    host,
    recording: spooled.paths.map((path) => () => readRecordingFile(host, path)),
    port,
    address: options.address,
    speed,
    repeats: options.repeat,
    ...(dialect === null ? {} : { reply: (text: string) => acknowledgeAs(dialect, text) }),
  }).catch(async (error: unknown) => {
    await spooled.remove();
    throw error;
  });
  playback.finished.catch((error: unknown) => {
    host.terminal.printError(`error: ${error instanceof Error ? error.message : String(error)}`);
  });
  const stop = async () => {
    await playback.stop();
    await spooled.remove();
  };
  return { urls: playback.urls, report: () => playback.statistics(), stop };
}

function readDialect(name: string): DialectName {
  const dialect = DIALECTS.find((known) => known === name);
  if (dialect === undefined) throw new UsageError(`Unknown dialect ${name}: there are ${DIALECTS.join(", ")}`);
  return dialect;
}

function announce(host: Host, running: Running, json: boolean): void {
  if (json) {
    host.terminal.print(JSON.stringify(running.urls));
    return;
  }
  for (const [name, url] of Object.entries(running.urls.ws)) host.terminal.print(`${name.padEnd(9)} ${url}`);
  host.terminal.print(`${"rest".padEnd(9)} ${running.urls.rest}`);
  host.terminal.print("Press Ctrl-C to stop");
}

/** Renders the counts, one per line, and for each instrument the events by kind. */
function describe(report: object): string {
  const { symbols, ...totals } = report as Partial<SimulatorStatistics>;
  const lines = Object.entries(totals).map(([name, value]) => `${name}: ${value}`);
  for (const { native, events } of symbols ?? []) {
    lines.push(`${native}: ${Object.entries(events).map(([kind, count]) => `${count} ${kind}`).join(", ")}`);
  }
  return lines.join("\n");
}
