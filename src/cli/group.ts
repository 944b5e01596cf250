import { Command } from "commander";
import { layoutOf, memberStatuses, MemberTable, openEngine, uncoveredShares } from "../group/mod.ts";
import { type GroupMemberStatus, type GroupPlan, isoFromMicros } from "../model/mod.ts";
import { DEFAULT_CONFIG, hasErrors, loadFromFiles, UsageError } from "../service/mod.ts";
import { renderTable } from "../text/mod.ts";
import { type CliContext, EXIT, printIssues } from "./context.ts";
import { parseDuration } from "./duration.ts";

interface StatusOptions {
  readonly config: string;
  readonly timeout: string;
  readonly json?: boolean;
}

/** `group status`: shows the members of a group and what each collects, from the entries on their engine. */
export function groupCommand(context: CliContext): Command {
  const command = new Command("group").description("Show the collectors that share their streams");
  command.command("status")
    .description(
      "Show the members of the configuration's [group] and their shares; exits 1 if the engine cannot be reached or " +
        "nobody collects some share",
    )
    .option("--config <file>", "configuration file with the [group]", DEFAULT_CONFIG)
    .option("--timeout <time>", "longest wait for one answer of the engine", "5s")
    .option("--json", "print JSON")
    .action((options: StatusOptions) => status(context, options));
  return command;
}

async function status(context: CliContext, options: StatusOptions): Promise<void> {
  const { host, finish } = context;
  const { plan, issues, isMissing } = loadFromFiles(context, options.config);
  if (isMissing) throw new UsageError(`Cannot find configuration file "${options.config}": name it with --config`);
  if (plan === null) {
    printIssues(
      context,
      issues.filter(({ severity }) => severity === "error"),
      (text) => host.terminal.printError(text),
    );
    finish(hasErrors(issues) ? EXIT.configuration : EXIT.failed);
    return;
  }
  const { group } = plan;
  if (group === null) throw new UsageError(`${options.config} has no [group]: its collector shares no streams`);
  const { members, uncovered } = await look(context, group, parseDuration(options.timeout));
  host.terminal.print(
    options.json === true
      ? JSON.stringify(statusBody(group, members, uncovered), null, 2)
      : renderStatus(group, members, uncovered),
  );
  finish(uncovered.length === 0 ? EXIT.fine : EXIT.failed);
}

/** Reads the group's entries once. Rejects with a `Failure` if the engine cannot be reached. */
async function look({ host }: CliContext, plan: GroupPlan, timeoutMs: number) {
  const engine = await openEngine({ plan, host, timeoutMs });
  try {
    const table = new MemberTable(plan.ttlMs);
    table.look(await engine.list(), host.clock.monotonicMs());
    const [members, layout] = [table.members(), layoutOf(plan)];
    return { members: memberStatuses(members, layout), uncovered: uncoveredShares(members, layout) ?? [] };
  } finally {
    await engine.close();
  }
}

function statusBody(plan: GroupPlan, members: readonly GroupMemberStatus[], uncovered: readonly number[]): unknown {
  return {
    name: plan.name,
    engine: plan.engine,
    ttl_ms: plan.ttlMs,
    shares: plan.shares,
    replicas: plan.replicas,
    members: members.map(({ name, state, heardTs, live, starting }) => ({
      name,
      state,
      heard: isoFromMicros(heardTs),
      live,
      starting,
    })),
    uncovered,
  };
}

function renderStatus(plan: GroupPlan, members: readonly GroupMemberStatus[], uncovered: readonly number[]): string {
  const head =
    `group ${plan.name} on ${plan.engine}: ${plan.shares} shares, ${plan.replicas} at once, ttl ${plan.ttlMs} ms`;
  const foot = uncovered.length === 0 ? "every share is collected" : `nobody collects shares ${uncovered.join(", ")}`;
  if (members.length === 0) return `${head}\nno member has joined; ${foot}`;
  const rows = members.map(({ name, state, heardTs, live, starting }) => [
    name,
    state,
    isoFromMicros(heardTs),
    listOf(live),
    listOf(starting),
  ]);
  return [head, "", renderTable(["member", "state", "heard", "collects", "starts"], rows), "", foot].join("\n");
}

function listOf(shares: readonly number[]): string {
  return shares.length === 0 ? "–" : shares.join(" ");
}
