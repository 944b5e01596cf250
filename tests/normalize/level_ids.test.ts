import assert from "node:assert/strict";
import { describedFrames, DescribedReader } from "../support/described.ts";

const BOOK = `
[[events]]
kind = "book"
when = { "/table" = "book" }
snapshot = { "/action" = "partial" }
symbol = { at = ["/data/0/symbol", "/filter/symbol"] }
levels = "/data/*"
side = "/side"
level = { price = "/price", size = "root.action == 'delete' ? '0' : size", id = "/id" }
`;

interface Row {
  readonly id: number;
  readonly side?: "Buy" | "Sell";
  readonly size?: number;
  readonly price?: number;
}

function frame(action: string, rows: readonly Row[], symbol = "X"): string {
  return JSON.stringify({
    table: "book",
    action,
    filter: { symbol },
    data: rows.map((row) => ({ symbol, side: "Sell", ...row })),
  });
}

function reader(): DescribedReader {
  return new DescribedReader(describedFrames(BOOK));
}

/** Bids and asks of the only event. */
function sides(reader: DescribedReader, text: string, session = 1): unknown {
  const [event] = reader.events(text, session) as { readonly bids: unknown; readonly asks: unknown }[];
  return [event.bids, event.asks];
}

const IMAGE = frame("partial", [{ id: 1, size: 10, price: 101 }, { id: 2, side: "Buy", size: 20, price: 99 }]);

Deno.test("a change without a price is at the price last seen with its id", () => {
  const book = reader();
  assert.deepEqual(sides(book, IMAGE), [[["99", "20"]], [["101", "10"]]]);
  assert.deepEqual(sides(book, frame("update", [{ id: 1, size: 7 }, { id: 2, side: "Buy", size: 8 }])), [
    [["99", "8"]],
    [["101", "7"]],
  ]);
  assert.deepEqual(sides(book, frame("insert", [{ id: 3, size: 5, price: 102 }])), [[], [["102", "5"]]]);
  assert.deepEqual(sides(book, frame("delete", [{ id: 3 }])), [[], [["102", "0"]]]);
});

Deno.test("a change of a level that is gone or was never there is left out and counted", () => {
  const book = reader();
  book.read(IMAGE);
  book.read(frame("delete", [{ id: 1 }]));
  const { events, faults } = book.read(frame("update", [{ id: 1, size: 7 }, { id: 9, size: 7 }, {
    id: 2,
    side: "Buy",
    size: 3,
  }]));
  assert.deepEqual(faults.map(({ code, where }) => [code, where]), [["unknown_level", "book.asks /id"]]);
  assert.deepEqual(events.map(({ event }) => event.kind === "book_delta" && [event.bids, event.asks]), [
    [[["99", "3"]], []],
  ]);
});

Deno.test("an image replaces what ids meant, and nothing is said before the first one", () => {
  const book = reader();
  assert.deepEqual(book.events(frame("update", [{ id: 1, size: 7 }])), []);
  book.read(IMAGE);
  assert.deepEqual(sides(book, frame("partial", [{ id: 2, side: "Buy", size: 1, price: 98 }])), [[["98", "1"]], []]);
  assert.equal(book.read(frame("update", [{ id: 1, size: 7 }])).faults[0].code, "unknown_level");
  assert.deepEqual(sides(book, frame("partial", [])), [[], []]);
});

Deno.test("ids belong to their side, symbol and session", () => {
  const book = reader();
  book.read(IMAGE);
  book.read(frame("partial", [{ id: 1, size: 1, price: 55 }], "Y"));
  book.read(frame("partial", [{ id: 1, size: 1, price: 44 }]), 2);
  assert.deepEqual(sides(book, frame("insert", [{ id: 1, side: "Buy", size: 2, price: 101 }])), [[["101", "2"]], []]);
  assert.deepEqual(sides(book, frame("delete", [{ id: 1 }])), [[], [["101", "0"]]]);
  assert.deepEqual(sides(book, frame("update", [{ id: 1, side: "Buy", size: 3 }])), [[["101", "3"]], []]);
  assert.deepEqual(sides(book, frame("update", [{ id: 1, size: 3 }], "Y")), [[], [["55", "3"]]]);
  assert.deepEqual(sides(book, frame("update", [{ id: 1, size: 3 }]), 2), [[], [["44", "3"]]]);
  book.normalizer.forgetSession(2);
  assert.deepEqual(book.events(frame("update", [{ id: 1, size: 3 }]), 2), []);
});

Deno.test("prices by id outlast a restart from the saved state", () => {
  const first = reader();
  first.read(IMAGE);
  const second = reader();
  second.normalizer.restoreState(JSON.parse(JSON.stringify(first.normalizer.saveState())));
  assert.deepEqual(sides(second, frame("update", [{ id: 1, size: 7 }])), [[], [["101", "7"]]]);
});
