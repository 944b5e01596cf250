import assert from "node:assert/strict";
import { relative, resolve } from "node:path";
import { EVENT_KINDS, fieldsOf, type FlatKind, hasLevels, type MarketEvent } from "../../src/model/mod.ts";
import { weighEvent } from "../../src/derive/mod.ts";
import { CSV_TABLES } from "../../src/sink/csv/csv_rows.ts";
import { envelope } from "../support/envelopes.ts";
import { csvRecords } from "../../src/sink/csv/csv_rows.ts";

const SRC = resolve(import.meta.dirname ?? ".", "../../src");

/** Files that may list fields: the table, a foreign format's columns, and rows that are read in a way of their own. */
const LISTS = ["model/event_specs.ts", "sink/csv/tardis_files.ts", "normalize/event_makers.ts"];

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
      if (named.length > 0 && named.length >= own.length / 2) found.push(`${name}: ${named.join(", ")}`);
    }
  }
  assert.deepEqual(found, []);
});

Deno.test("a CSV record of every kind without levels has a cell for every field", () => {
  for (const kind of EVENT_KINDS.filter((kind): kind is FlatKind => !hasLevels(kind))) {
    const fields = fieldsOf(kind).map(([name]) => [name, `value of ${name}`] as const);
    const event = { kind, ...Object.fromEntries(fields) } as unknown as MarketEvent;
    const cells = csvRecords(envelope(1, event)).trimEnd().split(",");
    assert.equal(cells.length, CSV_TABLES[kind].columns.length, kind);
    for (const [, value] of fields) assert.ok(cells.includes(value), `${kind}: ${value}`);
  }
});

Deno.test("weighEvent() counts levels and payloads, and no short field", () => {
  const empty: MarketEvent = { kind: "book_top", bids: [], asks: [], sequence: null };
  const raw: MarketEvent = { kind: "raw", channel: null, sequence: null, message_id: null, payload: "" };
  assert.equal(weighEvent({ ...empty, bids: [["1", "2"]], asks: [["3", "4"]] }) - weighEvent(empty), 288);
  assert.equal(weighEvent({ ...raw, payload: "x".repeat(1000), channel: "trades" }) - weighEvent(raw), 1000);
});
