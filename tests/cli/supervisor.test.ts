import assert from "node:assert/strict";
import { ToldSupervisor } from "../../src/cli/told_supervisor.ts";
import { denoHost, type Supervisor } from "../../src/host/mod.ts";
import type { Service } from "../../src/service/mod.ts";
import { systemSupervisor } from "../../src/host/supervisor.ts";

const canNotify = Deno.build.os === "linux" && typeof Deno.listenDatagram === "function";

Deno.test({
  name: `states go to the socket that NOTIFY_SOCKET names${canNotify ? "" : " (ignored: no datagrams of this kind)"}`,
  ignore: !canNotify,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "collector-manager-" });
    const manager = Deno.listenDatagram({ transport: "unixpacket", path: `${dir}/notify` });
    try {
      const variables: Record<string, string> = { NOTIFY_SOCKET: `${dir}/notify`, WATCHDOG_USEC: "30000000" };
      const supervisor = systemSupervisor((name) => variables[name]);
      assert.ok(supervisor !== null);
      assert.equal(supervisor.watchdogMs, 30_000);
      assert.equal(await supervisor.tell(["READY=1", "STATUS=3 of 4 streams live"]), true);
      const [bytes] = await manager.receive();
      assert.equal(new TextDecoder().decode(bytes), "READY=1\nSTATUS=3 of 4 streams live");
      supervisor.close();
      const other = systemSupervisor((name) => ({ ...variables, WATCHDOG_PID: "1" })[name]);
      assert.equal(other?.watchdogMs, null, "another process is watched");
      await Deno.remove(`${dir}/notify`);
      assert.equal(await other?.tell(["READY=1"]), false, "a manager that is gone is no failure");
      other?.close();
    } finally {
      manager.close();
      await Deno.remove(dir, { recursive: true });
    }
    assert.equal(systemSupervisor(() => undefined), null);
    assert.equal(systemSupervisor((name) => name === "NOTIFY_SOCKET" ? "vsock:2:1" : undefined), null);
  },
});

Deno.test("a run tells its manager that it is ready, lives, reads its configuration again and stops", async () => {
  const told: string[] = [];
  const beaten = Promise.withResolvers<void>();
  const supervisor: Supervisor = {
    watchdogMs: 20,
    tell: (lines) => {
      told.push(...lines);
      if (lines[0] === "WATCHDOG=1") beaten.resolve();
      return Promise.resolve(true);
    },
    close: () => told.push("closed"),
  };
  const problems = [{ text: "sink archive:\nno space" }];
  const service = { status: { instances: [], problems } } as unknown as Service;
  const run = ToldSupervisor.of({ ...denoHost(), supervisor: () => supervisor }, service);
  assert.ok(run !== null);
  run.ready();
  await beaten.promise;
  await run.reload(() => Promise.resolve());
  await run.stopping();
  run.close();
  assert.deepEqual(told.slice(0, 3), [
    "READY=1",
    "STATUS=0 of 0 streams live; 1 problems, first: sink archive: no space",
    "WATCHDOG=1",
  ]);
  const words = told.slice(told.indexOf("RELOADING=1")).filter((line) => !line.startsWith("STATUS=0"));
  assert.deepEqual(words.filter((line) => line !== "WATCHDOG=1"), [
    "RELOADING=1",
    "STATUS=Reading the configuration again",
    "READY=1",
    "STOPPING=1",
    "STATUS=Delivering what is synced",
    "closed",
  ]);
  assert.equal(ToldSupervisor.of({ ...denoHost(), supervisor: () => null }, service), null);
});
