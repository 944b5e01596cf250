import assert from "node:assert/strict";
import fc from "fast-check";
import { fileFailure } from "../../src/host/file_failure.ts";
import { denoHost } from "../../src/host/mod.ts";
import { Failure, type FailureCode } from "../../src/model/mod.ts";

const files = denoHost().files;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array | null) => content === null ? null : new TextDecoder().decode(content);
const failsAs = (code: FailureCode) => (error: unknown) => error instanceof Failure && error.code === code;

async function inTempDir(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await files.makeTempDir("host-files-");
  try {
    await use(dir);
  } finally {
    await files.removeTree(dir);
  }
}

Deno.test("Files give null for what is missing and do not fail to remove it", async () => {
  await inTempDir(async (dir) => {
    const missing = `${dir}/missing/deep`;
    assert.equal(await files.readBytes(missing), null);
    assert.equal(await files.readText(missing), null);
    assert.equal(files.readTextSync(missing), null);
    assert.equal(await files.stat(missing), null);
    assert.equal(await files.list(missing), null);
    await files.remove(missing);
    await files.removeTree(missing);
    await assert.rejects(files.open(missing, "read"), failsAs("file"));
    await assert.rejects(files.open(missing, "append"), failsAs("file"));
    await assert.rejects(files.rename(missing, `${dir}/x`), failsAs("file"));
  });
});

Deno.test("Files treat a path through a file as missing", async () => {
  await inTempDir(async (dir) => {
    await files.writeAtomic(`${dir}/plain`, bytes("x"));
    assert.equal(files.readTextSync(`${dir}/plain/below`), null);
    assert.equal(await files.readText(`${dir}/plain/below`), null);
  });
});

Deno.test("writeAtomic() replaces the file whole and leaves no temporary behind", async () => {
  await inTempDir(async (dir) => {
    const path = `${dir}/cursor.json`;
    await files.writeAtomic(path, bytes("a longer first version"));
    await files.writeAtomic(path, bytes("second"));
    assert.equal(await files.readText(path), "second");
    assert.equal(files.readTextSync(path), "second");
    assert.deepEqual(await files.list(dir), [{ name: "cursor.json", isDirectory: false }]);
    await files.syncDir(dir);
  });
});

Deno.test("writeAtomic() keeps the old content when the new one cannot be written", async () => {
  await inTempDir(async (dir) => {
    const path = `${dir}/kept`;
    await files.writeAtomic(path, bytes("old"));
    await files.makeDir(`${path}.tmp`);
    await assert.rejects(files.writeAtomic(path, bytes("new")), failsAs("file"));
    assert.equal(await files.readText(path), "old");
  });
});

Deno.test("open() in append mode goes on after what is there", async () => {
  await inTempDir(async (dir) => {
    const path = `${dir}/log`;
    for (const part of ["one ", "two ", "three"]) {
      const file = await files.open(path, "append");
      await file.write(bytes(part));
      await file.sync();
      await file.close();
    }
    assert.equal(await files.readText(path), "one two three");
    assert.equal((await files.stat(path))?.bytes, 13);
    const file = await files.open(path, "append");
    await file.truncate(4);
    await file.write(bytes("2"));
    await file.close();
    assert.equal(await files.readText(path), "one 2");
  });
});

Deno.test("readAt() reads the asked bytes whatever is read or appended meanwhile", async () => {
  await inTempDir(async (dir) => {
    const content = new Uint8Array(5000).map((_, i) => i % 251);
    const file = await files.open(`${dir}/f`, "append");
    await file.write(content);
    const range = fc.record({ at: fc.integer({ min: 0, max: 6000 }), length: fc.integer({ min: 0, max: 3000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 8 }), async (ranges) => {
        const appended = file.write(new Uint8Array(0));
        const read = await Promise.all(ranges.map(({ at, length }) => file.readAt(at, length)));
        await appended;
        ranges.forEach(({ at, length }, i) => assert.deepEqual(read[i], content.slice(at, at + length)));
      }),
      { numRuns: 30 },
    );
    await file.close();
  });
});

Deno.test("fileFailure() is disk_full for the system's codes of a full disk and file for others", () => {
  const systemError = (code: string) => Object.assign(new Error("os error"), { code });
  const table: readonly (readonly [string, FailureCode])[] = [
    ["ENOSPC", "disk_full"],
    ["EDQUOT", "disk_full"],
    ["EIO", "file"],
    ["EACCES", "file"],
  ];
  for (const [code, expected] of table) assert.equal(fileFailure("write", "x", systemError(code)).code, expected);
  const inner = new Failure("corrupt", "inner");
  assert.equal(fileFailure("write", "x", inner), inner);
});

Deno.test("lock() fails with busy while it is held and succeeds after its release", async () => {
  await inTempDir(async (dir) => {
    const held = await files.lock(`${dir}/lock`);
    await assert.rejects(files.lock(`${dir}/lock`), failsAs("busy"));
    await held.release();
    const again = await files.lock(`${dir}/lock`);
    await again.release();
  });
});

Deno.test("list() sorts by name and tells folders from files", async () => {
  await inTempDir(async (dir) => {
    await files.makeDir(`${dir}/b/c`);
    await files.writeAtomic(`${dir}/a`, bytes("1"));
    await files.rename(`${dir}/a`, `${dir}/z`);
    assert.deepEqual(await files.list(dir), [{ name: "b", isDirectory: true }, { name: "z", isDirectory: false }]);
    assert.equal((await files.stat(`${dir}/b`))?.isDirectory, true);
    assert.equal(text(await files.readBytes(`${dir}/z`)), "1");
    await files.removeTree(`${dir}/b`);
    await files.remove(`${dir}/z`);
    assert.deepEqual(await files.list(dir), []);
  });
});
