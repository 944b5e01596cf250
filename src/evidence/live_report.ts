import { renderIssue } from "../config/mod.ts";
import { painter, renderTable, showCount } from "../text/mod.ts";
import type { LiveOutcome } from "./live_run.ts";

/** Most findings shown of one exchange; the rest are counted. */
const FINDINGS_MAX = 20;
/** Most characters of an example. */
const EXAMPLE_CHARS_MAX = 160;

/** Renders the outcome of `test --live` for people: findings, one row per exchange, and unexercised rules. */
export function renderLiveReport(outcomes: readonly LiveOutcome[], { color }: { readonly color: boolean }): string {
  const paint = painter(color);
  const details = outcomes.flatMap(({ exchange, issues, symbols, verdict, findings }) => [
    ...issues.map((issue) => renderIssue(issue, { color })),
    ...(verdict === "failed" && issues.length === 0
      ? [
        `${exchange}: ${
          symbols.length === 0 ? "no symbol of its map is of today: name some with --symbols" : "did not run"
        }`,
      ]
      : []),
    ...findings.slice(0, FINDINGS_MAX).flatMap(({ code, about, text, count, example }) => [
      `${paint("bold", `${exchange}: ${code}`)} ${about}: ${text}${count > 1 ? `, ${showCount(count)} times` : ""}`,
      ...(example === null ? [] : [`  ${paint("dim", example.slice(0, EXAMPLE_CHARS_MAX))}`]),
    ]),
    ...(findings.length > FINDINGS_MAX ? [`… and ${findings.length - FINDINGS_MAX} more of ${exchange}`] : []),
  ]);
  const rows = outcomes.map(({ exchange, verdict, sessions, frames, events, rules, findings }) => [
    exchange,
    paint(verdict === "ok" ? "good" : "bad", verdict),
    showCount(sessions),
    showCount(frames),
    showCount(events),
    `${rules.filter(({ count }) => count > 0).length}/${rules.length}`,
    showCount(findings.length),
  ]);
  const unexplained = outcomes.flatMap(({ exchange, verdict, rules }) =>
    verdict === "unreachable" || verdict === "failed" ? [] : rules
      .filter(({ count, quiet }) => count === 0 && quiet === null)
      .map(({ type, name }) => `${exchange}: nothing exercised ${type} ${name}`)
  );
  return [
    ...details,
    ...(details.length > 0 ? [""] : []),
    renderTable(["exchange", "outcome", "sessions", "frames", "events", "rules", "findings"], rows),
    ...(unexplained.length > 0 ? ["", ...unexplained] : []),
  ].join("\n");
}
