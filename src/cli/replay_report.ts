import { EVENT_KINDS } from "../model/mod.ts";
import { renderTable, showCount, showDuration } from "../text/mod.ts";
import type { TallySummary } from "./tally.ts";

/** The result of a replay, as `--report` writes it. */
export interface ReplayReport extends TallySummary {
  readonly exchange: string;
  readonly inputs: readonly string[];
  /** REST answers that match no request of the descriptor. */
  readonly ignored_http: number;
  readonly duration_ms: number;
  readonly frames_per_second: number;
}

/** Renders the report for people. */
export function renderReport(report: ReplayReport): string {
  const { accounted } = report;
  const parts = [
    `${report.exchange}: ${showCount(report.frames)} frames in ${showDuration(report.duration_ms)} ` +
    `(${showCount(Math.round(report.frames_per_second))} frames/s)`,
    renderTable(["frames", "count"], [
      ["turned into events or filtered", showCount(accounted.matched - report.faulty)],
      ["faulty", showCount(report.faulty)],
      ["control", showCount(accounted.control)],
      ["unmatched", showCount(accounted.unmatched)],
      ["undecodable", showCount(accounted.undecodable)],
      ["of unknown exchanges", showCount(accounted.orphaned)],
    ]),
    renderTable(["events", "count"], EVENT_KINDS.map((kind) => [kind, showCount(report.events[kind] ?? 0)])),
  ];
  parts.push(...counted("control frames by rule", report.control));
  parts.push(...exampled("frames that no rule matched", report.unmatched));
  parts.push(...exampled("faults", report.faults));
  parts.push(...gaps(report));
  const withheld = Object.entries(report.withheld).filter(([, count]) => count > 0);
  if (withheld.length > 0) {
    const counts = withheld.map(([kind, count]) => `${showCount(count)} ${kind}`).join(", ");
    parts.push(
      `book updates older than their snapshot, merged into it or suppressed while a book was broken: ${counts}`,
    );
    parts.push(
      "--pass-books emits book updates as received, without an initial snapshot",
    );
  }
  if (report.unmapped.length > 0) {
    const names = report.unmapped.slice(0, 10).join(", ");
    parts.push(
      `symbols without an entry in the map, kept in native spelling: ${names}${
        report.unmapped.length > 10 ? ", …" : ""
      }`,
    );
  }
  if (report.ignored_http > 0) parts.push(`${showCount(report.ignored_http)} REST answers that no request asks for`);
  return parts.join("\n\n");
}

function counted(title: string, counts: Readonly<Record<string, number>>): readonly string[] {
  const rows = Object.entries(counts).sort((a, b) => b[1] - a[1]).map(([name, count]) => [name, showCount(count)]);
  return rows.length === 0 ? [] : [renderTable([title, "count"], rows)];
}

/** Renders the gaps by cause, with the first of each. */
function gaps({ gaps: counts, gap_examples: examples }: TallySummary): readonly string[] {
  const rows = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  if (rows.length === 0) return [];
  const lines = rows.flatMap(([cause, count]) => {
    const { symbol, detail, frame } = examples[cause] ?? { symbol: "", detail: "", frame: null };
    const told = [symbol, detail].filter((text) => text !== "").join(": ");
    return [
      `  ${showCount(count)} × ${cause}`,
      ...(told === "" ? [] : [`    for example ${told}`]),
      ...(frame === null ? [] : [`    at the frame ${shortened(frame)}`]),
    ];
  });
  return [["gaps by cause:", ...lines].join("\n")];
}

function shortened(example: string): string {
  return example.length > 160 ? `${example.slice(0, 160)}…` : example;
}

function exampled(
  title: string,
  entries: Readonly<Record<string, { readonly count: number; readonly example: string }>>,
): readonly string[] {
  const rows = Object.entries(entries).sort((a, b) => b[1].count - a[1].count);
  if (rows.length === 0) return [];
  const lines = rows.flatMap(([name, { count, example }]) => [
    `  ${showCount(count)} × ${name}`,
    `    for example ${shortened(example)}`,
  ]);
  return [[`${title}:`, ...lines].join("\n")];
}
