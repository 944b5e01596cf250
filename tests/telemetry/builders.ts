import type { ConnectionStatus, InstanceStatus, Observation, ServiceStatus, SinkStatus } from "../../src/model/mod.ts";
import { problemsOf } from "../../src/service/mod.ts";

/** 2026-11-22T00:00:00Z, µs. */
export const NOW = 1_795_305_600_000_000;

/** A connection whose two streams are live. */
export function connection(rest: Partial<ConnectionStatus> = {}): ConnectionStatus {
  return {
    key: "public",
    url: "wss://example.test/ws",
    state: { kind: "live" },
    since: NOW - 60_000_000,
    lastMessageTs: NOW - 1_500_000,
    reconnects: 1,
    streams: { live: 2, acked: 0, pending: 0, rejected: 0, stale: 0 },
    quietAcked: 0,
    rejected: [],
    data: { oldestTs: NOW - 2_000_000, oldestStream: "trades BTC/USDT", silent: 0, missing: 0 },
    sessionId: 7,
    ...rest,
  };
}

/** An enabled, valid instance with one live connection. */
export function instance(rest: Partial<InstanceStatus> = {}): InstanceStatus {
  return {
    name: "alpha",
    enabled: true,
    descriptorPath: "exchanges/alpha.toml",
    descriptorName: "alpha",
    descriptorVersion: "1.4",
    errors: [],
    warnings: [],
    connections: [connection()],
    polls: [],
    requests: [],
    quarantined: null,
    error: null,
    instruments: null,
    books: [{ session: 7, symbol: "BTC/USDT", state: "valid", since: 1_700_000_000_000_000, cause: null }],
    ...rest,
  };
}

/** A collector in which all is well, but for what is given: with the problems that follow. */
export function snapshot(rest: Partial<ServiceStatus> = {}): ServiceStatus {
  const facts = {
    service: "crypto-collector",
    version: "1.2.3",
    processId: 4711,
    now: NOW,
    uptimeMs: 61_900,
    config: { loaded: true, error: null, refused: null, needsRestart: [] },
    instances: [instance()],
    journal: {
      next: 120,
      synced: 110,
      oldest: 1,
      bufferedBytes: 10,
      totalBytes: 1000,
      full: false,
      error: null,
      waitingSince: null,
    },
    sinks: [sink()],
    reading: { pausedSince: null, reason: null },
    blockedHosts: [],
    clock: { lastStep: null },
    group: null,
    log: { dropped: 0 },
    ...rest,
  };
  return { problems: problemsOf(facts), ...facts };
}

/** A sink that follows. */
export function sink(rest: Partial<SinkStatus> = {}): SinkStatus {
  return {
    name: "archive",
    type: "parquet",
    state: "delivering",
    lagRecords: 10,
    position: 110,
    committed: 100,
    events: 90,
    error: null,
    files: 3,
    waitingSince: null,
    commitEveryMs: 1_000,
    ...rest,
  };
}

const STREAM = { channel: "trades", symbol: "SECRET/SYMBOL" } as const;
const ISSUE = {
  severity: "error",
  file: "collector.toml",
  line: 3,
  column: 5,
  length: 4,
  message: "Unknown key {prot}",
  sourceLine: "prot = 1",
  exchange: null,
} as const;
const AT = { exchange: "alpha", connection: "public" } as const;

/** One observation of every kind, by kind, so that a new kind does not compile before it has one here. */
export const EVERY_OBSERVATION: { readonly [K in Observation["kind"]]: Extract<Observation, { kind: K }> } = {
  started: { kind: "started", version: "1.2.3" },
  stopping: { kind: "stopping", signal: "SIGTERM" },
  stopped: { kind: "stopped", durationMs: 12.4, unfinished: [], isSafe: true },
  log_dropped: { kind: "log_dropped", lines: 3 },
  config_waiting: { kind: "config_waiting", path: "collector.toml" },
  config_loaded: { kind: "config_loaded", exchanges: 2, warnings: 1 },
  config_issue: { kind: "config_issue", issue: ISSUE },
  config_reload: { kind: "config_reload", accepted: false, errors: 3, needsRestart: [] },
  session_state: { kind: "session_state", ...AT, state: { kind: "live" } },
  session_opened: { kind: "session_opened", ...AT, session: 7, url: "wss://example.test/ws" },
  session_closed: { kind: "session_closed", ...AT, cause: "peer", code: 1006, reason: "secret words" },
  connect_failed: { kind: "connect_failed", ...AT, code: "http_status", status: 429, reason: "secret words" },
  request_sent: { kind: "request_sent", ...AT, items: 3 },
  request_failed: { kind: "request_failed", ...AT, outcome: "ack_timeout", reason: "secret words" },
  stream_state: {
    kind: "stream_state",
    ...AT,
    stream: STREAM,
    state: "rejected",
    before: "live",
    reason: "secret words",
  },
  stream_stalled: {
    kind: "stream_stalled",
    ...AT,
    stream: STREAM,
    step: "resubscribe",
    silentMs: 12_000,
    reason: "no data for 12.0 s; its usual gap is 200 ms",
  },
  streams_changed: { kind: "streams_changed", ...AT, added: 2, removed: 1, kept: ["trades BTC/USDT"] },
  sinks_changed: { kind: "sinks_changed", added: ["archive"], removed: ["old"], reopened: ["lines", "table"] },
  frame_received: { kind: "frame_received", exchange: "alpha", bytes: 165 },
  frame_fault: {
    kind: "frame_fault",
    exchange: "alpha",
    code: "bad_decimal",
    where: "trade /p",
    example: '{"p":"x"}',
    offset: 9,
  },
  frame_control: { kind: "frame_control", exchange: "alpha", rule: "pong" },
  frames_dropped: { kind: "frames_dropped", exchange: "alpha", frames: 4, reason: "journal full" },
  events: { kind: "events", exchange: "alpha", event: "trade", count: 5 },
  gap: {
    kind: "gap",
    exchange: "alpha",
    stream: "book",
    symbol: STREAM.symbol,
    cause: "disconnect",
    detail: "1006",
    ends: false,
    fromTs: NOW - 2_000_000,
    toTs: NOW,
  },
  gap_filled: {
    kind: "gap_filled",
    exchange: "binance",
    stream: "trades",
    symbol: "BTC/USDT",
    outcome: "in_part",
    detail: "7 fetched: the exchange keeps no more than 24.0 hours",
  },
  book_resync: {
    kind: "book_resync",
    exchange: "alpha",
    symbol: "BTC/USDT",
    cause: "sequence",
    action: "resubscribe",
  },
  book_compared: {
    kind: "book_compared",
    exchange: "alpha",
    symbol: "BTC/USDT",
    outcome: "different",
    detail: "at number 7 bid 1 is 2 at 100, and the exchange has 3 at 100",
  },
  book_withheld: { kind: "book_withheld", exchange: "alpha", event: "book_delta", count: 3 },
  duplicate: { kind: "duplicate", exchange: "alpha", count: 2 },
  symbol_unmapped: { kind: "symbol_unmapped", exchange: "alpha", native: STREAM.symbol },
  http_request: {
    kind: "http_request",
    exchange: "alpha",
    request: "depth_snapshot",
    status: 429,
    durationMs: 30,
    error: null,
  },
  answer_unusable: {
    kind: "answer_unusable",
    exchange: "alpha",
    request: "depth_snapshot",
    native: STREAM.symbol,
    reason: "unmatched",
  },
  instruments_loaded: { kind: "instruments_loaded", exchange: "alpha", instruments: 2, source: "exchange" },
  symbols_unresolved: {
    kind: "symbols_unresolved",
    exchange: "alpha",
    symbols: [STREAM.symbol],
    reason: "status 503",
  },
  kept_file_failed: { kind: "kept_file_failed", file: "limits.json", action: "write", error: "disk full" },
  kept_file_set_aside: {
    kind: "kept_file_set_aside",
    file: "limits.json",
    aside: "limits.json.damaged",
    reason: "it is empty",
  },
  journal_synced: { kind: "journal_synced", bytes: 500, records: 6, durationMs: 250 },
  journal_segment_sealed: { kind: "journal_segment_sealed", segment: "17", bytes: 900 },
  journal_segment_archived: { kind: "journal_segment_archived", segment: "16", path: "a/16", bytes: 800 },
  journal_segment_deleted: { kind: "journal_segment_deleted", segment: "16", bytes: 800 },
  journal_recovered: { kind: "journal_recovered", segment: "17", cutBytes: 33, records: 6 },
  journal_full: { kind: "journal_full", full: true, bytes: 1000 },
  clock_stepped: { kind: "clock_stepped", fromTs: 28_800_000_000, toTs: 0 },
  group_engine: { kind: "group_engine", engine: "nats", error: "the server does not answer" },
  group_share: { kind: "group_share", change: "taken", share: 3, shares: 8, other: "eu-2", fromTs: 28_800_000_000 },
  group_note_failed: { kind: "group_note_failed", error: "maximum payload exceeded" },
  group_name_taken: { kind: "group_name_taken", member: "eu-1" },
  journal_failed: { kind: "journal_failed", error: "disk full" },
  journal_warning: { kind: "journal_warning", code: "cursor", text: "The cursor of sink archive is damaged" },
  reading_paused: { kind: "reading_paused", exchange: "binance", durationMs: 14_000, reason: "the journal is full" },
  frame_quarantined: {
    kind: "frame_quarantined",
    exchange: "binance",
    offset: 130,
    error: "TypeError: x is undefined",
  },
  sink_wrote: { kind: "sink_wrote", sink: "archive", events: 8, durationMs: 500 },
  sink_committed: { kind: "sink_committed", sink: "archive", offset: 130 },
  sink_failed: { kind: "sink_failed", sink: "archive", error: "disk full", retryMs: 1000, bug: false, blocked: false },
  sink_notice: { kind: "sink_notice", sink: "archive", text: "The file was replaced" },
  sink_recovered: { kind: "sink_recovered", sink: "archive" },
  uncaught_error: { kind: "uncaught_error", error: "read ECONNRESET", ends: false },
};
