import { Command } from "commander";
import { countIssues, issueToJson, renderIssue } from "../config/mod.ts";
import { type CliContext, EXIT, wantsColor } from "./context.ts";
import { DEFAULT_CONFIG, hasErrors, loadWithKeptLists } from "../service/mod.ts";

/** `validate`: prints every issue of a configuration, its descriptors and maps. */
export function validateCommand(context: CliContext): Command {
  return new Command("validate")
    .description("Check a configuration, its descriptors, expressions, generators and maps; print every issue")
    .option("--config <file>", "configuration file", DEFAULT_CONFIG)
    .option("--validate-only", "treat a missing descriptor file as a warning")
    .option("--json", "print the issues as JSON")
    .action((options: { config: string; validateOnly?: boolean; json?: boolean }) => {
      const { host, finish } = context;
      const { issues, exchanges } = loadWithKeptLists(context, options.config, { validateOnly: options.validateOnly });
      const isBroken = hasErrors(issues);
      finish(isBroken ? EXIT.configuration : EXIT.fine);
      if (options.json === true) {
        const errors = issues.filter((issue) => issue.severity === "error").length;
        const body = { valid: !isBroken, errors, warnings: issues.length - errors, issues: issues.map(issueToJson) };
        host.terminal.print(JSON.stringify(body, null, 2));
        return;
      }
      const color = wantsColor(host, "stdout");
      for (const issue of issues) host.terminal.print(`${renderIssue(issue, { color })}\n`);
      const enabled = exchanges.filter((exchange) => exchange.enabled).length;
      host.terminal.print(
        `${options.config}: ${countIssues(issues)}; ${exchanges.length} exchange instances, ${enabled} enabled`,
      );
    });
}
