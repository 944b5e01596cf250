import assert from "node:assert/strict";
import { NormalizedMessages } from "../../src/api/tardis/normalized.ts";
import { kindsOf, readTardisOptions, type TardisOption } from "../../src/api/tardis/options.ts";
import {
  type Envelope,
  EventBatch,
  type ExchangePlan,
  type MarketEvent,
  TARDIS_REPLAYS_MAX,
} from "../../src/model/mod.ts";
import { type ApiRig, startApi } from "../support/api_rig.ts";
import { batchOf } from "../support/batches.ts";

/** 2026-11-22T00:00:00Z, µs. */
const BEGIN = 1_795_305_600_000_000;

let offset = 1;

/** An event of the exchange `atMs` after the begin, received 5 ms later. */
function envelope(atMs: number, event: MarketEvent, rest: Partial<Envelope> = {}): Envelope {
  const at = BEGIN + atMs * 1000;
  const head = { exchange: "alpha", symbol: "BTC/USDT", native_symbol: "BTCUSDT", session: 7, index: 0 };
  return { ...head, exchange_ts: at, received_ts: at + 5_000, offset: offset++, event, ...rest };
}

const trade = (atMs: number, price: string, size = "1", side: "buy" | "sell" = "buy") =>
  envelope(atMs, { kind: "trade", trade_id: "9", price, size, side });

const snapshot = (atMs: number, bid: string, ask: string) =>
  envelope(atMs, { kind: "book_snapshot", bids: [[bid, "1"], ["1", "5"]], asks: [[ask, "2"]], sequence: null });

const delta = (atMs: number, price: string, size: string) =>
  envelope(atMs, {
    kind: "book_delta",
    bids: [[price, size]],
    asks: [],
    first_sequence: null,
    last_sequence: null,
    previous_sequence: null,
  });

const gap = (atMs: number) =>
  envelope(atMs, {
    kind: "gap",
    gap_id: `${atMs}-0`,
    state: "opened",
    stream: "book",
    cause: "disconnect",
    from_ts: BEGIN + atMs * 1000,
    to_ts: null,
    from_sequence: null,
    to_sequence: null,
    detail: "1006",
    action: "reconnected",
  });

function optionsOf(rest: Readonly<Record<string, unknown>>, isReplay = false): readonly TardisOption[] {
  const read = readTardisOptions(JSON.stringify({ exchange: "alpha", ...rest }), isReplay);
  if (typeof read === "string") throw new Error(read);
  return read;
}

function messagesOf(rest: Readonly<Record<string, unknown>>, events: readonly Envelope[]) {
  return [...new NormalizedMessages(optionsOf(rest)).linesOfBatch(batchOf(events))].map((line) => JSON.parse(line));
}

Deno.test("a trade and a book change have the shape of tardis-machine's messages", () => {
  const [change, made] = messagesOf({ dataTypes: ["trade", "book_change"] }, [
    snapshot(1, "100.10", "100.2"),
    trade(2, "100.10"),
  ]);
  const head = { symbol: "BTCUSDT", exchange: "alpha" };
  assert.deepEqual(change, {
    type: "book_change",
    ...head,
    isSnapshot: true,
    bids: [{ price: 100.1, amount: 1 }, { price: 1, amount: 5 }],
    asks: [{ price: 100.2, amount: 2 }],
    timestamp: "2026-11-22T00:00:00.001Z",
    localTimestamp: "2026-11-22T00:00:00.006Z",
  });
  assert.deepEqual(made, {
    type: "trade",
    ...head,
    id: "9",
    price: 100.1,
    amount: 1,
    side: "buy",
    timestamp: "2026-11-22T00:00:00.002Z",
    localTimestamp: "2026-11-22T00:00:00.007Z",
  });
});

Deno.test("trade bars end with the first trade of a later interval, the tick or the volume that fills them", () => {
  const trades = [trade(100, "10", "1"), trade(900, "14", "3", "sell"), trade(2_500, "8", "2"), trade(2_600, "9", "2")];
  const [bar, ...rest] = messagesOf({ dataTypes: ["trade_bar_1s"] }, trades);
  assert.equal(rest.length, 0, "the bar in the making is not told");
  assert.deepEqual(bar, {
    type: "trade_bar",
    symbol: "BTCUSDT",
    exchange: "alpha",
    name: "trade_bar_1s",
    interval: 1000,
    kind: "time",
    open: 10,
    high: 14,
    low: 10,
    close: 14,
    volume: 4,
    buyVolume: 1,
    sellVolume: 3,
    trades: 2,
    vwap: 13,
    openTimestamp: "2026-11-22T00:00:00.100Z",
    closeTimestamp: "2026-11-22T00:00:00.900Z",
    timestamp: "2026-11-22T00:00:01.000Z",
    localTimestamp: "2026-11-22T00:00:02.505Z",
  });
  const closes = (type: string) => messagesOf({ dataTypes: [type] }, trades).map(({ close }) => close);
  assert.deepEqual(closes("trade_bar_2ticks"), [14, 9]);
  assert.deepEqual(closes("trade_bar_4vol"), [14, 9]);
  assert.deepEqual(closes("trade_bar_1m"), []);
});

Deno.test("book snapshots show the best levels at an interval, and only where they have changed", () => {
  const events = [
    snapshot(0, "100", "101"),
    delta(40, "99", "3"),
    delta(120, "98", "1"),
    delta(250, "100", "0"),
    delta(350, "2", "1"),
  ];
  const bids = (type: string) =>
    messagesOf({ dataTypes: [type] }, events).map(({ bids, timestamp }) => [
      timestamp.slice(20, 23),
      bids.map(({ price }: { price: number }) => price),
    ]);
  assert.deepEqual(bids("book_snapshot_2_100ms"), [
    ["040", [100, 99]],
    ["250", [99, 98]],
  ]);
  assert.deepEqual(bids("quote"), [["000", [100]], ["250", [99]]]);
  assert.equal(bids("book_snapshot_3_0ms").length, 5);
});

Deno.test("messages keep to symbols, times and one disconnect for all streams of a connection", () => {
  const types = { dataTypes: ["trade"], withDisconnectMessages: true };
  const events = [trade(1, "1"), gap(2), gap(2), { ...trade(3, "2"), native_symbol: "ETHUSDT", symbol: "ETH/USDT" }];
  assert.deepEqual(messagesOf(types, events).map(({ type }) => type), ["trade", "disconnect", "trade"]);
  assert.deepEqual(messagesOf({ ...types, symbols: ["ETHUSDT"] }, events).map(({ price }) => price), [undefined, 2]);
  assert.deepEqual(messagesOf({ ...types, exchange: "beta" }, events), []);
  const [option] = optionsOf({ ...types, from: "2026-11-22", to: "2026-11-22T00:00:00.006" }, true);
  const within = [
    ...new NormalizedMessages([option]).linesOfBatch(batchOf([trade(0, "1"), trade(1, "2"), trade(2, "3")])),
  ];
  assert.equal(within.length, 1, "to is exclusive, and in receive time");
  assert.deepEqual(kindsOf(optionsOf({ dataTypes: ["quote_1s", "trade_bar_1m"] })[0]), [
    "book_snapshot",
    "book_delta",
    "trade",
  ]);
});

Deno.test("readTardisOptions() says what is wrong", () => {
  const one = { exchange: "alpha", dataTypes: ["trade"], from: "2026-11-22", to: "2026-11-23" };
  for (
    const [text, words] of [
      [null, /Give the parameter options/],
      ["{", /not JSON/],
      ["[]", /1 to 100/],
      ["[1]", /has to be an object/],
      [JSON.stringify({ ...one, exchange: "" }), /needs exchange/],
      [JSON.stringify({ ...one, dataTypes: [] }), /needs dataTypes/],
      [JSON.stringify({ ...one, dataTypes: ["trades"] }), /No data type "trades"/],
      [JSON.stringify({ ...one, dataTypes: ["trade_bar_0s"] }), /No data type/],
      [JSON.stringify({ ...one, dataTypes: ["book_snapshot_0_1s"] }), /No data type/],
      [JSON.stringify({ ...one, symbols: "BTC" }), /symbols has to be a list/],
      [JSON.stringify({ ...one, from: "yesterday" }), /needs from/],
      [JSON.stringify({ ...one, to: one.from }), /later than from/],
    ] as const
  ) assert.match(String(readTardisOptions(text, true)), words);
});

function query(path: string, options: unknown): string {
  return `${path}?options=${encodeURIComponent(JSON.stringify(options))}`;
}

/** Everything that a WebSocket says until it is closed, or until it has said so much. */
async function listen(rig: ApiRig, path: string, count = Infinity) {
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}${path}`);
  const messages: Record<string, unknown>[] = [];
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  socket.onmessage = ({ data }) => {
    messages.push(JSON.parse(data));
    if (messages.length >= count) socket.close();
  };
  return { messages, ...await closed.then(({ code, reason }) => ({ code, reason })) };
}

const ALPHA = [{ name: "alpha" } as ExchangePlan];

Deno.test("every path refuses an exchange that is not configured, by its name", async () => {
  await using rig = await startApi({ facts: { exchanges: () => ALPHA } });
  const option = { exchange: "alhpa", dataTypes: ["trade"], from: "2026-11-22", to: "2026-11-23" };
  for (const path of ["/replay-normalized", "/ws-replay-normalized", "/ws-stream-normalized", "/replay"]) {
    const known = { ...option, exchange: "alpha" };
    const answer = await fetch(rig.base + query(path, path === "/replay" ? option : [known, option]));
    assert.equal(answer.status, 400, path);
    assert.equal((await answer.json()).error, "No exchange alhpa in the configuration: there are alpha");
  }
});

Deno.test("replays count from their request to their end, so that no more run than may", async () => {
  let begun = 0;
  const ended = Promise.withResolvers<void>();
  await using rig = await startApi({
    facts: {
      exchanges: () => ALPHA,
      async *replay() {
        begun++;
        await ended.promise;
        yield batchOf([trade(1, "1")]);
      },
    },
  });
  const option = { exchange: "alpha", dataTypes: ["trade"], from: "2026-11-22", to: "2026-11-23" };
  const ask = () => fetch(rig.base + query("/replay-normalized", option));
  const answers = await Promise.all(Array.from({ length: TARDIS_REPLAYS_MAX + 3 }, ask));
  const refused = answers.filter(({ status }) => status === 503);
  assert.deepEqual([refused.length, begun], [3, TARDIS_REPLAYS_MAX]);
  ended.resolve();
  const lines = await Promise.all(answers.filter(({ ok }) => ok).map((answer) => answer.text()));
  assert.ok(lines.every((text) => JSON.parse(text).price === 1));
  await Promise.all(refused.map(({ body }) => body?.cancel()));
  assert.match(await (await ask()).text(), /"price":1/, "the places are free again");
});

Deno.test("/replay-normalized and /ws-replay-normalized give what the journal has of the time asked for", async () => {
  const asked: unknown[] = [];
  await using rig = await startApi({
    facts: {
      exchanges: () => ALPHA,
      async *replay({ from, to }) {
        asked.push([from, to]);
        yield batchOf([trade(1, "1"), trade(2, "2")]);
        yield new EventBatch();
        yield batchOf([trade(3, "3")]);
      },
    },
  });
  const option = { exchange: "alpha", dataTypes: ["trade"], from: "2026-11-22", to: "2026-11-23" };
  const answer = await fetch(rig.base + query("/replay-normalized", [option]));
  assert.equal(answer.headers.get("content-type"), "application/x-json-stream");
  const lines = (await answer.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ price }) => price), [1, 2, 3]);
  const { messages, code, reason } = await listen(rig, query("/ws-replay-normalized", option));
  assert.deepEqual(messages, lines);
  assert.deepEqual([code, reason], [1000, "WS replay-normalized finished"]);
  assert.deepEqual(asked, Array(2).fill([BEGIN, BEGIN + 86_400_000_000]));
  const wrong = await fetch(rig.base + query("/replay-normalized", { ...option, dataTypes: ["x"] }));
  assert.deepEqual([wrong.status, /No data type/.test((await wrong.json()).error)], [400, true]);
});

Deno.test("/ws-stream-normalized sends messages as they happen", async () => {
  await using rig = await startApi({ facts: { exchanges: () => ALPHA } });
  const heard = listen(
    rig,
    query("/ws-stream-normalized", { exchange: "alpha", dataTypes: ["trade", "trade_bar_1ticks"] }),
    2,
  );
  while (rig.feed.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  rig.feed.push(batchOf([{ ...trade(1, "1"), exchange: "beta" }, trade(2, "2")]));
  assert.deepEqual((await heard).messages.map(({ type }) => type), ["trade", "trade_bar"]);
});
