import assert from "node:assert/strict";
import type { FramePlan, JournalRecord, Offset } from "../../src/model/mod.ts";
import { CHECKPOINT_PART_CHARS } from "../../src/model/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import { loadDescriptor } from "../../src/config/mod.ts";
import { seeded } from "../support/seeded.ts";

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
[[events]]
kind = "book"
snapshot = { "/snapshot" = true }
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
[[events]]
kind = "trade"
when = { "/type" = "trade" }
symbol = "/s"
price = "/p"
size = "/q"
trade_id = "/i"
[[books]]
name = "pushed"
kind = "pushed"
sequence = "none"
`;
const DEDUP = { enabled: true, windowSeconds: 300, keysMax: 10_000 };

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

const PLAN = framePlan();

/** A pipeline with one session, and what was fed to it. */
class Rig {
  readonly pipeline = new Pipeline([PLAN], DEDUP);
  offset: Offset = 1;

  constructor() {
    this.take({
      ...{ kind: "opened", at: 1, exchange: "test", connection: "main", url: "", descriptorHash: "", planHash: null },
      streams: [],
    });
  }

  take(record: JournalRecord): void {
    this.pipeline.process(this.offset++, record);
  }

  frame(body: unknown): void {
    const payload = new TextEncoder().encode(JSON.stringify(body));
    this.take({ kind: "frame", session: 1, at: this.offset, binary: false, payload });
  }

  image(book: number, levels: number): void {
    const side = (sign: number) => Array.from({ length: levels }, (_, at) => [`${100 + sign * (at + 1) / 100}`, "1.5"]);
    this.frame({ snapshot: true, s: `S${book}`, b: side(-1), a: side(1) });
  }
}

Deno.test("saveState() is the state of its moment, whatever changes while its parts are read", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const rig = new Rig();
    const books = 1 + Math.floor(random() * 60);
    for (let book = 0; book < books; book++) rig.image(book, 1 + Math.floor(random() * 400));
    for (let i = 0; i < 40; i++) rig.frame({ type: "trade", s: "S1", p: `${i}`, q: "1", i });
    const expected = [...rig.pipeline.saveState()];
    const saved: string[] = [];
    const state = rig.pipeline.saveState();
    assert.equal(state.length, expected.length);
    for (const part of state) {
      saved.push(part);
      for (let change = 0; change < 5; change++) {
        const s = `S${Math.floor(random() * books)}`;
        const kind = random();
        if (kind < 0.5) rig.frame({ snapshot: false, s, b: [["99.5", `${random()}`]], a: [] });
        else if (kind < 0.6) rig.image(Number(s.slice(1)), 3);
        else if (kind < 0.9) rig.frame({ type: "trade", s, p: "1", q: "1", i: `${random()}` });
        else if (kind < 0.92) {
          const at = rig.offset;
          rig.take({ kind: "dropped", session: 1, at, frames: 1, fromTs: at, toTs: at, toOffset: null, reason: "" });
        } else if (kind < 0.93) {
          rig.take({ kind: "closed", session: 1, at: rig.offset, cause: "peer", code: null, reason: "" });
        }
      }
    }
    assert.deepEqual(saved, expected, `seed ${seed}`);
    assert.notDeepEqual([...rig.pipeline.saveState()], expected, `seed ${seed}: something has changed`);
  }
});

Deno.test("saveState() of a thousand books is written in slices, each about as long as a part may be", () => {
  const rig = new Rig();
  for (let book = 0; book < 1000; book++) rig.image(book, 200);
  const state = rig.pipeline.saveState();
  const partsAtOnce = state.length;
  const slices: number[] = [];
  for (const part of state) slices.push(part.length);
  assert.equal(slices.length, partsAtOnce);
  const all = slices.reduce((sum, chars) => sum + chars, 0);
  assert.ok(
    Math.max(...slices) < 1.5 * CHECKPOINT_PART_CHARS,
    `the longest slice has ${Math.max(...slices)} characters`,
  );
  assert.ok(all > 10 * CHECKPOINT_PART_CHARS, `${all} characters are more than one slice`);
  assert.ok(state.chars > all && state.chars < 2 * all, `${state.chars} were expected, ${all} written`);
});
