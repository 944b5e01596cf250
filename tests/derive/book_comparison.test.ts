import assert from "node:assert/strict";
import { type BookComparison, compareBook, type NumberedBook } from "../../src/derive/mod.ts";
import type { BookDelta, Level } from "../../src/model/mod.ts";
import { seeded } from "../support/seeded.ts";

const COPY = {
  sequence: 10n,
  bids: [["100", "1"], ["99.50", "2"], ["99", "3"]] as const,
  asks: [["101", "1"], ["102", "2"]] as const,
  areBidsCut: false,
  areAsksCut: false,
};

function delta(first: number, last: number, bids: readonly Level[], asks: readonly Level[] = []): BookDelta {
  return {
    kind: "book_delta",
    bids,
    asks,
    first_sequence: String(first),
    last_sequence: String(last),
    previous_sequence: null,
  };
}

function compare(deltas: readonly BookDelta[], snapshot: Partial<NumberedBook>, copy = COPY): BookComparison {
  const { sequence, bids, asks } = COPY;
  return compareBook(copy, deltas, { snapshot: { sequence, bids, asks, ...snapshot }, levels: 10 });
}

const differs = (comparison: BookComparison) => typeof comparison === "string" ? comparison : comparison.difference;

Deno.test("compareBook() compares at the snapshot's own number, and waits for the deltas up to it", () => {
  assert.equal(differs(compare([], { bids: [["100.0", "1.00"], ["99.5", "2"], ["99", "3"]] })), null);
  assert.match(
    String(differs(compare([], { bids: [["100", "5"]] }))),
    /bid 1 is 1 at 100, and the exchange has 5 at 100/,
  );
  assert.equal(compare([], { sequence: 9n }), "impossible");
  assert.equal(compare([], { sequence: 12n }), "wait");
  const deltas = [
    delta(9, 10, [["100", "9"]]),
    delta(11, 12, [["100", "0"], ["98", "1"]]),
    delta(13, 13, [["99", "0"]]),
  ];
  assert.equal(compare(deltas.slice(0, 1), { sequence: 12n }), "wait");
  const wanted = { sequence: 12n, bids: [["99.5", "2"], ["99", "3"], ["98", "1"]] } as const;
  assert.equal(differs(compare(deltas, wanted)), null, "what comes behind the number is not of it");
});

Deno.test("compareBook() leaves out what a delta touches that jumps over the snapshot's number", () => {
  const jump = [delta(11, 14, [["99.5", "7"]], [["101", "0"]])];
  for (const [size, asks] of [["2", COPY.asks], ["7", [["102", "2"]]]] as const) {
    const bids = [["100", "1"], ["99.5", size], ["99", "3"]] as const;
    assert.equal(differs(compare(jump, { sequence: 12n, bids, asks })), null);
  }
  assert.match(String(differs(compare(jump, { sequence: 12n, bids: [["100", "2"]] }))), /bid 1/);
});

Deno.test("compareBook() says nothing of levels that a copy leaves out", () => {
  const copy = { ...COPY, areBidsCut: true };
  const bids = [["100", "1"], ["99.5", "2"], ["99", "8"], ["98", "1"]] as const;
  assert.equal(differs(compare([], { bids }, copy)), null);
  assert.match(String(differs(compare([], { bids }))), /bid 3/);
});

Deno.test("compareBook() finds no difference in a book that follows its deltas, at whatever number it is compared", () => {
  const random = seeded(11);
  for (let round = 0; round < 200; round++) {
    const levels = new Map<string, string>(COPY.bids.map(([price, size]) => [price, size]));
    const deltas: BookDelta[] = [];
    const history: { readonly sequence: bigint; readonly bids: readonly Level[] }[] = [];
    const sorted = () => [...levels].sort(([a], [b]) => Number(b) - Number(a));
    let sequence = 10;
    while (deltas.length < 8) {
      // Several changes of the exchange's book are one delta.
      const first = sequence + 1;
      const changed = new Map<string, string>();
      for (let changes = 1 + Math.floor(random() * 3); changes > 0; changes--) {
        const price = String(90 + Math.floor(random() * 15));
        const size = String(Math.floor(random() * 3));
        if (size === "0") levels.delete(price);
        else levels.set(price, size);
        changed.set(price, size);
        history.push({ sequence: BigInt(++sequence), bids: sorted() });
      }
      deltas.push(delta(first, sequence, [...changed]));
    }
    for (const snapshot of history) assert.equal(differs(compare(deltas, snapshot)), null, `round ${round}`);
  }
});
