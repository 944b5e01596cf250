import assert from "node:assert/strict";
import { relative, resolve } from "node:path";
import {
  EVENT_KINDS,
  fieldsOf,
  type FieldType,
  type FlatKind,
  hasLevels,
  type MarketEvent,
} from "../../src/model/mod.ts";
import { CSV_TABLES, writeCsvRecords } from "../../src/sink/csv/csv_rows.ts";
import { TextBuffer } from "../../src/sink/text_buffer.ts";
import { batchOf } from "../support/batches.ts";
import { envelope } from "../support/envelopes.ts";

const SRC = resolve(import.meta.dirname ?? ".", "../../src");

/**
 * Files that may list fields: the table, a foreign format's columns, rows that are read in a way of their own, and the
 * names that exchanges give them.
 */
const LISTS = [
  "api/tardis/messages.ts",
  "learn/fields.ts",
  "model/event_specs.ts",
  "sink/csv/tardis_files.ts",
  "normalize/event_makers.ts",
];

function* sourceFiles(dir: string): Iterable<string> {
  for (const entry of Deno.readDirSync(dir)) {
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (path.endsWith(".ts")) yield path;
  }
}

Deno.test("fields of states are listed in the table of events alone", () => {
  const found: string[] = [];
  for (const path of sourceFiles(SRC)) {
    const name = relative(SRC, path);
    if (name.startsWith("simulator/") || LISTS.includes(name)) continue;
    const code = Deno.readTextFileSync(path).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    for (const kind of ["ticker", "derivative_ticker", "candle", "quote"] as const) {
      const own = fieldsOf(kind).map(([field]) => field).filter((field) => field.includes("_"));
      const named = own.filter((field) => new RegExp(`\\b${field}\\b`).test(code));
      if (named.length >= Math.max(2, own.length / 2)) found.push(`${name}: ${named.join(", ")}`);
    }
  }
  assert.deepEqual(found, []);
});

Deno.test("a CSV record of every kind without levels has a cell for every field", () => {
  for (const kind of EVENT_KINDS.filter((kind): kind is FlatKind => !hasLevels(kind))) {
    const fields = fieldsOf(kind).map(([name, { type }], at) => [name, valueOf(type, name, at)] as const);
    const event = { kind, ...Object.fromEntries(fields) } as unknown as MarketEvent;
    const out = new TextBuffer();
    writeCsvRecords(out, batchOf([envelope(1, event)]), 0);
    const cells = new TextDecoder().decode(out.bytes).trimEnd().split(",");
    assert.equal(cells.length, CSV_TABLES[kind].columns.length, kind);
    for (const [, value] of fields) assert.ok(cells.includes(String(value)), `${kind}: ${value}`);
  }
});

/** A value that a field of the type may have, unlike those of other fields where that can be. */
function valueOf(type: FieldType, name: string, at: number): string | number | boolean {
  switch (type) {
    case "micros":
      return 1_000_000 + at;
    case "boolean":
      return true;
    case "side":
      return "sell";
    case "channel":
      return "candles";
    case "gap_state":
      return "filled";
    case "gap_cause":
      return "takeover";
    default:
      return `value of ${name}`;
  }
}
