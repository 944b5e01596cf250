import { Counter, Gauge, Registry } from "prom-client";
import { type Observation, type Observer, unreachable } from "../model/mod.ts";
import { type HealthSnapshot, healthStatus } from "./health.ts";
import { type MetricName, METRICS, type MetricSpec } from "./metric_table.ts";

/** Counts observations and renders them in the Prometheus text format. */
export interface Metrics {
  readonly observe: Observer;
  /** All metrics; gauges are taken from the snapshot. */
  render(snapshot: HealthSnapshot): Promise<string>;
  /** The value of a counter so far; 0 where it was never touched. */
  count(name: MetricName, ...labels: readonly string[]): number;
}

const LABEL_SEPARATOR = "\u0000";
const STATUS_VALUES = { ok: 2, degraded: 1, error: 0 } as const;

/** Makes an empty set of metrics; the program has one, tests have their own. */
export function createMetrics(): Metrics {
  const counts = new CountTable();
  const gauges = new Map<MetricName, Gauge>();
  const registry = new Registry();
  for (const [name, spec] of entries(METRICS)) {
    const options = { name, help: spec.help, labelNames: [...spec.labels], registers: [registry] };
    if (spec.type === "gauge") gauges.set(name, new Gauge(options));
    else new Counter({ ...options, collect: publish(name, spec, counts) });
  }
  return {
    observe: (observation) => countObservation(counts, observation),
    count: (name, ...labels) => counts.get(name, labels.join(LABEL_SEPARATOR)),
    render: (snapshot) => {
      for (const gauge of gauges.values()) gauge.reset();
      setGauges(gauges, snapshot);
      return registry.metrics();
    },
  };
}

/** Plain sums, so that counting a frame costs a look-up; they are handed to the library when somebody asks. */
class CountTable {
  readonly #counts = new Map<MetricName, Map<string, number>>();

  add(name: MetricName, labels: string, by = 1): void {
    let values = this.#counts.get(name);
    if (values === undefined) this.#counts.set(name, values = new Map());
    values.set(labels, (values.get(labels) ?? 0) + by);
  }

  get(name: MetricName, labels: string): number {
    return this.#counts.get(name)?.get(labels) ?? 0;
  }

  of(name: MetricName): Iterable<readonly [string, number]> {
    return this.#counts.get(name) ?? [];
  }
}

function publish(name: MetricName, spec: MetricSpec, counts: CountTable): (this: Counter) => void {
  return function () {
    this.reset();
    for (const [labels, value] of counts.of(name)) {
      const texts = labels.split(LABEL_SEPARATOR);
      this.inc(Object.fromEntries(spec.labels.map((label, i) => [label, texts[i]])), value);
    }
  };
}

function countObservation(counts: CountTable, seen: Observation): void {
  switch (seen.kind) {
    case "frame_received":
      counts.add("collector_frames_received_total", seen.exchange);
      counts.add("collector_received_bytes_total", seen.exchange, seen.bytes);
      return;
    case "events":
      return counts.add("collector_events_total", join(seen.exchange, seen.event), seen.count);
    case "frame_control":
      return counts.add("collector_frames_control_total", join(seen.exchange, seen.rule));
    case "frame_fault":
      return counts.add("collector_frame_faults_total", join(seen.exchange, seen.code));
    case "frames_dropped":
      return counts.add("collector_frames_dropped_total", seen.exchange, seen.frames);
    case "gap":
      return counts.add("collector_gaps_total", join(seen.exchange, seen.cause));
    case "duplicate":
      return counts.add("collector_duplicates_dropped_total", seen.exchange, seen.count);
    case "symbol_unmapped":
      return counts.add("collector_symbols_unmapped_total", seen.exchange);
    case "session_opened":
      return counts.add("collector_sessions_opened_total", seen.exchange);
    case "session_closed":
      return counts.add("collector_sessions_closed_total", join(seen.exchange, seen.cause));
    case "connect_failed":
      return counts.add("collector_connects_failed_total", join(seen.exchange, seen.code));
    case "request_sent":
      return counts.add("collector_requests_sent_total", seen.exchange);
    case "request_failed":
      return counts.add("collector_requests_failed_total", join(seen.exchange, seen.outcome));
    case "stream_state":
      return counts.add("collector_stream_changes_total", join(seen.exchange, seen.stream.channel, seen.state));
    case "http_request":
      return counts.add(
        "collector_http_requests_total",
        join(seen.exchange, seen.request, seen.status === null ? "none" : `${Math.floor(seen.status / 100)}xx`),
      );
    case "journal_synced":
      counts.add("collector_journal_records_total", "", seen.records);
      counts.add("collector_journal_bytes_total", "", seen.bytes);
      counts.add("collector_journal_sync_seconds_total", "", seen.durationMs / 1000);
      counts.add("collector_journal_syncs_total", "");
      return;
    case "journal_segment_sealed":
      return counts.add("collector_journal_segments_sealed_total", "");
    case "journal_segment_deleted":
      return counts.add("collector_journal_segments_deleted_total", "");
    case "journal_failed":
      return counts.add("collector_journal_failures_total", "");
    case "sink_wrote":
      counts.add("collector_sink_events_total", seen.sink, seen.events);
      counts.add("collector_sink_write_seconds_total", seen.sink, seen.durationMs / 1000);
      return;
    case "sink_committed":
      return counts.add("collector_sink_commits_total", seen.sink);
    case "sink_failed":
      return counts.add("collector_sink_failures_total", seen.sink);
    case "config_issue":
      return counts.add("collector_config_issues_total", seen.issue.severity);
    case "config_reload":
      return counts.add("collector_config_reloads_total", seen.accepted ? "accepted" : "refused");
    case "started":
    case "stopping":
    case "stopped":
    case "config_loaded":
    case "session_state":
    case "journal_recovered":
    case "journal_full":
    case "sink_recovered":
      return;
    default:
      return unreachable(seen);
  }
}

function setGauges(gauges: ReadonlyMap<MetricName, Gauge>, snapshot: HealthSnapshot): void {
  const set = (name: MetricName, value: number, labels: Readonly<Record<string, string>> = {}) =>
    gauges.get(name)?.set({ ...labels }, value);
  const add = (name: MetricName, value: number, labels: Readonly<Record<string, string>>) =>
    gauges.get(name)?.inc({ ...labels }, value);
  set("collector_uptime_seconds", snapshot.uptimeMs / 1000);
  set("collector_health_status", STATUS_VALUES[healthStatus(snapshot)]);
  for (const { name: exchange, enabled, connections } of snapshot.instances) {
    if (!enabled) continue;
    let oldest: number | null = null;
    for (const { state, streams, lastMessageTs } of connections) {
      add("collector_connections", 1, { exchange, state: state.kind });
      for (const [kind, count] of Object.entries(streams)) add("collector_streams", count, { exchange, state: kind });
      if (lastMessageTs !== null) oldest = Math.max(oldest ?? 0, (snapshot.now - lastMessageTs) / 1_000_000);
    }
    if (oldest !== null) set("collector_last_message_age_seconds", oldest, { exchange });
  }
  if (snapshot.journal !== null) {
    set("collector_journal_buffered_bytes", snapshot.journal.bufferedBytes);
    set("collector_journal_size_bytes", snapshot.journal.totalBytes);
    set("collector_journal_full", snapshot.journal.full ? 1 : 0);
  }
  for (const { name: sink, lagRecords, state } of snapshot.sinks) {
    set("collector_sink_lag_records", lagRecords, { sink });
    set("collector_sink_failing", state === "failing" ? 1 : 0, { sink });
  }
}

function join(...labels: readonly string[]): string {
  return labels.join(LABEL_SEPARATOR);
}

function entries<T extends Readonly<Record<string, MetricSpec>>>(table: T): readonly [MetricName, MetricSpec][] {
  return Object.entries(table) as [MetricName, MetricSpec][];
}
