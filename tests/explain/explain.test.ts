import assert from "node:assert/strict";
import { parseEvidence } from "../../src/evidence/mod.ts";
import { type ExplainedRule, explainFrame, type ExplainInput } from "../../src/explain/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

const FOLDER = new URL("../../config/exchanges/evidence/", import.meta.url);

function evidenceNames(): readonly string[] {
  return [...Deno.readDirSync(FOLDER)].map(({ name }) => name.replace(/\.jsonl$/, "")).sort();
}

/** The frames of an exchange's evidence. */
function* inputs(name: string): Iterable<ExplainInput> {
  const { steps } = parseEvidence(name, Deno.readTextFileSync(new URL(`${name}.jsonl`, FOLDER)));
  let connectionId = "";
  let before: Uint8Array[] = [];
  for (const step of steps) {
    if (step.kind === "open") {
      connectionId = step.connection;
      before = [];
    } else if (step.kind === "frame") {
      const origin = { kind: "ws", connectionId, binary: step.binary } as const;
      yield { origin, payload: step.payload, before: step.binary ? [] : [...before] };
      if (!step.binary) before.push(step.payload);
    } else if (step.kind === "http") {
      yield { origin: { kind: "http", request: step.request, native: step.native }, payload: step.payload };
    }
  }
}

for (const name of evidenceNames()) {
  Deno.test(`explainFrame() agrees with the normalizer on all evidence of ${name}`, () => {
    const { frames } = loadShipped(name);
    let count = 0;
    for (const input of inputs(name)) {
      const { rules, result } = explainFrame(frames, input);
      const taken = rules.filter(({ outcome }) => outcome === "taken");
      assert.equal(taken[0]?.name ?? null, result.rule);
      for (const rule of rules) assertSound(rule);
      for (const { event, rule, exchange_ts } of result.events) {
        const { rows = [], notes = [] } = taken.find((one) => one.name === rule) ?? {};
        const isMerged = notes.some((note) => note.includes("last known"));
        const fits = rows.some(({ fields }) =>
          fields.every(({ name, value }) => {
            if (name === "exchange_ts") return value === exchange_ts;
            // A side that is not there is unknown, and a row that lacks a field may be completed.
            if (value === null && (name === "side" || isMerged)) return true;
            if (!(name in event) || typeof event[name as keyof typeof event] === "object") return true;
            return String(event[name as keyof typeof event]) === String(value);
          })
        );
        assert.ok(fits, `${name}: no row explains ${JSON.stringify(event)}`);
      }
      count++;
    }
    assert.ok(count > 0);
  });
}

/** A rule that was tested matches exactly if all of its parts hold. */
function assertSound({ outcome, tests, name }: ExplainedRule): void {
  const holds = tests.every((test) => test.holds);
  if (outcome === "taken" || outcome === "shadowed") assert.ok(holds, name);
  if (outcome === "fails") assert.ok(!holds, name);
  if (outcome === "elsewhere" || outcome === "untested") assert.deepEqual(tests, [], name);
}

Deno.test("explainFrame() takes every payload, also what is no JSON at all", () => {
  const { frames } = loadShipped("okx");
  const origin = { kind: "ws", connectionId: "public", binary: false } as const;
  for (const text of ["", "pong", "{", "[1]", "null", '"text"', "\u0000", "[".repeat(300)]) {
    const payload = new TextEncoder().encode(text);
    const { result } = explainFrame(frames, { origin, payload });
    const read = new FrameReader(frames).read({
      session: 1,
      connectionId: "public",
      payload,
      binary: false,
      receivedTs: 0,
    });
    assert.deepEqual([result.rule, result.faults], [read.rule, read.faults], text);
  }
});
