import assert from "node:assert/strict";
import { loadDescriptor } from "../../src/config/mod.ts";
import { parseEvidence, runEvidence } from "../../src/evidence/mod.ts";
import type { Issue } from "../../src/model/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { below, type Chance, mutateFrame, oneOf } from "../support/mutations.ts";
import { seeded } from "../support/seeded.ts";
import { type Corpus, frameCorpora } from "./frame_corpus.ts";

const DESCRIPTORS = 100;
const CONFIG = new URL("../../config/", import.meta.url);

function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(path, CONFIG));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

const VALUES = [
  '""',
  '"/"',
  '"/*/*"',
  '"~"',
  '"((("',
  '"a ?? b"',
  '"{nope}"',
  '"\\ud800"',
  "0",
  "-1",
  "1e400",
  "9999999999999999999",
  "true",
  "[]",
  "[[]]",
  "{}",
  '{ at = ["/a", "b"], map = { x = "buy" } }',
  "1979-05-27",
  "nan",
];

/** A line left out, doubled, moved, given another value or another key, or some characters changed. */
function mutateToml(text: string, chance: Chance): string {
  const lines = text.split("\n");
  const at = below(chance, lines.length);
  const other = below(chance, lines.length);
  switch (below(chance, 7)) {
    case 0:
      lines.splice(at, 1);
      break;
    case 1:
      lines.splice(other, 0, lines[at]);
      break;
    case 2:
      [lines[at], lines[other]] = [lines[other], lines[at]];
      break;
    case 3:
    case 4:
      lines[at] = lines[at].replace(/=\s*.*$/, () => `= ${oneOf(chance, VALUES)}`);
      break;
    case 5:
      lines[at] = lines[at].replace(
        /^\w+/,
        oneOf(chance, ["when", "rows", "kind", "at", "unknown", "symbol", "__proto__"]),
      );
      break;
    default: {
      const from = below(chance, lines[at].length + 1);
      lines[at] = lines[at].slice(0, from) + oneOf(chance, ['"', "'", "]", "}", "#", "\\", "\u0000", "é", ""]) +
        lines[at].slice(from + below(chance, 3));
    }
  }
  return lines.join("\n");
}

function assertPlaced(issues: readonly Issue[], text: string): void {
  const lines = text.split("\n").length;
  for (const { line, column, length, message } of issues) {
    assert.ok(
      message !== "" && line >= 1 && line <= lines && column >= 1 && length >= 1,
      `${line}:${column} ${message}`,
    );
  }
}

function seededRun(): { readonly chance: Chance; readonly seed: number } {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  console.log(`fuzz seed ${seed}`);
  return { chance: seeded(seed), seed };
}

Deno.test("a mutated descriptor is refused with places, or reads frames without a crash", () => {
  const { chance, seed } = seededRun();
  const corpora = frameCorpora({ recordedMax: 0, bytesMax: 0 });
  const outcomes = { refused: 0, read: 0 };
  for (let i = 0; i < DESCRIPTORS; i++) {
    const corpus = oneOf(chance, corpora);
    let text = read(`exchanges/${corpus.name}.toml`) ?? "";
    for (let times = 1 + below(chance, 3); times > 0; times--) text = mutateToml(text, chance);
    try {
      outcomes[load(corpus, text, chance)]++;
    } catch (cause) {
      throw new Error(`seed ${seed}, descriptor ${i}, of ${corpus.name}:\n${text}`, { cause });
    }
  }
  assert.ok(outcomes.refused > 0 && outcomes.read > 0, JSON.stringify(outcomes));
});

function load(corpus: Corpus, text: string, chance: Chance): "refused" | "read" {
  const path = `exchanges/${corpus.name}.toml`;
  const { frames, issues } = loadDescriptor({ file: { path, text }, readText: read, environment: () => undefined });
  assertPlaced(issues.filter(({ file }) => file === path), text);
  if (frames === null) {
    assert.ok(issues.some(({ severity }) => severity === "error"), "refused without an error");
    return "refused";
  }
  const normalizer = new FrameReader(frames);
  for (let i = 0; i < 20; i++) {
    const { origin, payload } = oneOf(chance, corpus.frames);
    const changed = chance() < 0.5 ? payload : mutateFrame(payload, payload, chance);
    if (origin.kind === "ws") normalizer.read({ session: 1, ...origin, payload: changed, receivedTs: 0 });
    else normalizer.readHttp({ session: 1, ...origin, body: changed, receivedTs: 0 });
  }
  return "read";
}

Deno.test("mutated evidence is refused with places, or runs without a crash", () => {
  const { chance, seed } = seededRun();
  const corpora = frameCorpora({ recordedMax: 0, bytesMax: 0 });
  for (let i = 0; i < DESCRIPTORS; i++) {
    const { name, plan } = oneOf(chance, corpora);
    const lines = (read(`exchanges/evidence/${name}.jsonl`) ?? "").trimEnd().split("\n");
    const at = below(chance, lines.length);
    const bytes = new TextEncoder().encode(lines[at]);
    lines[at] = new TextDecoder().decode(mutateFrame(bytes, bytes, chance));
    const text = lines.join("\n");
    try {
      const evidence = parseEvidence("evidence.jsonl", text);
      assertPlaced(evidence.issues, text);
      const run = runEvidence(evidence, plan, () => ({ error: "not asked for" }));
      assert.equal(run.updated.length, evidence.lines.length);
    } catch (cause) {
      throw new Error(`seed ${seed}, evidence ${i}, of ${name}, line ${at + 1}: ${lines[at]}`, { cause });
    }
  }
});
