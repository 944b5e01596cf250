import { loadDescriptor } from "../../src/config/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import type { Envelope, FramePlan, JournalRecord } from "../../src/model/mod.ts";

const DESCRIPTOR = `
[meta]
name = "test"
version = "1.4"
[[ws.connections]]
id = "main"
urls = ["wss://test.invalid/ws"]
[[subscriptions]]
connection_id = "main"
generator = 'foreach (s in symbols) { emit("{symbol}"); }'
[parse]
time_unit = "ms"
trade_ids = "consecutive"
[[events]]
kind = "trade"
when = { "/type" = "trade" }
rows = "/rows/*"
symbol = "/s"
trade_id = "/id"
price = "/p"
size = "/q"
side = "/side"
[[events]]
kind = "quote"
when = { "/type" = "quote" }
symbol = "/s"
bid_price = "/b"
bid_size = "/n"
ask_price = "/a"
ask_size = "/n"
[[events]]
kind = "book"
when = { "/type" = "book" }
snapshot = { "/snapshot" = true }
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
first_sequence = "/u"
last_sequence = "/u"
[[books]]
name = "pushed"
rules = ["book"]
kind = "pushed"
sequence = "next"
`;

function siblingPlan(): FramePlan {
  const loaded = loadDescriptor({
    file: { path: "test.toml", text: DESCRIPTOR },
    readText: () => null,
    environment: () => undefined,
  });
  if (loaded.frames === null) throw new Error(JSON.stringify(loaded.issues));
  return loaded.frames;
}

const STREAMS = [
  { channel: "trades", symbol: "A" },
  { channel: "quotes", symbol: "A" },
  { channel: "book", symbol: "A" },
] as const;

/** Sockets of one connection, whose frames go through a pipeline. */
export class SiblingFeed {
  readonly events: Envelope[] = [];
  /** Saves the state and goes on from it with a new pipeline after each record, where it says so. */
  readonly cuts: () => boolean;
  #pipeline = newPipeline();
  #offset = 0;
  now = 1_000_000;

  constructor(cuts: () => boolean = () => false) {
    this.cuts = cuts;
  }

  /** Opens a socket. Returns its session. */
  open(connection: string): number {
    const session = this.#offset + 1;
    this.#take({
      kind: "opened",
      at: this.now,
      exchange: "test",
      connection,
      url: "wss://test.invalid/ws",
      descriptorHash: "",
      planHash: null,
      streams: STREAMS,
    });
    return session;
  }

  ack(session: number): void {
    this.#take({ kind: "acked", session, at: this.now, streams: STREAMS });
  }

  close(session: number): void {
    this.#take({ kind: "closed", session, at: this.now, cause: "peer", code: 1006, reason: "" });
  }

  frame(session: number, body: unknown): void {
    const payload = new TextEncoder().encode(JSON.stringify(body));
    this.#take({ kind: "frame", session, at: this.now, binary: false, payload });
  }

  /** The machine's clock is set by so much. */
  stepClock(by: number): void {
    const fromTs = this.now;
    this.now += by;
    this.#take({ kind: "clock", at: this.now, fromTs, toTs: this.now });
  }

  trades(session: number, ...ids: readonly (string | number)[]): void {
    const rows = ids.map((id) => ({ s: "A", id: String(id), p: "1.50", q: "2", side: "buy" }));
    this.frame(session, { type: "trade", rows });
  }

  quote(session: number, bid: number): void {
    this.frame(session, { type: "quote", s: "A", b: String(bid), a: String(bid + 1), n: "1" });
  }

  /** The whole book at an update: one bid and one ask that its number says. */
  snapshot(session: number, update: number): void {
    this.#book(session, update, true);
  }

  delta(session: number, update: number): void {
    this.#book(session, update, false);
  }

  /** Ids of the trades that were emitted. */
  get tradeIds(): readonly string[] {
    return this.events.flatMap(({ event }) => event.kind === "trade" ? [event.trade_id ?? ""] : []);
  }

  get gaps(): readonly string[] {
    return this.events.flatMap(({ event }) =>
      event.kind === "gap" ? [`${event.state} ${event.stream} ${event.cause}`] : []
    );
  }

  get books(): readonly string[] {
    return this.events.flatMap(({ event }) =>
      event.kind === "book_snapshot"
        ? [`snapshot ${event.sequence}`]
        : event.kind === "book_delta"
        ? [`delta ${event.last_sequence}`]
        : []
    );
  }

  #book(session: number, update: number, snapshot: boolean): void {
    const level = (price: number) => [[String(price), String(update)]];
    this.frame(session, { type: "book", s: "A", snapshot, u: String(update), b: level(10), a: level(20) });
  }

  #take(record: JournalRecord): void {
    this.now += 1000;
    this.events.push(...this.#pipeline.process(++this.#offset, record).envelopes);
    if (!this.cuts()) return;
    const after = newPipeline();
    after.restoreState([...this.#pipeline.saveState()]);
    this.#pipeline = after;
  }
}

const PLAN = siblingPlan();

function newPipeline(): Pipeline {
  return new Pipeline([PLAN], { enabled: false, windowSeconds: 300, keysMax: 1000 });
}
