import assert from "node:assert/strict";
import { BookKeeper, type BookState } from "../../src/book/mod.ts";
import type { ResyncAction } from "../../src/model/mod.ts";
import { type NormalizedFrame } from "../../src/normalize/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { readRecording, testOnRecordings } from "../support/recordings.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

/** A frame of one book (a text where its numbers are beyond 2^53), how the book stands after it, and what has to be done about it. */
type Step = readonly [frame: unknown, state: BookState, resync?: ResyncAction];

/** For each book feed: the image, what follows, a hole, and the book whole again. */
const FEEDS: readonly { exchange: string; feed: string; connection: string; steps: readonly Step[] }[] = [
  {
    exchange: "deribit",
    feed: "book",
    connection: "public",
    steps: [
      [deribit({ type: "snapshot", change_id: 10, bids: [["new", 99, 1]], asks: [["new", 101, 1]] }), "valid"],
      [deribit({ type: "change", prev_change_id: 10, change_id: 15, bids: [["delete", 99, 0]], asks: [] }), "valid"],
      [
        deribit({ type: "change", prev_change_id: 17, change_id: 19, bids: [["new", 98, 1]], asks: [] }),
        "broken",
        "resubscribe",
      ],
      [deribit({ type: "change", prev_change_id: 19, change_id: 21, bids: [["new", 97, 1]], asks: [] }), "broken"],
      [deribit({ type: "snapshot", prev_change_id: 21, change_id: 23, bids: [["new", 99, 1]], asks: [] }), "valid"],
    ],
  },
  {
    exchange: "htx",
    feed: "book",
    connection: "book",
    steps: [
      [htx({ prevSeqNum: 20, seqNum: 24, bids: [[99, 1]], asks: [] }), "buffering", "request"],
      [htxAnswer({ seqNum: 12, bids: [[98, 1]], asks: [[101, 1]] }), "buffering", "request"],
      [htx({ prevSeqNum: 24, seqNum: 27, bids: [], asks: [[102, 1]] }), "buffering"],
      [htxAnswer({ seqNum: 24, bids: [[99, 1]], asks: [[101, 1]] }), "valid"],
      [htx({ prevSeqNum: 27, seqNum: 30, bids: [[99, 0]], asks: [] }), "valid"],
      [htx({ prevSeqNum: 31, seqNum: 33, bids: [[98, 1]], asks: [] }), "broken", "request"],
      [htxAnswer({ seqNum: 33, bids: [[98, 1]], asks: [[101, 1]] }), "valid"],
    ],
  },
  {
    exchange: "htx-linear",
    feed: "book",
    connection: "market",
    steps: [
      [swap({ event: "snapshot", version: 5, bids: [[99, 1]], asks: [[101, 1]] }), "valid"],
      [swap({ event: "update", version: 6, bids: [], asks: [] }), "valid"],
      [swap({ event: "update", version: 8, bids: [], asks: [[102, 1]] }), "broken", "resubscribe"],
      [swap({ event: "snapshot", version: 9 }), "valid"],
      [swap({ event: "update", version: 10, bids: [[99, 1]] }), "valid"],
    ],
  },
  {
    exchange: "cryptocom",
    feed: "book",
    connection: "market",
    steps: [
      [cryptocom("book", { u: 100, bids: [["99", "1", "1"]], asks: [["101", "1", "1"]] }), "valid"],
      [cryptocom("book.update", { u: 100, pu: 100, update: { bids: [], asks: [] } }), "valid"],
      [cryptocom("book.update", { u: 130, pu: 100, update: { bids: [["99", "0", "0"]], asks: [] } }), "valid"],
      [
        cryptocom("book.update", { u: 190, pu: 160, update: { bids: [["98", "1", "1"]], asks: [] } }),
        "broken",
        "resubscribe",
      ],
      [cryptocom("book", { u: 210, bids: [["99", "1", "1"]], asks: [["101", "1", "1"]] }), "valid"],
    ],
  },
  {
    exchange: "gemini",
    feed: "book",
    connection: "market",
    steps: [
      [gemini({ U: 50, u: 50, b: [["99", "1"]], a: [["101", "1"]] }), "valid"],
      [gemini({ U: 50, u: 57, b: [["99", "0"]], a: [] }), "valid"],
      [gemini({ U: 60, u: 63, b: [["98", "1"]], a: [] }), "broken", "resubscribe"],
      [gemini({ U: 70, u: 70, b: [["99", "1"]], a: [["101", "1"]] }), "valid"],
    ],
  },
  {
    exchange: "gemini",
    feed: "v2_book",
    connection: "v2",
    steps: [
      [geminiV2({ changes: [["buy", "99", "1"], ["sell", "101", "1"]], trades: [] }), "valid"],
      [geminiV2({ changes: [["buy", "100", "1"], ["sell", "101", "0"], ["sell", "102", "1"]] }), "valid"],
      [geminiV2({ changes: [["buy", "103", "1"]] }), "broken", "reconnect"],
    ],
  },
  {
    exchange: "bitflyer",
    feed: "book",
    connection: "public",
    steps: [
      [bitflyer("lightning_board_", { bids: [{ price: 99, size: 1 }], asks: [] }), "buffering"],
      [
        bitflyer("lightning_board_snapshot_", { bids: [{ price: 99, size: 1 }], asks: [{ price: 101, size: 1 }] }),
        "valid",
      ],
      [bitflyer("lightning_board_", { bids: [{ price: 102, size: 1 }], asks: [] }), "broken"],
      [
        bitflyer("lightning_board_snapshot_", { bids: [{ price: 102, size: 1 }], asks: [{ price: 103, size: 1 }] }),
        "valid",
      ],
    ],
  },
  {
    exchange: "gateio",
    feed: "book",
    connection: "linear",
    steps: [
      [gateio({ full: true, u: 10, b: [["99", "1"]], a: [["101", "1"]] }), "valid"],
      [gateio({ U: 11, u: 14 }), "valid"],
      [gateio({ U: 15, u: 15, b: [["99", "0"]] }), "valid"],
      [gateio({ U: 17, u: 19, a: [["102", "1"]] }), "broken", "resubscribe"],
      [gateio({ U: 20, u: 21, a: [["102", "1"]] }), "broken"],
      [gateio({ full: true, u: 30, b: [["99", "1"]], a: [["101", "1"]] }), "valid"],
      [gateio({ full: true, u: 40, b: [["98", "1"]], a: [["101", "1"]] }), "valid"],
    ],
  },
  {
    exchange: "bitget",
    feed: "book",
    connection: "inverse",
    steps: [
      [bitget("snapshot", '"seq":1483653649791156270,"pseq":0'), "valid"],
      [bitget("update", '"seq":1483653649791156272,"pseq":1483653649791156270'), "valid"],
      [bitget("update", '"seq":1483653649791156279,"pseq":1483653649791156273'), "broken", "resubscribe"],
      [bitget("snapshot", '"seq":1483653649791156299,"pseq":0'), "valid"],
      [bitget("update", '"seq":5,"pseq":0'), "valid"],
    ],
  },
  {
    exchange: "coinbase-advanced",
    feed: "book",
    connection: "public",
    steps: [
      [advanced("snapshot", [["bid", "99", "1"], ["offer", "101", "1"]]), "valid"],
      [advanced("update", [["offer", "101", "0"], ["offer", "102", "1"]]), "valid"],
      [advanced("update", [["bid", "103", "1"]]), "broken", "resubscribe"],
      [advanced("snapshot", [["bid", "99", "1"], ["offer", "101", "1"]]), "valid"],
    ],
  },
  {
    exchange: "bitmex",
    feed: "book",
    connection: "derivatives",
    steps: [
      [bitmex("partial", [{ id: 1, side: "Buy", size: 5, price: 99 }, { id: 2, size: 5, price: 101 }]), "valid"],
      [bitmex("update", [{ id: 1, side: "Buy", size: 9 }, { id: 2, size: 3 }]), "valid"],
      [bitmex("insert", [{ id: 3, side: "Buy", size: 1, price: 102 }]), "broken", "resubscribe"],
      [bitmex("delete", [{ id: 3, side: "Buy" }]), "broken"],
      [bitmex("partial", [{ id: 1, side: "Buy", size: 5, price: 99 }, { id: 2, size: 5, price: 101 }]), "valid"],
    ],
  },
  {
    exchange: "upbit",
    feed: "book",
    connection: "public",
    steps: [
      [upbit(1785397531885, 99), "valid"],
      [upbit(1785397531885, 99), "valid"],
      [upbit(1785397531985, 103), "broken"],
      [upbit(1785397532085, 100), "valid"],
    ],
  },
  {
    exchange: "gmo",
    feed: "book",
    connection: "public",
    steps: [
      [gmo("2026-09-23T03:25:35.843Z", "99"), "valid"],
      [gmo("2026-09-23T03:25:36.348Z", "100"), "valid"],
      [gmo("2026-09-23T03:25:36.853Z", "105"), "broken"],
      [gmo("2026-09-23T03:25:37.358Z", "100"), "valid"],
    ],
  },
];

for (const { exchange, feed, connection, steps } of FEEDS) {
  Deno.test(`the ${feed} of ${exchange} is valid from its image to a hole, and after the next image`, () => {
    const { frames } = loadShipped(exchange);
    const rule = frames.books.find(({ name }) => name === feed);
    assert.ok(rule !== undefined);
    const normalizer = new FrameReader(frames);
    const keeper = new BookKeeper(rule);
    steps.forEach(([frame, state, resync = null], index) => {
      const payload = new TextEncoder().encode(typeof frame === "string" ? frame : JSON.stringify(frame));
      const receivedTs = index + 1;
      const read = normalizer.read({ session: 1, connectionId: connection, payload, binary: false, receivedTs });
      assert.deepEqual(read.faults, []);
      const updates = read.events.flatMap(({ event, exchange_ts: exchangeTs, rule: name }) =>
        rule.rules.includes(name) && (event.kind === "book_snapshot" || event.kind === "book_delta")
          ? [{ event, exchangeTs, checksum: null }]
          : []
      );
      assert.equal(updates.length, 1, `step ${index}`);
      const verdict = keeper.apply(updates, { receivedTs, mayPass: false });
      assert.deepEqual([keeper.state, verdict.resync], [state, resync], `step ${index}`);
      assert.equal(verdict.emit.length, state === "valid" ? 1 : 0, `step ${index}`);
    });
  });
}

Deno.test("a book of mexc is joined with an image from elsewhere, and asked for anew behind a hole", () => {
  const { frames } = loadShipped("mexc");
  const normalizer = new FrameReader(frames);
  const keeper = new BookKeeper(frames.books[0]);
  const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const apply = ({ events }: NormalizedFrame) => {
    const updates = events.flatMap(({ event, exchange_ts: exchangeTs }) =>
      event.kind === "book_snapshot" || event.kind === "book_delta" ? [{ event, exchangeTs, checksum: null }] : []
    );
    const { resync, emit } = keeper.apply(updates, { receivedTs: 1, mayPass: false });
    return [keeper.state, resync, emit.length];
  };
  const change = (numbers: object) => {
    const data = { cts: 1789498405579, asks: [], bids: [[99, 7, 1]], ...numbers };
    const payload = encode({ symbol: "BTC_USDT", data, channel: "push.depth", ts: 1789498405588 });
    return apply(normalizer.read({ session: 1, connectionId: "public", payload, binary: false, receivedTs: 1 }));
  };
  const image = (version: number) => {
    const data = { asks: [[101, 5, 1]], bids: [[99, 1, 1]], version, timestamp: 1789498405000 };
    const body = encode({ success: true, code: 0, data });
    return apply(normalizer.readHttp({
      session: 1,
      connectionId: "public",
      request: "book_snapshot",
      native: "BTC_USDT",
      body,
      receivedTs: 1,
    }));
  };
  assert.deepEqual(change({ begin: 10, end: 12, version: 12 }), ["buffering", null, 0], "the session asks");
  assert.deepEqual(image(8), ["buffering", "rest", 0], "older than what is held back");
  assert.deepEqual(image(11), ["valid", null, 1], "the change reaches over it");
  assert.deepEqual(keeper.book.best("bid"), ["99", "7"], "the image with the change");
  assert.deepEqual(change({ begin: 13, end: 13, version: 13 }), ["valid", null, 1]);
  assert.deepEqual(change({ version: 14 }), ["valid", null, 1], "not merged");
  assert.deepEqual(change({ begin: 16, end: 17, version: 17 }), ["broken", "rest", 0]);
  assert.deepEqual(image(17), ["valid", null, 1]);
});

testOnRecordings(
  ["deribit-20210722-ws1"],
  "the books of deribit stay whole over a recording and end as an independent replay does",
  () => {
    const lines = readRecording("deribit-20210722-ws1");
    assert.ok(lines !== null);
    const { frames } = loadShipped("deribit");
    const normalizer = new FrameReader(frames);
    const keepers = new Map<string, BookKeeper>();
    const replayed = new Map<string, Map<string, string>>();
    for (const { t: receivedTs, dir, payload, binary } of lines) {
      if (dir !== "in") continue;
      const { events } = normalizer.read({ session: 1, connectionId: "public", payload, binary, receivedTs });
      for (const { event, exchange_ts: exchangeTs, native_symbol: symbol } of events) {
        if (event.kind !== "book_snapshot" && event.kind !== "book_delta") continue;
        const keeper = keepers.get(symbol) ?? new BookKeeper(frames.books[0]);
        keepers.set(symbol, keeper);
        const verdict = keeper.apply([{ event, exchangeTs, checksum: null }], { receivedTs, mayPass: false });
        assert.deepEqual([verdict.gaps, verdict.resync, verdict.withheld], [[], null, 0]);
      }
      replayDeribit(new TextDecoder().decode(payload), replayed);
    }
    assert.equal(keepers.size, 10);
    for (const [symbol, { book, state }] of keepers) {
      assert.equal(state, "valid");
      const { bids, asks } = book.levels();
      const found = [...bids.map((one) => `bid ${one.join(" ")}`), ...asks.map((one) => `ask ${one.join(" ")}`)];
      assert.deepEqual(found.sort(), [...replayed.get(symbol)?.values() ?? []].sort(), symbol);
    }
  },
);

interface RecordedBook {
  readonly instrument_name: string;
  readonly bids: readonly (readonly [action: string, price: string, size: string])[];
  readonly asks: RecordedBook["bids"];
}

/** Applies a frame's levels by their actions alone; numbers are read as texts. */
function replayDeribit(text: string, books: Map<string, Map<string, string>>): void {
  const quoted = text.replace(/(?<=[[,:])-?\d[\d.eE+-]*(?=[,\]}])/g, '"$&"');
  const { params } = JSON.parse(quoted) as {
    readonly params?: { readonly channel: string; readonly data: RecordedBook };
  };
  if (params?.channel.startsWith("book.") !== true) return;
  const { instrument_name: symbol, bids, asks } = params.data;
  const levels = books.get(symbol) ?? new Map<string, string>();
  books.set(symbol, levels);
  for (const [side, changed] of [["bid", bids], ["ask", asks]] as const) {
    for (const [action, price, size] of changed) {
      if (action === "delete") levels.delete(`${side} ${price}`);
      else levels.set(`${side} ${price}`, `${side} ${price} ${size}`);
    }
  }
}

function deribit(data: object): unknown {
  const book = { instrument_name: "BTC-PERPETUAL", timestamp: 1626993724318, ...data };
  return { jsonrpc: "2.0", method: "subscription", params: { channel: "book.BTC-PERPETUAL.100ms", data: book } };
}

function htx(tick: object): unknown {
  return { ch: "market.btcusdt.mbp.150", ts: 1593561601106, tick };
}

function htxAnswer(data: object): unknown {
  return { id: "5", status: "ok", ts: 1593561601666, rep: "market.btcusdt.mbp.150", data };
}

function swap(tick: object): unknown {
  return { ch: "market.BTC-USDT.depth.size_150.high_freq", ts: 1581552001189, tick: { ts: 1581552001187, ...tick } };
}

function cryptocom(channel: string, data: object): unknown {
  const subscription = "book.BTC_USDT.50";
  const result = { instrument_name: "BTC_USDT", subscription, channel, depth: 50, data: [{ tt: 1, t: 2, ...data }] };
  return { id: -1, method: "subscribe", code: 0, result };
}

function gemini(update: object): unknown {
  return { e: "depthUpdate", E: 1783981139947, s: "btcusd", ...update };
}

function geminiV2(update: object): unknown {
  return { type: "l2_updates", symbol: "BTCUSD", ...update };
}

function bitflyer(prefix: string, message: object): unknown {
  return { jsonrpc: "2.0", method: "channelMessage", params: { channel: `${prefix}BTC_JPY`, message } };
}

function bitmex(action: string, rows: readonly object[]): unknown {
  const data = rows.map((row) => ({ symbol: "XBTUSD", side: "Sell", ...row }));
  return { table: "orderBookL2", action, ...(action === "partial" ? { filter: { symbol: "XBTUSD" } } : {}), data };
}

function upbit(timestamp: number, bid: number): unknown {
  const orderbook_units = [
    { bid_price: bid, bid_size: 1, ask_price: 101, ask_size: 1 },
    { bid_price: bid - 1, bid_size: 1, ask_price: 0, ask_size: 0 },
  ];
  return { type: "orderbook", code: "KRW-BTC", timestamp, orderbook_units, stream_type: "REALTIME" };
}

function gmo(timestamp: string, bid: string): unknown {
  const [bids, asks] = [[{ price: bid, size: "1" }], [{ price: "101", size: "1" }]];
  return { channel: "orderbooks", bids, asks, symbol: "BTC", timestamp, grouping: "1" };
}

function gateio(result: object): unknown {
  return { channel: "futures.obu", result: { t: 1754006400261, s: "ob.BTC_USDT.400", ...result }, event: "update" };
}

function bitget(action: string, sequences: string): string {
  const row = `{"a":[["101","1"]],"b":[["99","1"]],${sequences},"ts":"1777358880011"}`;
  const arg = '{"instType":"coin-futures","topic":"books","symbol":"BTCUSD_CM"}';
  return `{"action":"${action}","arg":${arg},"data":[${row}],"ts":1777358880013}`;
}

function advanced(type: string, changes: readonly (readonly [side: string, price: string, size: string])[]): unknown {
  const updates = changes.map(([side, price_level, new_quantity]) => ({ side, price_level, new_quantity }));
  const timestamp = "2023-02-09T20:32:50.714964855Z";
  return { channel: "l2_data", timestamp, events: [{ type, product_id: "BTC-USD", updates }] };
}
