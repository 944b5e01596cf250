import { Counter, Gauge, Registry } from "prom-client";
import { BOOK_STATES, type Observation, type Observer, type ServiceStatus, unreachable } from "../model/mod.ts";
import { healthStatus } from "./health.ts";
import { type MetricName, METRICS, type MetricSpec } from "./metric_table.ts";

/** Counts observations and renders them in the Prometheus text format. */
export interface Metrics {
  readonly observe: Observer;
  /** Renders all metrics; gauges are read from the snapshot. */
  render(snapshot: ServiceStatus): Promise<string>;
  /** Returns the value of a counter; 0 if it was never touched. */
  count(name: MetricName, ...labels: readonly string[]): number;
}

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
    count: (name, ...labels) => counts.get(name, labels),
    render: (snapshot) => {
      for (const gauge of gauges.values()) gauge.reset();
      setGauges(gauges, snapshot);
      return registry.metrics();
    },
  };
}

/** The sum of one metric with one set of labels. */
interface Sum {
  readonly labels: readonly string[];
  value: number;
}

/**
 * Plain sums, so that counting a frame costs a few look-ups and no allocation; the library gets them when it renders. A
 * metric has up to three labels; missing labels are empty strings.
 */
class CountTable {
  readonly #sums = new Map<MetricName, Map<string, Map<string, Map<string, Sum>>>>();
  /** The sum last added to, by metric: mostly it is the next one, too. */
  readonly #last = new Map<MetricName, Sum>();

  add(name: MetricName, by: number, first = "", second = "", third = ""): void {
    const last = this.#last.get(name);
    if (last !== undefined) {
      const { labels } = last;
      if (labels[0] === first && labels[1] === second && labels[2] === third) {
        last.value += by;
        return;
      }
    }
    const sum = this.#sum(name, first, second, third);
    sum.value += by;
    this.#last.set(name, sum);
  }

  get(name: MetricName, [first = "", second = "", third = ""]: readonly string[]): number {
    return this.#sums.get(name)?.get(first)?.get(second)?.get(third)?.value ?? 0;
  }

  *of(name: MetricName): Iterable<Sum> {
    for (const seconds of this.#sums.get(name)?.values() ?? []) {
      for (const thirds of seconds.values()) yield* thirds.values();
    }
  }

  #sum(name: MetricName, first: string, second: string, third: string): Sum {
    let firsts = this.#sums.get(name);
    if (firsts === undefined) this.#sums.set(name, firsts = new Map());
    let seconds = firsts.get(first);
    if (seconds === undefined) firsts.set(first, seconds = new Map());
    let thirds = seconds.get(second);
    if (thirds === undefined) seconds.set(second, thirds = new Map());
    let sum = thirds.get(third);
    if (sum === undefined) thirds.set(third, sum = { labels: [first, second, third], value: 0 });
    return sum;
  }
}

function publish(name: MetricName, spec: MetricSpec, counts: CountTable): (this: Counter) => void {
  return function () {
    this.reset();
    for (const { labels, value } of counts.of(name)) {
      this.inc(Object.fromEntries(spec.labels.map((label, i) => [label, labels[i]])), value);
    }
  };
}

function countObservation(counts: CountTable, seen: Observation): void {
  switch (seen.kind) {
    case "frame_received":
      counts.add("collector_frames_received_total", 1, seen.exchange);
      counts.add("collector_received_bytes_total", seen.bytes, seen.exchange);
      return;
    case "events":
      return counts.add("collector_events_total", seen.count, seen.exchange, seen.event);
    case "frame_control":
      return counts.add("collector_frames_control_total", 1, seen.exchange, seen.rule);
    case "frame_fault":
      return counts.add("collector_frame_faults_total", 1, seen.exchange, seen.code);
    case "frames_dropped":
      return counts.add("collector_frames_dropped_total", seen.frames, seen.exchange);
    case "gap":
      return counts.add("collector_gaps_total", seen.ends ? 0 : 1, seen.exchange, seen.cause);
    case "gap_filled":
      return counts.add("collector_gaps_filled_total", 1, seen.exchange, seen.outcome);
    case "book_compared":
      return counts.add("collector_books_compared_total", 1, seen.exchange, seen.outcome);
    case "book_resync":
      return counts.add("collector_book_resyncs_total", 1, seen.exchange, seen.cause);
    case "book_withheld":
      return counts.add("collector_book_withheld_total", seen.count, seen.exchange, seen.event);
    case "duplicate":
      return counts.add("collector_duplicates_dropped_total", seen.count, seen.exchange);
    case "symbol_unmapped":
      return counts.add("collector_symbols_unmapped_total", 1, seen.exchange);
    case "session_opened":
      return counts.add("collector_sessions_opened_total", 1, seen.exchange);
    case "session_closed":
      return counts.add("collector_sessions_closed_total", 1, seen.exchange, seen.cause);
    case "connect_failed":
      return counts.add("collector_connects_failed_total", 1, seen.exchange, seen.code);
    case "request_sent":
      return counts.add("collector_requests_sent_total", 1, seen.exchange);
    case "request_failed":
      return counts.add("collector_requests_failed_total", 1, seen.exchange, seen.outcome);
    case "stream_state":
      return counts.add("collector_stream_changes_total", 1, seen.exchange, seen.stream.channel, seen.state);
    case "stream_stalled":
      return counts.add("collector_stream_stalls_total", 1, seen.exchange, seen.stream.channel, seen.step);
    case "http_request":
      return counts.add(
        "collector_http_requests_total",
        1,
        seen.exchange,
        seen.request,
        seen.status === null ? "none" : `${Math.floor(seen.status / 100)}xx`,
      );
    case "answer_unusable":
      return counts.add("collector_http_unusable_total", 1, seen.exchange, seen.request);
    case "journal_synced":
      counts.add("collector_journal_records_total", seen.records);
      counts.add("collector_journal_bytes_total", seen.bytes);
      counts.add("collector_journal_sync_seconds_total", seen.durationMs / 1000);
      counts.add("collector_journal_syncs_total", 1);
      return;
    case "journal_segment_sealed":
      return counts.add("collector_journal_segments_sealed_total", 1);
    case "journal_segment_archived":
      return counts.add("collector_journal_segments_archived_total", 1);
    case "journal_segment_deleted":
      return counts.add("collector_journal_segments_deleted_total", 1);
    case "clock_stepped":
      return counts.add("collector_clock_steps_total", 1);
    case "group_engine":
      return seen.error === null ? undefined : counts.add("collector_group_engine_losses_total", 1);
    case "group_share":
      return counts.add("collector_group_changes_total", 1, seen.change);
    case "group_name_taken":
    case "group_note_failed":
      return;
    case "journal_failed":
      return counts.add("collector_journal_failures_total", 1);
    case "journal_warning":
      return counts.add("collector_journal_warnings_total", 1, seen.code);
    case "reading_paused":
      return counts.add("collector_reading_pauses_total", 1, seen.exchange);
    case "frame_quarantined":
      return counts.add("collector_frames_quarantined_total", 1, seen.exchange);
    case "sink_wrote":
      counts.add("collector_sink_events_total", seen.events, seen.sink);
      counts.add("collector_sink_write_seconds_total", seen.durationMs / 1000, seen.sink);
      return;
    case "sink_committed":
      return counts.add("collector_sink_commits_total", 1, seen.sink);
    case "sink_failed":
      return counts.add("collector_sink_failures_total", 1, seen.sink);
    case "uncaught_error":
      return counts.add("collector_uncaught_errors_total", 1);
    case "config_issue":
      return counts.add("collector_config_issues_total", 1, seen.issue.severity);
    case "config_reload":
      return counts.add("collector_config_reloads_total", 1, seen.accepted ? "accepted" : "refused");
    case "sink_notice":
    case "started":
    case "stopping":
    case "stopped":
    case "config_waiting":
    case "log_dropped":
    case "config_loaded":
    case "session_state":
    case "streams_changed":
    case "sinks_changed":
    case "journal_recovered":
    case "journal_full":
    case "sink_recovered":
    case "instruments_loaded":
    case "symbols_unresolved":
    case "kept_file_failed":
    case "kept_file_set_aside":
      return;
    default:
      return unreachable(seen);
  }
}

function setGauges(gauges: ReadonlyMap<MetricName, Gauge>, snapshot: ServiceStatus): void {
  const set = (name: MetricName, value: number, labels: Readonly<Record<string, string>> = {}) =>
    gauges.get(name)?.set({ ...labels }, value);
  const add = (name: MetricName, value: number, labels: Readonly<Record<string, string>>) =>
    gauges.get(name)?.inc({ ...labels }, value);
  set("collector_uptime_seconds", snapshot.uptimeMs / 1000);
  set("collector_health_status", STATUS_VALUES[healthStatus(snapshot)]);
  for (const { name: exchange, enabled, connections, books } of snapshot.instances) {
    if (!enabled) continue;
    for (const state of BOOK_STATES) {
      const count = books.filter((book) => book.state === state).length;
      if (books.length > 0) set("collector_books", count, { exchange, state });
    }
    let oldest: number | null = null;
    for (const { state, streams, lastMessageTs } of connections) {
      add("collector_connections", 1, { exchange, state: state.kind });
      for (const [kind, count] of Object.entries(streams)) add("collector_streams", count, { exchange, state: kind });
      if (lastMessageTs !== null) oldest = Math.max(oldest ?? 0, (snapshot.now - lastMessageTs) / 1_000_000);
    }
    if (oldest !== null) set("collector_last_message_age_seconds", oldest, { exchange });
  }
  set("collector_log_lines_dropped", snapshot.log.dropped);
  if (snapshot.journal !== null) {
    set("collector_journal_buffered_bytes", snapshot.journal.bufferedBytes);
    set("collector_journal_size_bytes", snapshot.journal.totalBytes);
    set("collector_journal_full", snapshot.journal.full ? 1 : 0);
  }
  for (const { name: sink, lagRecords, state } of snapshot.sinks) {
    set("collector_sink_lag_records", lagRecords, { sink });
    set("collector_sink_failing", state === "failing" || state === "blocked" ? 1 : 0, { sink });
  }
  if (snapshot.group !== null) {
    const { member, away, members, uncovered } = snapshot.group;
    const own = members.find(({ name }) => name === member);
    set("collector_group_engine_up", away === null ? 1 : 0);
    set("collector_group_shares", own?.live.length ?? 0, { state: "live" });
    set("collector_group_shares", own?.starting.length ?? 0, { state: "starting" });
    for (const { state } of members) add("collector_group_members", 1, { state });
    if (uncovered !== null) set("collector_group_uncovered_shares", uncovered.length);
  }
}

function entries<T extends Readonly<Record<string, MetricSpec>>>(table: T): readonly [MetricName, MetricSpec][] {
  return Object.entries(table) as [MetricName, MetricSpec][];
}
