import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";

type Levels = readonly (readonly [price: string, size: string])[];

/** A book as a client of /ws keeps it: whole first, then by absolute sizes. */
class FollowedBook {
  readonly sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };

  apply(line: { readonly kind: string; readonly bids: Levels; readonly asks: Levels }): void {
    for (const name of ["bids", "asks"] as const) {
      const side = this.sides[name];
      if (line.kind === "book_snapshot") side.clear();
      for (const [price, size] of line[name]) {
        if (Number(size) === 0) side.delete(price);
        else side.set(price, size);
      }
    }
  }

  get size(): number {
    return this.sides.bids.size + this.sides.asks.size;
  }
}

Deno.test("the API of a running collector: streams and books by GET, and a book followed on /ws is the one it keeps", async () => {
  const simulator = await startSimulator({
    host: denoHost(),
    dialect: "okx",
    port: 0,
    rate: 50,
    symbols: ["BTC/USDT", "ETH/USDT"],
  });
  const rig = await ServiceRig.start({
    config: instanceOf(simulator, { symbols: ["BTC/USDT", "ETH/USDT"], channels: ["trades", "book"] }),
  });
  try {
    await rig.untilLive("okx", 4);
    const json = async (path: string) => JSON.parse((await rig.get(path)).text);
    const { streams, total } = await json("/api/v1/streams?exchange=okx");
    assert.deepEqual([total, new Set(streams.map(({ state }: { state: string }) => state))], [4, new Set(["live"])]);
    assert.equal((await json("/api/v1/plan")).plan.exchanges[0].name, "okx");
    const book = new FollowedBook();
    const socket = new WebSocket(`${rig.address.replace("http", "ws")}/ws`);
    let last: { sequence: string } | null = null;
    socket.onopen = () =>
      socket.send(JSON.stringify({ op: "subscribe", kinds: ["book_snapshot", "book_delta"], symbols: ["BTC/USDT"] }));
    socket.onmessage = ({ data }) => {
      const line = JSON.parse(data);
      if (line.kind === undefined) return;
      book.apply(line);
      last = { sequence: line.kind === "book_snapshot" ? line.sequence : line.last_sequence };
    };
    // The book by GET is of another moment, until the exchange stands still or both meet by chance.
    await rig.until("followed as it is kept", async () => {
      const { books } = await json("/api/v1/books?symbol=BTC/USDT&depth=5000");
      if (last === null || books[0].sequence !== last.sequence) return false;
      assert.equal(book.size, books[0].bids.length + books[0].asks.length);
      for (const [price, size] of books[0].bids) assert.equal(book.sides.bids.get(price), size);
      for (const [price, size] of books[0].asks) assert.equal(book.sides.asks.get(price), size);
      return true;
    });
    // What the journal has, in the shape of tardis-machine, agrees with the sink.
    const day = 86_400_000;
    const times = { from: new Date(Date.now() - day).toISOString(), to: new Date(Date.now() + day).toISOString() };
    const options = JSON.stringify({
      exchange: "okx",
      symbols: ["BTC-USDT"],
      dataTypes: ["trade", "book_change"],
      ...times,
    });
    const replay = async (): Promise<string[]> =>
      (await rig.get(`/replay-normalized?options=${encodeURIComponent(options)}`)).text.trimEnd().split("\n");
    await rig.until("the journal holds more than a few events", async () => (await replay()).length > 20);
    const replayed = (await replay()).map((line) => JSON.parse(line));
    const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
    await rig.stop();
    assert.equal((await closed).reason, "the collector stops");
    const stored = (await rig.events()).filter(({ kind, symbol }) =>
      symbol === "BTC/USDT" && ["trade", "book_snapshot", "book_delta"].includes(kind)
    );
    assert.ok(replayed.length > 10, `${replayed.length} messages`);
    for (const [at, { type, exchange, id, isSnapshot }] of replayed.entries()) {
      const { kind, trade_id: tradeId } = stored[at];
      const isBook = kind !== "trade";
      assert.deepEqual([type, exchange], [isBook ? "book_change" : "trade", "okx"]);
      assert.deepEqual([id, isSnapshot], isBook ? [undefined, kind === "book_snapshot"] : [tradeId, undefined]);
    }
  } finally {
    await rig[Symbol.asyncDispose]();
    await simulator.stop();
  }
});
