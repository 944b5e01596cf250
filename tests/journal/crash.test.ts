import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { inTempDir } from "../support/journal_rig.ts";
import { crashAt, CRASHES, memoryDisk } from "./crashes.ts";

const { files } = denoHost();
/** Of the operations of a run on a real disk, every one of so many is reached: `deno task crashes` reaches all, often. */
const REAL_STRIDE = 23;

for (const crash of CRASHES) {
  const { kind, powerCut } = crash;
  const what = kind === "fail" || kind === "short"
    ? `restarts cleanly after any one file operation failed (${kind})`
    : powerCut
    ? "loses no synced record when the power goes at any file operation"
    : `loses no synced record when the process ends ${kind} any file operation`;

  Deno.test(`journal ${what}`, async () => {
    let at = 1;
    while (await crashAt(memoryDisk(), { ...crash, at, seed: 1 })) at++;
    assert.ok(at > 60, `only ${at} operations`);
  });

  Deno.test(`journal ${what}, on a real disk`, async () => {
    let at = 1 + CRASHES.indexOf(crash) * 3;
    let reached = true;
    while (reached) {
      await inTempDir(async (root) => {
        reached = await crashAt({ files, dir: `${root}/journal` }, { ...crash, at, seed: 1 });
      });
      at += REAL_STRIDE;
    }
    assert.ok(at > 60, `only ${at} operations`);
  });
}
