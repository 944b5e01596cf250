import assert from "node:assert/strict";
import { loadDescriptor } from "../../src/config/mod.ts";
import {
  buildDerivation,
  type DedupPlan,
  type Envelope,
  type FramePlan,
  type JournalRecord,
  writeDerivation,
} from "../../src/model/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";

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
[[control]]
name = "pong"
when = { "/op" = "pong" }
action = "pong"
[[events]]
kind = "trade"
when = { "/type" = "trade" }
rows = "/rows/*"
symbol = "/s"
trade_id = "/id"
price = "/p"
size = "/q"
side = "/side"
`;
const NO_DEDUP: DedupPlan = { enabled: false, windowSeconds: 300, keysMax: 1000 };
const DEDUP: DedupPlan = { enabled: true, windowSeconds: 300, keysMax: 1000 };

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

function opened(at: number): JournalRecord {
  return {
    kind: "opened",
    at,
    exchange: "test",
    connection: "main#2",
    url: "wss://test.invalid/ws",
    descriptorHash: "",
    planHash: null,
    streams: [{ channel: "trades", symbol: "A" }],
  };
}

function frame(session: number, at: number, body: unknown): JournalRecord {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { kind: "frame", session, at, binary: false, payload: new TextEncoder().encode(text) };
}

function trades(...ids: readonly string[]): unknown {
  return { type: "trade", rows: ids.map((id) => ({ s: "A", id, p: "1.50", q: "2", side: "buy" })) };
}

function kinds(envelopes: readonly Envelope[]): readonly string[] {
  return envelopes.map(({ event }) => event.kind === "gap" ? `gap ${event.cause}` : event.kind);
}

Deno.test("Pipeline gives events the offset of their record and a place in it", () => {
  const pipeline = new Pipeline([framePlan()], NO_DEDUP);
  pipeline.process(10, opened(1));
  const { envelopes, rule, streams } = pipeline.process(11, frame(10, 2, trades("a", "b")));
  assert.deepEqual(envelopes.map(({ offset, index, session }) => [offset, index, session]), [[11, 0, 10], [11, 1, 10]]);
  assert.equal(rule, "trade");
  assert.deepEqual(streams, [{ channel: "trades", symbol: "A" }]);
});

Deno.test("Pipeline puts the gap of a disconnect before the first data after it", () => {
  const pipeline = new Pipeline([framePlan()], NO_DEDUP);
  pipeline.process(10, opened(1));
  pipeline.process(11, frame(10, 5, trades("a")));
  pipeline.process(12, { kind: "closed", session: 10, at: 6, cause: "peer", code: 1006, reason: "" });
  pipeline.process(13, opened(7));
  const { envelopes } = pipeline.process(14, frame(13, 9, trades("b")));
  assert.deepEqual(kinds(envelopes), ["gap disconnect", "trade"]);
  const [gap] = envelopes;
  assert.ok(gap.event.kind === "gap");
  assert.deepEqual([gap.event.from_ts, gap.event.to_ts, gap.index], [5, 9, 0]);
});

Deno.test("Pipeline hands back what a control frame means and emits nothing", () => {
  const pipeline = new Pipeline([framePlan()], NO_DEDUP);
  pipeline.process(10, opened(1));
  const { envelopes, signal, rule } = pipeline.process(11, frame(10, 2, { op: "pong" }));
  assert.deepEqual(envelopes, []);
  assert.equal(signal?.action, "pong");
  assert.equal(rule, "pong");
});

Deno.test("Pipeline makes one gap of a frame that cannot be read, and none of one that no rule knows", () => {
  const pipeline = new Pipeline([framePlan()], NO_DEDUP);
  pipeline.process(10, opened(1));
  assert.deepEqual(kinds(pipeline.process(11, frame(10, 2, '{"torn":')).envelopes), ["gap undecodable"]);
  const bad = { type: "trade", rows: [{ s: "A" }, { s: "A" }] };
  assert.deepEqual(kinds(pipeline.process(12, frame(10, 3, bad)).envelopes), ["gap undecodable"]);
  const unknown = pipeline.process(13, frame(10, 4, { new: 1 }));
  assert.deepEqual(unknown.envelopes, []);
  assert.equal(unknown.rule, null);
  assert.deepEqual(unknown.faults.map(({ code }) => code), ["unmatched"]);
});

Deno.test("Pipeline tells rejected streams and dropped frames as gaps", () => {
  const pipeline = new Pipeline([framePlan()], NO_DEDUP);
  pipeline.process(10, opened(1));
  const streams = [{ channel: "trades", symbol: "A" }] as const;
  const rejected = pipeline.process(11, { kind: "rejected", session: 10, at: 2, streams, reason: "no such symbol" });
  assert.deepEqual(kinds(rejected.envelopes), ["gap rejected"]);
  assert.equal(rejected.envelopes[0].symbol, "A");
  const dropped = pipeline.process(12, {
    kind: "dropped",
    session: 10,
    at: 5,
    frames: 7,
    fromTs: 3,
    toTs: 5,
    toOffset: null,
    reason: "journal full",
  });
  assert.deepEqual(kinds(dropped.envelopes), ["gap dropped"]);
  assert.ok(dropped.envelopes[0].event.kind === "gap");
  assert.equal(dropped.envelopes[0].event.detail, "7 frames: journal full");
});

Deno.test("Pipeline drops repeated trades where that is asked for, and counts them", () => {
  for (const [dedup, expected] of [[DEDUP, 1], [NO_DEDUP, 2]] as const) {
    const pipeline = new Pipeline([framePlan()], dedup);
    pipeline.process(10, opened(1));
    const first = pipeline.process(11, frame(10, 2, trades("a"))).envelopes.length;
    const second = pipeline.process(12, frame(10, 3, trades("a")));
    assert.equal(first + second.envelopes.length, expected);
    assert.equal(second.duplicates, 2 - expected);
  }
});

Deno.test("Pipeline tells a session whose plan is unknown as a gap, and counts each of its frames as a fault", () => {
  const named = { ...opened(1), planHash: "0123" } as JournalRecord;
  for (const [plans, record] of [[[], opened(1)], [[framePlan()], named]] as const) {
    const pipeline = new Pipeline(plans, NO_DEDUP);
    const [begun] = pipeline.process(10, record).envelopes;
    assert.ok(begun.event.kind === "gap");
    assert.deepEqual([begun.exchange, begun.event.cause, begun.event.state], ["test", "undecodable", "opened"]);
    const result = pipeline.process(11, frame(10, 2, trades("a")));
    assert.deepEqual([result.envelopes, result.faults[0].code, result.exchange], [[], "undecodable", "test"]);
    const closed = { kind: "closed", session: 10, at: 6, cause: "peer", code: 1006, reason: "" } as const;
    const [over] = pipeline.process(12, closed).envelopes;
    assert.ok(over.event.kind === "gap");
    const { gap_id, state, from_ts, to_ts } = over.event;
    assert.deepEqual([gap_id, state, from_ts, to_ts], [begun.event.gap_id, "closed", 1, 6]);
  }
});

Deno.test("Pipeline tells frames of a session whose opening is unknown once as a gap, and counts them", () => {
  const pipeline = new Pipeline([framePlan()], NO_DEDUP);
  const first = pipeline.process(11, frame(10, 2, trades("a")));
  assert.deepEqual([kinds(first.envelopes), first.faults.length], [["gap undecodable"], 1]);
  const second = pipeline.process(12, frame(10, 3, trades("b")));
  assert.deepEqual([second.envelopes, second.faults.length], [[], 1]);
});

Deno.test("Pipeline derives a session by the plan that its records hold, whatever it was made with", () => {
  const derivation = writeDerivation(buildDerivation(framePlan(), { dedup: NO_DEDUP, bookTops: null }));
  const other = { ...framePlan(), events: [] };
  for (const plans of [[], [other]]) {
    const pipeline = new Pipeline(plans, NO_DEDUP);
    pipeline.process(9, { kind: "plan", at: 1, ...derivation });
    assert.deepEqual(pipeline.process(10, { ...opened(1), planHash: derivation.hash } as JournalRecord).envelopes, []);
    assert.deepEqual(kinds(pipeline.process(11, frame(10, 2, trades("a"))).envelopes), ["trade"]);
  }
});

Deno.test("Pipeline goes on from a state saved anywhere as if it had never stopped", () => {
  const records: readonly (readonly [number, JournalRecord])[] = [
    [10, opened(1)],
    [11, frame(10, 2, trades("a", "b"))],
    [12, frame(10, 3, trades("a"))],
    [13, { kind: "closed", session: 10, at: 4, cause: "error", code: null, reason: "" }],
    [14, opened(5)],
    [15, frame(14, 6, { op: "pong" })],
    [16, frame(14, 7, trades("b", "c"))],
    [17, frame(14, 8, "torn")],
  ];
  const whole = new Pipeline([framePlan()], DEDUP);
  const expected = records.map(([offset, record]) => whole.process(offset, record).envelopes);
  for (let cut = 0; cut <= records.length; cut++) {
    const before = new Pipeline([framePlan()], DEDUP);
    for (const [offset, record] of records.slice(0, cut)) before.process(offset, record);
    const after = new Pipeline([framePlan()], DEDUP);
    after.restoreState(before.saveState());
    const rest = records.slice(cut).map(([offset, record]) => after.process(offset, record).envelopes);
    assert.deepEqual(rest, expected.slice(cut), `cut at ${cut}`);
  }
});

Deno.test("process() tells a step of the clock as a gap of each exchange, which does not end before it begins", () => {
  const hour = 3_600_000_000;
  for (const toTs of [20 * hour, 4 * hour]) {
    const pipeline = new Pipeline([framePlan()], NO_DEDUP);
    const first = 12 * hour;
    pipeline.process(1, opened(first));
    pipeline.process(2, frame(1, first, trades("1")));
    const { envelopes: [step, ...more] } = pipeline.process(3, { kind: "clock", at: toTs, fromTs: first + 5, toTs });
    assert.equal(more.length, 0);
    assert.deepEqual([step.exchange, step.received_ts], ["test", toTs]);
    assert.ok(step.event.kind === "gap");
    const { cause, state, from_ts, to_ts, detail } = step.event;
    assert.deepEqual([cause, state, from_ts, to_ts], [
      "clock",
      "closed",
      Math.min(first + 5, toTs),
      Math.max(first + 5, toTs),
    ]);
    assert.match(
      detail,
      toTs > first ? /set forward by 28799\.999995 s|set forward by 28800\.000 s/ : /set back by 28800\.000 s/,
    );
    pipeline.process(4, { kind: "closed", session: 1, at: toTs + 1, cause: "peer", code: null, reason: "" });
    pipeline.process(5, opened(toTs + 2));
    const told = pipeline.process(6, frame(5, toTs + 3, trades("2"))).envelopes.flatMap(({ event }) =>
      event.kind === "gap" ? [event] : []
    );
    for (const gap of told) assert.ok((gap.to_ts ?? Infinity) >= (gap.from_ts ?? 0), JSON.stringify(gap));
  }
});

Deno.test("process() tells a share that nobody had meanwhile as a gap of each stream, which its first data ends", () => {
  const share = {
    ...{ kind: "share", exchange: "test", share: 3, shares: 8, epoch: 7 } as const,
    streams: [{ channel: "trades", symbol: "A" } as const],
  };
  const gapsOf = (envelopes: readonly Envelope[]) =>
    envelopes.flatMap(({ event, symbol }) =>
      event.kind === "gap" ? [[symbol, event.cause, event.state, event.from_ts, event.to_ts, event.detail]] : []
    );
  const pipeline = new Pipeline([framePlan()], NO_DEDUP);
  const taken = pipeline.process(1, { ...share, at: 50, change: "taken", other: "eu-2", fromTs: 20 }).envelopes;
  const detail = "share 3 of 8 taken from eu-2";
  assert.deepEqual(gapsOf(taken), [
    ["", "takeover", "closed", 50, 50, detail],
    ["A", "takeover", "opened", 20, null, detail],
  ]);
  pipeline.process(2, opened(60));
  const first = pipeline.process(3, frame(2, 70, trades("1"))).envelopes;
  assert.deepEqual(gapsOf(first), [["A", "takeover", "closed", 20, 70, detail]]);
  const handed = pipeline.process(4, { ...share, at: 80, change: "released", other: "eu-2", fromTs: null }).envelopes;
  assert.deepEqual(gapsOf(handed), [["", "takeover", "closed", 80, 80, "share 3 of 8 released: eu-2 collects it"]]);
  const again = pipeline.process(5, { ...share, at: 90, change: "taken", other: null, fromTs: null }).envelopes;
  assert.deepEqual(gapsOf(again), [["", "takeover", "closed", 90, 90, "share 3 of 8 taken"]]);
});

Deno.test("process() says nothing of a step of the clock while no session is open", () => {
  const pipeline = new Pipeline([framePlan()], NO_DEDUP);
  assert.deepEqual(pipeline.process(1, { kind: "clock", at: 5, fromTs: 9, toTs: 5 }).envelopes, []);
});

Deno.test("Pipeline ends the gap of a stream that moves to another shard or connection with its first data there", () => {
  for (const connection of ["main", "main#3", "other"]) {
    const pipeline = new Pipeline([framePlan()], NO_DEDUP);
    pipeline.process(1, opened(10));
    pipeline.process(2, frame(1, 11, trades("1")));
    const { envelopes: [lost] } = pipeline.process(3, { ...CLOSED, session: 1, at: 20 });
    assert.deepEqual(lost.event.kind === "gap" && [lost.event.state, lost.event.from_ts], ["opened", 11]);
    pipeline.process(4, { ...opened(30), connection } as JournalRecord);
    const { envelopes } = pipeline.process(5, frame(4, 31, trades("2")));
    const gaps = envelopes.flatMap(({ event }) =>
      event.kind === "gap" ? [[event.state, event.from_ts, event.to_ts]] : []
    );
    assert.deepEqual(gaps, [["closed", 11, 31]], connection);
  }
});

const CLOSED = { kind: "closed", cause: "peer", code: 1006, reason: "" } as const;

Deno.test("Pipeline tells no gap of a stream that stands still on one socket and goes on over another", () => {
  const pipeline = new Pipeline([framePlan()], NO_DEDUP);
  pipeline.process(1, opened(1000));
  pipeline.process(2, opened(1000));
  pipeline.process(3, frame(1, 2000, trades("1")));
  pipeline.process(4, frame(2, 13_000, trades("2")));
  const stream = { channel: "trades", symbol: "A" } as const;
  const stalled = { kind: "stalled", session: 1, at: 14_000, stream, from: 2000, action: "", reason: "" } as const;
  assert.deepEqual(kinds(pipeline.process(5, stalled).envelopes), []);
  assert.deepEqual(kinds(pipeline.process(6, { ...stalled, session: 2, from: 13_000 }).envelopes), ["gap stalled"]);
});

Deno.test("Pipeline opens one gap of a stream that stands still, adds the further steps and ends it with its data", () => {
  const pipeline = new Pipeline([framePlan()], NO_DEDUP);
  pipeline.process(1, opened(1000));
  pipeline.process(2, frame(1, 2000, trades("1")));
  const stream = { channel: "trades", symbol: "A" } as const;
  const stalled = (at: number, action: string): JournalRecord => {
    return { kind: "stalled", session: 1, at, stream, from: 2000, action, reason: "no data for 12 s" };
  };
  const gapsOf = ({ envelopes }: { readonly envelopes: readonly Envelope[] }) =>
    envelopes.flatMap(({ event }) => event.kind === "gap" ? [event] : []);
  const [gap] = gapsOf(pipeline.process(3, stalled(14_000, "asked again for it")));
  assert.deepEqual([gap.cause, gap.state, gap.from_ts, gap.action], ["stalled", "opened", 2000, "asked again for it"]);
  assert.deepEqual(gapsOf(pipeline.process(4, stalled(24_000, "a new socket"))), []);
  const saved = [...pipeline.saveState()];
  const again = new Pipeline([framePlan()], NO_DEDUP);
  again.restoreState(saved);
  assert.deepEqual(gapsOf(again.process(5, { ...CLOSED, session: 1, at: 25_000 })), [], "it is in a gap already");
  again.process(6, opened(26_000));
  const [ended] = gapsOf(again.process(7, frame(6, 27_000, trades("2"))));
  assert.deepEqual([ended.gap_id, ended.state, ended.from_ts, ended.to_ts, ended.detail], [
    gap.gap_id,
    "closed",
    2000,
    27_000,
    "no data for 12 s; a new socket",
  ]);
});
