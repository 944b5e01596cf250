import assert from "node:assert/strict";
import fc from "fast-check";
import { EVENT_KINDS, hasLevels } from "../../src/model/mod.ts";
import { contentId } from "../../src/sink/content_id.ts";
import { columnsOf, keyOf, rowMaker, tableOf, tablesOf } from "../../src/sink/table_rows.ts";
import { anyEnvelopes, envelope, trade } from "../support/envelopes.ts";

for (const identity of ["position", "content"] as const) {
  Deno.test(`rowMaker() gives each event rows that fit the columns of its table, by ${identity}`, () => {
    const rows = rowMaker({ collector: "eu-1", identity });
    fc.assert(fc.property(anyEnvelopes, (events) => {
      const keys = new Set<string>();
      for (const event of events) {
        const table = tableOf(event.event.kind);
        const columns = columnsOf(table, identity);
        const made = rows(event);
        const levels = "bids" in event.event ? event.event.bids.length + event.event.asks.length : 1;
        assert.equal(made.length, Math.max(1, levels));
        for (const row of made) {
          assert.equal(row.length, columns.length);
          for (const [at, { name, type, nullable }] of columns.entries()) {
            const cell = row[at];
            if (cell === null) {
              assert.ok(nullable, `${table}.${name} is null`);
              continue;
            }
            const expected = type === "boolean"
              ? "boolean"
              : type === "timestamp" || type === "integer"
              ? "number"
              : "string";
            assert.equal(typeof cell, expected, `${table}.${name}`);
          }
          if (identity === "content") continue;
          const key = keyOf(table, identity).map((name) => row[columns.findIndex((column) => column.name === name)]);
          keys.add(`${table} ${key}`);
        }
      }
      if (identity === "position") assert.equal(keys.size, events.reduce((sum, event) => sum + rows(event).length, 0));
    }));
  });
}

Deno.test("tablesOf() gives each table once", () => {
  assert.deepEqual(tablesOf(["book_delta", "trade", "book_snapshot"]), ["trade", "book"]);
  assert.equal(tablesOf(null).length, EVENT_KINDS.length - 1);
  assert.ok(EVENT_KINDS.filter(hasLevels).every((kind) => keyOf(tableOf(kind), "position").includes("position")));
});

Deno.test("contentId() is the same for two collectors and another for another content", () => {
  const event = envelope(5, trade("1.5"));
  const elsewhere = { ...event, offset: 77, index: 3, session: 8, received_ts: event.received_ts + 900 };
  assert.equal(contentId(event), contentId(elsewhere));
  assert.match(contentId(event) ?? "", /^[\w-]{22}$/);
  assert.notEqual(contentId(event), contentId(envelope(5, trade("1.50"))));
  assert.notEqual(contentId(event), contentId({ ...event, exchange: "beta" }));
  assert.notEqual(contentId(event), contentId({ ...event, exchange_ts: 1 }));
});

Deno.test("contentId() is null for what cannot be told from a repeat", () => {
  const quote = { kind: "quote", bid_price: "1", bid_size: "1", ask_price: "2", ask_size: "2" } as const;
  assert.equal(contentId(envelope(1, quote, { exchange_ts: null })), null);
  assert.notEqual(contentId(envelope(1, quote)), null);
  const snapshot = { kind: "book_snapshot", bids: [], asks: [], sequence: null } as const;
  assert.equal(contentId(envelope(1, snapshot)), null);
  assert.notEqual(contentId(envelope(1, { ...snapshot, sequence: "7" })), null);
  assert.equal(contentId(envelope(1, { kind: "book_top", bids: [], asks: [], sequence: "7" })), null);
});
