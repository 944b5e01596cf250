/** One metric: type, labels and meaning. `docs/operations.md` is generated from this table. */
export interface MetricSpec {
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
}

/**
 * Every metric of the program by its Prometheus name. Labels take values from closed sets: instances, channels, kinds,
 * causes, codes, rule names.
 */
export const METRICS = {
  collector_frames_received_total: { type: "counter", help: "Frames received", labels: ["exchange"] },
  collector_received_bytes_total: { type: "counter", help: "Payload bytes received", labels: ["exchange"] },
  collector_frames_control_total: {
    type: "counter",
    help: "Frames that a control rule matched",
    labels: ["exchange", "rule"],
  },
  collector_frame_faults_total: {
    type: "counter",
    help: "Faults in frames; the frame stays in the journal",
    labels: ["exchange", "code"],
  },
  collector_frames_dropped_total: {
    type: "counter",
    help: "Frames not kept because the journal was full",
    labels: ["exchange"],
  },
  collector_events_total: { type: "counter", help: "Events derived", labels: ["exchange", "kind"] },
  collector_gaps_total: { type: "counter", help: "Gaps recorded", labels: ["exchange", "cause"] },
  collector_gaps_filled_total: {
    type: "counter",
    help: "Gaps that were backfilled: `filled`, `in_part` or `not_filled`",
    labels: ["exchange", "outcome"],
  },
  collector_book_resyncs_total: {
    type: "counter",
    help: "Resyncs that books asked for; `buffering` is a snapshot that could not be joined or was missing",
    labels: ["exchange", "cause"],
  },
  collector_books_compared_total: {
    type: "counter",
    help: "Books compared with the exchange's own snapshot: `same`, `different`, or `unknown` without a common number",
    labels: ["exchange", "outcome"],
  },
  collector_book_withheld_total: {
    type: "counter",
    help: "Book events that were suppressed: older than the book, waiting for its snapshot, or after a fault",
    labels: ["exchange", "kind"],
  },
  collector_duplicates_dropped_total: {
    type: "counter",
    help: "Events dropped as duplicates",
    labels: ["exchange"],
  },
  collector_symbols_unmapped_total: {
    type: "counter",
    help: "Native symbols seen without an entry in the map",
    labels: ["exchange"],
  },
  collector_sessions_opened_total: { type: "counter", help: "WebSocket sessions opened", labels: ["exchange"] },
  collector_sessions_closed_total: {
    type: "counter",
    help: "WebSocket sessions ended, by cause",
    labels: ["exchange", "cause"],
  },
  collector_connects_failed_total: {
    type: "counter",
    help: "Attempts to connect that failed, by code",
    labels: ["exchange", "code"],
  },
  collector_requests_sent_total: {
    type: "counter",
    help: "Subscription requests sent",
    labels: ["exchange"],
  },
  collector_requests_failed_total: {
    type: "counter",
    help: "Requests without an acknowledgement in time, and rejections that name no known request",
    labels: ["exchange", "outcome"],
  },
  collector_stream_changes_total: {
    type: "counter",
    help: "Streams that entered a state",
    labels: ["exchange", "channel", "state"],
  },
  collector_stream_stalls_total: {
    type: "counter",
    help:
      "Silences of streams that had data: `quiet` if a question showed so, the steps about stalled ones, and `resumed`",
    labels: ["exchange", "channel", "step"],
  },
  collector_http_requests_total: {
    type: "counter",
    help: "REST requests by status class; `none` is no answer",
    labels: ["exchange", "request", "status"],
  },
  collector_http_unusable_total: {
    type: "counter",
    help: "REST answers that were unusable, whatever their status",
    labels: ["exchange", "request"],
  },
  collector_journal_records_total: { type: "counter", help: "Journal records made durable", labels: [] },
  collector_journal_bytes_total: { type: "counter", help: "Journal bytes made durable", labels: [] },
  collector_journal_sync_seconds_total: { type: "counter", help: "Time spent writing and syncing", labels: [] },
  collector_journal_syncs_total: { type: "counter", help: "Group commits", labels: [] },
  collector_journal_segments_sealed_total: { type: "counter", help: "Segments sealed", labels: [] },
  collector_journal_segments_archived_total: {
    type: "counter",
    help: "Segments copied into the archive",
    labels: [],
  },
  collector_journal_segments_deleted_total: { type: "counter", help: "Segments deleted by retention", labels: [] },
  collector_clock_steps_total: { type: "counter", help: "Times that the machine's clock was set", labels: [] },
  collector_group_changes_total: {
    type: "counter",
    help: "Shares of the group that this collector took or released",
    labels: ["change"],
  },
  collector_group_engine_losses_total: {
    type: "counter",
    help: "Times that the engine of the group went away",
    labels: [],
  },
  collector_journal_failures_total: { type: "counter", help: "Failed writes of the journal", labels: [] },
  collector_journal_warnings_total: {
    type: "counter",
    help: "Warnings of the journal that do not stop it",
    labels: ["code"],
  },
  collector_reading_pauses_total: {
    type: "counter",
    help: "Pauses in which nothing was read from the sockets of an instance",
    labels: ["exchange"],
  },
  collector_frames_quarantined_total: {
    type: "counter",
    help: "Records that a bug kept from being derived; they stay in the journal",
    labels: ["exchange"],
  },
  collector_sink_events_total: { type: "counter", help: "Events handed to a sink", labels: ["sink"] },
  collector_sink_write_seconds_total: { type: "counter", help: "Time spent in a sink's write", labels: ["sink"] },
  collector_sink_commits_total: { type: "counter", help: "Positions committed", labels: ["sink"] },
  collector_sink_failures_total: { type: "counter", help: "Failures of a sink", labels: ["sink"] },
  collector_uncaught_errors_total: {
    type: "counter",
    help: "Uncaught errors of connections; any other ends the program",
    labels: [],
  },
  collector_config_issues_total: {
    type: "counter",
    help: "Issues found in configuration and descriptors",
    labels: ["severity"],
  },
  collector_config_reloads_total: { type: "counter", help: "Reloads by outcome", labels: ["outcome"] },
  collector_uptime_seconds: { type: "gauge", help: "Time since the start", labels: [] },
  collector_log_lines_dropped: {
    type: "gauge",
    help: "Log lines dropped since the start, because standard error was not read",
    labels: [],
  },
  collector_health_status: { type: "gauge", help: "2 ok, 1 degraded, 0 error", labels: [] },
  collector_connections: {
    type: "gauge",
    help: "Connections by state",
    labels: ["exchange", "state"],
  },
  collector_streams: { type: "gauge", help: "Streams by state", labels: ["exchange", "state"] },
  collector_books: { type: "gauge", help: "Kept books by state", labels: ["exchange", "state"] },
  collector_last_message_age_seconds: {
    type: "gauge",
    help: "Time since the latest message of the quietest connection",
    labels: ["exchange"],
  },
  collector_journal_buffered_bytes: { type: "gauge", help: "Journal bytes not yet written", labels: [] },
  collector_journal_size_bytes: { type: "gauge", help: "Journal bytes on disk", labels: [] },
  collector_journal_full: { type: "gauge", help: "1 while the journal is at its cap", labels: [] },
  collector_sink_lag_records: { type: "gauge", help: "Journal records a sink has not had yet", labels: ["sink"] },
  collector_group_engine_up: { type: "gauge", help: "1 while the engine of the group can be reached", labels: [] },
  collector_group_shares: {
    type: "gauge",
    help: "Shares of the group that this collector holds, by whether their data comes",
    labels: ["state"],
  },
  collector_group_members: { type: "gauge", help: "Members of the group by state", labels: ["state"] },
  collector_group_uncovered_shares: {
    type: "gauge",
    help: "Shares of the group that no member collects",
    labels: [],
  },
  collector_sink_failing: { type: "gauge", help: "1 while a sink is failing or blocked", labels: ["sink"] },
} as const satisfies Readonly<Record<string, MetricSpec>>;

/** The name of a metric. */
export type MetricName = keyof typeof METRICS;
