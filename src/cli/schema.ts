import { Argument, Command } from "commander";
import { jsonSchemaText, type SchemaName } from "../config/mod.ts";
import type { CliContext } from "./context.ts";

/** `schema`: the JSON Schema of a file a user writes. */
export function schemaCommand(context: CliContext): Command {
  return new Command("schema")
    .description("Print the JSON Schema of collector.toml or of descriptors, for completion in editors")
    .addArgument(new Argument("<what>", "which schema").choices(["config", "descriptor"]))
    .action((what: SchemaName) => context.host.terminal.print(jsonSchemaText(what).trimEnd()));
}
