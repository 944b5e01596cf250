import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { loadDescriptor } from "../../src/config/mod.ts";
import {
  type BookTopPlan,
  type DedupPlan,
  type Envelope,
  type FramePlan,
  type JournalRecord,
  SOCKET_RESET_FRAMES,
  STAMP_AHEAD_US_MAX,
} from "../../src/model/mod.ts";
import { Pipeline, type PipelineResult } from "../../src/derive/mod.ts";

const DESCRIPTOR = `
[meta]
name = "test"
version = "1.4"
[[ws.connections]]
id = "main"
urls = ["wss://test.invalid/ws"]
[rest]
base_urls = ["https://test.invalid"]
[[rest.requests]]
name = "depth"
channel = "book"
connection_id = "main"
path = "/depth?symbol={symbol}"
[[subscriptions]]
connection_id = "main"
generator = 'foreach (s in symbols) { emit("{symbol}"); }'
[parse]
socket_sequence = "/n"
[[events]]
kind = "book"
when = { "/type" = "book" }
rows = "/rows/*"
exchange_ts = "/t"
snapshot = { "/snapshot" = true }
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
first_sequence = "/U"
last_sequence = "/u"
[[events]]
kind = "book"
name = "joined"
when = { "/type" = "joined" }
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
first_sequence = "/U"
last_sequence = "/u"
[[events]]
kind = "book"
name = "depth"
source = "depth"
snapshot = true
bids = "/b/*"
asks = "/a/*"
sequence = "/u"
[[events]]
kind = "checksum"
when = { "/type" = "sum" }
symbol = "/s"
checksum = "/c"
[[events]]
kind = "book"
name = "ids"
when = { "/type" = "ids" }
snapshot = { "/snapshot" = true }
symbol = "/s"
levels = "/rows/*"
side = "/d"
level = { price = "/p", size = "/q", id = "/i" }
[[books]]
name = "ids"
rules = ["ids"]
kind = "pushed"
sequence = "none"
[[books]]
name = "pushed"
rules = ["book", "checksum"]
kind = "pushed"
sequence = "next"
checksum = { depth = 10, order = "bids_asks", separator = ":" }
[[books]]
name = "joined"
rules = ["joined", "depth"]
kind = "rest"
snapshot_request = "depth"
sequence = "next"
`;
const NO_DEDUP: DedupPlan = { enabled: false, windowSeconds: 300, keysMax: 1000 };

function framePlan(): FramePlan {
  const loaded = loadDescriptor({
    file: { path: "test.toml", text: DESCRIPTOR },
    readText: () => null,
    environment: () => undefined,
  });
  assert.deepEqual(loaded.issues, []);
  assert.ok(loaded.frames !== null);
  return loaded.frames;
}

/** What a result came to, as short texts. */
interface Outcome {
  readonly events: readonly string[];
  readonly resyncs: readonly string[];
  readonly withheld: string;
}

/** A pipeline with one session, fed record by record; times and offsets count up. */
class Rig {
  pipeline: Pipeline;
  session = 0;
  #offset = 0;
  readonly #tops: BookTopPlan | null;

  constructor(tops: BookTopPlan | null = null) {
    this.#tops = tops;
    this.pipeline = new Pipeline([framePlan()], NO_DEDUP, tops);
    this.open();
  }

  open(): void {
    this.session = this.#offset + 1;
    this.#process({
      kind: "opened",
      at: this.session,
      exchange: "test",
      connection: "main",
      url: "",
      descriptorHash: "",
      planHash: null,
      streams: [{ channel: "book", symbol: "X" }],
    });
  }

  /** A reload asks for the stream no more, or again. */
  ask(change: "added" | "removed"): Outcome {
    const at = this.#offset + 1;
    const streams = { added: [], removed: [], [change]: [{ channel: "book", symbol: "X" }] };
    return this.#process({ kind: "streams", session: this.session, at, planHash: "gone", ...streams });
  }

  close(): void {
    const at = this.#offset;
    this.#process({ kind: "closed", session: this.session, at, cause: "peer", code: null, reason: "" });
  }

  frame(body: unknown): Outcome {
    const payload = new TextEncoder().encode(JSON.stringify(body));
    const at = this.#offset + 1;
    return this.#process({ kind: "frame", session: this.session, at, binary: false, payload });
  }

  /** A frame that nothing can be read of. */
  garbage(): Outcome {
    const payload = new TextEncoder().encode('{"type":"ids","s":');
    return this.#process({ kind: "frame", session: this.session, at: this.#offset + 1, binary: false, payload });
  }

  /** A frame that the journal could not take. */
  drop(): Outcome {
    const at = this.#offset + 1;
    const lost = { frames: 1, fromTs: at, toTs: at, toOffset: null, reason: "the journal is full" };
    return this.#process({ kind: "dropped", session: this.session, at, ...lost });
  }

  answer(body: unknown): Outcome {
    return this.#process({
      kind: "http",
      planHash: null,
      at: this.#offset + 1,
      exchange: "test",
      session: this.session,
      request: "depth",
      native: "X",
      url: "",
      status: 200,
      body: new TextEncoder().encode(JSON.stringify(body)),
    });
  }

  /** Goes on in a pipeline that was given the state of this one. */
  restart(): void {
    const saved = [...this.pipeline.saveState()];
    this.pipeline = new Pipeline([framePlan()], NO_DEDUP, this.#tops);
    this.pipeline.restoreState(saved);
    assert.deepEqual([...this.pipeline.saveState()], saved);
  }

  states(): readonly string[] {
    return [...this.pipeline.bookStatuses("test")].map(({ symbol, state, cause }) => `${symbol} ${state} ${cause}`);
  }

  #process(record: JournalRecord): Outcome {
    const result: PipelineResult = this.pipeline.process(++this.#offset, record);
    const { book_snapshot: snapshots, book_delta: deltas } = result.withheld;
    return {
      events: result.envelopes.map(shown),
      resyncs: result.resyncs.map(({ native, action, cause }) => `${native} ${action} ${cause}`),
      withheld: `${snapshots} ${deltas}`,
    };
  }
}

function shown({ event, symbol }: Envelope): string {
  switch (event.kind) {
    case "gap":
      return `gap ${symbol} ${event.cause} ${event.from_ts}-${event.to_ts} ${event.from_sequence}-${event.to_sequence}: ${event.action}`;
    case "book_snapshot":
      return `snapshot ${symbol} ${event.sequence} ${event.bids} ${event.asks}`;
    case "book_top":
      return `top ${symbol} ${event.sequence} ${event.bids} ${event.asks}`;
    case "book_delta":
      return `delta ${symbol} ${event.last_sequence}`;
    default:
      return event.kind;
  }
}

const IMAGE = { snapshot: true, s: "X", b: [["9", "1"]], a: [["11", "1"]], u: 5 };

function pushed(...rows: readonly unknown[]): unknown {
  return { type: "book", rows };
}

function delta(first: number, last: number, over: Readonly<Record<string, unknown>> = {}): unknown {
  return { s: "X", b: [], a: [], U: first, u: last, ...over };
}

const NONE: Pick<Outcome, "resyncs" | "withheld"> = { resyncs: [], withheld: "0 0" };

Deno.test("Pipeline holds back deltas behind a hole, asks for a resync and tells when the book is whole", () => {
  const rig = new Rig();
  assert.deepEqual(rig.frame(pushed(IMAGE)), { ...NONE, events: ["snapshot X 5 9,1 11,1"] });
  assert.deepEqual(rig.frame(pushed(delta(6, 6))), { ...NONE, events: ["delta X 6"] });
  assert.deepEqual(rig.frame(pushed(delta(8, 9))), {
    events: ["gap X sequence 3-null 6-9: resubscribe"],
    resyncs: ["X resubscribe sequence"],
    withheld: "0 1",
  });
  assert.deepEqual(rig.states(), ["X broken sequence"]);
  rig.restart();
  assert.deepEqual(rig.frame(pushed(delta(10, 10))), { ...NONE, events: [], withheld: "0 1" });
  assert.deepEqual(rig.frame(pushed({ ...IMAGE, u: 20 })), {
    ...NONE,
    events: ["gap X sequence 3-6 6-20: recovered", "snapshot X 20 9,1 11,1"],
  });
  rig.restart();
  assert.deepEqual(rig.states(), ["X valid null"]);
  assert.deepEqual(rig.frame(pushed(delta(21, 21))), { ...NONE, events: ["delta X 21"] });
});

Deno.test("Pipeline joins a REST answer with the deltas of its session", () => {
  const rig = new Rig();
  const joined = (first: number, last: number) => ({
    type: "joined",
    ...delta(first, last, { b: [["8", `${last}`]] }) as object,
  });
  assert.deepEqual(rig.frame(joined(4, 5)), { ...NONE, events: [], withheld: "0 1" });
  assert.deepEqual(rig.frame(joined(6, 7)), { ...NONE, events: [], withheld: "0 1" });
  rig.restart();
  const answer = { b: [["9", "1"]], a: [["11", "1"]] };
  assert.deepEqual(rig.answer({ ...answer, u: 2 }), { events: [], resyncs: ["X rest buffering"], withheld: "1 0" });
  assert.deepEqual(rig.answer({ ...answer, u: 5 }), { ...NONE, events: ["snapshot X 7 9,1,8,7 11,1"] });
  assert.deepEqual(rig.frame(joined(8, 8)), { ...NONE, events: ["delta X 8"] });
});

Deno.test("Pipeline compares checksums that come in frames of their own", () => {
  const rig = new Rig();
  rig.frame(pushed(IMAGE));
  assert.deepEqual(rig.frame({ type: "sum", s: "X", c: crc32("9:1:11:1") }).events, []);
  const { events, resyncs } = rig.frame({ type: "sum", s: "X", c: 1 });
  assert.deepEqual(events, ["gap X checksum 2-null 5-5: resubscribe"]);
  assert.deepEqual(resyncs, ["X resubscribe checksum"]);
});

Deno.test("Pipeline takes rows of one frame for one book as one change", () => {
  const rig = new Rig();
  rig.frame(pushed(IMAGE));
  const crossing = delta(6, 6, { b: [["11", "1"]] });
  const { events } = rig.frame(pushed(crossing, delta(7, 7, { a: [["11", "0"], ["12", "1"]] })));
  assert.deepEqual(events, ["delta X 6", "delta X 7"]);
  assert.deepEqual(rig.frame(pushed(delta(8, 8, { b: [["12", "1"]] }))).events, [
    "gap X stale 3-null 7-8: resubscribe",
  ]);
});

Deno.test("Pipeline breaks a book whose change could not be read, and no other book of the frame", () => {
  const rig = new Rig();
  rig.frame(pushed(IMAGE, { ...IMAGE, s: "Y" }));
  const { events, resyncs, withheld } = rig.frame(pushed(delta(6, 6, { b: [["high", "1"]] }), delta(6, 6, { s: "Y" })));
  assert.deepEqual(events, [
    "gap X sequence 2-null 5-null: resubscribe",
    "delta Y 6",
    "gap  undecodable 3-3 null-null: frame kept in the journal",
  ]);
  assert.deepEqual([resyncs, withheld], [["X resubscribe sequence"], "0 0"]);
  assert.deepEqual(rig.frame(pushed(delta(7, 7))), { ...NONE, events: [], withheld: "0 1" });
  assert.equal(rig.frame(pushed({ ...IMAGE, u: 20 })).events[0], "gap X sequence 2-5 5-20: recovered");
});

Deno.test("Pipeline breaks a book that changes a level nothing is known of", () => {
  const rig = new Rig();
  const levels = (...rows: readonly object[]) => ({
    type: "ids",
    s: "X",
    rows: rows.map((row) => ({ d: "buy", ...row })),
  });
  rig.frame({ ...levels({ i: 1, p: 9, q: 1 }), snapshot: true });
  assert.deepEqual(rig.frame(levels({ i: 1, q: 2 })).events, ["delta X null"]);
  const { events, resyncs, withheld } = rig.frame(levels({ i: 1, q: 3 }, { i: 2, q: 2 }));
  assert.equal(events[0], "gap X sequence 3-null null-null: resubscribe");
  assert.deepEqual([resyncs, withheld], [["X resubscribe sequence"], "0 1"]);
  assert.deepEqual(rig.states(), ["X broken sequence"]);
});

for (
  const [what, lose] of [["dropped", (rig: Rig) => rig.drop()], ["undecodable", (rig: Rig) => rig.garbage()]] as const
) {
  Deno.test(`Pipeline holds a book without numbers for broken once a frame is ${what}, until it is whole again`, () => {
    const rig = new Rig();
    const row = (q: number) => ({ type: "ids", s: "X", rows: [{ d: "buy", i: 1, p: 9, q }] });
    rig.frame({ ...row(1), snapshot: true });
    assert.deepEqual(rig.states(), ["X valid null"]);
    const { events, resyncs } = lose(rig);
    assert.ok(events.some((event) => event.startsWith(`gap X ${what} `)), events.join("\n"));
    assert.deepEqual([resyncs, rig.states()], [[`X resubscribe ${what}`], [`X broken ${what}`]]);
    rig.restart();
    assert.deepEqual(rig.frame(row(2)), { ...NONE, events: [], withheld: "0 1" });
    const whole = rig.frame({ ...row(3), snapshot: true }).events;
    assert.ok(
      whole.some((event) => /^gap X .*: recovered$/.test(event)) && whole.some((event) => /^snapshot/.test(event)),
    );
    assert.deepEqual(rig.states(), ["X valid null"]);
  });

  Deno.test(`Pipeline leaves a book whose numbers show every loss alone where a frame is ${what}`, () => {
    const rig = new Rig();
    rig.frame(pushed(IMAGE));
    assert.deepEqual(lose(rig).resyncs, []);
    assert.deepEqual(rig.states(), ["X valid null"]);
    assert.deepEqual(rig.frame(pushed(delta(6, 6))), { ...NONE, events: ["delta X 6"] });
  });
}

Deno.test("Pipeline breaks every book of a session whose counter jumps, and reconnects once", () => {
  const rig = new Rig();
  rig.frame({ ...pushed(IMAGE, { ...IMAGE, s: "Y" }) as object, n: 7 });
  rig.frame({ type: "other", n: 8 });
  const { events, resyncs } = rig.frame({ ...pushed(delta(6, 6)) as object, n: 11 });
  assert.deepEqual(events, [
    "gap  sequence 3-4 8-11: reconnect",
    "gap X sequence 2-null 5-null: reconnect",
    "gap Y sequence 2-null 5-null: reconnect",
  ]);
  assert.deepEqual(resyncs, [" reconnect sequence"]);
});

Deno.test("Pipeline ends the gap of a disconnect with the new image, not with deltas before it", () => {
  const rig = new Rig();
  rig.frame(pushed(IMAGE));
  rig.frame(pushed(delta(6, 6)));
  rig.close();
  rig.open();
  assert.deepEqual(rig.states(), []);
  assert.deepEqual(rig.frame(pushed(delta(50, 50))), { ...NONE, events: [], withheld: "0 1" });
  assert.deepEqual(rig.frame(pushed({ ...IMAGE, u: 50 })).events, [
    "gap X disconnect 3-7 null-null: reconnected",
    "snapshot X 50 9,1 11,1",
  ]);
});

Deno.test("Pipeline derives the best levels of valid books once an interval of exchange time", () => {
  const rig = new Rig({ levels: 1, intervalMs: 1000 });
  const image = { ...IMAGE, b: [["8", "2"], ["9", "1"]], t: 10_400 };
  assert.deepEqual(rig.frame(pushed(image)).events, ["snapshot X 5 8,2,9,1 11,1", "top X 5 9,1 11,1"]);
  assert.deepEqual(rig.frame(pushed(delta(6, 6, { t: 10_999 }))).events, ["delta X 6"]);
  rig.restart();
  assert.deepEqual(rig.frame(pushed(delta(7, 7, { t: 11_000, b: [["9", "0"]] }))).events, [
    "delta X 7",
    "top X 7 8,2 11,1",
  ]);
  const broken = rig.frame(pushed(delta(9, 9, { t: 12_000 })));
  assert.deepEqual(broken.events, ["gap X sequence 4-null 7-9: resubscribe"]);
  assert.deepEqual(rig.frame(pushed(delta(10, 10, { t: 13_000 }))).events, []);
  assert.equal(rig.frame(pushed({ ...image, u: 20, t: 13_500 })).events.at(-1), "top X 20 9,1 11,1");
});

Deno.test("Pipeline tells a counter of the session that begins again, once, and counts on from there", () => {
  const rig = new Rig();
  rig.frame({ ...pushed(IMAGE) as object, n: 1000 });
  const events: string[] = [];
  for (let n = 1; n <= SOCKET_RESET_FRAMES + 20; n++) {
    const outcome = rig.frame({ type: "other", n });
    events.push(...outcome.events);
    if (n === 2) rig.restart();
    if (outcome.events.length > 0) assert.deepEqual(outcome.resyncs, [" reconnect reset"]);
  }
  assert.deepEqual(events.map((text) => text.split(" ").slice(0, 3).join(" ")), ["gap  reset", "gap X reset"]);
  assert.equal(rig.frame({ type: "other", n: SOCKET_RESET_FRAMES + 23 }).resyncs[0], " reconnect sequence");
});

Deno.test("Pipeline derives tops again where the exchange's time went back for good, and none for a late update", () => {
  const rig = new Rig({ levels: 1, intervalMs: 1000 });
  // Not so far ahead of the receipt that the time is not trusted.
  const at = 59_000;
  const isTop = (events: readonly string[]) => events.some((text) => text.startsWith("top"));
  assert.equal(isTop(rig.frame(pushed({ ...IMAGE, t: at })).events), true);
  assert.equal(isTop(rig.frame(pushed(delta(6, 6, { t: at - 2_000 }))).events), false);
  const backMs = at - STAMP_AHEAD_US_MAX / 1000 - 2_000;
  assert.equal(isTop(rig.frame(pushed(delta(7, 7, { t: backMs }))).events), true);
  assert.equal(isTop(rig.frame(pushed(delta(8, 8, { t: backMs + 100 }))).events), false);
});

Deno.test("Pipeline keeps no book of a stream that has left, and begins one when it comes back", () => {
  const rig = new Rig();
  rig.frame(pushed(IMAGE));
  rig.frame(pushed(delta(6, 6)));
  assert.deepEqual(rig.ask("removed").events, ["gap X unsubscribed 3-null null-null: none"]);
  const withheld = { events: [], resyncs: [], withheld: "0 1" };
  assert.deepEqual(rig.frame(pushed(delta(7, 7))), withheld, "a book without an image would ask for one");
  rig.restart();
  assert.deepEqual(rig.frame(pushed(delta(8, 8))), withheld);
  assert.deepEqual(rig.states(), []);
  rig.ask("added");
  const { events } = rig.frame(pushed({ ...IMAGE, u: 20 }));
  assert.equal(events.at(-1), "snapshot X 20 9,1 11,1");
  assert.match(events[0], /^gap X unsubscribed 3-/);
});

Deno.test("Pipeline ends the gap of a book that was broken when its stream left under the id that was told", () => {
  const rig = new Rig();
  rig.frame(pushed(IMAGE));
  rig.frame(pushed(delta(8, 9)));
  rig.ask("removed");
  rig.ask("added");
  const { events } = rig.frame(pushed({ ...IMAGE, u: 20 }));
  assert.deepEqual(events.map((event) => event.split(" ").slice(0, 3).join(" ")), [
    "gap X sequence",
    "gap X unsubscribed",
    "snapshot X 20",
  ]);
});
