import assert from "node:assert/strict";
import fc from "fast-check";
import { requestsOf } from "../../src/evidence/evidence_requests.ts";
import { parseEvidence, runEvidence } from "../../src/evidence/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import {
  buildDerivation,
  canonicalJson,
  type FramePlan,
  planHash,
  readDerivation,
  renderTemplate,
  Secret,
  type Template,
  writeDerivation,
} from "../../src/model/mod.ts";
import { describedFrames } from "../support/described.ts";
import { loadInstance, loadShipped, offers, readShipped, SHIPPED } from "../exchanges/shipped.ts";

const RUN = { dedup: { enabled: true, windowSeconds: 60, keysMax: 1000 }, bookTops: { levels: 5, intervalMs: 100 } };
const SHIPPED_DIR = decodeURIComponent(new URL("../../config", import.meta.url).pathname);

function framesOf(name: string): FramePlan {
  const { frames } = loadShipped(name);
  assert.ok(frames !== null);
  return frames;
}

/** What the evidence of a descriptor comes to when a plan reads its frames. */
function evidenceBy(name: string, plan: FramePlan) {
  const path = `exchanges/${name}.toml`;
  const context = { host: denoHost(), version: "0", shippedDir: SHIPPED_DIR, finish: () => {} };
  const evidence = parseEvidence("evidence", readShipped(`exchanges/evidence/${name}.jsonl`) ?? "");
  assert.deepEqual(evidence.issues, []);
  const run = runEvidence(evidence, plan, requestsOf(context, path, readShipped(path) ?? ""));
  assert.ok(run.frames > 0);
  return run;
}

for (const { name, symbols, lacks } of SHIPPED) {
  Deno.test(`the plan of ${name} is plain data`, () => {
    const loaded = loadInstance({ name, symbols, channels: offers(lacks) });
    const plan = { ...loaded, issues: [] };
    assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
    assert.deepEqual(structuredClone(plan), plan);
    assert.equal(canonicalJson(JSON.parse(canonicalJson(plan))), canonicalJson(plan));
  });

  Deno.test(`the plan of ${name} reads its evidence alike after it was written down`, () => {
    const frames = framesOf(name);
    const { body } = writeDerivation(buildDerivation(frames, RUN));
    const derivation = readDerivation(body);
    assert.ok(derivation !== null);
    assert.deepEqual(evidenceBy(name, derivation.frames), evidenceBy(name, frames));
  });
}

Deno.test("writeDerivation() gives equal plans one hash, whatever the order of their keys", () => {
  const plan = buildDerivation(framesOf("kraken"), RUN);
  const shuffled = JSON.parse(JSON.stringify(plan), (_, value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).reverse());
  });
  assert.notEqual(JSON.stringify(shuffled), JSON.stringify(plan));
  assert.deepEqual(writeDerivation(shuffled), writeDerivation(plan));
});

Deno.test("writeDerivation() gives plans that differ in anything another hash", () => {
  const plan = buildDerivation(framesOf("kraken"), RUN);
  const { frames } = plan;
  const [event, ...events] = frames.events;
  const changed = [
    plan,
    { ...plan, bookTops: null },
    { ...plan, dedup: { ...plan.dedup, windowSeconds: 61 } },
    { ...plan, frames: { ...frames, exchange: "other" } },
    { ...plan, frames: { ...frames, wanted: ["trades"] as const } },
    { ...plan, frames: { ...frames, events: [{ ...event, skipFirstFrame: !event.skipFirstFrame }, ...events] } },
    { ...plan, frames: { ...frames, events: [...events, event] } },
  ];
  const hashes = changed.map((one) => writeDerivation(one).hash);
  assert.equal(new Set(hashes).size, changed.length);
  for (const hash of hashes) assert.match(hash, /^[0-9a-f]{32}$/);
});

Deno.test("buildDerivation() leaves out what is sent, so that no environment value is written down", () => {
  const frames = describedFrames(
    `
[[control]]
name = "login"
action = "reply"
text = "login"
reply = '{"token":"{env:TOKEN}"}'

[[events]]
kind = "trade"
symbol = "/s"
price = "/p"
size = "/q"

[[events]]
kind = "book"
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
snapshot = true

[[books]]
name = "book"
kind = "requested"
request = '{"ask":"{symbol}","token":"{env:TOKEN}"}'
`,
    (name) => name === "TOKEN" ? "hunter2" : undefined,
  );
  const value = new Secret("TOKEN", "hunter2");
  const secret: Template = { source: "{env:TOKEN}", parts: [{ kind: "env", key: "TOKEN", value, inString: true }] };
  const plan: FramePlan = {
    ...frames,
    connections: frames.connections.map((one) => ({ ...one, urls: ["wss://example.test/hunter2"] })),
    books: frames.books.map((one) => ({ ...one, requests: { BTCUSDT: secret } })),
  };
  const sent = frames.controls.flatMap(({ reply }) => reply === null ? [] : renderTemplate(reply, {}));
  assert.deepEqual(sent, ['{"token":"hunter2"}']);
  assert.ok(!writeDerivation(buildDerivation(plan, RUN)).body.includes("hunter2"));
});

Deno.test("readDerivation() gives null for a version that it does not know and for what is no plan", () => {
  const plan = buildDerivation(framesOf("kraken"), RUN);
  assert.equal(readDerivation(canonicalJson({ ...plan, version: plan.version + 1 })), null);
  for (const body of ["", "{}", "null", "[]", '"text"', "{", '{"version":"1"}']) {
    assert.equal(readDerivation(body), null);
  }
});

Deno.test("canonicalJson() sorts keys at every depth and gives the data back", () => {
  assert.equal(
    canonicalJson({ b: [{ d: 1, c: null }], a: "é", "10": true, "9": false }),
    '{"9":false,"10":true,"a":"é","b":[{"c":null,"d":1}]}',
  );
  fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
    const text = canonicalJson(value);
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    assert.equal(canonicalJson(JSON.parse(text)), text);
  }));
});

Deno.test("canonicalJson() refuses what is not plain data", () => {
  for (const value of [undefined, () => 1, 1n, new Map(), new Set(["a"]), new Date(0), NaN, Symbol("a")]) {
    assert.throws(() => canonicalJson({ value: [value] }), /Not plain data/);
  }
});

Deno.test("planHash() is the beginning of the SHA-256 of the text", () => {
  assert.equal(planHash(""), "e3b0c44298fc1c149afbf4c8996fb924");
});
