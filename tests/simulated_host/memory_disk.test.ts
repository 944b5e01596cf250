import assert from "node:assert/strict";
import { denoHost, type Files } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { MemoryDisk } from "../../src/simulated_host/mod.ts";
import { seeded } from "../support/seeded.ts";

const SHIPPED = { dir: "/nowhere", files: denoHost().files };
const bytes = (text: string) => new TextEncoder().encode(text);

async function append(files: Files, path: string, text: string, sync: boolean): Promise<void> {
  const handle = await files.open(path, "append");
  await handle.write(bytes(text));
  if (sync) await handle.sync();
  await handle.close();
}

Deno.test("MemoryDisk does what the real one does, call by call", async () => {
  const real = denoHost().files;
  const root = await real.makeTempDir("disk");
  const memory = new MemoryDisk(() => 0).of({ lives: true }, SHIPPED);
  await memory.makeDir(root);
  const random = seeded(11);
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)];
  const paths = ["a", "b", "d/a", "d/e/b", "d"].map((name) => `${root}/${name}`);
  const outcome = async (call: () => Promise<unknown>) => {
    try {
      return JSON.stringify(await call() ?? null);
    } catch (error) {
      assert.ok(error instanceof Failure, String(error));
      return `failure ${error.code}`;
    }
  };
  const calls: readonly ((files: Files, path: string, other: string) => Promise<unknown>)[] = [
    (files, path) => files.makeDir(path),
    (files, path) => files.writeAtomic(path, bytes(`whole ${path}`)),
    (files, path) => append(files, path, `line of ${path}\n`, true),
    (files, path) => files.readText(path),
    (files, path) => files.list(path),
    async (files, path) => {
      const stat = await files.stat(path);
      return stat === null ? null : [stat.isDirectory, stat.isDirectory ? 0 : stat.bytes];
    },
    (files, path, other) => files.rename(path, other),
    (files, path) => files.remove(path),
    (files, path) => files.removeTree(path),
    async (files, path) => {
      const handle = await files.open(path, "append");
      await handle.truncate(3);
      await handle.close();
    },
  ];
  try {
    for (let step = 0; step < 1500; step++) {
      const [call, path, other] = [pick(calls), pick(paths), pick(paths)];
      // One file system refuses what another allows where a folder is renamed into itself or over another.
      if (other.startsWith(path) && call.length === 3) continue;
      const isFolder = async (one: string) => (await real.stat(one))?.isDirectory === true;
      if (call.length === 3 && (await isFolder(path) || await isFolder(other))) continue;
      assert.equal(
        await outcome(() => call(memory, path, other)),
        await outcome(() => call(real, path, other)),
        `step ${step}: ${call} of ${path} ${other}`,
      );
    }
  } finally {
    await real.removeTree(root);
  }
});

Deno.test("MemoryDisk keeps over a power cut what was synced, and of the rest a begin at most", async () => {
  const random = seeded(3);
  for (let run = 0; run < 50; run++) {
    const disk = new MemoryDisk(() => 0);
    const files = disk.of({ lives: true }, SHIPPED);
    await files.makeDir("/data");
    await files.syncDir("/");
    await append(files, "/data/log", "synced ", true);
    await files.syncDir("/data");
    await append(files, "/data/log", "and what was not", false);
    await append(files, "/data/unnamed", "synced, but its name was not", true);
    disk.powerCut(random);
    const text = await files.readText("/data/log") ?? "";
    assert.ok(text.startsWith("synced "), text);
    assert.ok(text.length <= "synced and what was not".length);
    const unnamed = await files.readText("/data/unnamed");
    assert.ok(unnamed === null || unnamed === "synced, but its name was not", unnamed ?? "");
  }
});

Deno.test("MemoryDisk fills up, tells the failure that is asked for, and answers no process that has ended", async () => {
  const disk = new MemoryDisk(() => 0);
  const user = { lives: true };
  const files = disk.of(user, SHIPPED);
  await files.makeDir("/data");
  disk.capacity = 10;
  await assert.rejects(() => append(files, "/data/log", "twelve bytes", false), { code: "disk_full" });
  assert.equal((await files.stat("/data/log"))?.bytes, 10);
  disk.fault = ({ what, path }) => what === "read" ? new Failure("file", `Cannot read ${path}`) : null;
  await assert.rejects(() => files.readText("/data/log"), { message: "Cannot read /data/log" });
  user.lives = false;
  let answered = false;
  files.stat("/data/log").then(() => answered = true);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(answered, false);
});
