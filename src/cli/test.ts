import { Command } from "commander";
import { countIssues, describeDescriptor, issueToJson, renderIssue } from "../config/mod.ts";
import {
  type LiveOutcome,
  passed,
  renderLiveReport,
  renderTestReport,
  runLive,
  testDescriptor,
  type TestedDescriptor,
} from "../evidence/mod.ts";
import { type Channel, CHANNELS } from "../model/mod.ts";
import { shippedDescriptor, shippedNames, UsageError } from "../service/mod.ts";
import { type CliContext, EXIT, wantsColor } from "./context.ts";
import { parseDuration } from "./duration.ts";
import { RunSignals } from "./run_signals.ts";

interface TestOptions {
  readonly update?: boolean;
  readonly strict?: boolean;
  readonly json?: boolean;
  readonly live?: boolean;
  readonly for: string;
  readonly symbols?: string;
  readonly channels?: string;
  readonly url: readonly string[];
  readonly restUrl?: string;
  readonly report?: string;
}

/** `test`: tests descriptors against their evidence. */
export function testCommand(context: CliContext): Command {
  return new Command("test")
    .description("Test descriptors against their evidence: frames, and the events that each must become")
    .argument("[descriptor...]", "paths of descriptors, or names of shipped ones (default: all shipped ones)")
    .option("--update", "rewrite the expectations from the actual events, for review; keeps notes and order")
    .option("--strict", "fail also if a rule is exercised by no frame")
    .option("--json", "print the outcome as JSON")
    .option("--live", "connect to the exchanges, and compare what they send with descriptors and evidence")
    .option("--for <time>", "how long --live listens", "60s")
    .option("--symbols <list>", "for --live, comma-separated (default: the first of each family of the map)")
    .option("--channels <list>", "for --live, comma-separated (default: all that a descriptor offers)")
    .option("--url <url>", "address for --live instead of the descriptor's, or CONNECTION=URL", collect, [])
    .option("--rest-url <url>", "base URL for --live instead of the descriptor's")
    .option("--report <file>", "write the outcome of --live as JSON")
    .action(async (named: string[], options: TestOptions) => {
      const { host, finish } = context;
      if (options.live === true) {
        await testLive(context, named, options);
        return;
      }
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

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** Runs `test --live`; without names, for all exchanges that are not closed. */
async function testLive(context: CliContext, named: readonly string[], options: TestOptions): Promise<void> {
  const { host, finish } = context;
  const forMs = parseDuration(options.for);
  if (forMs === 0) throw new UsageError("--for takes a time above 0");
  const signals = new RunSignals(host, { forMs: null, reloads: false });
  const ended = new AbortController();
  signals.ended.then(() => ended.abort());
  const running = runLive(context, named.length > 0 ? named : openExchanges(context), {
    forMs,
    symbols: options.symbols?.split(",") ?? null,
    channels: options.channels === undefined ? null : options.channels.split(",").map(channelOf),
    urls: new Map(options.url.map((one) => {
      const [, id = "", url = ""] = /^(?:([\w.-]+)=)?(.+)$/.exec(one) ?? [];
      return [id, url];
    })),
    restUrl: options.restUrl ?? null,
    signal: ended.signal,
  });
  const outcomes = await running.finally(() => signals.close());
  const ok = outcomes.every(({ verdict }) => verdict === "ok");
  finish(ok ? EXIT.fine : EXIT.failed);
  const body = JSON.stringify({ ok, exchanges: outcomes.map(liveJson) }, null, 2);
  if (options.report !== undefined) await host.files.writeAtomic(options.report, new TextEncoder().encode(`${body}\n`));
  host.terminal.print(options.json === true ? body : renderLiveReport(outcomes, { color: wantsColor(host, "stdout") }));
}

function openExchanges(context: CliContext): readonly string[] {
  return shippedNames(context).filter((name) => {
    const file = shippedDescriptor(context, name);
    return file === null || (describeDescriptor(file)?.closed ?? null) === null;
  });
}

function channelOf(name: string): Channel {
  const channel = CHANNELS.find((one) => one === name);
  if (channel === undefined) throw new UsageError(`No channel ${name}: there are ${CHANNELS.join(", ")}`);
  return channel;
}

function liveJson({ issues, ...outcome }: LiveOutcome): unknown {
  return { ...outcome, issues: issues.map(issueToJson) };
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
