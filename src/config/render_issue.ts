import type { Issue } from "../model/mod.ts";

/** Widest part of a source line that is shown, in characters; longer lines are cut around the caret. */
const SOURCE_CHARS_MAX = 160;

/** An issue for a person: `file:line:col: error: text`, the source line, a caret. No line break at the end. */
export function renderIssue(issue: Issue, options: { readonly color: boolean }): string {
  const paint = (code: number, text: string) => options.color ? `\u001b[${code}m${text}\u001b[0m` : text;
  const tone = issue.severity === "error" ? 31 : 33;
  const place = `${issue.file}:${issue.line}:${issue.column}:`;
  const whose = issue.exchange === null ? "" : `exchange ${issue.exchange}: `;
  const head = `${paint(1, place)} ${paint(tone, `${issue.severity}:`)} ${whose}${printable(issue.message)}`;
  if (issue.sourceLine === "") return head;
  const { text, before, underlined } = excerpt(issue);
  const gutter = String(issue.line);
  // Tabs are kept in the padding, so that the caret stands right whatever their width.
  const padding = before.replace(/[^\t]/g, " ");
  return [
    head,
    `${paint(2, `${gutter} |`)} ${text}`,
    `${paint(2, `${" ".repeat(gutter.length)} |`)} ${padding}${paint(tone, "^".repeat(underlined))}`,
  ].join("\n");
}

/** An issue for a program: the fields of `--json`, in a fixed order. */
export function issueToJson(issue: Issue): Readonly<Record<string, string | number | null>> {
  return {
    severity: issue.severity,
    file: issue.file,
    line: issue.line,
    column: issue.column,
    length: issue.length,
    exchange: issue.exchange,
    message: issue.message,
    source_line: issue.sourceLine,
  };
}

/** `2 errors, 1 warning`, or `No issues`. */
export function countIssues(issues: readonly Issue[]): string {
  const errors = issues.filter((issue) => issue.severity === "error").length;
  const warnings = issues.length - errors;
  const parts = [
    ...(errors === 0 ? [] : [`${errors} error${errors === 1 ? "" : "s"}`]),
    ...(warnings === 0 ? [] : [`${warnings} warning${warnings === 1 ? "" : "s"}`]),
  ];
  return parts.length === 0 ? "No issues" : parts.join(", ");
}

function excerpt(issue: Issue): { readonly text: string; readonly before: string; readonly underlined: number } {
  const start = issue.column - 1;
  const from = issue.sourceLine.length <= SOURCE_CHARS_MAX ? 0 : Math.max(0, start - SOURCE_CHARS_MAX / 2);
  const shown = issue.sourceLine.slice(from, from + SOURCE_CHARS_MAX);
  const cutFront = from > 0 ? "…" : "";
  const cutBack = from + SOURCE_CHARS_MAX < issue.sourceLine.length ? "…" : "";
  return {
    text: printable(`${cutFront}${shown}${cutBack}`),
    before: printable(`${cutFront}${issue.sourceLine.slice(from, start)}`),
    underlined: Math.max(1, Math.min(issue.length, from + SOURCE_CHARS_MAX - start)),
  };
}

/** Control characters but the tab become a visible stand-in, so that a file cannot write to the terminal. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, "\uFFFD");
}
