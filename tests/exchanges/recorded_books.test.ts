import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { type BookGap, BookKeeper, type BookUpdate } from "../../src/book/mod.ts";
import { matchAnswer, matchConnection, type NormalizedFrame } from "../../src/normalize/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { readRecording, type RecordedLine, testOnRecordings } from "../support/recordings.ts";
import { loadShipped, type ShippedFrames } from "../support/shipped_descriptor.ts";

/** Prices and sizes as the exchange wrote them. */
type Levels = readonly (readonly [price: string, size: string])[];

/** A change of one book, read off a frame or an answer without the descriptor. */
interface Change {
  readonly symbol: string;
  readonly isSnapshot: boolean;
  /** Of what is newer than a snapshot; 0 where frames come in order anyway. */
  readonly sequence: bigint;
  readonly bids: Levels;
  readonly asks: Levels;
}

/** Sessions with their REST answers, how many books they hold, and what changes them. */
const RECORDINGS: readonly {
  readonly exchange: string;
  readonly files: readonly string[];
  readonly books: number;
  readonly changes: (frame: unknown, url: URL | null) => readonly Change[];
}[] = [
  {
    exchange: "binance-coinm",
    files: ["binance-coinm-20210722-ws1", "binance-coinm-20210722-http"],
    books: 10,
    changes: binance,
  },
  { exchange: "binance-coinm", files: ["binance-coinm-20240808-btcusdperp"], books: 1, changes: binance },
  { exchange: "bitstamp", files: ["bitstamp-20220105-ws1", "bitstamp-20220105-http"], books: 10, changes: bitstamp },
  { exchange: "kucoin", files: ["kucoin-20210425-ws1", "kucoin-20210425-http"], books: 9, changes: kucoin },
  { exchange: "coinbase", files: ["coinbase-20210417-ws1"], books: 10, changes: coinbase },
  {
    exchange: "coinbase-advanced",
    files: ["coinbase-advanced-20260809-ws1"],
    books: 2,
    changes: coinbaseAdvanced,
  },
  { exchange: "bitfinex", files: ["bitfinex-20210417-ws1"], books: 7, changes: bitfinex() },
  { exchange: "bitmex", files: ["bitmex-20210722-ws1"], books: 10, changes: bitmex() },
];

for (const { exchange, files, books, changes } of RECORDINGS) {
  testOnRecordings(
    files,
    `the books of ${exchange} stay whole over ${files[0]} and end as an independent replay does`,
    () => {
      const lines = files.flatMap((file) => readRecording(file) ?? []);
      lines.sort((left, right) => left.t - right.t);
      const kept = keepBooks(loadShipped(exchange), lines);
      assert.deepEqual(kept.gaps, []);
      assert.equal(kept.resyncs, 0);
      assert.deepEqual([...kept.keepers.values()].map(({ state }) => state), Array(books).fill("valid"));
      const replayed = replayBooks(lines, changes);
      const levels = new Map([...kept.keepers].map(([symbol, { book }]) => {
        const { bids, asks } = book.levels();
        return [
          symbol,
          [...bids.map((one) => `bid ${one.join(" ")}`), ...asks.map((one) => `ask ${one.join(" ")}`)].sort(),
        ];
      }));
      for (const [symbol, found] of levels) assert.deepEqual(found, replayed.get(symbol), symbol);
    },
  );
}

/** Feeds what the descriptor makes of recorded lines to a keeper for each symbol. */
function keepBooks(shipped: ShippedFrames, lines: readonly RecordedLine[]) {
  const { frames, requests } = shipped;
  const normalizer = new FrameReader(frames);
  const keepers = new Map<string, BookKeeper>();
  const gaps: BookGap[] = [];
  let resyncs = 0;
  let connectionId = "";
  const read = (line: RecordedLine): NormalizedFrame | null => {
    const { t: receivedTs, dir, url, payload, binary } = line;
    if (dir === "open") connectionId = matchConnection(frames, url ?? "") ?? "";
    if (dir === "in") return normalizer.read({ session: 1, connectionId, payload, binary, receivedTs });
    if (dir !== "http" || url === null) return null;
    const request = requests.find(({ match }) => matchAnswer(match, url) !== null);
    if (request === undefined) return null;
    const native = matchAnswer(request.match, url);
    const body = payload;
    return normalizer.readHttp({
      session: 1,
      connectionId,
      request: request.name,
      native: native ?? "",
      body,
      receivedTs,
    });
  };
  for (const line of lines) {
    const updates = new Map<string, BookUpdate[]>();
    for (const { event, exchange_ts: exchangeTs, native_symbol: symbol } of read(line)?.events ?? []) {
      if (event.kind !== "book_snapshot" && event.kind !== "book_delta") continue;
      updates.set(symbol, [...updates.get(symbol) ?? [], { event, exchangeTs, checksum: null }]);
    }
    for (const [symbol, list] of updates) {
      const keeper = keepers.get(symbol) ?? new BookKeeper(frames.books[0]);
      keepers.set(symbol, keeper);
      const verdict = keeper.apply(list, { receivedTs: line.t, mayPass: false });
      gaps.push(...verdict.gaps);
      if (verdict.resync !== null) resyncs++;
    }
  }
  return { keepers, gaps, resyncs };
}

/** The final books from the frames alone: snapshots, and every change that is newer, in the order of arrival. */
function replayBooks(
  lines: readonly RecordedLine[],
  changesOf: (frame: unknown, url: URL | null) => readonly Change[],
): ReadonlyMap<string, readonly string[]> {
  const bySymbol = new Map<string, Change[]>();
  for (const { dir, url, payload } of lines) {
    if (dir !== "in" && dir !== "http") continue;
    const address = url === null ? null : new URL(url);
    for (const change of changesOf(JSON.parse(new TextDecoder().decode(payload)), address)) {
      const changes = bySymbol.get(change.symbol);
      if (changes === undefined) bySymbol.set(change.symbol, [change]);
      else changes.push(change);
    }
  }
  return new Map([...bySymbol].map(([symbol, changes]) => {
    const snapshot = changes.find(({ isSnapshot }) => isSnapshot);
    const later = changes.filter((one) => !one.isSnapshot && one.sequence >= (snapshot?.sequence ?? 0n));
    const levels = new Map<string, string>();
    for (const { bids, asks } of snapshot === undefined ? [] : [snapshot, ...later]) {
      for (const [side, changed] of [["bid", bids], ["ask", asks]] as const) {
        for (const [price, size] of changed) {
          if (Number(price) === 0) continue;
          levels.delete(`${side} ${Number(price)}`);
          if (Number(size) > 0) levels.set(`${side} ${Number(price)}`, `${side} ${price} ${size}`);
        }
      }
    }
    return [symbol, [...levels.values()].sort()];
  }));
}

type Pairs = readonly (readonly string[])[];

function pairs(levels: Pairs): Levels {
  return levels.map(([price, size]) => [price, size]);
}

interface BinanceBook {
  readonly e?: string;
  readonly s?: string;
  readonly u?: number;
  readonly lastUpdateId?: number;
  readonly b?: Pairs;
  readonly a?: Pairs;
  readonly bids?: Pairs;
  readonly asks?: Pairs;
}

function binance(frame: unknown, url: URL | null): readonly Change[] {
  if (url !== null && !url.pathname.endsWith("/depth")) return [];
  const book = url === null ? (frame as { readonly data: BinanceBook }).data : frame as BinanceBook;
  if (url === null && book.e !== "depthUpdate") return [];
  return [{
    symbol: book.s ?? url?.searchParams.get("symbol") ?? "",
    isSnapshot: url !== null,
    sequence: BigInt(book.u ?? book.lastUpdateId ?? 0),
    bids: pairs(book.b ?? book.bids ?? []),
    asks: pairs(book.a ?? book.asks ?? []),
  }];
}

interface BitstampBook {
  readonly microtimestamp: string;
  readonly bids?: Pairs;
  readonly asks?: Pairs;
}

function bitstamp(frame: unknown, url: URL | null): readonly Change[] {
  const { channel, data } = frame as { readonly channel?: string; readonly data: BitstampBook };
  const [, symbol] = /(?:diff_order_book_|\/order_book\/)(\w+)/.exec(url?.pathname ?? channel ?? "") ?? [];
  const { microtimestamp, bids, asks } = url === null ? data : frame as BitstampBook;
  if (symbol === undefined || bids === undefined || asks === undefined) return [];
  // What stands at the snapshot's very time is in it.
  const sequence = BigInt(microtimestamp) + (url === null ? 0n : 1n);
  return [{ symbol, isSnapshot: url !== null, sequence, bids: pairs(bids), asks: pairs(asks) }];
}

interface KucoinBook {
  readonly symbol?: string;
  readonly sequence?: string;
  readonly sequenceEnd?: number;
  readonly changes?: { readonly bids: Pairs; readonly asks: Pairs };
  readonly bids?: Pairs;
  readonly asks?: Pairs;
}

function kucoin(frame: unknown, url: URL | null): readonly Change[] {
  const { subject, data } = frame as { readonly subject?: string; readonly data: KucoinBook };
  if (url === null && subject !== "trade.l2update" || url?.pathname.endsWith("/symbols") === true) return [];
  return [{
    symbol: data.symbol ?? url?.searchParams.get("symbol") ?? "",
    isSnapshot: url !== null,
    sequence: data.sequence === undefined ? BigInt(data.sequenceEnd ?? 0) : BigInt(data.sequence) + 1n,
    bids: pairs(data.changes?.bids ?? data.bids ?? []),
    asks: pairs(data.changes?.asks ?? data.asks ?? []),
  }];
}

interface CoinbaseFrame {
  readonly type: string;
  readonly product_id: string;
  readonly bids: Pairs;
  readonly asks: Pairs;
  readonly changes: Pairs;
}

function coinbase(frame: unknown): readonly Change[] {
  const { type, product_id: symbol, bids, asks, changes } = frame as CoinbaseFrame;
  if (type === "snapshot") return [{ symbol, isSnapshot: true, sequence: 0n, bids: pairs(bids), asks: pairs(asks) }];
  if (type !== "l2update") return [];
  const levels = (side: string) => pairs(changes.filter((one) => one[0] === side).map((one) => one.slice(1)));
  return [{ symbol, isSnapshot: false, sequence: 0n, bids: levels("buy"), asks: levels("sell") }];
}

interface AdvancedEvent {
  readonly type: string;
  readonly product_id: string;
  readonly updates: readonly { readonly side: string; readonly price_level: string; readonly new_quantity: string }[];
}

function coinbaseAdvanced(frame: unknown): readonly Change[] {
  const { channel, events } = frame as { readonly channel: string; readonly events: readonly AdvancedEvent[] };
  if (channel !== "l2_data") return [];
  return events.map(({ type, product_id: symbol, updates }) => {
    const levels = (wanted: string): Levels =>
      updates.filter(({ side }) => side === wanted).map((one) => [one.price_level, one.new_quantity]);
    return { symbol, isSnapshot: type === "snapshot", sequence: 0n, bids: levels("bid"), asks: levels("offer") };
  });
}

type BitfinexLevel = readonly [price: number, count: number, amount: number];

/** Reads frames in their order: what a channel's number means stands in the acknowledgement before. */
function bitfinex(): (frame: unknown) => readonly Change[] {
  const pairs = new Map<number, string>();
  return (frame) => {
    const { event, channel, chanId, pair } = frame as Readonly<Record<string, unknown>>;
    if (event === "subscribed" && channel === "book") pairs.set(Number(chanId), String(pair));
    if (event !== undefined) return [];
    const [id, body] = frame as readonly [number, "hb" | BitfinexLevel | readonly BitfinexLevel[]];
    const symbol = pairs.get(id);
    if (symbol === undefined || body === "hb") return [];
    const isSnapshot = typeof body[0] !== "number";
    const rows = (isSnapshot ? body : [body]) as readonly BitfinexLevel[];
    const levels = (sign: number): Levels =>
      rows.filter(([, , amount]) => Math.sign(amount) === sign).map((
        [price, count, amount],
      ) => [String(price), String(count === 0 ? 0 : Math.abs(amount))]);
    return [{ symbol, isSnapshot, sequence: 0n, bids: levels(1), asks: levels(-1) }];
  };
}

interface BitmexFrame {
  readonly table?: string;
  readonly action: string;
  readonly filter?: { readonly symbol: string };
  readonly data: readonly {
    readonly symbol: string;
    readonly id: number;
    readonly side: string;
    readonly size?: number;
    readonly price?: number;
  }[];
}

/** Reads frames in their order: a change names a level by an id, whose price an earlier frame gave. */
function bitmex(): (frame: unknown) => readonly Change[] {
  const prices = new Map<string, number>();
  return (frame) => {
    const { table, action, filter, data } = frame as BitmexFrame;
    if (table !== "orderBookL2") return [];
    const levels = (wanted: string): Levels =>
      data.filter(({ side }) => side === wanted).map(({ symbol, id, side, price, size }) => {
        const key = `${symbol} ${id} ${side}`;
        if (price !== undefined) prices.set(key, price);
        return [String(prices.get(key)), String(action === "delete" ? 0 : size)];
      });
    const symbol = filter?.symbol ?? data[0].symbol;
    return [{ symbol, isSnapshot: action === "partial", sequence: 0n, bids: levels("Buy"), asks: levels("Sell") }];
  };
}

Deno.test("a book of bitget is checked where its frames carry a checksum that is not 0", () => {
  const { frames } = loadShipped("bitget");
  const normalizer = new FrameReader(frames);
  const keeper = new BookKeeper(frames.books[0]);
  const apply = (action: string, row: object) => {
    const frame = { action, arg: { instType: "spot", topic: "books", symbol: "BTCUSDT" }, data: [row], ts: 1 };
    const payload = new TextEncoder().encode(JSON.stringify(frame));
    const { events } = normalizer.read({ session: 1, connectionId: "spot", payload, binary: false, receivedTs: 1 });
    const updates = events.flatMap(({ event, exchange_ts: exchangeTs, checksum }) =>
      event.kind === "book_snapshot" || event.kind === "book_delta" ? [{ event, exchangeTs, checksum }] : []
    );
    return keeper.apply(updates, { receivedTs: 1, mayPass: false });
  };
  apply("snapshot", { a: [["101.0", "1"]], b: [["99", "2.50"], ["98", "1"]], seq: 5, pseq: 0, checksum: 0 });
  const right = crc32("99:2.50:101.0:3:98:1") | 0;
  apply("update", { a: [["101.0", "3"]], b: [], seq: 9, pseq: 5, checksum: right });
  assert.equal(keeper.state, "valid");
  const wrong = apply("update", { a: [], b: [["98", "0"]], seq: 12, pseq: 9, checksum: right });
  assert.deepEqual([keeper.state, wrong.resync, wrong.gaps[0].cause], ["broken", "resubscribe", "checksum"]);
  apply("update", { a: [["101.0", "3"]], b: [["99", "1"]], seq: 20, pseq: 0 });
  assert.equal(keeper.state, "valid", "an update that follows 0 begins the book anew, without a checksum");
});

Deno.test("a book of bitfinex is checked by frames of their own, and every array counts in the socket's sequence", () => {
  const { frames } = loadShipped("bitfinex");
  const normalizer = new FrameReader(frames);
  const keeper = new BookKeeper(frames.books[0]);
  const read = (frame: unknown) => {
    const payload = new TextEncoder().encode(JSON.stringify(frame));
    return normalizer.read({ session: 1, connectionId: "spot", payload, binary: false, receivedTs: 1 });
  };
  const apply = (frame: unknown) => {
    const updates = read(frame).events.flatMap(({ event, exchange_ts: exchangeTs, checksum }) =>
      event.kind === "book_snapshot" || event.kind === "book_delta" ? [{ event, exchangeTs, checksum }] : []
    );
    return keeper.apply(updates, { receivedTs: 1, mayPass: false });
  };
  const check = (frame: unknown) => {
    const [{ native_symbol: pair, checksum }] = read(frame).checksums;
    assert.equal(pair, "BTCUSD");
    return keeper.check(checksum, 1);
  };
  assert.equal(read({ event: "conf", status: "OK", flags: 229376 }).socketSequence, null);
  read({ event: "subscribed", channel: "book", chanId: 7, symbol: "tBTCUSD", pair: "BTCUSD" });
  apply([7, [[6000, 1, 1], [5900, 2, 2], [6100, 1, -3], [6200, 1, -4]], 1, 1564617600541]);
  check([7, "cs", 1756193398, 2, 1564617600542]);
  assert.equal(keeper.state, "valid");
  apply([7, [1e-7, 1, 2.5], 3, 1564617600543]);
  check([7, "cs", crc32("6000:1:6100:-3:5900:2:6200:-4:1e-7:2.5") | 0, 4, 1564617600544]);
  assert.equal(keeper.state, "valid");
  apply([7, [6100, 0, -1], 5, 1564617600545]);
  const wrong = check([7, "cs", 1756193398, 6, 1564617600546]);
  assert.deepEqual([keeper.state, wrong.resync, wrong.gaps[0].cause], ["broken", "reconnect", "checksum"]);
  const trade = [1, 1564617600709, 0.5, 6000];
  const numbered = [[7, "hb", 7, 1], [8, "te", trade, 8, 1], [8, "tu", trade, 9, 1], [7, [6100, 1, -1], 10, 1]];
  assert.deepEqual(numbered.map((frame) => read(frame).socketSequence), ["7", "8", "9", "10"]);
});
