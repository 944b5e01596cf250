/**
 * `deno run --allow-read --allow-env --allow-sys tests/benches/book.ts`: what keeping and checking a book costs beside
 * parsing its frames, on recorded frames and in one run. It measures and asserts nothing.
 */
import { BookKeeper, type BookUpdate } from "../../src/book/mod.ts";
import { JsonDocument } from "../../src/json/mod.ts";
import type { BookRule } from "../../src/model/mod.ts";
import { FrameMemory, matchConnection, Normalizer } from "../../src/normalize/mod.ts";
import { loadNamed } from "../support/recorded_books.ts";
import { readRecording } from "../support/recordings.ts";
import { measureInTurn, type Stage } from "./measure.ts";

const ROUNDS = 7;
/** Frames of each run of a stage. */
const FRAMES = 6_000;

/** Recordings whose books are pushed on the socket, by the descriptor that reads them. */
const SAMPLES = [
  { descriptor: "okx_2022", recording: "okx-20220513-ws1", about: "400 levels, checksum of 25 a side" },
  { descriptor: "kraken_v1", recording: "kraken-20210417-ws3", about: "1000 levels, padded checksum of 10 a side" },
  { descriptor: "bybit", recording: "bybit-20260809-ws1", about: "200 levels, numbered" },
  { descriptor: "coinbase", recording: "coinbase-20210417-ws1", about: "the whole book, unnumbered" },
] as const;

/** A frame of a book with what the normalizer made of it. */
interface BookFrame {
  readonly payload: Uint8Array;
  readonly symbol: string;
  readonly rule: BookRule;
  readonly updates: readonly BookUpdate[];
}

interface BookSample {
  readonly frames: readonly BookFrame[];
  readonly normalize: () => void;
}

/** The book frames of a recording; null where it is absent. */
function loadSample(descriptor: string, recording: string): BookSample | null {
  const { frames: plan } = loadNamed(descriptor);
  const lines = readRecording(recording);
  if (lines === null) return null;
  const normalizer = new Normalizer(plan);
  const memory = new FrameMemory();
  const connectionId = matchConnection(plan, lines.find(({ dir }) => dir === "open")?.url ?? "") ?? "";
  const read = (payload: Uint8Array) =>
    normalizer.read({ connectionId, payload, binary: false, receivedTs: 0 }, memory);
  const frames: BookFrame[] = [];
  for (const { dir, payload } of lines) {
    if (dir !== "in") continue;
    const updates: BookUpdate[] = [];
    let first: { readonly symbol: string; readonly rule: BookRule } | null = null;
    for (
      const { event, exchange_ts: exchangeTs, checksum, native_symbol: symbol, rule: name } of read(payload).events
    ) {
      const rule = plan.books.find(({ rules }) => rules.includes(name));
      if (rule === undefined || (event.kind !== "book_snapshot" && event.kind !== "book_delta")) continue;
      first ??= { symbol, rule };
      updates.push({ event, exchangeTs, checksum });
    }
    if (first !== null) frames.push({ payload, ...first, updates });
  }
  return { frames, normalize: () => frames.forEach(({ payload }) => read(payload)) };
}

function stagesOf({ frames, normalize }: BookSample): readonly Stage[] {
  const passes = Math.max(1, Math.round(FRAMES / frames.length));
  const repeat = (run: () => void) => () => {
    for (let pass = 0; pass < passes; pass++) run();
  };
  const decoder = new TextDecoder();
  const document = new JsonDocument();
  const count = passes * frames.length;
  return [
    {
      name: "JSON.parse",
      frames: count,
      run: repeat(() => frames.forEach((f) => JSON.parse(decoder.decode(f.payload)))),
    },
    { name: "parse only", frames: count, run: repeat(() => frames.forEach(({ payload }) => document.parse(payload))) },
    { name: "normalize", frames: count, run: repeat(normalize) },
    { name: "keep and check", frames: count, run: repeat(() => keep(frames)) },
  ];
}

/** Keeps the books of a pass from their first images on. */
function keep(frames: readonly BookFrame[]): void {
  const keepers = new Map<string, BookKeeper>();
  for (const { symbol, rule, updates } of frames) {
    let keeper = keepers.get(symbol);
    if (keeper === undefined) keepers.set(symbol, keeper = new BookKeeper(rule));
    const { gaps } = keeper.apply(updates, { receivedTs: 0, mayPass: false });
    if (gaps.length > 0) throw new Error(`The book of ${symbol} broke`);
  }
}

console.log(`Deno ${Deno.version.deno}; CPU time a frame, median of ${ROUNDS} rounds in turn`);
for (const { descriptor, recording, about } of SAMPLES) {
  const sample = loadSample(descriptor, recording);
  if (sample === null) continue;
  const bytes = sample.frames.reduce((sum, { payload }) => sum + payload.length, 0) / sample.frames.length;
  console.log(`\n${recording}: ${about}; ${sample.frames.length} frames of ${bytes.toFixed(0)} bytes`);
  const costs = await measureInTurn(stagesOf(sample), ROUNDS);
  for (const { name, cpuNs } of costs) {
    const ratio = cpuNs / costs[0].cpuNs;
    console.log(`  ${name.padEnd(16)} ${(cpuNs / 1000).toFixed(2).padStart(9)} µs  ${ratio.toFixed(2)} × JSON.parse`);
  }
}
