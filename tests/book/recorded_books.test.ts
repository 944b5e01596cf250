import assert from "node:assert/strict";
import { BookKeeper, type BookUpdate, OrderBook } from "../../src/book/mod.ts";
import { type Level, levelTexts } from "../../src/model/mod.ts";
import { readBooks, type RecordedBook } from "../support/recorded_books.ts";
import { testOnRecordings } from "../support/recordings.ts";
import { seeded } from "../support/seeded.ts";

/** Recordings by the descriptor that reads them, and how many books and verified checksums they hold. */
const RECORDINGS: readonly {
  readonly descriptor: string;
  readonly files: readonly string[];
  readonly books: number;
  readonly checksums: number;
}[] = [
  { descriptor: "binance", files: ["binance-20211012-ws1", "binance-20211012-http"], books: 4, checksums: 0 },
  { descriptor: "binance", files: ["binance-20240808-btcusdt"], books: 1, checksums: 0 },
  {
    descriptor: "binance-usdm",
    files: ["binance-usdm-20210722-ws1", "binance-usdm-20210722-http"],
    books: 4,
    checksums: 0,
  },
  { descriptor: "binance-usdm", files: ["binance-usdm-20240808-btcusdt"], books: 1, checksums: 0 },
  { descriptor: "bybit", files: ["bybit-20260809-ws1"], books: 4, checksums: 0 },
  { descriptor: "bybit", files: ["bybit-20260809-ws2"], books: 2, checksums: 0 },
  { descriptor: "okx", files: ["okx-20220513-ws1"], books: 3, checksums: 0 },
  { descriptor: "okx_2022", files: ["okx-20220513-ws1"], books: 3, checksums: 290 },
  { descriptor: "okx_2022", files: ["okcoin-20230527-ws1"], books: 4, checksums: 6 },
  { descriptor: "kraken_v1", files: ["kraken-20210417-ws3"], books: 10, checksums: 4269 },
  { descriptor: "bybit_v2", files: ["bybit-20210417-ws1"], books: 8, checksums: 0 },
  { descriptor: "bybit_v2", files: ["bybit-20210417-ws2"], books: 2, checksums: 0 },
];

/** What the updates come to without a keeper: the last snapshot that can be joined, and every delta after it. */
function replay({ rule, frames }: RecordedBook): Map<string, string> {
  const updates = frames.flat();
  const levels = new Map<string, string>();
  const images = updates.filter(({ event }) => event.kind === "book_snapshot");
  const isJoined = rule.kind === "rest";
  const image = images[images.length - 1];
  const start = updates.indexOf(image);
  const apply = (side: string, changes: readonly Level[]) => {
    for (const [price, size] of changes) {
      if (Number(size) === 0) levels.delete(`${side} ${Number(price)}`);
      else levels.set(`${side} ${Number(price)}`, size);
    }
  };
  const since = isJoined
    ? updates.filter((update) => update === image || isAfter(update, image))
    : updates.slice(start);
  for (const { event } of [image, ...since.filter((update) => update !== image)]) {
    apply("bid", levelTexts(event.bids));
    apply("ask", levelTexts(event.asks));
    if (rule.depth === null) continue;
    for (const side of ["bid", "ask"]) {
      const sign = side === "bid" ? -1 : 1;
      const prices = [...levels.keys()].filter((key) => key.startsWith(side)).map((key) => Number(key.slice(4)));
      prices.sort((a, b) => sign * (a - b)).slice(rule.depth).forEach((price) => levels.delete(`${side} ${price}`));
    }
  }
  return levels;
}

function isAfter({ event }: BookUpdate, image: BookUpdate): boolean {
  if (event.kind !== "book_delta" || image.event.kind !== "book_snapshot") return false;
  return BigInt(event.last_sequence ?? 0) > BigInt(image.event.sequence ?? 0);
}

function levelsOf(book: OrderBook): Map<string, string> {
  const { bids, asks } = book.levels();
  return new Map([
    ...bids.map(([price, size]) => [`bid ${Number(price)}`, size] as const),
    ...asks.map(([price, size]) => [`ask ${Number(price)}`, size] as const),
  ]);
}

function sorted(levels: ReadonlyMap<string, string>): readonly string[] {
  return [...levels].map(([key, size]) => `${key} ${size}`).sort();
}

for (const { descriptor, files, books: count, checksums } of RECORDINGS) {
  testOnRecordings(
    files,
    `every book of ${files[0]} read by ${descriptor} stays whole and ends as an independent replay`,
    () => {
      const books = readBooks(descriptor, files);
      assert.ok(books !== null);
      assert.equal(books.length, count);
      let verified = 0;
      for (const recorded of books) {
        const keeper = new BookKeeper(recorded.rule);
        recorded.frames.forEach((updates, receivedTs) => {
          const { gaps, resync } = keeper.apply(updates, { receivedTs, mayPass: false });
          assert.deepEqual(gaps, []);
          assert.equal(resync, null);
          verified += updates.filter(({ checksum }) => checksum !== null && recorded.rule.checksum !== null).length;
        });
        assert.equal(keeper.state, "valid", recorded.symbol);
        assert.deepEqual(sorted(levelsOf(keeper.book)), sorted(replay(recorded)), recorded.symbol);
      }
      assert.equal(verified, checksums);
    },
  );
}

type FaultKind = "drop" | "duplicate" | "swap" | "corrupt";
const FAULTS: readonly FaultKind[] = ["drop", "duplicate", "swap", "corrupt"];
/** Frames of a book that a run goes through. */
const RUN_FRAMES = 60;
/** Lines of a recording in which the run's frames of each of its books are. */
const STRETCH_LINES = 4_000;

/** A recorded book cut to the frames of one run, with the true book after each of them. */
interface Stretch {
  readonly recorded: RecordedBook;
  readonly frames: readonly (readonly BookUpdate[])[];
  readonly images: readonly BookUpdate[];
}

/** The frames of a run from the first image on, and a snapshot of the true book after each. */
function stretchOf(recorded: RecordedBook): Stretch | null {
  const { rule } = recorded;
  const truth = new BookKeeper(rule);
  const frames: (readonly BookUpdate[])[] = [];
  const images: BookUpdate[] = [];
  for (const updates of recorded.frames) {
    truth.apply(updates, { receivedTs: 0, mayPass: false });
    if (truth.state !== "valid") continue;
    const { bids, asks, last, joiner } = truth.saveState();
    // Deltas that a snapshot is ahead of are no part of the chain.
    if (joiner.bridge !== null) continue;
    const image: BookUpdate = {
      event: { kind: "book_snapshot", bids, asks, sequence: last.sequence },
      exchangeTs: last.exchangeTs,
      checksum: null,
    };
    frames.push(images.length === 0 ? [image] : updates);
    images.push(image);
    if (frames.length === RUN_FRAMES) break;
  }
  return frames.length < 30 ? null : { recorded, frames, images };
}

/** Changes one digit of one size of a frame. */
function corrupted(updates: readonly BookUpdate[], random: () => number): readonly BookUpdate[] {
  const at = updates.findIndex(({ event }) => levelTexts(event.bids).length + levelTexts(event.asks).length > 0);
  if (at < 0) return updates;
  const { event } = updates[at];
  const side = levelTexts(event.bids).length > 0 ? "bids" : "asks";
  const before = levelTexts(event[side]);
  const index = Math.floor(random() * before.length);
  const [price, size] = before[index];
  const digits = [...size].flatMap((char, place) => /\d/.test(char) ? [place] : []);
  const place = digits[Math.floor(random() * digits.length)];
  const digit = (Number(size[place]) + 1 + Math.floor(random() * 9)) % 10;
  const changed: Level = [price, size.slice(0, place) + digit + size.slice(place + 1)];
  const levels = before.map((level, i) => i === index ? changed : level);
  return updates.map((update, i) => i === at ? { ...update, event: { ...event, [side]: levels } } : update);
}

function sequenceOf({ event }: BookUpdate): string | null {
  return event.kind === "book_snapshot" ? event.sequence : event.last_sequence;
}

/** Sends a stretch with one fault and serves images as the keeper asks; says whether the fault was found. */
function run({ recorded, frames, images }: Stretch, fault: FaultKind | null, random: () => number): boolean {
  const { rule } = recorded;
  const keeper = new BookKeeper(rule);
  const at = 2 + Math.floor(random() * (frames.length - 6));
  const wire = frames.map((updates, index) => ({ updates, index }));
  if (fault === "drop") wire.splice(at, 1);
  if (fault === "duplicate") wire.splice(at, 0, wire[at]);
  if (fault === "swap") wire.splice(at, 2, wire[at + 1], wire[at]);
  if (fault === "corrupt") wire[at] = { updates: corrupted(wire[at].updates, random), index: at };
  let broke = 0;
  let healed = 0;
  let imageAt: number | null = null;
  wire.forEach(({ updates, index }, step) => {
    const verdicts = [keeper.apply(updates, { receivedTs: step, mayPass: false })];
    if (imageAt !== null && step >= imageAt) {
      imageAt = null;
      verdicts.push(keeper.apply([images[index]], { receivedTs: step, mayPass: false }));
    }
    for (const { gaps, resync } of verdicts) {
      for (const { recovered } of gaps) recovered ? healed++ : broke++;
      if (resync !== null) imageAt = step + 2;
    }
    if (keeper.state === "valid") assert.equal(keeper.book.isCrossed, false);
  });
  if (keeper.state === "broken") keeper.apply([images[images.length - 1]], { receivedTs: wire.length, mayPass: false });
  const isLost = fault === "drop" || fault === "swap";
  // A chain reveals what is missing, where the recorded frames carry its numbers.
  const numbered = ["next", "previous", "overlap"].includes(rule.sequence) && sequenceOf(images[0]) !== null;
  const why = `${recorded.symbol} ${fault} at ${at}`;
  if (fault === null || fault === "duplicate") {
    assert.equal(broke, 0, `${why}: nothing is found where nothing is wrong`);
  }
  if (isLost && numbered) assert.equal(broke, 1, `${why}: numbers reveal it`);
  if (fault === null || fault === "duplicate" || (isLost && numbered) || broke > 0) {
    const last = images[images.length - 1].event;
    const truth = new OrderBook();
    truth.applySnapshot(last.bids, last.asks);
    assert.equal(keeper.state, "valid", `${why}: whole again`);
    assert.deepEqual(sorted(levelsOf(keeper.book)), sorted(levelsOf(truth)), `${why}: the true book again`);
  } else if (rule.checksum !== null) {
    // What the checksum covers is the true book's at the end, or the fault would have been found.
    const last = images[images.length - 1].event;
    const { depth } = rule.checksum;
    assert.deepEqual(keeper.book.top("bid", depth), levelTexts(last.bids).slice(0, depth), why);
    assert.deepEqual(keeper.book.top("ask", depth), levelTexts(last.asks).slice(0, depth), why);
  }
  assert.ok(healed <= broke);
  return broke > 0;
}

testOnRecordings(
  RECORDINGS.flatMap(({ files }) => files),
  "over recorded books every fault that rules reveal is found, none is invented, and books are whole again",
  () => {
    const stretches = RECORDINGS.flatMap(({ descriptor, files }) =>
      (readBooks(descriptor, files, STRETCH_LINES) ?? []).flatMap((book) => stretchOf(book) ?? [])
    );
    assert.ok(stretches.length > 0);
    const found = new Map<string, number>();
    const runs = Number(Deno.env.get("RUNS") ?? 250);
    for (let seed = 0; seed < runs; seed++) {
      const random = seeded(seed);
      const stretch = stretches[seed % stretches.length];
      const fault = seed % 5 === 4 ? null : FAULTS[seed % 5];
      const key = `${fault} ${run(stretch, fault, random) ? "found" : "passed"}`;
      found.set(key, (found.get(key) ?? 0) + 1);
    }
    console.log(`${runs} runs over ${stretches.length} books:`, Object.fromEntries([...found].sort()));
  },
);
