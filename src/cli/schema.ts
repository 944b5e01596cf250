import { Argument, Command } from "commander";
import { jsonSchemaText } from "../config/mod.ts";
import type { SinkPlan } from "../model/mod.ts";
import { DEFAULT_CONFIG, hasErrors, loadFromFiles, UsageError } from "../service/mod.ts";
import { sampleSink, SINK_TYPES, sinkTypeOf } from "../sink/mod.ts";
import { type CliContext, EXIT, printIssues } from "./context.ts";

const WHAT = ["config", "descriptor", "sink"] as const;

/** `schema`: prints the JSON Schema of a user's file, or the setup of a sink's destination. */
export function schemaCommand(context: CliContext): Command {
  return new Command("schema")
    .description(
      "Print the JSON Schema of collector.toml or of descriptors, for completion in editors; or the setup of a sink's " +
        "destination, such as the DDL of its tables",
    )
    .addArgument(new Argument("<what>", "which schema").choices(WHAT))
    .argument("[name]", "for sink: name of a sink of the configuration, or a type with its defaults")
    .option("--config <file>", "configuration file with the sink", DEFAULT_CONFIG)
    .action(
      async (what: typeof WHAT[number], name: string | undefined, options: { config: string }, command: Command) => {
        const { terminal } = context.host;
        if (what === "sink") {
          const isNamed = command.getOptionValueSource("config") !== "default";
          return terminal.print(await sinkText(context, { name, path: options.config, isNamed }));
        }
        if (name !== undefined) throw new UsageError(`schema ${what} takes no name, not ${name}`);
        terminal.print(jsonSchemaText(what).trimEnd());
      },
    );
}

interface Wanted {
  readonly name: string | undefined;
  readonly path: string;
  /** Whether --config was given. */
  readonly isNamed: boolean;
}

async function sinkText(context: CliContext, { name, path, isNamed }: Wanted): Promise<string> {
  const types = SINK_TYPES.map((type) => type.name).join(", ");
  if (name === undefined) throw new UsageError(`schema sink takes the name of a sink, or a type: ${types}`);
  const sinks = isNamed || await context.host.files.stat(path) !== null ? configuredSinks(context, path) : [];
  const plan = sinks.find((sink) => sink.name === name) ?? (isNamed ? null : sampleSink(name));
  if (plan === null) {
    const known = sinks.map((sink) => sink.name).join(", ");
    throw new UsageError(
      `No sink ${name}: ${isNamed ? `${path} has ${known === "" ? "none" : known}` : `give a type of sinks: ${types}`}`,
    );
  }
  const { name: type, setup } = sinkTypeOf(plan);
  return setup(plan) ?? `A sink of type ${type} needs nothing at its destination`;
}

function configuredSinks(context: CliContext, path: string): readonly SinkPlan[] {
  const { plan, issues } = loadFromFiles(context, path);
  if (!hasErrors(issues)) return plan?.sinks ?? [];
  printIssues(context, issues, (text) => context.host.terminal.printError(text));
  context.finish(EXIT.configuration);
  return plan?.sinks ?? [];
}
