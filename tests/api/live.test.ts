import assert from "node:assert/strict";
import type { BookView, Envelope, ExchangePlan, MarketEvent } from "../../src/model/mod.ts";
import { type ApiRig, startApi } from "../support/api_rig.ts";
import { batchOf } from "../support/batches.ts";

let offset = 1;

function envelope(event: MarketEvent, rest: Partial<Envelope> = {}): Envelope {
  return {
    exchange: "alpha",
    symbol: "BTC/USDT",
    native_symbol: "BTCUSDT",
    exchange_ts: null,
    received_ts: 1_700_000_000_000_000,
    session: 7,
    offset: offset++,
    index: 0,
    event,
    ...rest,
  };
}

function trade(rest: Partial<Envelope> = {}, id = "1"): Envelope {
  return envelope({ kind: "trade", trade_id: id, price: "100.10", size: "1", side: "buy" }, rest);
}

function delta(rest: Partial<Envelope> = {}): Envelope {
  const sequences = { first_sequence: "43", last_sequence: "43", previous_sequence: null };
  return envelope({ kind: "book_delta", bids: [["100.10", "0"]], asks: [], ...sequences }, rest);
}

const BOOK: BookView = {
  session: 7,
  symbol: "BTC/USDT",
  native: "BTCUSDT",
  state: "valid",
  since: 1,
  cause: null,
  sequence: "42",
  exchangeTs: null,
  bids: [["100.10", "1"]],
  asks: [],
  bidLevels: 1,
  askLevels: 0,
};
const BROKEN: BookView = { ...BOOK, symbol: "ETH/USDT", native: "ETHUSDT", state: "broken", bids: [] };

function startLive(): Promise<ApiRig> {
  return startApi({
    facts: {
      exchanges: () => [{ name: "alpha" } as ExchangePlan],
      books: (_, { symbol }) => [BOOK, BROKEN].filter(({ native }) => symbol === undefined || symbol === native),
    },
  });
}

type Line = Readonly<Record<string, unknown>>;

/** A WebSocket whose messages can be awaited one by one. */
class Client {
  readonly #socket: WebSocket;
  readonly #lines: Line[] = [];
  #wake: () => void = () => {};
  closed: CloseEvent | null = null;

  constructor(rig: ApiRig) {
    this.#socket = new WebSocket(`ws://127.0.0.1:${rig.port}/ws`);
    this.#socket.onmessage = ({ data }) => {
      this.#lines.push(JSON.parse(data));
      this.#wake();
    };
    this.#socket.onclose = (event) => {
      this.closed = event;
      this.#wake();
    };
    this.#socket.onerror = () => {};
  }

  async open(): Promise<this> {
    if (this.#socket.readyState !== WebSocket.OPEN) {
      await new Promise((resolve) => this.#socket.addEventListener("open", resolve, { once: true }));
    }
    return this;
  }

  send(request: unknown): void {
    this.#socket.send(typeof request === "string" ? request : JSON.stringify(request));
  }

  async next(): Promise<Line> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.closed !== null) throw new Error(`Closed: ${this.closed.code} ${this.closed.reason}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async untilClosed(): Promise<CloseEvent> {
    while (this.closed === null) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.closed;
  }

  /** Sends a request and returns its reply. */
  async ask(request: unknown): Promise<Line> {
    this.send(request);
    return await this.next();
  }

  async close(): Promise<void> {
    if (this.closed === null) this.#socket.close();
    await this.untilClosed();
  }
}

Deno.test("/ws gives what is subscribed to by kind, exchange and symbol pattern, until it is unsubscribed", async () => {
  await using rig = await startLive();
  const client = await new Client(rig).open();
  const wanted = { op: "subscribe", id: "a", kinds: ["trade"], exchanges: ["al*"], symbols: ["BTC/*"] };
  assert.deepEqual(await client.ask(wanted), { type: "subscribed", id: "a" });
  const none = [trade({ exchange: "beta" }), trade({ symbol: "ETH/USDT", native_symbol: "ETHUSDT" }), delta()];
  rig.feed.push(batchOf([...none, trade({}, "77")]));
  const line = await client.next();
  assert.deepEqual([line.kind, line.trade_id, line.price, line.symbol], ["trade", "77", "100.10", "BTC/USDT"]);
  // Two subscriptions to the same event give it once.
  await client.ask({ op: "subscribe", id: "b", kinds: ["trade"] });
  rig.feed.push(batchOf([trade({}, "78"), trade({ exchange: "beta" }, "79")]));
  assert.deepEqual([(await client.next()).trade_id, (await client.next()).trade_id], ["78", "79"]);
  assert.deepEqual(await client.ask({ op: "unsubscribe", id: "b" }), { type: "unsubscribed", id: "b" });
  rig.feed.push(batchOf([trade({ exchange: "beta" }), trade({}, "80")]));
  assert.equal((await client.next()).trade_id, "80");
  assert.deepEqual(await client.ask({ op: "ping", id: "p" }), { type: "pong", id: "p" });
  await client.close();
});

Deno.test("/ws sends whole books first, and no change that is in them", async () => {
  await using rig = await startLive();
  const client = await new Client(rig).open();
  client.send({ op: "subscribe", kinds: ["book_delta", "book_snapshot"], symbols: ["*/USDT"] });
  // The valid book is sent, the broken one is not, and the reply comes before or after.
  const lines = [await client.next(), await client.next()];
  const book = lines.find(({ kind }) => kind === "book_snapshot");
  assert.deepEqual([book?.bids, book?.sequence, book?.offset], [[["100.10", "1"]], "42", null]);
  rig.feed.push(batchOf([delta()]));
  assert.equal((await client.next()).kind, "book_delta");
  await client.ask({ op: "subscribe", id: "bare", kinds: ["book_delta"], snapshots: false });
  rig.feed.push(batchOf([delta({ symbol: "X", native_symbol: "X" })]));
  assert.equal((await client.next()).symbol, "X");
  await client.close();
});

Deno.test("/ws says what is wrong with a request and goes on", async () => {
  await using rig = await startLive();
  const client = await new Client(rig).open();
  for (
    const [request, words] of [
      ["{", /not JSON/],
      ["[]", /not an object/],
      ["null", /not an object/],
      [{ op: "buy" }, /op has to be/],
      [{ op: "subscribe", kinds: ["trades"] }, /No kind "trades": there are trade,/],
      [{ op: "subscribe", kinds: [] }, /kinds has to be a list/],
      [{ op: "subscribe", symbols: "BTC" }, /symbols has to be a list/],
      [{ op: "subscribe", symbol: ["BTC"] }, /No key symbol/],
      [{ op: "subscribe", id: 1 }, /id has to be/],
      [{ op: "unsubscribe", id: "none" }, /No such subscription/],
    ] as const
  ) {
    const reply = await client.ask(request);
    assert.deepEqual([reply.type, words.test(String(reply.error))], ["error", true], JSON.stringify(reply));
  }
  await client.close();
});

Deno.test("/ws ends clients that flood it or send too much, with a reason, and the others go on", async () => {
  await using rig = await startLive();
  const good = await new Client(rig).open();
  await good.ask({ op: "subscribe", kinds: ["trade"] });
  const flood = await new Client(rig).open();
  for (let i = 0; i < 100; i++) flood.send({ op: "ping" });
  let said = await flood.next();
  while (said.type === "pong") said = await flood.next();
  assert.match(String(said.reason), /more requests a second/);
  await flood.untilClosed();
  const large = await new Client(rig).open();
  large.send("x".repeat(1_000_000));
  assert.match((await large.untilClosed()).reason, /at most 65536 characters/);
  rig.feed.push(batchOf([trade({}, "5")]));
  assert.equal((await good.next()).trade_id, "5");
  assert.equal(rig.feed.size, 1);
  await good.close();
});

async function* eventsOf(
  response: Response,
): AsyncIterable<{ readonly event: string; readonly id?: string; readonly data: Line }> {
  let text = "";
  if (response.body === null) return;
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const fields = Object.fromEntries(text.slice(0, end).split("\n").map((line) => line.split(/: (.*)/s, 2)));
      text = text.slice(end + 2);
      if (fields.event !== undefined) yield { event: fields.event, id: fields.id, data: JSON.parse(fields.data) };
    }
  }
}

Deno.test("/api/v1/events streams what is asked for as server-sent events, and says why it ends", async () => {
  await using rig = await startLive();
  const response = await fetch(`${rig.base}/api/v1/events?kinds=trade,book_delta&symbols=BTC/*`);
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  const events = eventsOf(response)[Symbol.asyncIterator]();
  const next = async () => (await events.next()).value;
  assert.equal((await next()).event, "book_snapshot");
  rig.feed.push(batchOf([trade({ offset: 500 }, "9")]));
  const { event, id, data } = await next();
  assert.deepEqual([event, id, data.trade_id], ["trade", "500-0", "9"]);
  rig.feed.stop("the collector stops");
  assert.deepEqual(await next(), { event: "end", id: undefined, data: { reason: "the collector stops" } });
  assert.equal((await events.next()).done, true);
  assert.equal(rig.feed.size, 0);
});

Deno.test("/api/v1/events refuses what it does not know, and a client that leaves is forgotten", async () => {
  await using rig = await startLive();
  for (const query of ["kind=trade", "kinds=trades", "snapshots=1", "symbols="]) {
    const answer = await fetch(`${rig.base}/api/v1/events?${query}`);
    assert.equal(answer.status, 400, query);
    await answer.body?.cancel();
  }
  const head = await fetch(`${rig.base}/api/v1/events`, { method: "HEAD" });
  assert.deepEqual([head.status, rig.feed.size], [200, 0]);
  const response = await fetch(`${rig.base}/api/v1/events`);
  assert.equal(rig.feed.size, 1);
  await response.body?.cancel();
  while (rig.feed.size > 0) {
    rig.feed.push(batchOf([trade()]));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

/** A client that asks and never reads. */
async function askAndStall(rig: ApiRig, request: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: rig.port });
  await connection.write(new TextEncoder().encode(request));
  return connection;
}

Deno.test("a client that does not read is cut off with a reason, and a fast one beside it misses nothing", async () => {
  await using rig = await startLive();
  const fast = await new Client(rig).open();
  await fast.ask({ op: "subscribe", kinds: ["trade"] });
  const slow = await fetch(`${rig.base}/api/v1/events?kinds=trade`);
  const stalled = await askAndStall(rig, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13";
  const upgrade = `GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${key}\r\n\r\n`;
  const mute = await askAndStall(rig, upgrade);
  while (rig.feed.size < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  const big = "9".repeat(2_000);
  let sent = 0;
  let received = 0;
  while (rig.feed.size > 2) {
    const batch = Array.from({ length: 50 }, () => trade({}, big));
    rig.feed.push(batchOf(batch));
    sent += batch.length;
    for (; received < sent; received++) assert.equal((await fast.next()).kind, "trade");
    if (sent > 100_000) throw new Error(`${rig.feed.size} clients after ${sent} events`);
  }
  let last = null;
  for await (const event of eventsOf(slow)) last = event;
  assert.equal(last?.event, "end");
  assert.match(String(last?.data.reason), /^slow/);
  stalled.close();
  mute.close();
  await fast.close();
});

Deno.test("/ws answers a request that is no handshake with an error, and keeps no client of it", async () => {
  await using rig = await startLive();
  const plain = await fetch(`${rig.base}/ws`);
  assert.equal(plain.status, 426);
  await plain.body?.cancel();
  assert.equal(rig.feed.size, 0);
});
