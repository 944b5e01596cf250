import { EVENT_KINDS, eventSpec, fieldsOf } from "../../src/model/mod.ts";

/** The document that lists the kinds of events, by path from the repository's root. */
export const EVENTS_FILE = "docs/files.md";

const BEGIN = "<!-- events: generated, do not edit -->";
const END = "<!-- end of events -->";

/** A document with its table of events renewed; null if the markers are missing. */
export function renewEvents(document: string): string | null {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from === -1 || to < from) return null;
  const table = `<!-- deno-fmt-ignore-start -->\n\n${eventsTable()}\n\n<!-- deno-fmt-ignore-end -->`;
  return `${document.slice(0, from + BEGIN.length)}\n${table}\n${document.slice(to)}`;
}

/** One row a field, in the order of all files. */
function eventsTable(): string {
  const rows = EVENT_KINDS.flatMap((kind) => [
    `| **\`${kind}\`** | | ${cell(eventSpec(kind).meaning)} |`,
    ...fieldsOf(kind).map(([name, { type, nullable, meaning }]) =>
      `| \`${name}\` | ${type}${nullable ? " or null" : ""} | ${cell(meaning)} |`
    ),
  ]);
  return ["| kind, field | type | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
