import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import type { Files } from "../../src/host/mod.ts";
import { type JournalEntry, readJournal } from "../../src/journal/mod.ts";
import type { Envelope, JournalRecord, Offset, Plan } from "../../src/model/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import { framePlansOf } from "./collector_config.ts";

/** A CRC-32 of every record from the first offset on, in order. */
export interface JournalDigest {
  readonly first: Offset;
  readonly crcs: readonly number[];
}

/** Reads a whole journal without changing it. Offsets have to follow each other. */
export async function digestJournal(files: Files, dir: string): Promise<JournalDigest> {
  let first: Offset = -1;
  const crcs: number[] = [];
  for await (const { offset, record } of entriesOf(files, dir)) {
    if (crcs.length === 0) first = offset;
    assert.equal(offset, first + crcs.length, "offsets are continuous");
    crcs.push(recordCrc(record));
  }
  return { first, crcs };
}

/** Asserts that nothing of an earlier digest is lost or changed in a later one. */
export function assertExtends(later: JournalDigest, earlier: JournalDigest, when: string): void {
  assert.equal(later.first, earlier.first, `${when}: the journal begins where it began`);
  assert.ok(later.crcs.length >= earlier.crcs.length, `${when}: ${earlier.crcs.length - later.crcs.length} lost`);
  const changed = earlier.crcs.findIndex((crc, i) => later.crcs[i] !== crc);
  assert.equal(changed, -1, `${when}: the record at offset ${earlier.first + changed} has changed`);
}

/** Records of a journal one by one. Reading starts at the segment that holds `from`. */
export async function* entriesOf(files: Files, dir: string, from: Offset = 0): AsyncGenerator<JournalEntry> {
  for await (const chunk of readJournal(files, dir, { from })) yield* chunk;
}

/** The events that the pipeline derives from a whole journal, by the plans in it; `plan`: for sessions without one. */
export async function* deriveAll(files: Files, dir: string, plan: Plan | null = null): AsyncGenerator<Envelope> {
  const none = { enabled: false, windowSeconds: 1, keysMax: 1 };
  const pipeline = new Pipeline(plan === null ? [] : framePlansOf(plan), plan?.dedup ?? none);
  for await (const { offset, record } of entriesOf(files, dir)) yield* pipeline.process(offset, record).envelopes;
}

function recordCrc(record: JournalRecord): number {
  switch (record.kind) {
    case "frame": {
      const { payload, ...rest } = record;
      return crc32(payload, crc32(JSON.stringify(rest)));
    }
    case "http": {
      const { body, ...rest } = record;
      return crc32(body, crc32(JSON.stringify(rest)));
    }
    default:
      return crc32(JSON.stringify(record));
  }
}
