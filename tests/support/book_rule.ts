import type { BookRule, ChecksumRule } from "../../src/model/mod.ts";

/** A rule of a pushed, unnumbered book, but for what is given. */
export function bookRule(over: Partial<BookRule> = {}): BookRule {
  return {
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
    ...over,
  };
}

/** A checksum as received, interleaved by colons, but for what is given. */
export function checksumRule(over: Partial<ChecksumRule> = {}): ChecksumRule {
  return {
    depth: 25,
    order: "interleaved",
    separator: ":",
    numbers: "as_received",
    priceDigits: null,
    sizeDigits: null,
    negativeAsks: false,
    signed: true,
    absent: [],
    ...over,
  };
}
