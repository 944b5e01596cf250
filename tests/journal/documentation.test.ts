import assert from "node:assert/strict";
import {
  encodeEnd,
  encodeHeader,
  encodeMark,
  FORMAT_VERSION,
  RECORD_BODY_BYTES_MAX,
} from "../../src/journal/format.ts";
import {
  JOURNAL_BUFFER_BYTES_MAX,
  JOURNAL_CHECKPOINT_BYTES_MAX,
  JOURNAL_COMMIT_BYTES,
  JOURNAL_PART_BYTES,
  JOURNAL_REFUSED_BYTES,
} from "../../src/model/mod.ts";

const PAGE = Deno.readTextFileSync("docs/journal.md").replaceAll(/\s+/g, " ");

function size(bytes: number): string {
  return bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`;
}

Deno.test("docs/journal.md gives the journal's bounds as they are", () => {
  for (
    const sentence of [
      `or sooner when ${size(JOURNAL_COMMIT_BYTES)} wait`,
      `Sockets are paused when ${size(JOURNAL_BUFFER_BYTES_MAX)} wait`,
      `with which more than ${size(JOURNAL_REFUSED_BYTES)} would wait is refused`,
      `in parts of about ${size(JOURNAL_PART_BYTES)} or one book each`,
      `A checkpoint of more than ${size(JOURNAL_CHECKPOINT_BYTES_MAX)}`,
      `A body has at most ${size(RECORD_BODY_BYTES_MAX)}`,
    ]
  ) assert.ok(PAGE.includes(sentence), sentence);
});

Deno.test("docs/journal.md gives the lengths of header, mark and end as they are written", () => {
  const journal = "01234567-89ab-4def-8123-456789abcdef";
  const header = { firstOffset: 1, createdAt: 2, version: FORMAT_VERSION, journal };
  const mark = encodeMark({ firstOffset: 1, position: 2, nextOffset: 3 }, FORMAT_VERSION);
  const end = encodeEnd({ ...header, plainBytes: 4, nextOffset: 5 });
  assert.ok(PAGE.includes(`This is format ${FORMAT_VERSION},`));
  assert.ok(PAGE.includes(`created at, µs u64 id (16) ${encodeHeader(header).length} bytes`));
  assert.ok(PAGE.includes(`position u64 next offset u64 ${mark.length} bytes`));
  assert.ok(PAGE.includes(`0x184D2A51 u32 ${end.length - 8} u32`));
});
