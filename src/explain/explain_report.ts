import { ECHO_SEPARATOR } from "../model/mod.ts";
import type {
  ExplainedField,
  ExplainedRow,
  ExplainedRule,
  ExplainInput,
  FrameExplanation,
  RuleOutcome,
} from "./explanation.ts";
import { type Paint, painter } from "../text/mod.ts";

/** Most characters of the frame that are shown. */
const TEXT_CHARS_MAX = 2000;

/** What each outcome of a rule is called. */
const OUTCOMES: Readonly<Record<RuleOutcome, string>> = {
  elsewhere: "for another connection or source",
  untested: "not tested: the frame is not JSON",
  fails: "does not match",
  shadowed: "matches, but a control rule came first",
  taken: "matches",
};

/** The steps of a frame for people. */
export function renderExplanation(
  explanation: FrameExplanation,
  options: { readonly origin: ExplainInput["origin"]; readonly color: boolean; readonly all: boolean },
): string {
  const paint = painter(options.color);
  const { decoding, layout, text, rules } = explanation;
  const shown = rules.filter(({ outcome }) => options.all || outcome !== "elsewhere");
  const hidden = rules.length - shown.length;
  const hiddenWords = hidden === 1
    ? "1 rule of another connection or source"
    : `${hidden} rules of other connections or sources`;
  return [
    `${paint("bold", "frame")} ${originWords(options.origin)}, decoded as ${decoding}${
      layout === "document" ? "" : `, laid out as ${layout}`
    }`,
    `  ${text === null ? paint("bad", "cannot be decoded") : shorten(text)}`,
    "",
    ...shown.flatMap((rule) => renderRule(rule, paint)),
    ...(hidden > 0 ? [paint("dim", `${hiddenWords}: --all shows ${hidden === 1 ? "it" : "them"}`)] : []),
    "",
    ...renderResult(explanation.result, paint),
  ].join("\n");
}

function originWords(origin: ExplainInput["origin"]): string {
  if (origin.kind === "ws") return `on connection ${origin.connectionId}`;
  return `from request ${origin.request}${origin.native === "" ? "" : ` for ${origin.native}`}`;
}

function shorten(text: string): string {
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text;
}

function renderRule(rule: ExplainedRule, paint: Paint): readonly string[] {
  const isTaken = rule.outcome === "taken";
  const mark = isTaken ? paint("good", "✓") : rule.outcome === "shadowed" ? paint("warn", "~") : paint("dim", "✗");
  const head = `${rule.type} ${rule.name}${rule.does === rule.name ? "" : ` → ${rule.does}`}`;
  const lines = [`${mark} ${isTaken ? paint("bold", head) : head}  ${paint("dim", OUTCOMES[rule.outcome])}`];
  for (const { test, found, holds } of rule.tests) {
    lines.push(`    ${holds ? paint("good", "✓") : paint("bad", "✗")} ${test}  ${paint("dim", `found ${found}`)}`);
  }
  if (!isTaken) return lines;
  for (const note of rule.notes) lines.push(`    ${paint("warn", note)}`);
  if (rule.rowsSource !== "") lines.push(`    rows ${rule.rowsSource}: ${rule.rows.length}`);
  rule.rows.forEach((row, i) => lines.push(...renderRow(row, { index: i, paint, isOnly: rule.rows.length === 1 })));
  return lines;
}

function renderRow(
  row: ExplainedRow,
  { index, paint, isOnly }: { readonly index: number; readonly paint: Paint; readonly isOnly: boolean },
): readonly string[] {
  const lines = isOnly ? [] : [`    ${paint("bold", `row ${index}`)} ${paint("dim", row.source)}`];
  for (const { test, found, holds } of row.tests) {
    const mark = holds ? paint("good", "✓") : paint("bad", "✗ left out:");
    lines.push(`      ${mark} where ${test}  ${paint("dim", `found ${found}`)}`);
  }
  const width = Math.max(0, ...row.fields.map(({ name }) => name.length));
  return [...lines, ...row.fields.map((field) => `      ${renderField(field, width, paint)}`)];
}

function renderField({ name, sources, steps, value, faults }: ExplainedField, width: number, paint: Paint): string {
  const tried = sources.map(({ source, found }) => `${source === "" ? "row" : source} = ${found}`).join(", then ");
  const done = steps.map((step) => `, ${step}`).join("");
  const shown = value === null ? paint("dim", "null") : paint("good", String(value));
  const wrong = faults.length === 0 ? "" : ` ${paint("bad", faults.join(", "))}`;
  const how = tried === "" && done === "" ? "" : `  ${paint("dim", `← ${tried}${done}`)}`;
  return `${name.padEnd(width)}  ${shown}${wrong}${how}`;
}

function renderResult(
  { rule, signal, events, faults, unmapped }: FrameExplanation["result"],
  paint: Paint,
): readonly string[] {
  const lines = [`${paint("bold", "result")} ${rule === null ? paint("bad", "no rule matches") : `by rule ${rule}`}`];
  if (signal !== null) {
    const { action, correlation, echoes, reason, capture } = signal;
    const items = echoes.map((echo) => echo.split(ECHO_SEPARATOR).join(" "));
    const named = { correlation, items: items.length === 0 ? null : items.join("; "), reason, capture };
    const parts = Object.entries(named).flatMap(([name, value]) => value === null ? [] : [`${name} ${value}`]);
    lines.push(`  signal ${paint("good", action)}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`);
  }
  for (const { symbol, native_symbol, exchange_ts, event } of events) {
    const { kind, ...fields } = event;
    const shown = JSON.stringify({ symbol, native_symbol, exchange_ts, ...fields });
    lines.push(`  ${paint("good", kind)} ${shorten(shown)}`);
  }
  if (rule !== null && signal === null && events.length === 0) lines.push(`  ${paint("warn", "no event")}`);
  for (const { code, where } of faults) lines.push(`  ${paint("bad", `fault ${code}`)} ${where}`);
  if (unmapped.length > 0) lines.push(`  ${paint("warn", "not in the symbol map")}: ${unmapped.join(", ")}`);
  return lines;
}
