import assert from "node:assert/strict";
import { createMetrics, METRICS } from "../../src/telemetry/mod.ts";
import { connection, EVERY_OBSERVATION, instance, NOW, snapshot } from "./builders.ts";

/** Sample lines of a rendering, by metric with its labels. */
function samples(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

Deno.test("metrics render() gives the count of every observation", async () => {
  const metrics = createMetrics();
  for (const seen of Object.values(EVERY_OBSERVATION)) {
    metrics.observe(seen);
    metrics.observe(seen);
  }
  const found = samples(await metrics.render(snapshot()));
  const expected: Readonly<Record<string, number>> = {
    'collector_frames_received_total{exchange="alpha"}': 2,
    'collector_received_bytes_total{exchange="alpha"}': 330,
    'collector_frames_control_total{exchange="alpha",rule="pong"}': 2,
    'collector_frame_faults_total{exchange="alpha",code="bad_decimal"}': 2,
    'collector_frames_dropped_total{exchange="alpha"}': 8,
    'collector_events_total{exchange="alpha",kind="trade"}': 10,
    'collector_gaps_total{exchange="alpha",cause="disconnect"}': 2,
    'collector_gaps_filled_total{exchange="binance",outcome="in_part"}': 2,
    'collector_books_compared_total{exchange="alpha",outcome="different"}': 2,
    'collector_book_resyncs_total{exchange="alpha",cause="sequence"}': 2,
    'collector_book_withheld_total{exchange="alpha",kind="book_delta"}': 6,
    'collector_duplicates_dropped_total{exchange="alpha"}': 4,
    'collector_symbols_unmapped_total{exchange="alpha"}': 2,
    'collector_sessions_opened_total{exchange="alpha"}': 2,
    'collector_sessions_closed_total{exchange="alpha",cause="peer"}': 2,
    'collector_connects_failed_total{exchange="alpha",code="http_status"}': 2,
    'collector_requests_sent_total{exchange="alpha"}': 2,
    'collector_requests_failed_total{exchange="alpha",outcome="ack_timeout"}': 2,
    'collector_stream_changes_total{exchange="alpha",channel="trades",state="rejected"}': 2,
    'collector_stream_stalls_total{exchange="alpha",channel="trades",step="resubscribe"}': 2,
    'collector_http_requests_total{exchange="alpha",request="depth_snapshot",status="4xx"}': 2,
    'collector_http_unusable_total{exchange="alpha",request="depth_snapshot"}': 2,
    "collector_journal_records_total": 12,
    "collector_journal_bytes_total": 1000,
    "collector_journal_sync_seconds_total": 0.5,
    "collector_journal_syncs_total": 2,
    "collector_journal_segments_sealed_total": 2,
    "collector_journal_segments_archived_total": 2,
    "collector_journal_segments_deleted_total": 2,
    "collector_clock_steps_total": 2,
    'collector_group_changes_total{change="taken"}': 2,
    "collector_group_engine_losses_total": 2,
    "collector_journal_failures_total": 2,
    'collector_journal_warnings_total{code="cursor"}': 2,
    'collector_reading_pauses_total{exchange="binance"}': 2,
    'collector_frames_quarantined_total{exchange="binance"}': 2,
    'collector_sink_events_total{sink="archive"}': 16,
    'collector_sink_write_seconds_total{sink="archive"}': 1,
    'collector_sink_commits_total{sink="archive"}': 2,
    'collector_sink_failures_total{sink="archive"}': 2,
    "collector_uncaught_errors_total": 2,
    'collector_config_issues_total{severity="error"}': 2,
    'collector_config_reloads_total{outcome="refused"}': 2,
  };
  for (const [sample, value] of Object.entries(expected)) assert.equal(found.get(sample), value, sample);
  const counters = Object.entries(METRICS).filter(([, { type }]) => type === "counter").map(([name]) => name);
  const covered = new Set(Object.keys(expected).map((sample) => sample.split("{")[0]));
  assert.deepEqual([...covered].sort(), counters.sort(), "every counter is covered here");
});

Deno.test("metrics render() gives the same counts when it is asked twice", async () => {
  const metrics = createMetrics();
  metrics.observe(EVERY_OBSERVATION.frame_received);
  assert.equal(await metrics.render(snapshot()), await metrics.render(snapshot()));
});

Deno.test("metrics never carry symbols, messages or URLs", async () => {
  const metrics = createMetrics();
  for (const seen of Object.values(EVERY_OBSERVATION)) metrics.observe(seen);
  const text = await metrics.render(snapshot());
  for (const secret of ["SECRET", "secret words", "wss://", "disk full"]) assert.ok(!text.includes(secret), secret);
});

Deno.test("metrics render() takes gauges from the snapshot and forgets what is gone", async () => {
  const metrics = createMetrics();
  const down = connection({ key: "public#2", state: { kind: "connecting", attempt: 3 }, lastMessageTs: null });
  const before = samples(
    await metrics.render(snapshot({ instances: [instance({ connections: [connection(), down] })] })),
  );
  assert.equal(before.get('collector_connections{exchange="alpha",state="live"}'), 1);
  assert.equal(before.get('collector_connections{exchange="alpha",state="connecting"}'), 1);
  assert.equal(before.get('collector_streams{exchange="alpha",state="live"}'), 4);
  assert.equal(before.get('collector_last_message_age_seconds{exchange="alpha"}'), 1.5);
  assert.equal(before.get("collector_health_status"), 1);
  assert.equal(before.get('collector_sink_lag_records{sink="archive"}'), 10);
  const after = samples(await metrics.render(snapshot({ now: NOW, journal: null, sinks: [] })));
  assert.equal(after.get('collector_connections{exchange="alpha",state="connecting"}'), undefined);
  assert.equal(after.get('collector_sink_lag_records{sink="archive"}'), undefined);
  assert.equal(after.get("collector_health_status"), 2);
});

Deno.test("metrics are named collector_<noun>_<unit>, counters ending in _total", () => {
  for (const [name, { type }] of Object.entries(METRICS)) {
    assert.match(name, /^collector_[a-z_]+$/);
    assert.equal(name.endsWith("_total"), type === "counter", name);
  }
});
