import { Command } from "commander";
import { startEmulator } from "../emulator/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { emulatedExchanges } from "./emulated_exchanges.ts";
import { addFaultOptions, type FaultOptions, readFaults, readNumber } from "./fault_options.ts";
import { openReplay } from "./replay_source.ts";
import { spoolInputs } from "./spooled_inputs.ts";
import { untilSignal } from "./until_signal.ts";

interface EmulateOptions extends FaultOptions {
  readonly exchange?: string;
  readonly port: string;
  readonly address: string;
  readonly speed: string;
  readonly delay: string;
  readonly settle: string;
  readonly repeat: boolean;
  readonly json: boolean;
}

/** `emulate`: serves a recorded exchange until Ctrl-C or SIGTERM, then prints counts. */
export function emulateCommand(context: CliContext): Command {
  const command = new Command("emulate")
    .description(
      "Serve a recorded exchange: clients connect to its paths, subscribe in its protocol, and get its answers and the " +
        "recorded frames of their subscriptions, each from the beginning",
    )
    .argument("<input...>", "recordings (- is standard input) or one journal folder")
    .option("--exchange <name>", "shipped descriptor or path of one (default: recognised as by replay)")
    .option("--port <port>", "port to listen on; 0 picks a free one", "0")
    .option("--address <address>", "address to listen on", "127.0.0.1")
    .option("--speed <factor>", "multiplies the recorded pace; 0 plays as fast as the client reads", "1")
    .option("--delay <ms>", "send frames this much later than they were recorded, in ms", "0")
    .option("--settle <ms>", "begin after this long without a further subscription, in ms", "200")
    .option("--repeat", "begin again at the end", false)
    .option("--json", "print addresses and counts as JSON lines", false);
  return addFaultOptions(command).action(async (inputs: string[], options: EmulateOptions) => {
    const { host, finish } = context;
    const faults = readFaults(options);
    const numbers = {
      port: readNumber("--port", options.port, 65_535),
      speed: readNumber("--speed", options.speed),
      delayMs: readNumber("--delay", options.delay, 3_600_000),
      settleMs: readNumber("--settle", options.settle, 3_600_000),
    };
    // Each client reads the inputs again: pipes are copied here, for as long as the emulator runs.
    const spooled = await spoolInputs(host, inputs);
    try {
      const source = await openReplay(context, spooled.paths, { exchange: options.exchange, passBooks: true });
      const emulator = await startEmulator({
        host,
        exchanges: await emulatedExchanges(context, source, { exchange: options.exchange, inputs: spooled.paths }),
        ...numbers,
        address: options.address,
        repeats: options.repeat,
        faults,
        failed: (cause) => host.terminal.printError(`error: ${cause instanceof Error ? cause.message : String(cause)}`),
      });
      const { ws, rest } = emulator.urls;
      if (options.json) host.terminal.print(JSON.stringify(emulator.urls));
      else {
        const width = Math.max(...[...Object.keys(ws), "rest"].map((name) => name.length)) + 2;
        for (const [name, url] of Object.entries(ws)) host.terminal.print(name.padEnd(width) + url);
        host.terminal.print("rest".padEnd(width) + rest);
        host.terminal.print("Press Ctrl-C to stop");
      }
      await untilSignal(host);
      await emulator.stop();
      const counts = emulator.counts();
      if (options.json) host.terminal.print(JSON.stringify(counts));
      else for (const [name, count] of Object.entries(counts)) host.terminal.print(`${wordsOf(name)}: ${count}`);
    } finally {
      await spooled.remove();
    }
    finish(EXIT.fine);
  });
}

/** Returns a count's name in words. */
function wordsOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
