import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeEntry, encodeEntry, entryKey, type MemberEntry } from "../../src/group/mod.ts";

const ENTRY: MemberEntry = {
  member: "eu-1",
  journal: "j",
  state: "active",
  layout: { shares: 4, replicas: 2 },
  ttlMs: 3000,
  at: 1_770_000_000_000_000,
  shares: new Map([[1, "live"], [4, "starting"]]),
};

Deno.test("decodeEntry() reads what encodeEntry() writes", () => {
  assert.deepEqual(decodeEntry(encodeEntry(ENTRY)), ENTRY);
});

Deno.test("decodeEntry() gives null for what is no entry of this version", () => {
  const fields = JSON.parse(encodeEntry(ENTRY));
  const broken: readonly object[] = [
    { v: 2 },
    { member: "" },
    { journal: 1 },
    { state: "asleep" },
    { ttl_ms: 0 },
    { at: "now" },
    { layout: { shares: 4 } },
    { layout: { shares: 100_000, replicas: 1 } },
    { shares: { 5: "live" } },
    { shares: { 1: "dead" } },
    { shares: [] },
  ];
  for (const change of broken) assert.equal(decodeEntry(JSON.stringify({ ...fields, ...change })), null);
  for (const text of ["", "{", "null", "[]", "7"]) assert.equal(decodeEntry(text), null);
  fc.assert(fc.property(fc.json(), (text) => decodeEntry(text) === null));
});

Deno.test("entryKey() keeps names apart and gives one token of a subject", () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
    assert.match(entryKey(a), /^[A-Za-z0-9_=-]+$/);
    if (
      new TextDecoder().decode(new TextEncoder().encode(a)) !== new TextDecoder().decode(new TextEncoder().encode(b))
    ) {
      assert.notEqual(entryKey(a), entryKey(b));
    }
  }));
});
