import assert from "node:assert/strict";
import fc from "fast-check";
import type { Envelope } from "../../src/model/mod.ts";
import { CSV_TABLES } from "../../src/sink/csv/csv_rows.ts";
import { TextBuffer } from "../../src/sink/text_buffer.ts";
import { exchangePart, pathPart } from "../../src/sink/mod.ts";
import { filesBelow, type SinkUnderTest, testSink } from "./conformance.ts";
import { testFolderSink } from "./folder_conformance.ts";

const SINK: SinkUnderTest = {
  type: "csv",
  exactlyOnce: true,
  plan: (dir) => ({ type: "csv", name: "tables", kinds: null, options: { dir } }),
  expected: (event) => {
    const { folder } = CSV_TABLES[event.event.kind];
    const date = new Date(event.received_ts / 1000).toISOString().slice(0, 10);
    return {
      group: `${folder}/${exchangePart(event.exchange)}/${pathPart(event.symbol)}/${date}.csv`,
      rows: expectedRecords(event).map((record) => JSON.stringify(record)),
    };
  },
  read: async (dir, host) => {
    const held = new Map<string, string[]>();
    for (const path of await filesBelow(dir, host)) {
      if (!path.endsWith(".csv")) continue;
      const [header, ...records] = parseCsv(await host.files.readText(path) ?? "");
      const folder = path.slice(dir.length + 1).split("/")[0];
      const table = Object.values(CSV_TABLES).find((table) => table.folder === folder);
      assert.deepEqual(header, table?.columns);
      for (const record of records) assert.equal(record.length, header.length);
      held.set(
        path.slice(dir.length + 1),
        records.map((record) => JSON.stringify(Object.fromEntries(record.map((cell, at) => [header[at], cell])))),
      );
    }
    return held;
  },
};
testSink(SINK);
testFolderSink(SINK);

/** What a reader who knows the column names expects, from the event's fields alone; null is empty. */
function expectedRecords(envelope: Envelope): readonly Readonly<Record<string, string>>[] {
  const { event, exchange, symbol, exchange_ts, received_ts } = envelope;
  const common = { exchange, symbol, timestamp: exchange_ts ?? received_ts, local_timestamp: received_ts };
  const isHistoric = event.kind === "trade" || event.kind === "candle" || event.kind === "funding";
  const marks = isHistoric ? { backfilled: envelope.backfilled === true } : {};
  const record = (fields: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(
      Object.entries({ ...common, ...fields, ...marks, collector: null }).map((
        [name, value],
      ) => [name, String(value ?? "")]),
    );
  switch (event.kind) {
    case "trade":
      return [record({ id: event.trade_id, side: event.side, price: event.price, amount: event.size })];
    case "liquidation":
      return [record({ id: event.id, side: event.side, price: event.price, amount: event.size })];
    case "book_snapshot":
    case "book_delta": {
      const is_snapshot = event.kind === "book_snapshot";
      const rows = [
        ...event.bids.map(([price, amount]) => record({ is_snapshot, side: "bid", price, amount })),
        ...event.asks.map(([price, amount]) => record({ is_snapshot, side: "ask", price, amount })),
      ];
      return rows.length > 0 ? rows : [record({ is_snapshot, side: null, price: null, amount: null })];
    }
    case "book_top": {
      const { sequence } = event;
      const ranked = (side: string, list: typeof event.bids) =>
        list.map(([price, amount], index) => record({ side, level: index + 1, price, amount, sequence }));
      const rows = [...ranked("bid", event.bids), ...ranked("ask", event.asks)];
      return rows.length > 0 ? rows : [record({ side: null, level: null, price: null, amount: null, sequence })];
    }
    case "quote": {
      const { ask_size: ask_amount, ask_price, bid_price, bid_size: bid_amount } = event;
      return [record({ ask_amount, ask_price, bid_price, bid_amount })];
    }
    case "ticker":
    case "raw": {
      const { kind: _kind, ...fields } = event;
      return [record(fields)];
    }
    case "candle": {
      const { kind: _kind, interval, open_ts: open_timestamp, ...fields } = event;
      return [record({ interval, open_timestamp, ...fields })];
    }
    case "derivative_ticker":
      return [record({
        funding_timestamp: event.next_funding_ts,
        funding_rate: event.funding_rate,
        predicted_funding_rate: event.predicted_funding_rate,
        open_interest: event.open_interest,
        last_price: event.last_price,
        index_price: event.index_price,
        mark_price: event.mark_price,
      })];
    case "option_summary":
      return [record({
        type: event.option_type,
        strike_price: event.strike_price,
        expiration: event.expiration_ts,
        open_interest: event.open_interest,
        last_price: event.last_price,
        bid_price: event.bid_price,
        bid_amount: event.bid_size,
        bid_iv: event.bid_iv,
        ask_price: event.ask_price,
        ask_amount: event.ask_size,
        ask_iv: event.ask_iv,
        mark_price: event.mark_price,
        mark_iv: event.mark_iv,
        underlying_index: event.underlying_index,
        underlying_price: event.underlying_price,
        delta: event.delta,
        gamma: event.gamma,
        vega: event.vega,
        theta: event.theta,
        rho: event.rho,
      })];
    case "order": {
      const { order_id, side, price, size: amount, change, action, sequence } = event;
      return [record({ order_id, side, price, amount, change, action, sequence })];
    }
    case "funding": {
      const { funding_rate, funding_ts: funding_timestamp, interval, mark_price } = event;
      return [record({ funding_rate, funding_timestamp, interval, mark_price })];
    }
    case "instrument": {
      const { kind: _kind, ...fields } = event;
      return [record(Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [name.replace(/_ts$/, "_timestamp"), value]),
      ))];
    }
    case "gap": {
      const { kind: _, gap_id, state, stream, cause, from_ts: from_timestamp, to_ts: to_timestamp, ...fields } = event;
      return [record({ gap_id, state, stream, cause, from_timestamp, to_timestamp, ...fields })];
    }
  }
}

/** A reader of RFC 4180 with LF between records. */
function parseCsv(text: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell = "";
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (text[at] === '"') at++;
        cell += text[at];
      }
      at++;
    } else {
      while (text[at] !== "," && text[at] !== "\n") cell += text[at++];
    }
    record.push(cell);
    if (text[at++] === ",") continue;
    records.push(record);
    record = [];
  }
  return records;
}

Deno.test("TextBuffer.csvText() is read back cell by cell whatever the texts hold", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }), (cells) => {
      const out = new TextBuffer();
      cells.forEach((cell, at) => {
        if (at > 0) out.text(",");
        out.csvText(cell);
      });
      out.text("\n");
      assert.deepEqual(parseCsv(new TextDecoder("utf-8", { ignoreBOM: true }).decode(out.bytes)), [cells]);
    }),
  );
});
