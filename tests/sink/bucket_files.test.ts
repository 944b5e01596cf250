import assert from "node:assert/strict";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { checkArchived, findArchived, readJournal, verifyJournal } from "../../src/journal/mod.ts";
import { Failure, type Observation } from "../../src/model/mod.ts";
import { withBuckets } from "../../src/sink/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { collect, frame, frameTexts, inTempDir, openRig } from "../support/journal_rig.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { S3_ABSENT, S3Server } from "../support/s3_server.ts";

const MIB = 1024 * 1024;

function hostWith(variables: Readonly<Record<string, string>>): Host {
  return withBuckets({ ...denoHost(), environment: { get: (name) => variables[name] } });
}

function variablesOf(server: S3Server): Readonly<Record<string, string>> {
  const { url, access_key_id, secret_access_key } = server.keys();
  return {
    AWS_ENDPOINT_URL: String(url),
    AWS_ACCESS_KEY_ID: String(access_key_id),
    AWS_SECRET_ACCESS_KEY: String(secret_access_key),
  };
}

Deno.test("withBuckets() says which key is missing, and what a path lacks", async () => {
  const { files } = hostWith({ AWS_ACCESS_KEY_ID: "id" });
  await assert.rejects(() => files.readText("s3://market/x"), {
    message: "Cannot open s3://market: AWS_SECRET_ACCESS_KEY is not set",
  });
  await assert.rejects(() => files.stat("s3://"), { message: /expected s3:\/\/bucket\/key/ });
  assert.throws(() => files.readTextSync("s3://market/x"), { message: /a bucket does not offer that/ });
  await assert.rejects(() => files.lock("s3://market/x"), Failure);
  assert.equal(await files.stat("/nowhere/at/all"), null);
});

Deno.test({
  name: `files in a bucket${S3_ABSENT === null ? "" : ` (ignored: ${S3_ABSENT})`}`,
  ignore: S3_ABSENT !== null,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    const server = await S3Server.start();
    const variables = variablesOf(server);
    const { files } = hostWith(variables);
    try {
      await t.step("are written whole, listed by folder, read by pieces, renamed and removed", async () => {
        const names = ["a/one & two.json", "a/b/deep", "a/b/c/deeper", "ab"];
        for (const name of names) await files.writeAtomic(`s3://market/t/${name}`, new TextEncoder().encode(name));
        assert.deepEqual(await files.list("s3://market/t/a"), [
          { name: "b", isDirectory: true },
          { name: "one & two.json", isDirectory: false },
        ]);
        assert.equal(await files.list("s3://market/t/none"), null);
        assert.equal((await files.stat("s3://market/t/a"))?.isDirectory, true);
        assert.equal((await files.stat("s3://market/t/ab"))?.bytes, 2);
        assert.equal(await files.stat("s3://market/t/a/b/dee"), null);
        assert.equal(await files.readText("s3://market/t/a/none"), null);
        assert.equal(await files.readText("s3://market/t/a/one & two.json"), "a/one & two.json");
        await files.rename("s3://market/t/a/one & two.json", "s3://market/t/a/three+four");
        assert.equal(await files.readText("s3://market/t/a/one & two.json"), null);
        const handle = await files.open("s3://market/t/a/three+four", "read");
        assert.equal(new TextDecoder().decode(await handle.readAt(2, 3)), "one");
        assert.equal(new TextDecoder().decode(await handle.readAt(8, 100)), "two.json");
        assert.equal((await handle.readAt(16, 10)).length, 0);
        await files.remove("s3://market/t/a/three+four");
        await files.remove("s3://market/t/a/three+four");
        assert.deepEqual(await files.list("s3://market/t/a"), [{ name: "b", isDirectory: true }]);
        await assert.rejects(() => files.open("s3://market/t/none", "read"), { message: /no such object/ });
      });

      await t.step("hold the segments of a journal, found, verified and read from there", async () => {
        await inTempDir(async (dir) => {
          const clock = new ManualClock();
          const seen: Observation[] = [];
          const archiveDir = "s3://market/raw/eu-1";
          const journal = await openRig(`${dir}/journal`, {
            clock,
            seen,
            files,
            plan: { segmentBytes: MIB, archiveDir },
          });
          const texts = new Map<number, string>();
          const { name, streams } = { name: "alpha", streams: [] };
          const session = journal.append({
            ...{ kind: "opened", at: clock.nowMicros(), exchange: name, connection: "public", url: "", streams },
            ...{ descriptorHash: "", planHash: null },
          });
          const starts = new Set<number>();
          for (let at = 0; starts.size < 3; at++) {
            const text = `${at} ${"x".repeat(200_000)}`;
            const offset = journal.append({ ...frame(text, clock.nowMicros()), session });
            texts.set(offset, text);
            await journal.sync();
            starts.add(journal.segmentStart(offset));
            clock.advance(60_000);
          }
          await journal.whenSealed();
          await journal.commitCursor("reader", journal.synced);
          await journal.removePassed();
          const kept = journal.oldest;
          await journal.close();
          assert.deepEqual(seen.filter(({ kind }) => kind === "journal_warning"), []);
          assert.equal(seen.filter(({ kind }) => kind === "journal_segment_archived").length, 2);
          assert.ok((await server.list("raw/")).every((key) => !key.endsWith(".tmp")));
          const found = await findArchived(files, archiveDir, { exchange: "alpha" });
          assert.equal(found.length, 2);
          for (const segment of found) assert.equal(await checkArchived(files, segment), null);
          const root = `${archiveDir}/${journal.id}`;
          assert.deepEqual((await verifyJournal(files, root)).damage, []);
          const archived = frameTexts(await collect(readJournal(files, root)));
          assert.deepEqual(archived, new Map([...texts].filter(([offset]) => offset < kept)));
          const listed = await runCli(["journal", "find", archiveDir, "--exchange", "alpha", "--check"], { variables });
          assert.deepEqual([listed.code, listed.err], [0, ""]);
          assert.match(listed.out, /s3:\/\/market\/raw\/eu-1\/.*\.journal\.zst/);
          const verified = await runCli(["journal", "verify", archiveDir], { variables });
          assert.deepEqual([verified.code, verified.err], [0, ""]);
          await server.write(found[0].path.slice("s3://market/".length), "damage");
          const damaged = await runCli(["journal", "find", archiveDir, "--check"], { variables });
          assert.equal(damaged.code, 1);
          assert.match(damaged.err, /its checksum is/);
        });
      });

      await t.step("that cannot be reached are told when the journal opens, which goes on", async () => {
        await inTempDir(async (dir) => {
          const seen: Observation[] = [];
          const wrong = hostWith({ ...variables, AWS_SECRET_ACCESS_KEY: "wrong-secret" });
          const journal = await openRig(`${dir}/journal`, {
            seen,
            files: wrong.files,
            plan: { archiveDir: "s3://market/raw" },
          });
          const told = () => seen.flatMap((each) => each.kind === "journal_warning" ? [each.text] : []);
          for (let tries = 0; told().length === 0 && tries < 6_000; tries++) {
            await new Promise((go) => setTimeout(go, 10));
          }
          await journal.close();
          assert.match(told().join(), /Cannot reach the archive: .*SignatureDoesNotMatch/);
          assert.ok(!told().join().includes("wrong-secret"));
        });
      });
    } finally {
      await server.stop();
    }
  },
});
