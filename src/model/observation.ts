import type { Channel, Stream } from "./channel.ts";
import type { BookEventKind, EventKind } from "./event_specs.ts";
import type { GapCause } from "./event_values.ts";
import type { Issue } from "./issue.ts";
import type { ResyncAction } from "./plan/books.ts";
import type { CloseCause } from "./record.ts";
import type { Offset, SessionId } from "./frame.ts";
import type { Micros } from "./micros.ts";

/** Why a frame, or a part of it, gave no event; the frame is kept. */
export type FaultCode =
  | "undecodable"
  | "not_json"
  | "missing_field"
  | "bad_decimal"
  | "bad_time"
  | "unknown_value"
  | "unknown_level"
  | "too_many_symbols"
  | "empty_answer"
  | "empty_quote"
  | "unmatched";

/** The state of a session; a closed union, shown in /healthz. */
export type SessionState =
  | { readonly kind: "connecting"; readonly attempt: number }
  | { readonly kind: "waiting"; readonly attempt: number; readonly delayMs: number; readonly reason: string }
  | { readonly kind: "welcoming" }
  | { readonly kind: "subscribing" }
  | { readonly kind: "live" }
  /** The socket is open but not read, because the journal or a sink cannot keep up. */
  | { readonly kind: "paused" }
  | { readonly kind: "closing" }
  | { readonly kind: "closed" }
  /** A bug ended it: it does not reconnect until the instance is restarted. */
  | { readonly kind: "faulted"; readonly reason: string };

/** The state of one stream within a session. */
export type StreamState = "pending" | "acked" | "live" | "stale" | "rejected";

/**
 * What was found or done about a silent stream. `quiet`: the exchange was asked and has nothing later. `resubscribe`,
 * `reconnect`, `next_address`: the steps against a stalled stream, in order. `resumed`: its data came again.
 */
export type StallEvent = "quiet" | "resubscribe" | "reconnect" | "next_address" | "resumed";

/** Something that happened. The observer turns it into a metric and a log line. */
export type Observation =
  | { readonly kind: "started"; readonly version: string }
  | { readonly kind: "stopping"; readonly signal: string }
  | {
    readonly kind: "stopped";
    readonly durationMs: number;
    /** What had not stopped at the deadline. */
    readonly unfinished: readonly string[];
    /** Whether all that was received is safe in the journal. */
    readonly isSafe: boolean;
  }
  /** Log lines were dropped because their reader did not keep up. */
  | { readonly kind: "log_dropped"; readonly lines: number }
  /** No configuration could be loaded; the process waits for a repaired one. */
  | { readonly kind: "config_waiting"; readonly path: string }
  | { readonly kind: "config_loaded"; readonly exchanges: number; readonly warnings: number }
  | { readonly kind: "config_issue"; readonly issue: Issue }
  | {
    readonly kind: "config_reload";
    readonly accepted: boolean;
    readonly errors: number;
    /** Changed settings that only a restart applies. */
    readonly needsRestart: readonly string[];
  }
  | {
    readonly kind: "session_state";
    readonly exchange: string;
    readonly connection: string;
    readonly state: SessionState;
  }
  | {
    readonly kind: "session_opened";
    readonly exchange: string;
    readonly connection: string;
    readonly session: SessionId;
    readonly url: string;
  }
  | {
    readonly kind: "session_closed";
    readonly exchange: string;
    readonly connection: string;
    readonly cause: CloseCause;
    readonly code: number | null;
    readonly reason: string;
  }
  | {
    readonly kind: "connect_failed";
    readonly exchange: string;
    readonly connection: string;
    readonly code: string;
    readonly status: number | null;
    readonly reason: string;
  }
  | {
    readonly kind: "request_sent";
    readonly exchange: string;
    readonly connection: string;
    readonly items: number;
  }
  | {
    readonly kind: "request_failed";
    readonly exchange: string;
    readonly connection: string;
    readonly outcome: "ack_timeout" | "unattributed_rejection";
    readonly reason: string;
  }
  | {
    readonly kind: "stream_state";
    readonly exchange: string;
    readonly connection: string;
    readonly stream: Stream;
    readonly state: StreamState;
    readonly before: StreamState;
    readonly reason: string | null;
  }
  | {
    /** A stream stalled and a step was taken against it, or it resumed. */
    readonly kind: "stream_stalled";
    readonly exchange: string;
    readonly connection: string;
    readonly stream: Stream;
    readonly step: StallEvent;
    /** In ms. */
    readonly silentMs: number;
    readonly reason: string;
  }
  | {
    /** A reload changed the desired streams of a connection. */
    readonly kind: "streams_changed";
    readonly exchange: string;
    readonly connection: string;
    readonly added: number;
    readonly removed: number;
    /** Streams no longer desired that keep coming until the next socket. */
    readonly kept: readonly string[];
  }
  | {
    /** A reload added, removed or opened sinks anew; the names of each. */
    readonly kind: "sinks_changed";
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly reopened: readonly string[];
  }
  | {
    readonly kind: "frame_received";
    readonly exchange: string;
    readonly bytes: number;
  }
  | {
    readonly kind: "frame_fault";
    readonly exchange: string;
    readonly code: FaultCode;
    /** Rule or pointer concerned. */
    readonly where: string;
    readonly example: string;
    readonly offset: Offset;
  }
  | { readonly kind: "frame_control"; readonly exchange: string; readonly rule: string }
  | { readonly kind: "frames_dropped"; readonly exchange: string; readonly frames: number; readonly reason: string }
  | { readonly kind: "events"; readonly exchange: string; readonly event: EventKind; readonly count: number }
  | {
    readonly kind: "gap";
    readonly exchange: string;
    readonly stream: Channel | null;
    readonly symbol: string;
    readonly cause: GapCause;
    readonly detail: string;
    /** Whether it closes a gap that was opened before. */
    readonly ends: boolean;
    readonly fromTs: Micros | null;
    /** Null while the gap is open. */
    readonly toTs: Micros | null;
  }
  | {
    /** The backfill of a gap has ended. */
    readonly kind: "gap_filled";
    readonly exchange: string;
    readonly stream: Channel | null;
    readonly symbol: string;
    readonly outcome: "filled" | "in_part" | "not_filled";
    readonly detail: string;
  }
  | {
    /** A book is broken or waits too long for its snapshot; `action` is taken as soon as the budget allows. */
    readonly kind: "book_resync";
    readonly exchange: string;
    /** Empty if all books of a session are concerned. */
    readonly symbol: string;
    readonly cause: GapCause | "buffering";
    readonly action: ResyncAction;
  }
  | {
    /** A kept book was compared with the exchange's own snapshot; `unknown`: at no common number. */
    readonly kind: "book_compared";
    readonly exchange: string;
    readonly symbol: string;
    readonly outcome: "same" | "different" | "unknown";
    /** The difference, in words; empty where there is none. */
    readonly detail: string;
  }
  | {
    readonly kind: "book_withheld";
    readonly exchange: string;
    readonly event: BookEventKind;
    readonly count: number;
  }
  | { readonly kind: "duplicate"; readonly exchange: string; readonly count: number }
  | { readonly kind: "symbol_unmapped"; readonly exchange: string; readonly native: string }
  | {
    readonly kind: "http_request";
    readonly exchange: string;
    readonly request: string;
    readonly status: number | null;
    readonly durationMs: number;
    readonly error: string | null;
  }
  | {
    /** A REST answer is not what was requested, whatever its status; the request is repeated. */
    readonly kind: "answer_unusable";
    readonly exchange: string;
    readonly request: string;
    /** Requested native symbol; empty if the request covers many. */
    readonly native: string;
    readonly reason: string;
  }
  | {
    /** An instance has loaded the instrument list that its symbols need. */
    readonly kind: "instruments_loaded";
    readonly exchange: string;
    readonly instruments: number;
    readonly source: "exchange" | "kept list";
  }
  | {
    /** Symbols of an instance cannot be requested, because no list gives their native spelling. */
    readonly kind: "symbols_unresolved";
    readonly exchange: string;
    readonly symbols: readonly string[];
    readonly reason: string;
  }
  | {
    readonly kind: "kept_file_failed";
    readonly file: string;
    readonly action: "read" | "write" | "set aside";
    readonly error: string;
  }
  | { readonly kind: "kept_file_set_aside"; readonly file: string; readonly aside: string; readonly reason: string }
  | { readonly kind: "journal_synced"; readonly bytes: number; readonly records: number; readonly durationMs: number }
  | { readonly kind: "journal_segment_sealed"; readonly segment: string; readonly bytes: number }
  | {
    readonly kind: "journal_segment_archived";
    readonly segment: string;
    readonly path: string;
    readonly bytes: number;
  }
  | { readonly kind: "journal_segment_deleted"; readonly segment: string; readonly bytes: number }
  | {
    readonly kind: "journal_recovered";
    readonly segment: string;
    readonly cutBytes: number;
    readonly records: number;
  }
  | { readonly kind: "journal_full"; readonly full: boolean; readonly bytes: number }
  | { readonly kind: "journal_failed"; readonly error: string }
  | { readonly kind: "clock_stepped"; readonly fromTs: Micros; readonly toTs: Micros }
  | {
    /** The engine of the group became reachable or unreachable; collecting goes on. */
    readonly kind: "group_engine";
    readonly engine: string;
    /** Why it cannot be reached; null if it can. */
    readonly error: string | null;
  }
  | {
    /** This collector started or stopped collecting a share of its group. */
    readonly kind: "group_share";
    readonly change: "taken" | "released";
    readonly share: number;
    readonly shares: number;
    /** Collector that it came from or goes to; null if none is known. */
    readonly other: string | null;
    /** Since when nobody had collected it; null if nothing was missed. */
    readonly fromTs: Micros | null;
  }
  | { readonly kind: "group_name_taken"; readonly member: string }
  | { readonly kind: "group_note_failed"; readonly error: string }
  | { readonly kind: "journal_warning"; readonly code: JournalWarning; readonly text: string }
  | { readonly kind: "reading_paused"; readonly exchange: string; readonly durationMs: number; readonly reason: string }
  | { readonly kind: "frame_quarantined"; readonly exchange: string; readonly offset: Offset; readonly error: string }
  | { readonly kind: "sink_wrote"; readonly sink: string; readonly events: number; readonly durationMs: number }
  | { readonly kind: "sink_committed"; readonly sink: string; readonly offset: Offset }
  | {
    readonly kind: "sink_failed";
    readonly sink: string;
    readonly error: string;
    /** Milliseconds until the next attempt; null if there will be none. */
    readonly retryMs: number | null;
    /** Whether it was a bug rather than a `Failure`. */
    readonly bug: boolean;
    /** Whether a person has to act. */
    readonly blocked: boolean;
  }
  | {
    /** A sink found or did something that the owner of its data should know; it goes on. */
    readonly kind: "sink_notice";
    readonly sink: string;
    readonly text: string;
  }
  | { readonly kind: "sink_recovered"; readonly sink: string }
  | {
    /** An uncaught error. `ends`: it does not belong to a connection, so the program stops. */
    readonly kind: "uncaught_error";
    readonly error: string;
    readonly ends: boolean;
  };

/**
 * A problem of the journal that does not stop it. `archive`: a segment could not be moved to the archive. `cursor`: a
 * sink's cursor was damaged and reset. `foreign_file`: its folder holds a file that is not the journal's. `checkpoint`:
 * a checkpoint could not be written, so the segment keeps growing. `lost`: files or records of the journal are gone or
 * damaged. `sealing`: a segment could not be compressed. `append`: a record other than a frame could not be appended.
 * `clock_steps`: clock steps could not be saved.
 */
export type JournalWarning =
  | "archive"
  | "cursor"
  | "foreign_file"
  | "checkpoint"
  | "lost"
  | "sealing"
  | "append"
  | "clock_steps";

/** Receives observations. Called synchronously on hot paths: must be fast and must not throw. */
export type Observer = (observation: Observation) => void;
