/**
 * The command line, with one file for each command. In: arguments and a Host. Out: text for people or JSON for
 * programs, and an exit code. Calls the other rooms and must not know their insides.
 */
import { Command, CommanderError } from "commander";
import manifest from "../../deno.json" with { type: "json" };
import { withHome } from "../config/mod.ts";
import type { Host } from "../host/mod.ts";
import { withBuckets } from "../sink/mod.ts";
import { Failure } from "../model/mod.ts";
import { UsageError } from "../service/mod.ts";
import { backfillCommand } from "./backfill.ts";
import { certifyCommand } from "./certify.ts";
import { compactCommand } from "./compact.ts";
import { completionsCommand } from "./completions.ts";
import { configCommand } from "./config.ts";
import { type CliContext, commandLine, EXIT, type ExitCode } from "./context.ts";
import { coverageCommand } from "./coverage.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { emulateCommand } from "./emulate.ts";
import { exchangesCommand } from "./exchanges.ts";
import { exampleText } from "./examples.ts";
import { exportCommand } from "./export.ts";
import { explainCommand } from "./explain.ts";
import { groupCommand } from "./group.ts";
import { healthCommand } from "./health.ts";
import { initCommand } from "./init.ts";
import { journalCommand } from "./journal.ts";
import { mergeCommand } from "./merge.ts";
import { learnCommand } from "./learn.ts";
import { planCommand } from "./plan.ts";
import { recordCommand } from "./record.ts";
import { rebuildCommand } from "./rebuild.ts";
import { replayCommand } from "./replay.ts";
import { runCommand } from "./run.ts";
import { schemaCommand } from "./schema.ts";
import { simulateCommand } from "./simulate.ts";
import { testCommand } from "./test.ts";
import { validateCommand } from "./validate.ts";

/** The folder of the shipped descriptors. */
const SHIPPED_DIR = new URL("../../config", import.meta.url);

/** Runs one command and returns the exit code. Errors are printed for people; `--debug` adds the stack. */
export async function cli(args: readonly string[], platform: Host): Promise<ExitCode> {
  const host = withBuckets(platform);
  let code: ExitCode = EXIT.fine;
  const context: CliContext = {
    host,
    version: manifest.version,
    shippedDir: decodeURIComponent(SHIPPED_DIR.pathname),
    finish: (ended) => code = ended,
  };
  const program = new Command("crypto-collector")
    .description(
      "Collects market data of many crypto exchanges, each described by a TOML file, and proves what is complete",
    )
    .version(`crypto-collector ${manifest.version}`, "--version", "print the version")
    .option("--debug", "print stack traces of errors")
    .helpCommand(true)
    .showHelpAfterError("(--help lists commands and options)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.terminal.print(text.trimEnd()),
      writeErr: (text) => host.terminal.printError(text.trimEnd()),
      getOutHelpWidth: () => host.terminal.columns(),
      getErrHelpWidth: () => host.terminal.columns(),
    })
    // Only the name, to leave room for the description.
    .configureHelp({ subcommandTerm: (command) => command.name(), minWidthToWrap: 20 });
  for (
    const create of [
      initCommand,
      exchangesCommand,
      validateCommand,
      planCommand,
      doctorCommand,
      runCommand,
      healthCommand,
      groupCommand,
      configCommand,
      simulateCommand,
      emulateCommand,
      recordCommand,
      learnCommand,
      demoCommand,
      replayCommand,
      journalCommand,
      compactCommand,
      certifyCommand,
      coverageCommand,
      backfillCommand,
      rebuildCommand,
      exportCommand,
      mergeCommand,
      testCommand,
      explainCommand,
      schemaCommand,
      completionsCommand,
    ]
  ) {
    const command = create(context);
    command.addHelpText("after", exampleText(command.name(), (line) => commandLine(host, line)));
    program.addCommand(command);
    for (const part of command.commands) {
      const path = `${command.name()} ${part.name()}`;
      part.addHelpText("after", exampleText(path, (line) => commandLine(host, line)));
    }
    for (const part of [command, ...command.commands]) part.exitOverride().copyInheritedSettings(program);
  }
  try {
    if (args.length === 0) {
      program.outputHelp();
      await host.terminal.flushPrinted();
      return EXIT.usage;
    }
    await program.parseAsync(args.map((arg) => atHome(arg, host)), { from: "user" });
    await host.terminal.flushPrinted();
    return code;
  } catch (error) {
    return await explain(error, host, args.includes("--debug"));
  } finally {
    await host.terminal.flushErrors();
  }
}

/** Replaces `~/` by the home folder, also behind an equals sign or a colon, where shells do not. */
function atHome(arg: string, host: Host): string {
  const [, before, path] = /^((?:--[\w-]+=)?(?:[a-z]+:)?)(~(?:\/.*)?)$/s.exec(arg) ?? [];
  if (path === undefined) return arg;
  const found = withHome(path, host.environment.get("HOME"));
  if (found === null) throw new UsageError(`Cannot expand ~ in ${arg}: HOME is not set`);
  return `${before}${found}`;
}

async function explain(error: unknown, host: Host, debug: boolean): Promise<ExitCode> {
  // Writes help and other earlier output; a failure of that is reported only if nothing else is wrong.
  const unwritten = await host.terminal.flushPrinted().then(() => null, (failure: unknown) => failure);
  if (error instanceof CommanderError) {
    if (unwritten instanceof Failure) host.terminal.printError(`error: ${unwritten.message}`);
    if (unwritten !== null) return EXIT.failed;
    return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
  }
  // The reader has closed the pipe, as in `… | head`.
  if (error instanceof Failure && error.code === "gone") return EXIT.fine;
  const message = error instanceof Error ? error.message : String(error);
  host.terminal.printError(`error: ${message}`);
  if (error instanceof UsageError) return EXIT.usage;
  if (debug && error instanceof Error) host.terminal.printError(error.stack ?? "");
  else if (!(error instanceof Failure)) host.terminal.printError("This is a bug; --debug shows where");
  return EXIT.failed;
}
