import { Argument, Command } from "commander";
import { completionScript, type Shell, SHELLS } from "./completion_script.ts";
import { type CliContext, EXIT } from "./context.ts";

/** `completions`: prints completions of commands and options. */
export function completionsCommand({ host, finish }: CliContext): Command {
  const command = new Command("completions")
    .description("Print completions of commands and options for a shell")
    .addArgument(new Argument("<shell>", "name of the shell").choices(SHELLS))
    .action((shell: Shell) => {
      host.terminal.print(completionScript(command.parent ?? command, shell).trimEnd());
      finish(EXIT.fine);
    });
  return command;
}
