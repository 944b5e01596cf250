import type { RuleName, StepFailure } from "./evidence_run.ts";
import { type Paint, painter, showCount } from "../text/mod.ts";
import { passed, type TestedDescriptor } from "./tested_descriptor.ts";

/** Most characters of a frame in the report. */
const GIVEN_CHARS_MAX = 110;
/** Most failures shown of one descriptor; the rest are counted. */
const FAILURES_MAX = 20;
/** Most differences shown of one frame. */
const DIFFERENCES_MAX = 8;

/** Renders the outcome of `test` for people: differences, then one line per descriptor, then the count. */
export function renderTestReport(
  tested: readonly TestedDescriptor[],
  { color, strict }: { readonly color: boolean; readonly strict: boolean },
): string {
  const paint = painter(color);
  const details = tested.flatMap((one) => renderFailures(one, paint));
  const uncovered = tested.flatMap((one) => renderUnexercised(one, paint));
  return [...details, ...renderSummary(tested, paint), ...uncovered, "", renderCount(tested, { paint, strict })].join(
    "\n",
  );
}

function renderFailures({ evidence, run, rewritten }: TestedDescriptor, paint: Paint): readonly string[] {
  if (run === null || rewritten > 0) return [];
  const shown = run.failures.slice(0, FAILURES_MAX).flatMap((failure) => renderFailure(evidence ?? "", failure, paint));
  const more = run.failures.length - FAILURES_MAX;
  return more > 0 ? [...shown, `… and ${more} more in ${evidence}`, ""] : shown;
}

function renderFailure(file: string, { line, given, differences }: StepFailure, paint: Paint): readonly string[] {
  const shown = given.length > GIVEN_CHARS_MAX ? `${given.slice(0, GIVEN_CHARS_MAX)}…` : given;
  const width = Math.max(...differences.map(({ field }) => field.length));
  const lines = differences.slice(0, DIFFERENCES_MAX).flatMap(({ field, expected, got }) => [
    `  ${field.padEnd(width)}  expected ${paint("good", expected)}`,
    `  ${" ".repeat(width)}  got      ${paint("bad", got)}`,
  ]);
  const more = differences.length - DIFFERENCES_MAX;
  return [
    `${paint("bold", `${file}:${line}:`)} ${paint("dim", shown)}`,
    ...lines,
    ...(more > 0 ? [`  … and ${more} more`] : []),
    "",
  ];
}

function renderSummary(tested: readonly TestedDescriptor[], paint: Paint): readonly string[] {
  const rows = tested.map((one) => {
    const { run } = one;
    return {
      name: nameOf(one),
      counts: run === null ? "" : [
        `${showCount(run.frames).padStart(5)} frames`,
        `${showCount(run.events).padStart(5)} events`,
        `${`${run.rules - run.unexercised.length}/${run.rules}`.padStart(6)} rules`,
      ].join("  "),
      outcome: outcomeOf(one, paint),
    };
  });
  const width = Math.max(...rows.map(({ name }) => name.length), 0);
  const counts = Math.max(...rows.map(({ counts }) => counts.length), 0);
  return rows.map((row) => `${row.name.padEnd(width)}  ${row.counts.padEnd(counts)}  ${row.outcome}`.trimEnd());
}

function outcomeOf({ run, evidence, issues, rewritten }: TestedDescriptor, paint: Paint): string {
  if (evidence === null) return paint("bad", "no evidence");
  if (run === null) return paint("bad", `cannot run: ${counted(issues.length, "issue")}`);
  if (rewritten > 0) return paint("warn", `${counted(rewritten, "line")} rewritten: review them`);
  if (run.failures.length > 0) return paint("bad", `${run.failures.length} failed`);
  return paint("good", "ok");
}

function renderUnexercised(tested: TestedDescriptor, paint: Paint): readonly string[] {
  const rules = tested.run?.unexercised ?? [];
  if (rules.length === 0) return [];
  return [
    "",
    paint("warn", `${nameOf(tested)}: rules that no frame exercises`),
    ...rules.map((r) => `  ${ruleWords(r)}`),
  ];
}

/** `event trade`, `control ack on public`. */
export function ruleWords({ type, name, connections }: RuleName): string {
  return `${type} ${name}${connections === null ? "" : ` on ${connections.join(", ")}`}`;
}

function renderCount(
  tested: readonly TestedDescriptor[],
  { paint, strict }: { readonly paint: Paint; readonly strict: boolean },
): string {
  const sum = (of: (one: TestedDescriptor) => number) => tested.reduce((total, one) => total + of(one), 0);
  const failed = tested.filter((one) => !passed(one)).length;
  const uncovered = sum(({ run }) => run?.unexercised.length ?? 0);
  const parts = [
    counted(tested.length, "descriptor"),
    counted(sum(({ run }) => run?.frames ?? 0), "frame"),
    counted(sum(({ run }) => run?.events ?? 0), "event"),
  ];
  if (uncovered > 0) parts.push(paint(strict ? "bad" : "warn", `${counted(uncovered, "rule")} without evidence`));
  parts.push(failed > 0 ? paint("bad", `${failed} failed`) : paint("good", "all as expected"));
  return parts.join(", ");
}

function counted(count: number, noun: string): string {
  return `${showCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function nameOf({ descriptor }: TestedDescriptor): string {
  return descriptor.replace(/^.*\//, "").replace(/\.toml$/, "");
}
