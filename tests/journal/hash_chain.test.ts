import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { denoHost } from "../../src/host/mod.ts";
import { type Journal, listJournal, readChain, repairJournal, verifyJournal } from "../../src/journal/mod.ts";
import type { Observation } from "../../src/model/mod.ts";
import { frame, inTempDir, openRig } from "../support/journal_rig.ts";
import { ManualClock } from "../support/manual_clock.ts";

const MIB = 1024 * 1024;
const { files } = denoHost();

/** Appends frames until so many segments more were begun. */
async function fill(journal: Journal, clock: ManualClock, segments: number): Promise<void> {
  const starts = new Set([journal.segmentStart(journal.next)]);
  while (starts.size <= segments) {
    const offset = journal.append(frame(`${clock.nowMicros()} ${"x".repeat(300_000)}`, clock.nowMicros()));
    await journal.sync();
    starts.add(journal.segmentStart(offset));
    clock.advance(60_000);
  }
  await journal.whenSealed();
}

const sha256 = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex");

/** The same sealed segment with its blocks compressed more: every checksum fits, and every record is sound. */
function compressedAgain(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  while (view.getUint32(at, true) === 0x184d2a50) {
    const length = view.getUint32(at + 12, true);
    const plain = zstdDecompressSync(bytes.subarray(at + 20, at + 20 + length));
    const again = zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: 15 } });
    const block = new Uint8Array(20 + again.length);
    block.set(bytes.subarray(at, at + 20));
    block.set(again, 20);
    const header = new DataView(block.buffer);
    header.setUint32(12, again.length, true);
    header.setUint32(8, crc32(block.subarray(12)), true);
    parts.push(block);
    at += 20 + length;
  }
  parts.push(bytes.subarray(at));
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("a journal links its sealed segments by SHA-256, over restarts, and goes on where segments were deleted", async () => {
  await inTempDir(async (dir) => {
    const clock = new ManualClock();
    const open = () => openRig(dir, { clock, plan: { segmentBytes: MIB } });
    const first = await open();
    await fill(first, clock, 3);
    const { id } = first;
    await first.close();
    assert.equal((await readChain(files, dir)).length, 3);
    const second = await open();
    await fill(second, clock, 2);
    const links = await readChain(files, dir);
    let previous = id;
    for (const link of links) {
      const path = `${dir}/${String(link.first_offset).padStart(16, "0")}.journal.zst`;
      assert.equal(link.sha256, sha256(await files.readBytes(path) ?? ""));
      assert.equal(link.previous, previous);
      assert.equal(link.value, sha256(`${previous} ${link.first_offset} ${link.next_offset} ${link.sha256}`));
      previous = link.value;
    }
    assert.ok(links.length >= 5, `${links.length}`);
    await second.commitCursor("archive", second.synced);
    await second.removePassed();
    await fill(second, clock, 1);
    await second.close();
    assert.ok((await listJournal(files, dir)).length < 4);
    assert.ok((await readChain(files, dir)).length > links.length);
    assert.deepEqual((await verifyJournal(files, dir)).damage, []);
  });
});

Deno.test("a line that a crash cut off the chain is written anew; segments that no link names are linked at the start", async () => {
  await inTempDir(async (dir) => {
    const clock = new ManualClock();
    const open = () => openRig(dir, { clock, plan: { segmentBytes: MIB } });
    const first = await open();
    await fill(first, clock, 3);
    await first.close();
    const text = await files.readText(`${dir}/chain.jsonl`) ?? "";
    for (const length of [text.length - 1, text.length - 50, 10, 0]) {
      await files.writeAtomic(`${dir}/chain.jsonl`, new TextEncoder().encode(text.slice(0, length)));
      const again = await open();
      await again.whenSealed();
      await again.close();
      assert.equal(await files.readText(`${dir}/chain.jsonl`), text, `${length}`);
    }
    await files.remove(`${dir}/chain.jsonl`);
    await (await open()).close();
  });
});

Deno.test("verifyJournal tells a segment that is whole and another than it was, and a chain that was changed", async () => {
  await inTempDir(async (dir) => {
    const clock = new ManualClock();
    const seen: Observation[] = [];
    const journal = await openRig(dir, { clock, seen, plan: { segmentBytes: MIB } });
    await fill(journal, clock, 3);
    await journal.close();
    const text = await files.readText(`${dir}/chain.jsonl`) ?? "";
    const [link] = await readChain(files, dir);
    const change = async (from: string, to: string) => {
      await files.writeAtomic(`${dir}/chain.jsonl`, new TextEncoder().encode(text.replace(from, to)));
      return (await verifyJournal(files, dir)).damage.map(({ reason }) => reason);
    };
    assert.deepEqual(await change("", ""), []);
    assert.match((await change(link.sha256, "0".repeat(64))).join(), /another value than it should/);
    assert.match(
      (await change(`"value":"${link.value}"`, `"value":"${"0".repeat(64)}"`)).join(),
      /does not follow|another value/,
    );
    assert.match((await change(text.slice(0, text.indexOf("\n") + 1), "")).join(), /does not follow/);
    await change("", "");
    const name = `${dir}/${String(link.first_offset).padStart(16, "0")}.journal.zst`;
    const bytes = await files.readBytes(name) ?? new Uint8Array();
    await files.writeAtomic(name, compressedAgain(bytes));
    const { damage } = await verifyJournal(files, dir);
    assert.ok(damage.some(({ reason }) => reason.includes("the hash chain has")), JSON.stringify(damage));
    assert.equal(damage.length, 1, "and nothing else");
    const flipped = bytes.slice();
    flipped[flipped.length >> 1] ^= 1;
    await files.writeAtomic(name, flipped);
    await repairJournal({ ...denoHost(), clock, processId: 1 }, dir, { apply: true });
    const open = await openRig(dir, { clock, plan: { segmentBytes: MIB } });
    await open.whenSealed();
    await open.close();
    assert.deepEqual((await verifyJournal(files, dir)).damage, [], "what was repaired is linked anew");
  });
});
