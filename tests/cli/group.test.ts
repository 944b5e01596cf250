import assert from "node:assert/strict";
import { encodeEntry, openEngine } from "../../src/group/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { GROUP_ENGINES } from "../group/group_engines.ts";
import { freePort } from "../support/server_process.ts";
import { runCli } from "../support/captured_cli.ts";

async function withConfig(group: string, body: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/collector.toml`, `[run]\nhttp_port = 8090\n${group}`);
    await body(`${dir}/collector.toml`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("group status says what is wrong where there is no group, no file, or no engine", async () => {
  await withConfig("", async (path) => {
    const { code, err } = await runCli(["group", "status", "--config", path]);
    assert.equal(code, 64);
    assert.match(err, /has no \[group\]/);
  });
  const missing = await runCli(["group", "status", "--config", "/nowhere/collector.toml"]);
  assert.equal(missing.code, 64);
  await withConfig(`[group]\nengine = "nats"\nurl = "postgres://h/d"\nttl = "1ms"\n`, async (path) => {
    const { code, err } = await runCli(["group", "status", "--config", path]);
    assert.equal(code, 78);
    assert.match(err, /begins with nats:\/\/ or tls:\/\//);
    assert.match(err, /out of range/);
  });
  const port = freePort();
  for (
    const [engine, url] of [["nats", `nats://u:hush-hush@127.0.0.1:${port}`], [
      "postgres",
      `postgres://u:hush-hush@127.0.0.1:${port}/d`,
    ]]
  ) {
    await withConfig(`[group]\nengine = "${engine}"\nurl = "${url}"\n`, async (path) => {
      const { code, err } = await runCli(["group", "status", "--config", path, "--timeout", "1s"]);
      assert.equal(code, 1, err);
      assert.match(err, /^error: Cannot connect to (NATS|PostgreSQL)/m);
      assert.ok(!err.includes("hush-hush"), err);
    });
  }
});

for (const { name: engine, absent, start } of GROUP_ENGINES) {
  Deno.test({
    name: `group status shows the members that ${engine} has` + (absent === null ? "" : ` (ignored: ${absent})`),
    ignore: absent !== null,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const server = await start();
      try {
        const plan = {
          ...{ engine, url: server.url(), caPath: null, credsPath: null, name: "collectors" },
          ...{ ttlMs: 60_000, replicas: 1 as const, shares: 2 },
        };
        const connection = await openEngine({ plan, host: denoHost(), timeoutMs: 3_000 });
        const entry = {
          ...{ journal: "j", state: "active" as const, layout: { shares: 2, replicas: 1 }, ttlMs: 60_000 },
          at: 1_770_000_000_000_000,
        };
        await connection.put("eu-1", encodeEntry({ ...entry, member: "eu-1", shares: new Map([[1, "live"]]) }), 0);
        const config = `[group]\nengine = "${engine}"\nurl = "${server.url()}"\nshares = 2\nttl = "60s"\n`;
        await withConfig(config, async (path) => {
          const one = await runCli(["group", "status", "--config", path]);
          assert.equal(one.code, 1);
          assert.match(one.out, /eu-1 +active +2026-02-02T02:40:00\S* +1 +–/);
          assert.match(one.out, /nobody collects shares 2/);
          await connection.put("eu-2", encodeEntry({ ...entry, member: "eu-2", shares: new Map([[2, "live"]]) }), 0);
          const two = await runCli(["group", "status", "--config", path, "--json"]);
          assert.equal(two.code, 0);
          const { members, uncovered } = JSON.parse(two.out);
          assert.deepEqual(members.map(({ name, live }: { name: string; live: number[] }) => [name, live]), [
            ["eu-1", [1]],
            ["eu-2", [2]],
          ]);
          assert.deepEqual(uncovered, []);
        });
        await connection.close();
      } finally {
        await server.stop();
      }
    },
  });
}
