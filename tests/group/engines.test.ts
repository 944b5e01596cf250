import assert from "node:assert/strict";
import { type GroupEngine, openEngine } from "../../src/group/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { Failure, type GroupPlan } from "../../src/model/mod.ts";
import { GROUP_ENGINES } from "./group_engines.ts";

const HOST = denoHost();

for (const { name: engine, absent, start } of GROUP_ENGINES) {
  Deno.test({
    name: absent === null ? `group engine ${engine}` : `group engine ${engine} (ignored: ${absent})`,
    ignore: absent !== null,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async (t) => {
      const server = await start();
      const open = (changes: Partial<GroupPlan> = {}, timeoutMs = 3_000) =>
        openEngine({
          plan: {
            ...{ engine, url: server.url(), caPath: null, credsPath: null, name: "conformance" },
            ...{ ttlMs: 1_000, replicas: 1, shares: 8, ...changes },
          },
          host: HOST,
          timeoutMs,
        });
      const opened: GroupEngine[] = [];
      try {
        const a = await open();
        opened.push(a);
        const b = await open();
        opened.push(b);
        await t.step("keeps an entry with a revision that grows, and the time of its own clock", async () => {
          const first = await a.put("eu-1", "one", 0);
          assert.ok(first !== null);
          const second = await a.put("eu-1", "two", first);
          assert.ok(second !== null && second > first);
          const { now, entries } = await b.list();
          assert.deepEqual(entries.map(({ key, value, revision }) => ({ key, value, revision })), [
            { key: "eu-1", value: "two", revision: second },
          ]);
          assert.ok(entries[0].storedAt <= now && now - entries[0].storedAt < 60_000_000);
          assert.ok(Math.abs(now - HOST.clock.nowMicros()) < 60_000_000);
        });
        await t.step("refuses a write that expects another revision, and stores nothing of it", async () => {
          assert.equal(await b.put("eu-1", "none expected", 0), null);
          const [{ revision }] = (await b.list()).entries;
          assert.equal(await b.put("eu-1", "an old one expected", revision - 1), null);
          assert.equal(await b.put("eu-2", "one expected where there is none", 7), null);
          assert.deepEqual((await b.list()).entries.map(({ value }) => value), ["two"]);
        });
        await t.step(
          "keeps the last note beside an entry, and shows it to nobody who looks at the entries",
          async () => {
            const before = (await a.list()).entries;
            assert.equal(await b.note("eu-1"), null);
            await a.putNote("eu-1", "first");
            await b.putNote("eu-1", "x".repeat(500_000));
            assert.equal((await a.note("eu-1"))?.length, 500_000);
            assert.equal(await a.note("eu-2"), null);
            assert.deepEqual((await b.list()).entries, before);
          },
        );
        await t.step("lets one of many writers win", async () => {
          const results = await Promise.all([a, b, a, b].map((one, at) => one.put("eu=2f3", String(at), 0)));
          assert.equal(results.filter((revision) => revision !== null).length, 1);
        });
        await t.step("keeps groups apart", async () => {
          const other = await open({ name: "other" });
          assert.deepEqual((await other.list()).entries, []);
          await other.close();
        });
        await t.step("gives up on a server that hangs, within its time", async () => {
          const c = await open({}, 400);
          await server.suspend();
          // The signal takes effect a little later than it is sent.
          await HOST.clock.sleep(100);
          await assert.rejects(() => c.list(), Failure);
          await c.close();
          await server.resume();
        });
        await t.step("finds its entries after the server was killed", async () => {
          const before = (await a.list()).entries;
          await server.kill();
          await assert.rejects(() => a.list(), Failure);
          await assert.rejects(() => open({}, 500), Failure);
          await server.start();
          const again = await open();
          assert.deepEqual((await again.list()).entries, before);
          await again.close();
        });
        await t.step("names no password when it is refused", async () => {
          await assert.rejects(
            () => open({ url: server.url("wrong-secret") }),
            (error: unknown) => error instanceof Failure && !error.message.includes("wrong-secret"),
          );
        });
      } finally {
        for (const one of opened) await one.close();
        await server.stop();
      }
    },
  });
}
