import { isoFromMicros, type Observation, type StallEvent, streamKey } from "../model/mod.ts";

/** Levels of log lines, least serious first. */
export type LineLevel = "trace" | "debug" | "info" | "warn" | "error";

/** How an observation is logged. `docs/operations.md` is generated from this table. */
export interface LogSpec<T extends Observation = Observation> {
  readonly level: LineLevel | ((seen: T) => LineLevel);
  /** What the line means, for the documentation. */
  readonly meaning: string;
  readonly text: (seen: T) => string;
  /** Lines with the same key within a minute are counted instead of written; null if each is written. */
  readonly repeatKey: ((seen: T) => string) | null;
}

type Kind = Observation["kind"];
type Table = { readonly [K in Kind]: LogSpec<Extract<Observation, { kind: K }>> | null };

const where = (seen: { readonly exchange: string; readonly connection: string }) =>
  `${seen.exchange} ${seen.connection}`;

/** The step taken about a stalled stream, or its outcome. */
const STALL_WORDS: Readonly<Record<StallEvent, string>> = {
  quiet: "is quiet, not stalled",
  resubscribe: "has stalled and is resubscribed",
  reconnect: "has stalled and gets a new socket",
  next_address: "has stalled and gets a new socket at the next address",
  resumed: "has data again",
};

const isRecovery = (seen: Extract<Observation, { kind: "stream_state" }>) =>
  (seen.before === "rejected" || seen.before === "stale") && (seen.state === "live" || seen.state === "acked");

const gapPlace = (seen: { readonly exchange: string; readonly stream: string | null; readonly symbol: string }) =>
  seen.stream === null ? `${seen.exchange} connection` : `${seen.exchange} ${seen.stream} ${seen.symbol}`;

function gapLength({ fromTs, toTs }: { readonly fromTs: number | null; readonly toTs: number | null }): string {
  return fromTs === null || toTs === null ? "" : ` after ${((toTs - fromTs) / 1_000_000).toFixed(1)} s`;
}

type Resync = Extract<Observation, { kind: "book_resync" }>;

const RESYNC_CAUSES: Readonly<Record<Resync["cause"], string>> = {
  disconnect: "its connection was lost",
  sequence: "an update is missing",
  reset: "its sequence numbers began again",
  checksum: "the exchange's checksum differs",
  stale: "its sides are crossed, or its snapshot has not come",
  stalled: "its updates have stopped",
  undecodable: "an update cannot be read",
  dropped: "updates were dropped",
  rejected: "the exchange rejected it",
  takeover: "another connection took over",
  unsubscribed: "it was unsubscribed",
  clock: "the clock was set",
  buffering: "its snapshot has not come",
};

const RESYNC_ACTIONS: Readonly<Record<Resync["action"], string>> = {
  reconnect: "reconnecting",
  resubscribe: "resubscribing",
  rest: "requesting a snapshot over HTTP",
  request: "requesting a snapshot on the connection",
};

/** Every log line of the program by observation; null if it is only counted. */
export const LOG_EVENTS: Table = {
  started: {
    level: "info",
    meaning: "The collector started",
    text: (seen) => `Started version ${seen.version}`,
    repeatKey: null,
  },
  stopping: {
    level: "info",
    meaning: "An orderly stop began",
    text: (seen) => `Stopping on ${seen.signal}`,
    repeatKey: null,
  },
  stopped: {
    level: (seen) => seen.unfinished.length === 0 ? "info" : seen.isSafe ? "warn" : "error",
    meaning: "The stop is over: in order, or out of time, with what had not ended",
    text: (seen) => {
      const took = `Stopped after ${seen.durationMs.toFixed(0)} ms`;
      if (seen.unfinished.length === 0) return took;
      const state = seen.isSafe
        ? "all that was received is in the journal"
        : "the last frames may be missing in the journal";
      return `${took} without waiting for ${seen.unfinished.join(", ")}; ${state}`;
    },
    repeatKey: null,
  },
  log_dropped: {
    level: "warn",
    meaning: "Log lines before this one were dropped, because standard error was not read fast enough",
    text: (seen) => `${seen.lines} log lines were dropped: standard error was not read fast enough`,
    repeatKey: null,
  },
  config_waiting: {
    level: "error",
    meaning: "Nothing is collected: the process waits for a repaired configuration and SIGHUP",
    text: (seen) => `Nothing is collected: repair ${seen.path} and send SIGHUP`,
    repeatKey: null,
  },
  config_loaded: {
    level: "info",
    meaning: "The configuration is valid",
    text: (seen) => `Configuration loaded: ${seen.exchanges} exchange instances, ${seen.warnings} warnings`,
    repeatKey: null,
  },
  config_issue: {
    level: (seen) => seen.issue.severity === "error" ? "error" : "warn",
    meaning: "Something is wrong in configuration, a descriptor or a map",
    text: ({ issue }) => `${issue.file}:${issue.line}:${issue.column}: ${issue.severity}: ${issue.message}`,
    repeatKey: null,
  },
  config_reload: {
    level: (seen) => !seen.accepted ? "error" : seen.needsRestart.length === 0 ? "info" : "warn",
    meaning: "A reload applied the new configuration, or refused it and kept the running one",
    text: (seen) => {
      if (!seen.accepted) {
        return `Configuration refused: ${seen.errors} ${seen.errors === 1 ? "error" : "errors"}; the running one stays`;
      }
      if (seen.needsRestart.length === 0) return "Configuration reloaded";
      return `Configuration reloaded, except for what needs a restart: ${seen.needsRestart.join(", ")}`;
    },
    repeatKey: null,
  },
  session_state: {
    level: (seen) => seen.state.kind === "live" ? "info" : "debug",
    meaning: "A connection changed its state",
    text: (seen) => `${where(seen)} is ${seen.state.kind}`,
    repeatKey: null,
  },
  session_opened: {
    level: "info",
    meaning: "A WebSocket session was opened",
    text: (seen) => `${where(seen)} opened ${seen.url}`,
    repeatKey: null,
  },
  session_closed: {
    level: (seen) => seen.cause === "shutdown" || seen.cause === "max_age" ? "info" : "warn",
    meaning: "A session ended; its streams have a gap from here on",
    text: (seen) =>
      `${where(seen)} closed: ${seen.cause}${seen.code === null ? "" : ` ${seen.code}`} ${seen.reason}`.trimEnd(),
    repeatKey: null,
  },
  connect_failed: {
    level: "warn",
    meaning: "An attempt to connect failed; the next one follows after a growing, capped delay",
    text: (seen) => `${where(seen)} cannot connect: ${seen.reason}`,
    repeatKey: (seen) => `${where(seen)} ${seen.code}`,
  },
  request_sent: {
    level: "debug",
    meaning: "A subscription request was sent",
    text: (seen) => `${where(seen)} asked for ${seen.items} items`,
    repeatKey: null,
  },
  request_failed: {
    level: "warn",
    meaning: "A request was not acknowledged in time, or a rejection names no known request",
    text: (seen) =>
      seen.outcome === "ack_timeout"
        ? `${where(seen)}: ${seen.reason}`
        : `${where(seen)}: the exchange rejected a request without naming it: ${seen.reason}`,
    repeatKey: (seen) => `${where(seen)} ${seen.outcome}`,
  },
  stream_state: {
    level: (seen) =>
      seen.state === "rejected" ? "error" : seen.state === "stale" ? "warn" : isRecovery(seen) ? "info" : "debug",
    meaning: "A stream changed its state: pending, acked, live, stale, rejected",
    text: (seen) =>
      `${where(seen)} ${streamKey(seen.stream)} is ${seen.state}${isRecovery(seen) ? " again" : ""}${
        seen.reason === null ? "" : `: ${seen.reason}`
      }`,
    repeatKey: null,
  },
  stream_stalled: {
    level: (seen) => seen.step === "quiet" ? "debug" : seen.step === "resumed" ? "info" : "warn",
    meaning: "A stream that had data has stalled, with the step taken; or it has data again",
    text: (seen) => `${where(seen)} ${streamKey(seen.stream)} ${STALL_WORDS[seen.step]}: ${seen.reason}`,
    repeatKey: null,
  },
  streams_changed: {
    level: "info",
    meaning: "The streams of a connection changed; the difference is sent on its open socket",
    text: (seen) =>
      `${where(seen)} wants ${seen.added} more streams and ${seen.removed + seen.kept.length} fewer${
        seen.kept.length === 0 ? "" : `; the exchange cannot end ${seen.kept.join(", ")} before the next connection`
      }`,
    repeatKey: null,
  },
  sinks_changed: {
    level: "info",
    meaning: "A reload added, removed or opened sinks anew; the others go on",
    text: ({ added, removed, reopened }) =>
      [["added", added], ["removed", removed], ["opened anew", reopened]].flatMap(([what, names]) =>
        names.length === 0 ? [] : [`sinks ${what}: ${[names].flat().join(", ")}`]
      ).join("; "),
    repeatKey: null,
  },
  frame_received: null,
  frame_fault: {
    level: "warn",
    meaning: "A frame could not be turned into events; it stays in the journal at this offset",
    text: (seen) => `${seen.exchange} frame ${seen.offset}: ${seen.code} ${seen.where}: ${seen.example}`,
    repeatKey: (seen) => `${seen.exchange} ${seen.code} ${seen.where}`,
  },
  frame_control: null,
  frames_dropped: {
    level: "error",
    meaning: "Frames were not kept because the journal is full; a gap says which",
    text: (seen) => `${seen.exchange} dropped ${seen.frames} frames: ${seen.reason}`,
    repeatKey: (seen) => seen.exchange,
  },
  events: null,
  gap: {
    level: (seen) => seen.ends ? "info" : "warn",
    meaning: "A stream has a gap, or is complete again; the data has the same as an event",
    text: (seen) =>
      seen.ends
        ? `${gapPlace(seen)} is ${seen.stream === "book" ? "valid" : "complete"} again${gapLength(seen)}: ${seen.cause}`
        : `${gapPlace(seen)} has a gap${gapLength(seen)}: ${seen.cause}: ${seen.detail}`,
    repeatKey: (seen) => `${seen.exchange} ${seen.stream ?? ""} ${seen.cause} ${seen.ends}`,
  },
  book_resync: {
    level: "info",
    meaning: "A book is not valid and is resynced as soon as its budget allows",
    text: (seen) =>
      `${seen.exchange} ${seen.symbol === "" ? "all books of a session" : `book ${seen.symbol}`}: ${
        RESYNC_CAUSES[seen.cause]
      }; ${RESYNC_ACTIONS[seen.action]}`,
    repeatKey: (seen) => `${seen.exchange} ${seen.cause}`,
  },
  book_compared: {
    level: (seen) => seen.outcome === "different" ? "warn" : "debug",
    meaning:
      "A kept book was compared with the exchange's own snapshot; one that differs is a gap and is made whole again",
    text: (seen) =>
      `${seen.exchange} book ${seen.symbol} ${
        seen.outcome === "different"
          ? `differs from the exchange's snapshot: ${seen.detail}`
          : seen.outcome === "same"
          ? "agrees with the exchange's snapshot"
          : "could not be compared with the exchange's snapshot"
      }`,
    repeatKey: (seen) => `${seen.exchange} ${seen.outcome}`,
  },
  gap_filled: {
    level: (seen) => seen.outcome === "filled" ? "info" : "warn",
    meaning: "A gap was backfilled: completely, in part or not at all",
    text: (seen) => `${gapPlace(seen)} has a gap that was ${seen.outcome.replaceAll("_", " ")}: ${seen.detail}`,
    repeatKey: (seen) => `${seen.exchange} ${seen.stream ?? ""} ${seen.outcome}`,
  },
  book_withheld: null,
  duplicate: null,
  symbol_unmapped: {
    level: "warn",
    meaning: "A native symbol has no entry in the map and keeps its native spelling",
    text: (seen) => `${seen.exchange} has no canonical symbol for ${seen.native}`,
    repeatKey: (seen) => seen.exchange,
  },
  http_request: {
    level: (seen) => seen.status !== null && seen.status < 400 ? "debug" : "warn",
    meaning: "A REST request was answered, or failed",
    text: (seen) =>
      `${seen.exchange} ${seen.request}: ${seen.error ?? `status ${seen.status}`} after ${
        seen.durationMs.toFixed(0)
      } ms`,
    repeatKey: (seen) => seen.status !== null && seen.status < 400 ? "" : `${seen.exchange} ${seen.request}`,
  },
  answer_unusable: {
    level: "warn",
    meaning: "A REST answer is unusable, whatever its status; it is requested again after a growing delay",
    text: (seen) => `${seen.exchange} ${seen.request} ${seen.native}: unusable answer: ${seen.reason}`,
    repeatKey: (seen) => `${seen.exchange} ${seen.request}`,
  },
  instruments_loaded: {
    level: "info",
    meaning: "An instance has the list of instruments that its symbols need",
    text: (seen) => `${seen.exchange} has ${seen.instruments} instruments from the ${seen.source}`,
    repeatKey: null,
  },
  symbols_unresolved: {
    level: "warn",
    meaning: "Symbols cannot be subscribed to, because no instrument list has them",
    text: (seen) => `${seen.exchange} cannot subscribe to ${seen.symbols.join(", ")}: ${seen.reason}`,
    repeatKey: (seen) => `${seen.exchange} ${seen.reason}`,
  },
  kept_file_failed: {
    level: "warn",
    meaning: "A file that carries knowledge over restarts cannot be read or written; the collector goes on without it",
    text: (seen) => `Cannot ${seen.action} ${seen.file}: ${seen.error}`,
    repeatKey: (seen) => `${seen.action} ${seen.file}`,
  },
  kept_file_set_aside: {
    level: "warn",
    meaning: "A damaged file was renamed; the collector goes on without what it held",
    text: (seen) => `Set aside ${seen.file} as ${seen.aside}: ${seen.reason}`,
    repeatKey: null,
  },
  journal_synced: null,
  journal_segment_sealed: {
    level: "debug",
    meaning: "A journal segment was compressed and closed",
    text: (seen) => `Sealed segment ${seen.segment}: ${seen.bytes} bytes`,
    repeatKey: null,
  },
  journal_segment_archived: {
    level: "info",
    meaning: "A journal segment that every sink has passed was copied to the archive; it is deleted next",
    text: (seen) => `Archived segment ${seen.segment} as ${seen.path}: ${seen.bytes} bytes`,
    repeatKey: null,
  },
  journal_segment_deleted: {
    level: "info",
    meaning: "A journal segment that every sink has passed was deleted",
    text: (seen) => `Deleted segment ${seen.segment}: ${seen.bytes} bytes`,
    repeatKey: null,
  },
  journal_recovered: {
    level: (seen) => seen.cutBytes > 0 ? "warn" : "info",
    meaning: "The journal was opened; a half-written record at its end was cut off",
    text: (seen) =>
      seen.cutBytes > 0
        ? `Recovered segment ${seen.segment}: ${seen.records} records, ${seen.cutBytes} bytes of a torn tail cut`
        : `Opened the journal: goes on in segment ${seen.segment} after ${seen.records} records`,
    repeatKey: null,
  },
  journal_full: {
    level: (seen) => seen.full ? "error" : "info",
    meaning: "The journal reached its cap, or has room again",
    text: (seen) => seen.full ? `Journal full at ${seen.bytes} bytes` : `Journal has room again at ${seen.bytes} bytes`,
    repeatKey: null,
  },
  clock_stepped: {
    level: "warn",
    meaning: "The clock of the machine was set; receive times follow it, and a gap event records it",
    text: (seen) =>
      `The system's clock was set ${seen.toTs < seen.fromTs ? "back" : "forward"} by ` +
      `${(Math.abs(seen.toTs - seen.fromTs) / 1_000_000).toFixed(3)} s`,
    repeatKey: null,
  },
  group_engine: {
    level: (seen) => seen.error === null ? "info" : "warn",
    meaning: "The engine of the group is away, or back; collecting goes on",
    text: (seen) =>
      seen.error === null
        ? `The group's engine ${seen.engine} answers`
        : `The group's engine ${seen.engine} is away, and collecting goes on: ${seen.error}`,
    repeatKey: null,
  },
  group_share: {
    level: (seen) => seen.fromTs === null ? "info" : "warn",
    meaning: "This collector takes or releases a share of its group; a warning if nobody collected it in between",
    text: ({ change, share, shares, other, fromTs }) => {
      const gap = fromTs === null ? "" : `, which nobody has collected since ${isoFromMicros(fromTs)}`;
      if (change === "released") return `Share ${share} of ${shares} is released: ${other} collects it`;
      return `Share ${share} of ${shares} is taken${other === null ? "" : ` from ${other}`}${gap}`;
    },
    repeatKey: null,
  },
  group_name_taken: {
    level: "error",
    meaning: "Another collector of the same name is in the group; this one joins when that one is gone",
    text: (seen) =>
      `Another collector is in the group under the name ${seen.member}: set run.collector to one of its own`,
    repeatKey: null,
  },
  group_note_failed: {
    level: "warn",
    meaning:
      "What this collector has of its streams could not be noted for the group: what is missed before a take-over " +
      "of its shares is told, and fetched from an older note on or not at all",
    text: (seen) => `What others would need to fetch the hole of a take-over could not be noted: ${seen.error}`,
    repeatKey: () => "",
  },
  journal_failed: {
    level: "error",
    meaning: "The journal cannot be written; it is tried again, and no sink moves on meanwhile",
    text: (seen) => `Journal cannot be written: ${seen.error}`,
    repeatKey: (seen) => seen.error,
  },
  journal_warning: {
    level: "error",
    meaning: "Something is odd about the journal without stopping it: a cursor, a foreign file, files that vanished",
    text: (seen) => seen.text,
    repeatKey: (seen) => seen.text,
  },
  reading_paused: {
    level: "warn",
    meaning: "The sockets were not read for a while; each connection has a gap, and receive times after it are late",
    text: (seen) => `${seen.exchange} was not read for ${seen.durationMs.toFixed(0)} ms: ${seen.reason}`,
    repeatKey: null,
  },
  frame_quarantined: {
    level: "error",
    meaning: "A bug stopped the derivation of one record; it stays in the journal, becomes a gap, and all else goes on",
    text: (seen) => `${seen.exchange} record ${seen.offset} is quarantined: ${seen.error}`,
    repeatKey: (seen) => `${seen.exchange} ${seen.error}`,
  },
  sink_wrote: null,
  sink_committed: {
    level: "debug",
    meaning: "A sink committed an offset",
    text: (seen) => `Sink ${seen.sink} committed ${seen.offset}`,
    repeatKey: null,
  },
  sink_failed: {
    level: "error",
    meaning: "A sink failed; it is opened again after a delay and goes on from its committed offset. `blocked`: a " +
      "person has to act; `bug`: an error of the program",
    text: (seen) =>
      `Sink ${seen.sink} ${seen.blocked ? "is blocked" : "failed"}${
        seen.bug ? " (this is a bug)" : ""
      }: ${seen.error}; ` +
      (seen.retryMs === null ? "it is not tried again" : `next attempt in ${seen.retryMs.toFixed(0)} ms`),
    repeatKey: (seen) => seen.sink,
  },
  sink_notice: {
    level: "warn",
    meaning: "A sink found or did something that its owner should know; it goes on",
    text: (seen) => `Sink ${seen.sink}: ${seen.text}`,
    repeatKey: null,
  },
  sink_recovered: {
    level: "info",
    meaning: "A sink works again",
    text: (seen) => `Sink ${seen.sink} works again`,
    repeatKey: null,
  },
  uncaught_error: {
    level: "error",
    meaning: "An uncaught error. One of a connection costs nothing: its user notices by itself. Any other is a bug " +
      "(`ends`): the program stops in order and exits 1",
    text: (seen) =>
      seen.ends ? `A bug ends the program: ${seen.error}` : `A connection without a listener failed: ${seen.error}`,
    repeatKey: (seen) => seen.error,
  },
};

/** Returns how an observation is logged; null if it is only counted. */
export function logSpec(seen: Observation): LogSpec | null {
  return LOG_EVENTS[seen.kind] as LogSpec | null;
}
