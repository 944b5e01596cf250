import { Command } from "commander";
import { countIssues, issueToJson, renderIssue } from "../config/mod.ts";
import { passed, renderTestReport, testDescriptor, type TestedDescriptor } from "../evidence/mod.ts";
import { shippedNames } from "../service/mod.ts";
import { type CliContext, EXIT, wantsColor } from "./context.ts";

/** `test`: descriptors against their evidence. */
export function testCommand(context: CliContext): Command {
  return new Command("test")
    .description("Check descriptors against their evidence: frames, and the events that each has to become")
    .argument("[descriptor...]", "paths of descriptors, or names of shipped ones; all shipped ones where none is given")
    .option("--update", "rewrite the expectations as they come out, for review; notes and order are kept")
    .option("--strict", "a rule that no frame exercises fails as well")
    .option("--json", "print the outcome as JSON")
    .action(async (named: string[], options: { update?: boolean; strict?: boolean; json?: boolean }) => {
      const { host, finish } = context;
      const names = named.length > 0 ? named : shippedNames(context);
      const tested: TestedDescriptor[] = [];
      for (const name of names) tested.push(await testDescriptor(context, name, options.update === true));
      const isFine = (one: TestedDescriptor) => passed(one) && (options.strict !== true || isCovered(one));
      finish(tested.every(isFine) ? EXIT.fine : EXIT.failed);
      if (options.json === true) {
        host.terminal.print(JSON.stringify({ ok: tested.every(isFine), descriptors: tested.map(toJson) }, null, 2));
        return;
      }
      const color = wantsColor(host, "stdout");
      for (const issue of tested.flatMap(({ issues }) => issues)) {
        host.terminal.print(`${renderIssue(issue, { color })}\n`);
      }
      host.terminal.print(renderTestReport(tested, { color, strict: options.strict === true }));
    });
}

function isCovered({ run }: TestedDescriptor): boolean {
  return run !== null && run.unexercised.length === 0;
}

function toJson(tested: TestedDescriptor): unknown {
  const { descriptor, evidence, issues, run, rewritten } = tested;
  return {
    descriptor,
    evidence,
    ok: passed(tested),
    issues: issues.map(issueToJson),
    summary: countIssues(issues),
    rewritten,
    ...(run === null ? {} : {
      frames: run.frames,
      events: run.events,
      rules: run.rules,
      unexercised: run.unexercised,
      failures: run.failures,
    }),
  };
}
