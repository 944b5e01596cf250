import assert from "node:assert/strict";
import type { ServiceStatus } from "../../src/model/mod.ts";
import { createMetrics } from "../../src/telemetry/mod.ts";
import { startApi } from "../support/api_rig.ts";
import { EVERY_OBSERVATION, snapshot } from "../telemetry/builders.ts";

async function withServer(
  current: () => ServiceStatus,
  body: (base: string, port: number) => Promise<void>,
): Promise<void> {
  const metrics = createMetrics();
  metrics.observe(EVERY_OBSERVATION.frame_received);
  await using rig = await startApi({ current, metrics });
  await body(rig.base, rig.port);
}

Deno.test("telemetry server answers /healthz with JSON, 200 when ok and 503 when broken", async () => {
  let current = snapshot();
  await withServer(() => current, async (base) => {
    const ok = await fetch(`${base}/healthz`);
    assert.equal(ok.status, 200);
    assert.match(ok.headers.get("content-type") ?? "", /^application\/json/);
    assert.equal((await ok.json()).status, "ok");
    current = snapshot({
      config: { loaded: false, error: "broken", refused: null, needsRestart: [] },
      journal: null,
    });
    const broken = await fetch(`${base}/healthz`);
    assert.equal(broken.status, 503);
    assert.equal((await broken.json()).config_error, "broken");
  });
});

Deno.test("telemetry server answers /readyz with 200 when ready and 503 when not", async () => {
  let current = snapshot();
  await withServer(() => current, async (base) => {
    const ready = await fetch(`${base}/readyz`);
    assert.deepEqual([ready.status, await ready.json()], [200, { ready: true, problems: [] }]);
    current = snapshot({ journal: null });
    const unready = await fetch(`${base}/readyz`);
    assert.deepEqual([unready.status, await unready.json()], [503, { ready: false, problems: [] }]);
  });
});

Deno.test("telemetry server answers /metrics in the Prometheus text format", async () => {
  await withServer(snapshot, async (base) => {
    const answer = await fetch(`${base}/metrics`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    assert.ok((await answer.text()).includes('collector_frames_received_total{exchange="alpha"} 1'));
  });
});

Deno.test("telemetry server answers HEAD without a body, other methods with 405, other paths with 404", async () => {
  await withServer(snapshot, async (base) => {
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      const head = await fetch(`${base}${path}`, { method: "HEAD" });
      assert.deepEqual([head.status, await head.text()], [200, ""], path);
      const post = await fetch(`${base}${path}`, { method: "POST", body: "x" });
      assert.equal(post.status, 405);
      assert.equal(post.headers.get("allow"), "GET, HEAD");
      assert.equal((await post.json()).error, "method not allowed");
    }
    const missing = await fetch(`${base}/nothing`);
    assert.equal(missing.status, 404);
    assert.equal((await missing.json()).error, "not found");
  });
});

Deno.test("telemetry server rejects with a busy failure when the port is taken", async () => {
  await withServer(snapshot, async (_base, port) => {
    await assert.rejects(startApi({ port }), { name: "Failure", code: "busy" });
  });
});
