import assert from "node:assert/strict";
import { decodeNote, encodeNote, type NotedStream } from "../../src/group/mod.ts";
import { GROUP_NOTE_CHARS_MAX } from "../../src/model/mod.ts";

const STREAM: NotedStream = { exchange: "one", channel: "trades", symbol: "A/B", id: "7", ts: 5 };

Deno.test("decodeNote() reads what encodeNote() writes", () => {
  const note = { journal: "j", at: 9, last: [STREAM, { ...STREAM, channel: "candles", id: null } as const] };
  assert.deepEqual(decodeNote(encodeNote(note)), note);
  assert.deepEqual(decodeNote(encodeNote({ ...note, last: [] })), { ...note, last: [] });
});

Deno.test("encodeNote() leaves out streams past its bound", () => {
  const last = Array.from({ length: 50_000 }, (_, at) => ({ ...STREAM, symbol: `S${at}/B` }));
  const text = encodeNote({ journal: "j", at: 9, last });
  assert.ok(text.length <= GROUP_NOTE_CHARS_MAX);
  const read = decodeNote(text)?.last ?? [];
  assert.ok(read.length > 1_000);
  assert.deepEqual(read, last.slice(0, read.length));
});

Deno.test("decodeNote() gives null for what is no note of this version", () => {
  const good = JSON.parse(encodeNote({ journal: "j", at: 9, last: [STREAM] }));
  const bad = [
    "",
    "7",
    "null",
    JSON.stringify({ ...good, v: 2 }),
    JSON.stringify({ ...good, journal: 1 }),
    JSON.stringify({ ...good, at: "9" }),
    JSON.stringify({ ...good, last: {} }),
    JSON.stringify({ ...good, last: [["one", "no channel", "A/B", "7", 5]] }),
    JSON.stringify({ ...good, last: [["one", "trades", "A/B", 7, 5]] }),
    JSON.stringify({ ...good, last: [["one", "trades", "A/B", "7", null]] }),
    JSON.stringify({ ...good, last: [7] }),
  ];
  for (const text of bad) assert.equal(decodeNote(text), null, text);
});
