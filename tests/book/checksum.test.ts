import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { checksumOf, learnDigits, type NumberDigits, OrderBook } from "../../src/book/mod.ts";
import type { ChecksumRule, Level } from "../../src/model/mod.ts";
import { checksumRule } from "../support/book_rule.ts";
import { checksumText } from "../support/checksum_text.ts";
import { readRecording, testOnRecordings } from "../support/recordings.ts";

const NO_DIGITS: NumberDigits = { price: 0, size: 0 };
const PADDED = checksumRule({ depth: 10, order: "asks_bids", separator: "", numbers: "padded", signed: false });

function bookOf(bids: readonly Level[], asks: readonly Level[]): OrderBook {
  const book = new OrderBook();
  book.applySnapshot(bids, asks);
  return book;
}

/** A documented book of ten levels a side; its checksum is 3310070434. */
function documentedBook(spell: (text: string) => string): OrderBook {
  const asks: Level[] = [
    ["45285.2", "0.00100000"],
    ["45286.4", "1.54571953"],
    ["45286.6", "1.54571109"],
    ["45289.6", "1.54560911"],
    ["45290.2", "0.15890660"],
    ["45291.8", "1.54553491"],
    ["45294.7", "0.04454749"],
    ["45296.1", "0.35380000"],
    ["45297.5", "0.09945542"],
    ["45299.5", "0.18772827"],
  ];
  const bids: Level[] = [
    ["45283.5", "0.10000000"],
    ["45283.4", "1.54582015"],
    ["45282.1", "0.10000000"],
    ["45281.0", "0.10000000"],
    ["45280.3", "1.54592586"],
    ["45279.0", "0.07990000"],
    ["45277.6", "0.03310103"],
    ["45277.5", "0.30000000"],
    ["45277.3", "1.54602737"],
    ["45276.6", "0.15445238"],
  ];
  const spelled = (levels: readonly Level[]) => levels.map(([price, size]): Level => [spell(price), spell(size)]);
  return bookOf(spelled(bids), spelled(asks));
}

Deno.test("checksumOf() gives the documented value of a padded book, however its numbers are spelled", () => {
  const digits = { price: 1, size: 8 };
  assert.equal(checksumOf(documentedBook((text) => text), PADDED, digits), 3310070434);
  assert.equal(checksumOf(documentedBook((text) => String(Number(text))), PADDED, digits), 3310070434);
  assert.equal(checksumOf(documentedBook((text) => Number(text).toExponential()), PADDED, digits), 3310070434);
  assert.ok(checksumText(documentedBook((text) => text), PADDED, digits).startsWith("452852100000"));
});

Deno.test("learnDigits() finds the decimals that the first checksum proves, and none for another book", () => {
  const book = documentedBook((text) => String(Number(text)));
  assert.deepEqual(learnDigits(book, PADDED, 3310070434), { price: 1, size: 8 });
  book.applyDelta([["45283.5", "0.2"]], []);
  assert.equal(learnDigits(book, PADDED, 3310070434), null);
});

Deno.test("checksumOf() gives the documented value of shortest numbers with negative asks", () => {
  const rule = checksumRule({ numbers: "shortest", negativeAsks: true });
  const book = bookOf([["6000.0", "1"], ["5900", "2.00"]], [["6100", "3"], ["6200", "4"]]);
  assert.equal(checksumText(book, rule, NO_DIGITS), "6000:1:6100:-3:5900:2:6200:-4");
  assert.equal(checksumOf(book, rule, NO_DIGITS), 1756193398);
});

Deno.test("checksumOf() goes on with the longer side where the other one ends", () => {
  const book = bookOf([["3", "11"], ["2", "12"], ["1", "13"]], [["4", "14"]]);
  const sum = (order: ChecksumRule["order"], depth: number) =>
    checksumOf(book, checksumRule({ order, depth, signed: false }), NO_DIGITS);
  assert.equal(sum("interleaved", 3), crc32("3:11:4:14:2:12:1:13"));
  assert.equal(sum("asks_bids", 2), crc32("4:14:3:11:2:12"));
  assert.equal(sum("bids_asks", 2), crc32("3:11:2:12:4:14"));
});

Deno.test("checksumOf() is the CRC32 of the text that the rule describes", () => {
  const decimal = fc.tuple(fc.nat(99_999), fc.nat(4)).map(([digits, decimals]) => (digits / 7).toFixed(decimals));
  const levels = fc.array(fc.tuple(decimal, decimal.filter((text) => Number(text) > 0)), { maxLength: 12 });
  const rules = fc.record({
    depth: fc.integer({ min: 1, max: 10 }),
    order: fc.constantFrom("asks_bids", "bids_asks", "interleaved"),
    separator: fc.constantFrom("", ":", "--"),
    numbers: fc.constantFrom("as_received", "padded", "shortest"),
    negativeAsks: fc.boolean(),
    signed: fc.boolean(),
  });
  const digits = fc.record({ price: fc.nat(8), size: fc.nat(8) });
  fc.assert(fc.property(levels, levels, rules, digits, (bids, asks, over, decimals) => {
    const book = bookOf(bids, asks);
    const rule = checksumRule(over);
    const expected = crc32(checksumText(book, rule, decimals));
    assert.equal(checksumOf(book, rule, decimals), rule.signed ? expected | 0 : expected);
  }));
});

/** Levels of a recorded frame: the first two of each row. */
function levelsOf(rows: readonly (readonly string[])[] | undefined): Level[] {
  return (rows ?? []).map(([price, size]) => [price, size]);
}

/** Frames of a recording, read with the platform's own parser. */
function recordedFrames(name: string): readonly unknown[] | null {
  const decoder = new TextDecoder();
  return readRecording(name)?.filter(({ dir }) => dir === "in").map(({ payload }) =>
    JSON.parse(decoder.decode(payload))
  ) ?? null;
}

testOnRecordings(
  ["kraken-20210417-ws3"],
  "checksums of every recorded update of a padded book of 1000 levels verify",
  () => {
    const frames = recordedFrames("kraken-20210417-ws3");
    assert.ok(frames !== null);
    const books = new Map<string, OrderBook>();
    let verified = 0;
    for (const frame of frames) {
      if (!Array.isArray(frame)) continue;
      const pair = frame[frame.length - 1];
      for (const part of frame.slice(1, -2)) {
        if (part.as !== undefined) books.set(pair, bookOf(levelsOf(part.bs), levelsOf(part.as)));
        const book = books.get(pair) ?? new OrderBook();
        book.applyDelta(levelsOf(part.b), levelsOf(part.a));
        book.truncate(1000);
        if (part.c === undefined) continue;
        assert.equal(checksumOf(book, PADDED, NO_DIGITS), Number(part.c));
        verified++;
      }
    }
    assert.equal(verified, 4269);
  },
);

for (const [name, count] of [["okx-20220513-ws1", 290], ["okcoin-20230527-ws1", 6]] as const) {
  testOnRecordings([name], `checksums of all ${count} book frames of ${name} verify`, () => {
    const frames = recordedFrames(name);
    assert.ok(frames !== null);
    const books = new Map<string, OrderBook>();
    let verified = 0;
    for (const frame of frames) {
      const { arg, action, data } = frame as {
        arg?: { channel: string; instId: string };
        action?: string;
        data?: readonly { asks: string[][]; bids: string[][]; checksum: number }[];
      };
      if (arg?.channel !== "books" || data === undefined) continue;
      for (const { asks, bids, checksum } of data) {
        const book: OrderBook = action === "snapshot" ? new OrderBook() : books.get(arg.instId) ?? new OrderBook();
        books.set(arg.instId, book);
        book.applyDelta(levelsOf(bids), levelsOf(asks));
        assert.equal(checksumOf(book, checksumRule(), NO_DIGITS), checksum);
        verified++;
      }
    }
    assert.equal(verified, count);
  });
}

Deno.test("checksumOf() writes separators that differ between numbers, levels and sides", () => {
  const book = bookOf([["99", "1"], ["98.50", "2.0"]], [["101", "3"], ["102", "4"]]);
  const rule = checksumRule({
    order: "asks_bids",
    signed: false,
    separator: ":",
    separators: { level: ",", side: "|" },
  });
  assert.equal(checksumText(book, rule, NO_DIGITS), "101:3,102:4|99:1,98.50:2.0");
  assert.equal(checksumOf(book, rule, NO_DIGITS), crc32("101:3,102:4|99:1,98.50:2.0"));
  assert.equal(checksumOf(bookOf([["99", "1"]], []), rule, NO_DIGITS), crc32("99:1"));
  const mixed = checksumRule({
    order: "interleaved",
    signed: false,
    separator: ":",
    separators: { level: ",", side: "|" },
  });
  assert.equal(checksumOf(book, mixed, NO_DIGITS), crc32("99:1|101:3|98.50:2.0|102:4"));
});
