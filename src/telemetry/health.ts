import { isoFromMicros, type Micros, type SessionState, type Stream, streamKey } from "../model/mod.ts";

/** One connection, as /healthz shows it. */
export interface ConnectionHealth {
  readonly key: string;
  readonly url: string;
  readonly state: SessionState;
  /** Since when it is in this state. */
  readonly since: Micros;
  /** Receive time of the last message of any kind; null where there was none yet. */
  readonly lastMessageTs: Micros | null;
  readonly reconnects: number;
  readonly streams: {
    readonly live: number;
    readonly acked: number;
    readonly pending: number;
    readonly rejected: number;
    readonly stale: number;
  };
  /** Acknowledged streams of quiet channels, which may show nothing for hours: part of `streams.acked`. */
  readonly quietAcked: number;
  readonly rejected: readonly { readonly stream: Stream; readonly reason: string }[];
}

/** One kept book. */
export interface BookHealth {
  readonly symbol: string;
  readonly state: BookHealthState;
  /** When the state began; null before the first update. */
  readonly since: Micros | null;
  /** Why it is broken; null while it is not. */
  readonly cause: string | null;
}

/** `empty` and `buffering` have no image yet; `broken` waits for a new one. */
export type BookHealthState = "empty" | "buffering" | "valid" | "broken";

/** All states of books. */
export const BOOK_STATES: readonly BookHealthState[] = ["empty", "buffering", "valid", "broken"];

/** One configured exchange instance. */
export interface InstanceHealth {
  readonly name: string;
  readonly enabled: boolean;
  readonly descriptorPath: string;
  readonly descriptorName: string | null;
  readonly descriptorVersion: string | null;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly connections: readonly ConnectionHealth[];
  /** Books that the instance keeps at present. */
  readonly books: readonly BookHealth[];
}

export interface JournalHealth {
  readonly next: number;
  readonly synced: number;
  readonly oldest: number;
  readonly bufferedBytes: number;
  readonly totalBytes: number;
  readonly full: boolean;
  /** Why nothing can be written at present; null while all is well. */
  readonly error: string | null;
}

export interface SinkHealth {
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly lagRecords: number;
  readonly committed: number;
  readonly events: number;
  readonly error: string | null;
}

/** Everything /healthz, /readyz and the gauges of /metrics say, taken at one moment. */
export interface HealthSnapshot {
  readonly service: string;
  readonly version: string;
  readonly now: Micros;
  readonly uptimeMs: number;
  readonly configLoaded: boolean;
  /** First error of the configuration; null where there is none. */
  readonly configError: string | null;
  readonly instances: readonly InstanceHealth[];
  /** Null before the journal was opened, and where the configuration is broken. */
  readonly journal: JournalHealth | null;
  readonly sinks: readonly SinkHealth[];
}

/** `ok`: all that is enabled runs. `degraded`: something of it does not. `error`: nothing can run. */
export type HealthStatus = "ok" | "degraded" | "error";

/** Judges a snapshot: `error` where the configuration is broken or nothing enabled is valid, or the journal cannot write. */
export function healthStatus(snapshot: HealthSnapshot): HealthStatus {
  const enabled = snapshot.instances.filter((instance) => instance.enabled);
  if (!snapshot.configLoaded) return "error";
  if (enabled.length > 0 && enabled.every((instance) => instance.errors.length > 0)) return "error";
  if (snapshot.journal !== null && snapshot.journal.error !== null) return "error";
  const troubled = snapshot.journal?.full === true ||
    snapshot.sinks.some((sink) => sink.state === "failing") ||
    enabled.some((instance) => instanceState(instance) !== "live");
  return troubled ? "degraded" : "ok";
}

/** Whether every enabled instance is valid and all its streams are live; those of quiet channels need an ack alone. */
export function isReady(snapshot: HealthSnapshot): boolean {
  if (!snapshot.configLoaded || snapshot.journal === null) return false;
  const enabled = snapshot.instances.filter((instance) => instance.enabled);
  return enabled.length > 0 &&
    enabled.every((instance) =>
      instance.errors.length === 0 && instance.connections.length > 0 &&
      instance.connections.every(({ state, streams, quietAcked }) =>
        state.kind === "live" &&
        streams.pending + (streams.acked - quietAcked) + streams.rejected + streams.stale === 0
      )
    );
}

/** The state of an instance in one word: `disabled`, `invalid`, `live`, `degraded` (some stream, connection or book is not) or `down`. */
export function instanceState(instance: InstanceHealth): string {
  if (!instance.enabled) return "disabled";
  if (instance.errors.length > 0) return "invalid";
  const live = instance.connections.filter(({ state }) => state.kind === "live");
  if (live.length === 0) return instance.connections.length === 0 ? "starting" : "down";
  const troubled = live.length < instance.connections.length ||
    live.some(({ streams }) => streams.rejected + streams.stale > 0) ||
    instance.books.some(({ state }) => state === "broken");
  return troubled ? "degraded" : "live";
}

/** The body of /healthz (200 when ok or degraded, 503 otherwise). */
export function healthBody(snapshot: HealthSnapshot): { readonly status: 200 | 503; readonly body: unknown } {
  const status = healthStatus(snapshot);
  const valid = snapshot.instances.filter((i) => i.descriptorName !== null && i.errors.length === 0);
  return {
    status: status === "error" ? 503 : 200,
    body: {
      service: snapshot.service,
      version: snapshot.version,
      status,
      uptime_s: Math.floor(snapshot.uptimeMs / 1000),
      config_loaded: snapshot.configLoaded,
      config_error: snapshot.configError,
      descriptors_loaded_count: valid.length,
      instances: snapshot.instances.map((instance) => instanceBody(instance, snapshot.now)),
      journal: snapshot.journal === null ? null : journalBody(snapshot.journal),
      sinks: snapshot.sinks.map((sink) => ({
        name: sink.name,
        type: sink.type,
        state: sink.state,
        lag_records: sink.lagRecords,
        committed_offset: sink.committed,
        events: sink.events,
        error: sink.error,
      })),
    },
  };
}

function instanceBody(instance: InstanceHealth, now: Micros): unknown {
  return {
    name: instance.name,
    enabled: instance.enabled,
    descriptor_path: instance.descriptorPath,
    descriptor_name: instance.descriptorName,
    descriptor_version: instance.descriptorVersion,
    validation_status: instance.errors.length > 0 ? "error" : instance.warnings.length > 0 ? "warning" : "ok",
    errors: instance.errors,
    warnings: instance.warnings,
    state: instanceState(instance),
    connections: instance.connections.map((connection) => ({
      connection: connection.key,
      url: connection.url,
      state: connection.state.kind,
      detail: connection.state.kind === "waiting" ? connection.state.reason : null,
      since: isoFromMicros(connection.since),
      last_message_age_ms: connection.lastMessageTs === null
        ? null
        : Math.max(0, Math.round((now - connection.lastMessageTs) / 1000)),
      reconnects: connection.reconnects,
      streams: connection.streams,
      rejected: connection.rejected.map(({ stream, reason }) => ({ stream: streamKey(stream), reason })),
    })),
    books: booksBody(instance.books),
  };
}

/** How many books are in each state, and which are broken, since when and why. */
function booksBody(books: readonly BookHealth[]): unknown {
  const count = (state: BookHealthState) => books.filter((book) => book.state === state).length;
  return {
    valid: count("valid"),
    buffering: count("empty") + count("buffering"),
    broken: count("broken"),
    broken_books: books.filter(({ state }) => state === "broken").map(({ symbol, since, cause }) => ({
      symbol,
      since: since === null ? null : isoFromMicros(since),
      cause,
    })),
  };
}

function journalBody(journal: JournalHealth): unknown {
  return {
    next_offset: journal.next,
    synced_offset: journal.synced,
    oldest_offset: journal.oldest,
    buffered_bytes: journal.bufferedBytes,
    total_bytes: journal.totalBytes,
    full: journal.full,
    error: journal.error,
  };
}
