import {
  type BookState,
  type BookStatus,
  type ConnectionStatus,
  familyOf,
  type GroupStatus,
  type InstanceStatus,
  isoFromMicros,
  type JournalStatus,
  type Micros,
  type PollStatus,
  type Problem,
  type ServiceStatus,
  type SessionState,
  type SinkStatus,
  streamKey,
} from "../model/mod.ts";

/** `ok`: everything enabled runs. `degraded`: a part does not. `error`: nothing can run. */
export type HealthStatus = "ok" | "degraded" | "error";

/** Returns `error` if a problem stops everything, `degraded` if there is any other problem, else `ok`. */
export function healthStatus({ problems }: ServiceStatus): HealthStatus {
  if (problems.some(({ fatal }) => fatal)) return "error";
  return problems.length > 0 ? "degraded" : "ok";
}

/**
 * Whether there is no problem and all streams of every enabled instance are live, on one of several sockets where there
 * are more. Streams of quiet channels need only an ack.
 */
export function isReady({ config, journal, problems, instances, group }: ServiceStatus): boolean {
  if (!config.loaded || journal === null || problems.some(({ covered }) => covered !== true)) return false;
  const enabled = instances.filter((instance) => instance.enabled);
  // A member of a group may hold no share.
  return (enabled.length > 0 || group !== null) &&
    enabled.every(({ connections, polls }) => {
      const covered = coveredConnections(connections);
      return connections.length > 0 &&
        connections.every((connection) => isWhole(connection) || covered.has(connection)) &&
        polls.every(({ lastAnswerTs }) => lastAnswerTs !== null);
    });
}

/** Returns the sockets that lack something which another socket of the same connection shows whole, with that one's key. */
export function coveredConnections(connections: readonly ConnectionStatus[]): ReadonlyMap<ConnectionStatus, string> {
  const whole = new Map(connections.filter(isWhole).map(({ key }) => [familyOf(key), key]));
  return new Map(connections.flatMap((connection) => {
    const other = isWhole(connection) ? undefined : whole.get(familyOf(connection.key));
    return other === undefined ? [] : [[connection, other] as const];
  }));
}

function isWhole({ state, streams, quietAcked }: ConnectionStatus): boolean {
  return isOpen(state) && streams.pending + (streams.acked - quietAcked) + streams.rejected + streams.stale === 0;
}

/**
 * Returns the state of an instance: `disabled`, `invalid`, `starting`, `waiting for instruments`, `live`, `degraded`
 * (some connection, stream or book is not live) or `down`.
 */
export function instanceState(instance: InstanceStatus): string {
  if (!instance.enabled) return "disabled";
  if (instance.errors.length > 0) return "invalid";
  if (instance.error !== null) return "down";
  const live = instance.connections.filter(({ state }) => isOpen(state));
  if (instance.connections.length === 0) {
    const { instruments } = instance;
    if (instruments === null) return "starting";
    // Its symbols, or all of its events, come with the instrument list.
    return instruments.unresolved.length > 0 || instruments.state !== "fetched" ? "waiting for instruments" : "live";
  }
  if (live.length === 0) return "down";
  const troubled = live.length < instance.connections.length ||
    live.some(({ streams }) => streams.rejected + streams.stale > 0) ||
    instance.books.some(({ state }) => state === "broken");
  return troubled ? "degraded" : "live";
}

/** A pause is no problem of the connection; a long one is a problem of the journal (`paused`). */
function isOpen(state: SessionState): boolean {
  return state.kind === "live" || state.kind === "paused";
}

/** Returns the body of /healthz, and its status: 200 if ok or degraded, else 503. */
export function healthBody(snapshot: ServiceStatus): { readonly status: 200 | 503; readonly body: unknown } {
  const status = healthStatus(snapshot);
  const valid = snapshot.instances.filter((i) => i.descriptorName !== null && i.errors.length === 0);
  return {
    status: status === "error" ? 503 : 200,
    body: {
      service: snapshot.service,
      version: snapshot.version,
      process_id: snapshot.processId,
      status,
      uptime_s: Math.floor(snapshot.uptimeMs / 1000),
      problems: snapshot.problems.map(problemBody),
      config_loaded: snapshot.config.loaded,
      config_error: snapshot.config.error,
      config_refused: snapshot.config.refused === null
        ? null
        : { at: isoFromMicros(snapshot.config.refused.at), error: snapshot.config.refused.text },
      config_needs_restart: snapshot.config.needsRestart,
      descriptors_loaded_count: valid.length,
      instances: snapshot.instances.map((instance) => instanceBody(instance, snapshot.now)),
      journal: snapshot.journal === null ? null : journalBody(snapshot.journal),
      sinks: snapshot.sinks.map(sinkBody),
      reading_paused_since: isoOrNull(snapshot.reading.pausedSince),
      blocked_hosts: snapshot.blockedHosts.map(({ host, what, remainingMs }) => ({
        host,
        what,
        remaining_s: Math.ceil(remainingMs / 1000),
      })),
      clock_last_step: snapshot.clock.lastStep === null
        ? null
        : { at: isoFromMicros(snapshot.clock.lastStep.at), by_ms: Math.round(snapshot.clock.lastStep.byMs) },
      group: snapshot.group === null ? null : groupBody(snapshot.group),
      log_lines_dropped: snapshot.log.dropped,
    },
  };
}

/** Returns an instance as /healthz shows it. */
export function instanceBody(instance: InstanceStatus, now: Micros): unknown {
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
      detail: "reason" in connection.state ? connection.state.reason : null,
      since: isoFromMicros(connection.since),
      last_message_age_ms: connection.lastMessageTs === null
        ? null
        : Math.max(0, Math.round((now - connection.lastMessageTs) / 1000)),
      reconnects: connection.reconnects,
      streams: connection.streams,
      rejected: connection.rejected.map(({ stream, reason, nextTryTs }) => ({
        stream: streamKey(stream),
        reason,
        next_try: isoOrNull(nextTryTs),
      })),
      data: {
        oldest_age_ms: connection.data.oldestTs === null
          ? null
          : Math.max(0, Math.round((now - connection.data.oldestTs) / 1000)),
        oldest_stream: connection.data.oldestStream,
        silent_streams: connection.data.silent,
        missing_streams: connection.data.missing,
      },
    })),
    books: booksBody(instance.books),
    polls: instance.polls.map((poll) => pollBody(poll, now)),
    requests_failing: instance.requests.map(({ request, native, since, attempts, error }) => ({
      request,
      native,
      since: isoFromMicros(since),
      attempts,
      error,
    })),
    instruments: instance.instruments === null
      ? null
      : { ...instance.instruments, since: isoFromMicros(instance.instruments.since) },
  };
}

/** Counts the books by state, and lists the broken ones with since when and why. */
function booksBody(books: readonly BookStatus[]): unknown {
  const count = (state: BookState) => books.filter((book) => book.state === state).length;
  return {
    valid: count("valid"),
    buffering: count("empty") + count("buffering"),
    broken: count("broken"),
    broken_books: books.filter(({ state }) => state === "broken").map(({ symbol, since, cause }) => ({
      symbol,
      since: isoOrNull(since),
      cause,
    })),
  };
}

/** Returns the journal as /healthz shows it. */
export function journalBody(journal: JournalStatus): unknown {
  return {
    next_offset: journal.next,
    synced_offset: journal.synced,
    oldest_offset: journal.oldest,
    buffered_bytes: journal.bufferedBytes,
    total_bytes: journal.totalBytes,
    full: journal.full,
    error: journal.error,
    waiting_since: isoOrNull(journal.waitingSince),
  };
}

/** Returns a sink as /healthz shows it. */
export function sinkBody(sink: SinkStatus): unknown {
  return {
    name: sink.name,
    type: sink.type,
    state: sink.state,
    lag_records: sink.lagRecords,
    committed_offset: sink.committed,
    events: sink.events,
    error: sink.error,
    waiting_since: isoOrNull(sink.waitingSince),
  };
}

/** Returns a group as /healthz and `group status` show it. */
export function groupBody(group: Omit<GroupStatus, "member" | "held"> & Partial<Pick<GroupStatus, "member" | "held">>) {
  return {
    name: group.name,
    engine: group.engine,
    ...(group.member === undefined ? {} : { member: group.member, held: group.held }),
    ttl_ms: group.ttlMs,
    shares: group.shares,
    replicas: group.replicas,
    engine_away: group.away === null ? null : { since: isoFromMicros(group.away.since), error: group.away.error },
    name_taken_since: isoOrNull(group.nameTakenSince),
    members: group.members.map(({ name, state, heardTs, live, starting }) => ({
      name,
      state,
      heard: isoFromMicros(heardTs),
      live,
      starting,
    })),
    uncovered: group.uncovered,
  };
}

/** Returns a problem as /healthz and /readyz show it. */
export function problemBody({ scope, name, code, text, since }: Problem): Readonly<Record<string, string | null>> {
  return { scope, name, code, text, since: isoOrNull(since) };
}

function pollBody({ request, stream, everyMs, lastAnswerTs, error }: PollStatus, now: Micros): unknown {
  const ageMs = lastAnswerTs === null ? null : Math.max(0, Math.round((now - lastAnswerTs) / 1000));
  return { request, stream: streamKey(stream), every_ms: everyMs, last_answer_age_ms: ageMs, error };
}

function isoOrNull(at: Micros | null): string | null {
  return at === null ? null : isoFromMicros(at);
}
