import { LOG_EVENTS, METRICS } from "../../src/telemetry/mod.ts";

/** The tables of `docs/operations.md` that are generated from the code. `tools/docs/update_docs.ts` writes them. */

export const OPERATIONS_FILE = new URL("../../docs/operations.md", import.meta.url);

/** The document with its generated parts, between `<!-- begin NAME -->` and `<!-- end NAME -->`, made anew. */
export function renewOperations(text: string): string {
  return renewPart(renewPart(text, "metrics", metricRows()), "log", logRows());
}

function renewPart(text: string, name: string, rows: readonly string[]): string {
  const begin = `<!-- begin ${name} -->`;
  const end = `<!-- end ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`No generated part ${name} in operations.md`);
  return `${text.slice(0, from + begin.length)}\n\n${rows.join("\n")}\n\n${text.slice(to)}`;
}

function metricRows(): readonly string[] {
  const rows = Object.entries(METRICS).map(([name, { type, labels, help }]) =>
    `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`
  );
  return table(["metric", "type", "labels", "meaning"], rows);
}

function logRows(): readonly string[] {
  const rows = Object.entries(LOG_EVENTS).map(([event, spec]) => {
    if (spec === null) return `| \`${event}\` | – | counted, never logged | |`;
    const level = typeof spec.level === "string" ? spec.level : "by case";
    return `| \`${event}\` | ${level} | ${spec.meaning} | ${spec.repeatKey === null ? "" : "yes"} |`;
  });
  return table(["event", "level", "meaning", "counted when repeated"], rows);
}

/** Rows as `deno fmt` aligns them, so that formatting changes nothing. */
function table(heads: readonly string[], rows: readonly string[]): readonly string[] {
  const cells = [heads, ...rows.map((row) => row.slice(1, -1).split("|").map((cell) => cell.trim()))];
  const widths = heads.map((_, at) => Math.max(...cells.map((row) => row[at].length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at])).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)];
}
