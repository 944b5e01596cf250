import { Command } from "commander";
import {
  comparePlans,
  type InstanceChange,
  isSamePlan,
  type PlanDifference,
  type SinkChange,
  streamKey,
} from "../model/mod.ts";
import { hasErrors, loadFromFiles } from "../service/mod.ts";
import { type CliContext, EXIT, printIssues } from "./context.ts";

/** `config diff`: shows what a reload from one configuration to another would do. */
export function configCommand(context: CliContext): Command {
  const command = new Command("config").description("Compare configurations");
  command.command("diff")
    .description("Show what a reload from one configuration to the other would do, without connecting")
    .argument("<before>", "configuration file in use")
    .argument("<after>", "configuration file to reload")
    .option("--json", "print JSON")
    .action((before: string, after: string, options: { json?: boolean }) =>
      diff(context, [before, after], options.json === true)
    );
  return command;
}

function diff(context: CliContext, paths: readonly [string, string], json: boolean): void {
  const { host, finish } = context;
  const loaded = paths.map((path) => loadFromFiles(context, path));
  printIssues(context, loaded.flatMap(({ issues }) => issues), (text) => host.terminal.printError(text));
  const [before, after] = loaded.map(({ plan, issues }) => hasErrors(issues) ? null : plan);
  if (before === null || after === null) {
    finish(EXIT.configuration);
    return;
  }
  const difference = comparePlans(before, after);
  host.terminal.print(json ? JSON.stringify(differenceBody(difference), null, 2) : renderDifference(difference));
}

function differenceBody(difference: PlanDifference): unknown {
  const { instances, sinks, applied, needsRestart } = difference;
  return { same: isSamePlan(difference), instances, sinks, applied, needs_restart: needsRestart };
}

function renderDifference(difference: PlanDifference): string {
  const { instances, sinks, applied, needsRestart } = difference;
  if (isSamePlan(difference)) return "no difference";
  return [
    ...instances.map((change) => `exchange ${change.name}: ${describeChange(change)}`),
    ...sinks.map((change) => `sink ${change.name}: ${describeChange(change)}`),
    ...(applied.length === 0 ? [] : [`takes effect at once: ${applied.join(", ")}`]),
    ...(needsRestart.length === 0 ? [] : [`takes effect after a restart: ${needsRestart.join(", ")}`]),
  ].join("\n");
}

function describeChange(change: InstanceChange | SinkChange): string {
  switch (change.kind) {
    case "add":
    case "remove":
      return change.kind;
    case "restart":
    case "reopen":
      return `${change.kind}: ${change.parts.join(", ")}`;
    case "resubscribe": {
      const added = change.added.map((stream) => `+${streamKey(stream)}`);
      const removed = change.removed.map((stream) => `-${streamKey(stream)}`);
      if (added.length + removed.length === 0) return "applies names and patterns of symbols";
      return `resubscribe: ${[...added, ...removed].join(", ")}`;
    }
  }
}
