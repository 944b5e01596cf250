import assert from "node:assert/strict";
import { healthBody, healthStatus, instanceState, isReady } from "../../src/telemetry/mod.ts";
import { connection, instance, NOW, sink, snapshot } from "./builders.ts";

Deno.test("healthBody() gives every documented field", () => {
  assert.deepEqual(healthBody(snapshot()), {
    status: 200,
    body: {
      service: "crypto-collector",
      version: "1.2.3",
      process_id: 4711,
      status: "ok",
      uptime_s: 61,
      problems: [],
      config_loaded: true,
      config_error: null,
      config_refused: null,
      config_needs_restart: [],
      descriptors_loaded_count: 1,
      instances: [{
        name: "alpha",
        enabled: true,
        descriptor_path: "exchanges/alpha.toml",
        descriptor_name: "alpha",
        descriptor_version: "1.4",
        validation_status: "ok",
        errors: [],
        warnings: [],
        state: "live",
        connections: [{
          connection: "public",
          url: "wss://example.test/ws",
          state: "live",
          detail: null,
          since: "2026-11-21T23:59:00.000000Z",
          last_message_age_ms: 1500,
          reconnects: 1,
          streams: { live: 2, acked: 0, pending: 0, rejected: 0, stale: 0 },
          rejected: [],
          data: { oldest_age_ms: 2000, oldest_stream: "trades BTC/USDT", silent_streams: 0, missing_streams: 0 },
        }],
        books: { valid: 1, buffering: 0, broken: 0, broken_books: [] },
        polls: [],
        requests_failing: [],
        instruments: null,
      }],
      journal: {
        next_offset: 120,
        synced_offset: 110,
        oldest_offset: 1,
        buffered_bytes: 10,
        total_bytes: 1000,
        full: false,
        error: null,
        waiting_since: null,
      },
      sinks: [{
        name: "archive",
        type: "parquet",
        state: "delivering",
        lag_records: 10,
        committed_offset: 100,
        events: 90,
        error: null,
        waiting_since: null,
      }],
      reading_paused_since: null,
      blocked_hosts: [],
      clock_last_step: null,
      group: null,
      log_lines_dropped: 0,
    },
  });
});

Deno.test("healthBody() is 503 and says why when the configuration is broken", () => {
  const { status, body } = healthBody(
    snapshot({
      config: { loaded: false, error: "collector.toml:3:5: error: x", refused: null, needsRestart: [] },
      instances: [],
      journal: null,
      sinks: [],
    }),
  );
  assert.equal(status, 503);
  assert.deepEqual(Object.entries(Object(body)).filter(([name]) => name.startsWith("config")), [
    ["config_loaded", false],
    ["config_error", "collector.toml:3:5: error: x"],
    ["config_refused", null],
    ["config_needs_restart", []],
  ]);
});

Deno.test("healthStatus() is degraded when a broken instance stands beside a good one", () => {
  const broken = instance({ name: "beta", errors: ["beta.toml:1:1: error: x"], connections: [] });
  const both = snapshot({ instances: [instance(), broken] });
  assert.equal(healthStatus(both), "degraded");
  assert.equal(healthBody(both).status, 200);
  assert.equal(healthStatus(snapshot({ instances: [broken] })), "error");
});

Deno.test("healthStatus() counts what is disabled as no trouble", () => {
  const disabled = instance({ name: "beta", enabled: false, errors: ["missing"], connections: [] });
  assert.equal(healthStatus(snapshot({ instances: [instance(), disabled] })), "ok");
  assert.equal(instanceState(disabled), "disabled");
});

Deno.test("healthStatus() is degraded by a failing sink or a full journal, error by one that cannot be written", () => {
  const { journal } = snapshot();
  assert.equal(healthStatus(snapshot({ sinks: [sink({ error: "disk full" })] })), "degraded");
  assert.ok(journal !== null);
  assert.equal(healthStatus(snapshot({ journal: { ...journal, full: true } })), "degraded");
  assert.equal(healthStatus(snapshot({ journal: { ...journal, error: "disk full" } })), "error");
});

Deno.test("healthBody() lists broken books with since and cause, and an instance with one is degraded", () => {
  const books = [
    { session: 7, symbol: "A", state: "valid", since: 1, cause: null },
    { session: 7, symbol: "B", state: "buffering", since: 1, cause: null },
    { session: 7, symbol: "C", state: "broken", since: 1_700_000_000_000_000, cause: "checksum" },
  ] as const;
  const troubled = instance({ books });
  const { body } = healthBody(snapshot({ instances: [troubled] }));
  const shown = JSON.parse(JSON.stringify(body)).instances[0];
  assert.equal(shown.state, "degraded");
  assert.deepEqual(shown.books, {
    valid: 1,
    buffering: 1,
    broken: 1,
    broken_books: [{ symbol: "C", since: "2023-11-14T22:13:20.000000Z", cause: "checksum" }],
  });
});

Deno.test("instanceState() tells live, degraded, down, starting and invalid apart", () => {
  const waiting = connection({ state: { kind: "waiting", attempt: 2, delayMs: 500, reason: "refused" } });
  const rejected = connection({ streams: { live: 1, acked: 0, pending: 0, rejected: 1, stale: 0 } });
  assert.equal(instanceState(instance()), "live");
  assert.equal(instanceState(instance({ connections: [connection(), waiting] })), "degraded");
  assert.equal(instanceState(instance({ connections: [rejected] })), "degraded");
  assert.equal(instanceState(instance({ connections: [waiting] })), "down");
  assert.equal(instanceState(instance({ connections: [] })), "starting");
  assert.equal(instanceState(instance({ errors: ["x"] })), "invalid");
});

Deno.test("healthBody() says why a connection waits and that no message came yet", () => {
  const waiting = connection({
    state: { kind: "waiting", attempt: 2, delayMs: 500, reason: "refused" },
    lastMessageTs: null,
  });
  const text = JSON.stringify(healthBody(snapshot({ instances: [instance({ connections: [waiting] })] })).body);
  assert.ok(text.includes('"state":"waiting","detail":"refused"'), text);
  assert.ok(text.includes('"last_message_age_ms":null'), text);
});

Deno.test("healthBody() gives no negative age when the wall clock was set back", () => {
  const ahead = instance({ connections: [connection({ lastMessageTs: NOW + 5_000_000 })] });
  assert.ok(JSON.stringify(healthBody(snapshot({ instances: [ahead] })).body).includes('"last_message_age_ms":0'));
});

Deno.test("isReady() holds only while all streams of all enabled instances are live", () => {
  const streams = { live: 2, acked: 0, pending: 0, rejected: 0, stale: 0 };
  assert.equal(isReady(snapshot()), true);
  assert.equal(isReady(snapshot({ instances: [] })), false);
  assert.equal(isReady(snapshot({ instances: [instance(), instance({ enabled: false, connections: [] })] })), true);
  for (const state of ["acked", "pending", "rejected", "stale"]) {
    const connections = [connection({ streams: { ...streams, [state]: 1 } })];
    assert.equal(isReady(snapshot({ instances: [instance({ connections })] })), false, state);
  }
  const quiet = connection({ streams: { ...streams, acked: 1 }, quietAcked: 1 });
  assert.equal(isReady(snapshot({ instances: [instance({ connections: [quiet] })] })), true);
  const connecting = connection({ state: { kind: "connecting", attempt: 1 } });
  assert.equal(isReady(snapshot({ instances: [instance({ connections: [connecting] })] })), false);
});

Deno.test("healthBody() lists rejected streams with the exchange's reason", () => {
  const rejected = [{
    stream: { channel: "trades", symbol: "BTC/USDT" },
    reason: "Invalid symbol",
    nextTryTs: NOW,
  }] as const;
  const text = JSON.stringify(
    healthBody(snapshot({ instances: [instance({ connections: [connection({ rejected })] })] })).body,
  );
  assert.ok(
    text.includes(
      '"rejected":[{"stream":"trades BTC/USDT","reason":"Invalid symbol","next_try":"2026-11-22T00:00:00.000000Z"}]',
    ),
    text,
  );
});
