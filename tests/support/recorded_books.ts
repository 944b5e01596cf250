import assert from "node:assert/strict";
import type { BookUpdate } from "../../src/book/mod.ts";
import { loadDescriptor } from "../../src/config/mod.ts";
import type { BookRule } from "../../src/model/mod.ts";
import { matchAnswer, matchConnection } from "../../src/normalize/mod.ts";
import { FrameReader } from "./frame_reader.ts";
import { readRecording } from "./recordings.ts";
import { loadShipped, type ShippedFrames } from "./shipped_descriptor.ts";

/** The updates of one recorded book, one list for each frame that holds some. */
export interface RecordedBook {
  readonly symbol: string;
  readonly rule: BookRule;
  readonly frames: readonly (readonly BookUpdate[])[];
}

/** Loads a descriptor of `tests/fixtures/descriptors` by its name, or a shipped one. */
export function loadNamed(name: string): ShippedFrames {
  const path = new URL(`../fixtures/descriptors/${name}.toml`, import.meta.url);
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return loadShipped(name);
  }
  const file = { path: `${name}.toml`, text };
  const loaded = loadDescriptor({ file, readText: () => null, environment: () => undefined });
  assert.deepEqual(loaded.issues.filter(({ severity }) => severity === "error"), []);
  assert.ok(loaded.frames !== null);
  return { frames: loaded.frames, requests: loaded.requests };
}

/** Every book of some recordings of one session, in the order of its frames; null where a recording is absent. */
export function readBooks(
  descriptor: string | ShippedFrames,
  files: readonly string[],
  linesMax = Infinity,
): readonly RecordedBook[] | null {
  const { frames: plan, requests } = typeof descriptor === "string" ? loadNamed(descriptor) : descriptor;
  const recordings = files.map((file) => readRecording(file));
  if (recordings.includes(null)) return null;
  const lines = recordings.flatMap((recorded) => recorded ?? []).sort((left, right) => left.t - right.t)
    .slice(0, linesMax);
  const normalizer = new FrameReader(plan);
  const books = new Map<string, { symbol: string; rule: BookRule; frames: BookUpdate[][] }>();
  let connectionId = "";
  for (const { t: receivedTs, dir, url, payload, binary } of lines) {
    if (dir === "open") connectionId = matchConnection(plan, url ?? "") ?? connectionId;
    if (dir !== "in" && dir !== "http") continue;
    const request = requests.find(({ match }) => dir === "http" && matchAnswer(match, url ?? "") !== null);
    if (dir === "http" && request === undefined) continue;
    const read = request === undefined
      ? normalizer.read({ session: 1, connectionId, payload, binary, receivedTs })
      : normalizer.readHttp({
        session: 1,
        connectionId,
        request: request.name,
        native: matchAnswer(request.match, url ?? "") ?? "",
        body: payload,
        receivedTs,
      });
    const inFrame = new Map<string, BookUpdate[]>();
    for (const { event, exchange_ts: exchangeTs, checksum, native_symbol: symbol, rule: name } of read.events) {
      if (event.kind !== "book_snapshot" && event.kind !== "book_delta") continue;
      const rule = plan.books.find(({ rules }) => rules.includes(name));
      assert.ok(rule !== undefined, `rule ${name} feeds a book`);
      let book = books.get(symbol);
      if (book === undefined) books.set(symbol, book = { symbol, rule, frames: [] });
      let updates = inFrame.get(symbol);
      if (updates === undefined) {
        inFrame.set(symbol, updates = []);
        book.frames.push(updates);
      }
      updates.push({ event, exchangeTs, checksum });
    }
  }
  return [...books.values()];
}
