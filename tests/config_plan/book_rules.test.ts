import assert from "node:assert/strict";
import { buildExchange } from "../../src/config/plan/mod.ts";
import { type FramePlan, showTemplate } from "../../src/model/mod.ts";
import { descriptorTable, planInput } from "./plan_input.ts";

const BOOK_EVENT = { kind: "book", symbol: "/s", bids: "/b/*", asks: "/a/*" };

function input(books: readonly Readonly<Record<string, unknown>>[], events: readonly unknown[] = [BOOK_EVENT]) {
  return planInput({
    descriptor: descriptorTable({
      args: { depth: "25" },
      rest: {
        base_urls: ["https://example.test"],
        requests: [{ name: "depth", channel: "book", connection_id: "public", path: "/depth?s={symbol}" }],
      },
      events,
      books,
    }),
    instance: { channels: ["book"] },
  });
}

function framesOf(...of: Parameters<typeof input>): FramePlan {
  const { runnable, issues } = buildExchange(input(...of));
  assert.deepEqual(issues, []);
  assert.ok(runnable !== null);
  return runnable.frames;
}

function issuesOf(...of: Parameters<typeof input>): readonly string[] {
  return buildExchange(input(...of)).issues.map(({ file, message }) => `${file}: ${message}`);
}

Deno.test("buildExchange() lowers a book with what its kind implies", () => {
  const [pushed] = framesOf([{ kind: "pushed", integrity: "none" }]).books;
  assert.deepEqual(pushed, {
    name: "book",
    rules: ["book"],
    kind: "pushed",
    sequence: "none",
    bridge: { drop: "<=", first: "S+1", orPrevious: false },
    resetsLower: false,
    depth: null,
    checksum: null,
    crossed: "resync",
    resync: "resubscribe",
    budget: { count: 3, perMs: 60_000 },
    snapshotRequest: null,
    requests: {},
  });
  const [rest] = framesOf([{ kind: "rest", snapshot_request: "depth", sequence: "next", depth: "{arg:depth}" }]).books;
  assert.deepEqual([rest.resync, rest.snapshotRequest, rest.depth], ["rest", "depth", 25]);
});

Deno.test("buildExchange() makes the request of each instrument for books that are asked for on the socket", () => {
  const request = '{"req":"market.{symbol_lower}.mbp","id":"{id}"}';
  const [book] = framesOf([{ kind: "requested", request, sequence: "next" }]).books;
  assert.deepEqual(
    Object.entries(book.requests).map(([native, template]) => [native, showTemplate(template)]),
    [["BTC/USDT", '{"req":"market.btc/usdt.mbp","id":"{id}"}']],
  );
});

Deno.test("buildExchange() gives the rules of a book its checksum", () => {
  const checksum = { at: "/c", depth: 10, order: "asks_bids", numbers: "padded", absent: [0] };
  const frames = framesOf([{ kind: "pushed", rules: ["book"], checksum }], [BOOK_EVENT, {
    ...BOOK_EVENT,
    name: "top",
    integrity: "none",
  }]);
  assert.deepEqual(frames.events.map(({ fields }) => fields.checksum?.sources[0].source), ["/c", undefined]);
  assert.deepEqual(frames.books[0].checksum, {
    depth: 10,
    order: "asks_bids",
    separator: "",
    numbers: "padded",
    priceDigits: null,
    sizeDigits: null,
    negativeAsks: false,
    signed: false,
    absent: ["0"],
  });
});

Deno.test("buildExchange() says what is wrong with books", () => {
  const checksum = { depth: 10, order: "asks_bids" };
  assert.deepEqual(
    issuesOf([
      { kind: "rest", rules: ["bok"], integrity: "none", depth: "{arg:depth}0x" },
      { kind: "requested", checksum, resync: "rest" },
      { kind: "pushed", integrity: "none", snapshot_request: "dept" },
    ]),
    [
      "descriptor/books/0/rules/0: Unknown book rule bok: the descriptor has book",
      "descriptor/books/0: No `snapshot_request`: kind rest needs the REST request that fetches snapshots",
      "descriptor/books/0/depth: Not a number of levels: 250x",
      "descriptor/books/1/name: Name book is given to two books: make it unique",
      "descriptor/books/1: No `request`: kind requested needs the message that requests a snapshot",
      "descriptor/books/1/resync: Resync rest needs a `snapshot_request`",
      "descriptor/books/1/checksum: No `at`, nor an event rule of kind checksum: one of them must say where the checksum is",
      "descriptor/books/2/name: Name book is given to two books: make it unique",
      "descriptor/books/2: Event rule book feeds book book already: name the `rules` of each",
      "descriptor/books/2/snapshot_request: Unknown request dept: the descriptor has depth",
    ],
  );
  const framed = { kind: "checksum", symbol: "/s", checksum: "/c" };
  assert.deepEqual(issuesOf([{ kind: "pushed", integrity: "none" }], [BOOK_EVENT, framed]), [
    "descriptor/books/0: No `checksum`: an event rule of kind checksum feeds it",
  ]);
});

Deno.test("buildExchange() warns of a book rule that no book keeps, unless it says so itself", () => {
  const top = { ...BOOK_EVENT, name: "top" };
  const unkept = (name: string) =>
    new RegExp(`No \\[\\[books\\]\\] table maintains book rule ${name}: .*integrity = "none"`);
  const [none, ...others] = issuesOf([]);
  assert.match(none, unkept("book"));
  assert.deepEqual(others, []);
  const [second, ...more] = issuesOf([{ kind: "snapshots", rules: ["book"] }], [BOOK_EVENT, top]);
  assert.match(second, unkept("top"));
  assert.ok(second.startsWith("descriptor/events/1: "));
  assert.deepEqual(more, []);
  assert.deepEqual(issuesOf([{ kind: "snapshots", rules: ["book"] }], [BOOK_EVENT, { ...top, integrity: "none" }]), []);
  assert.deepEqual(issuesOf([], [{ kind: "trade", symbol: "/s", price: "/p", size: "/q" }]), []);
  assert.notEqual(buildExchange(input([])).runnable, null);
});

Deno.test("buildExchange() warns of a book that nothing proves, and of integrity none where something does", () => {
  for (const book of [{ kind: "pushed" }, { kind: "periodic" }, { kind: "rest", snapshot_request: "depth" }]) {
    const [issue, ...others] = issuesOf([book]);
    assert.match(issue, /^descriptor\/books\/0: Nothing proves book book, so a lost delta stays unnoticed/);
    assert.deepEqual(others, []);
    assert.deepEqual(issuesOf([{ ...book, integrity: "none" }]), []);
    assert.deepEqual(issuesOf([{ ...book, sequence: "rising" }]), []);
    assert.deepEqual(issuesOf([{ ...book, checksum: { at: "/c", depth: 10, order: "asks_bids" } }]), []);
  }
  assert.deepEqual(issuesOf([{ kind: "snapshots" }]), []);
  assert.deepEqual(issuesOf([{ kind: "snapshots", integrity: "none" }]), [
    "descriptor/books/0/integrity: Integrity is none, but every frame is whole: leave `integrity` out",
  ]);
  const counted = { ...input([{ kind: "pushed" }]) };
  const { descriptor } = counted;
  const parse = { ...descriptor.parse, socket_sequence: "/n" } as typeof descriptor.parse;
  assert.deepEqual(buildExchange({ ...counted, descriptor: { ...descriptor, parse } }).issues, []);
});
