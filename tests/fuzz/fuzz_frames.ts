import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { type Envelope, type FaultCode, isDecimal, JSON_DEPTH_MAX, type MarketEvent } from "../../src/model/mod.ts";
import { layOut, type NormalizedFrame } from "../../src/normalize/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { Tally } from "../../src/cli/tally.ts";
import { Pipeline, type PipelineResult } from "../../src/derive/mod.ts";
import { below, type Chance, mutateFrame, oneOf } from "../support/mutations.ts";
import { seeded } from "../support/seeded.ts";
import type { Corpus, CorpusFrame } from "./frame_corpus.ts";

/** What a fuzz run came to. */
export interface FuzzReport {
  readonly seed: number;
  readonly frames: number;
  /** How the frames were accounted for, over all descriptors; `rest` are the REST answers among them. */
  readonly accounted: Readonly<Record<string, number>>;
  readonly events: number;
  readonly slowestMs: number;
}

/** Frames of one session before it is closed and another one opened. */
const SESSION_FRAMES = 500;
/** Frames between two saves of the pipeline's state, from which another pipeline goes on. */
const SAVE_EVERY = 997;

/**
 * Puts mutated frames through normalizer and pipeline of each descriptor in turn. Fails with the frame where anything
 * throws, where a frame is not counted exactly once, where an event is malformed, or where a pipeline that goes on from a
 * saved state differs from the one that saved it. The same seed gives the same frames.
 */
export function fuzzFrames(
  corpora: readonly Corpus[],
  options: { readonly seed: number; readonly frames: number },
): FuzzReport {
  const chance = seeded(options.seed);
  const rigs = corpora.map((corpus) => new FuzzRig(corpus));
  let slowestMs = 0;
  for (let i = 0; i < options.frames; i++) {
    const rig = rigs[i % rigs.length];
    const frame = rig.mutate(chance);
    const began = performance.now();
    try {
      rig.read(frame, chance);
    } catch (cause) {
      const text = new TextDecoder().decode(frame.payload).slice(0, 4000);
      const { name } = rig.corpus;
      throw new Error(`seed ${options.seed}, frame ${i} of ${name} ${JSON.stringify(frame.origin)}: ${text}`, {
        cause,
      });
    }
    slowestMs = Math.max(slowestMs, performance.now() - began);
  }
  const summaries = rigs.map(({ tally }) => tally.summary());
  for (const { accounted, frames } of summaries) {
    assert.equal(Object.values(accounted).reduce((sum, count) => sum + count, 0), frames, "frames are counted once");
  }
  const answers = summaries.reduce((sum, { http }) => sum + http, 0);
  const socketFrames = summaries.reduce((sum, { frames }) => sum + frames, 0);
  assert.equal(socketFrames + answers, options.frames, "each frame or REST answer that was given is counted");
  const accounted: Record<string, number> = {};
  for (const summary of summaries) {
    for (const [how, count] of Object.entries(summary.accounted)) accounted[how] = (accounted[how] ?? 0) + count;
  }
  const events = summaries.flatMap((summary) => Object.values(summary.events)).reduce((sum, count) => sum + count, 0);
  return { seed: options.seed, frames: options.frames, accounted: { ...accounted, rest: answers }, events, slowestMs };
}

/** One descriptor under test. */
class FuzzRig {
  readonly corpus: Corpus;
  readonly tally = new Tally();
  readonly #normalizer: FrameReader;
  #pipeline: Pipeline;
  readonly #sessions = new Map<string, { id: number; frames: number }>();
  #offset = 1_700_000_000_000_000;
  #read = 0;

  constructor(corpus: Corpus) {
    this.corpus = corpus;
    this.#normalizer = new FrameReader(corpus.plan);
    this.#pipeline = this.#createPipeline();
  }

  mutate(chance: Chance): CorpusFrame {
    const { origin, payload } = oneOf(chance, this.corpus.frames);
    const other = oneOf(chance, this.corpus.frames).payload;
    if (origin.kind === "http") return { origin, payload: mutateFrame(payload, other, chance) };
    if (!origin.binary) {
      const changed = mutateFrame(payload, other, chance);
      if (chance() < 0.98) return { origin, payload: changed };
      // A binary frame, compressed or not, whatever the connection declares.
      return { origin: { ...origin, binary: true }, payload: chance() < 0.5 ? changed : gzipSync(changed) };
    }
    // Compressed frames are damaged as they are; their texts are those of text frames elsewhere.
    const damaged = payload.slice(0, chance() < 0.5 ? payload.length : below(chance, payload.length + 1));
    if (damaged.length > 0 && chance() < 0.7) damaged[below(chance, damaged.length)] ^= 1 << below(chance, 8);
    return { origin, payload: damaged };
  }

  read(frame: CorpusFrame, chance: Chance): void {
    const session = this.#session(frame, chance);
    const at = this.#offset;
    const read = frame.origin.kind === "ws"
      ? this.#normalizer.read({ session, ...frame.origin, payload: frame.payload, receivedTs: at })
      : this.#normalizer.readHttp({ session, ...frame.origin, body: frame.payload, receivedTs: at });
    assertCountedOnce(read);
    assertLikeJsonParse(read, frame, this.corpus);
    for (const { event, exchange_ts, symbol, native_symbol } of read.events) {
      assert.ok(exchange_ts === null || Number.isSafeInteger(exchange_ts), `exchange_ts ${exchange_ts}`);
      assert.ok(typeof symbol === "string" && typeof native_symbol === "string");
      assertWellFormed(event);
    }
    this.#process(frame, session);
    if (++this.#read % SAVE_EVERY === 0) this.#restore();
  }

  #process(frame: CorpusFrame, session: number): void {
    const offset = this.#offset++;
    const { origin, payload } = frame;
    const before = this.tally.frames;
    const record = origin.kind === "ws"
      ? { kind: "frame" as const, session, at: offset, binary: origin.binary, payload }
      : {
        kind: "http" as const,
        planHash: null,
        at: offset,
        exchange: this.corpus.plan.exchange,
        session,
        request: origin.request,
        native: origin.native,
        url: "",
        status: 200,
        body: payload,
      };
    const result = this.#pipeline.process(offset, record);
    assertOneGapForFaults(result);
    this.tally.add(record, result);
    assert.equal(this.tally.frames - before, origin.kind === "ws" ? 1 : 0);
  }

  /** The session of the frame's connection; a new one from time to time. */
  #session({ origin }: CorpusFrame, chance: Chance): number {
    const connection = origin.kind === "ws" ? origin.connectionId : this.corpus.plan.connections[0].id;
    const running = this.#sessions.get(connection);
    if (running !== undefined && running.frames++ < SESSION_FRAMES) return running.id;
    const at = this.#offset;
    if (running !== undefined) {
      const cause = oneOf(chance, ["peer", "error", "stale", "crash"] as const);
      const closed = { kind: "closed" as const, session: running.id, at, cause, code: null, reason: "" };
      this.#pipeline.process(this.#offset++, closed);
      this.#normalizer.forgetSession(running.id);
    }
    const id = this.#offset++;
    const { exchange } = this.corpus.plan;
    this.#pipeline.process(id, {
      kind: "opened",
      at,
      exchange,
      connection,
      url: "",
      descriptorHash: "",
      planHash: null,
      streams: [],
    });
    this.#sessions.set(connection, { id, frames: 1 });
    return id;
  }

  /** Goes on with another pipeline from the saved state, which saves the same again. */
  #restore(): void {
    const saved = [...this.#pipeline.saveState()];
    const restored = this.#createPipeline();
    restored.restoreState(saved);
    assert.deepEqual([...restored.saveState()], saved, "a restored pipeline saves what it was given");
    this.#pipeline = restored;
  }

  #createPipeline(): Pipeline {
    return new Pipeline([this.corpus.plan], { enabled: true, windowSeconds: 10, keysMax: 1000 });
  }
}

const REFUSALS = ["undecodable", "not_json", "unmatched"];

/** A frame is a control frame, data of a rule, or refused for one reason. */
function assertCountedOnce({ signal, rule, faults, events }: NormalizedFrame): void {
  const refusals = faults.filter(({ code }) => REFUSALS.includes(code));
  if (rule === null) {
    assert.equal(refusals.length, 1, "no rule and no refusal, or several");
    assert.equal(faults.length, 1, "a refused frame has no other fault");
    assert.ok(signal === null && events.length === 0, "a refused frame means nothing");
    return;
  }
  // A text inside a frame may be damaged while the frame itself is not.
  assert.ok(refusals.every(({ where }) => where.includes(".unwrap ")), "matched and refused");
  if (signal !== null) assert.equal(events.length, 0, "a control frame gives no events");
}

/** What is not JSON for `JSON.parse` is refused, and what is JSON is not, but for depth and UTF-8. */
function assertLikeJsonParse(read: NormalizedFrame, { origin, payload }: CorpusFrame, { plan }: Corpus): void {
  if (
    origin.kind === "ws" && (origin.binary || plan.controls.some(({ text }) => text !== null && isText(payload, text)))
  ) {
    return;
  }
  const code = read.rule === null ? read.faults[0]?.code : null;
  const { connectionId } = origin.kind === "ws" ? origin : { connectionId: "" };
  const { layout = "document" } = plan.connections.find(({ id }) => id === connectionId) ?? {};
  const text = decoded(layOut(payload, layout).bytes);
  // What is neither UTF-8 nor JSON is called by what comes first.
  if (text === null) return assert.ok(code === "undecodable" || code === "not_json", `taken for UTF-8: ${code}`);
  if (code === "undecodable") return assert.ok(depthOf(text) > JSON_DEPTH_MAX, "undecodable without a reason");
  assert.equal(code === "not_json", !isJson(text), "another opinion than JSON.parse");
}

function isText(payload: Uint8Array, text: string): boolean {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload) === text;
}

function decoded(payload: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Deepest nesting of brackets outside of strings, as far as they are balanced. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const bracket of text.replace(/"(?:[^"\\]|\\.)*"?/g, "").replace(/[^[\]{}]/g, "")) {
    depth += bracket === "[" || bracket === "{" ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/** Numbers are decimals, times are safe integers, levels are pairs of decimals. */
function assertWellFormed(event: MarketEvent): void {
  for (const [name, value] of Object.entries(event)) {
    if (value === null || name === "kind") continue;
    if (name === "bids" || name === "asks") {
      for (const level of value) {
        assert.ok(level.length === 2 && level.every(isDecimal), `${name} ${JSON.stringify(level)}`);
      }
    } else if (name.endsWith("_ts")) assert.ok(Number.isSafeInteger(value), `${name} ${value}`);
    else if (NUMBERS.has(name)) assert.ok(isDecimal(value), `${event.kind}.${name} ${JSON.stringify(value)}`);
  }
}

const NUMBERS: ReadonlySet<string> = new Set([
  "price",
  "size",
  "bid_price",
  "bid_size",
  "ask_price",
  "ask_size",
  "last",
  "open",
  "high",
  "low",
  "close",
  "volume",
  "quote_volume",
  "last_price",
  "mark_price",
  "index_price",
  "funding_rate",
  "predicted_funding_rate",
  "open_interest",
]);

/** Faults that mean no loss. */
const NO_LOSS: readonly FaultCode[] = ["unmatched", "empty_answer", "empty_quote"];

/** Faults that mean a loss make one gap, others none; places of events count from 0. */
function assertOneGapForFaults({ faults, envelopes }: PipelineResult): void {
  const losses = faults.filter(({ code }) => !NO_LOSS.includes(code)).length;
  // Books that may have lost an update with the frame have gaps of their own.
  const isOfFrame = ({ event }: Envelope) =>
    event.kind === "gap" && event.cause === "undecodable" && event.stream === null;
  const gaps = envelopes.filter(isOfFrame).length;
  assert.equal(gaps, losses === 0 ? 0 : 1, "one gap for all that is wrong with a frame");
  envelopes.forEach(({ index }, i) => assert.equal(index, i));
}
