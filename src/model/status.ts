import type { Stream } from "./channel.ts";
import type { Offset, SessionId } from "./frame.ts";
import type { Micros } from "./micros.ts";
import type { SessionState, StreamState } from "./observation.ts";

/**
 * Status of the whole process at one moment, shown by /healthz, /readyz and /metrics. Rooms supply facts, from which
 * `problems` follow. All times are wall clock, in µs.
 */
export interface ServiceStatus {
  readonly service: string;
  readonly version: string;
  readonly processId: number;
  readonly now: Micros;
  readonly uptimeMs: number;
  readonly config: ConfigStatus;
  readonly instances: readonly InstanceStatus[];
  /** Null before the journal is opened, and if the configuration is broken. */
  readonly journal: JournalStatus | null;
  readonly sinks: readonly SinkStatus[];
  readonly reading: ReadingStatus;
  readonly blockedHosts: readonly HostBlockStatus[];
  readonly clock: ClockStatus;
  /** Null where the collector belongs to no group. */
  readonly group: GroupStatus | null;
  readonly log: LogStatus;
  readonly problems: readonly Problem[];
}

/** Subject of a problem. */
export type ProblemScope =
  | "config"
  | "instance"
  | "journal"
  | "sink"
  | "book"
  | "stream"
  | "rest"
  | "instruments"
  | "clock"
  | "group"
  | "http";

/** A problem: data is missing or soon will be. With any problem that is not `covered` the service is not ready. */
export interface Problem {
  readonly scope: ProblemScope;
  /** Instance, sink or file concerned; empty if the scope needs no name. */
  readonly name: string;
  /** One of a closed set per scope, for alerts. */
  readonly code: string;
  /** Text for people, without secrets. */
  readonly text: string;
  /** Null if the start is unknown. */
  readonly since: Micros | null;
  /** Whether it stops all collecting. */
  readonly fatal: boolean;
  /** Present where another socket shows all that is missing here: the data is whole, and one more loss would not be. */
  readonly covered?: true;
}

/** The running configuration, and whether the file on disk was refused. */
export interface ConfigStatus {
  /** Whether a valid configuration runs. */
  readonly loaded: boolean;
  /** The first error, if no configuration runs; null otherwise. */
  readonly error: string | null;
  /** Why the last reload refused the file, so that the earlier configuration still runs; null if it did not. */
  readonly refused: { readonly at: Micros; readonly text: string; readonly errors: number } | null;
  /** Settings changed at the last reload that only a restart applies, such as `run.http_port`. */
  readonly needsRestart: readonly string[];
}

/** One configured exchange instance. */
export interface InstanceStatus extends RunningStatus {
  readonly name: string;
  readonly enabled: boolean;
  readonly descriptorPath: string;
  readonly descriptorName: string | null;
  readonly descriptorVersion: string | null;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** Null if the instance needs no instrument list. */
  readonly instruments: InstrumentsStatus | null;
}

/** The running part of an instance; everything is empty while it does not run. */
export interface RunningStatus {
  readonly connections: readonly ConnectionStatus[];
  /** Books that the instance keeps at present. */
  readonly books: readonly BookStatus[];
  /** Polled requests, by request and instrument. */
  readonly polls: readonly PollStatus[];
  /** Requests other than polls that are still unanswered. */
  readonly requests: readonly RequestStatus[];
  /** Records whose derivation a bug stopped; null if there are none. */
  readonly quarantined: QuarantineStatus | null;
  /** Why it could not be started; null if it was. */
  readonly error: string | null;
}

/** How many streams are in each state. */
export type StreamCounts = Readonly<Record<StreamState, number>>;

/** One connection, over all of its sockets. */
export interface ConnectionStatus {
  /** Key of the connection in the plan. */
  readonly key: string;
  /** Without secrets; empty before the first attempt. */
  readonly url: string;
  readonly state: SessionState;
  /** When the state began. */
  readonly since: Micros;
  /** Receive time of the last message of any socket; null before the first. */
  readonly lastMessageTs: Micros | null;
  /** Number of sockets opened after the first. */
  readonly reconnects: number;
  readonly streams: StreamCounts;
  /** Acknowledged streams of quiet channels, which may show nothing for hours: part of `streams.acked`. */
  readonly quietAcked: number;
  readonly rejected: readonly RejectedStream[];
  readonly data: DataAge;
  /** Null while no socket is open. */
  readonly sessionId: SessionId | null;
}

/** A stream that the exchange rejected. */
export interface RejectedStream {
  readonly stream: Stream;
  readonly reason: string;
  /** When it is requested again; null if it is not, or is being requested now. */
  readonly nextTryTs: Micros | null;
}

/** Age of the data of a connection's streams, without quiet channels. */
export interface DataAge {
  /** Receive time of the last data of the longest silent stream; null before any data. */
  readonly oldestTs: Micros | null;
  /** That stream, as `trades BTC/USDT`; null before any data. */
  readonly oldestStream: string | null;
  /** Streams without data for longer than the connection's `first_data_timeout_ms`. */
  readonly silent: number;
  /**
   * Streams, quiet ones included, whose data is missing now: the connection was lost, or they are rejected or stale.
   */
  readonly missing: number;
}

/** `empty` and `buffering` have no snapshot yet; `broken` waits for a new one. */
export type BookState = "empty" | "buffering" | "valid" | "broken";

/** All states of books. */
export const BOOK_STATES: readonly BookState[] = ["empty", "buffering", "valid", "broken"];

/** One kept book. */
export interface BookStatus {
  readonly session: SessionId;
  readonly symbol: string;
  readonly state: BookState;
  /** When the state began; null before the first update. */
  readonly since: Micros | null;
  /** Why it is broken; null if it is not. */
  readonly cause: string | null;
}

/** Records of an instance whose derivation a bug stopped. They stay in the journal, and each emits a gap. */
export interface QuarantineStatus {
  /** Number of records since the start. */
  readonly records: number;
  /** Offset of the last one, and when it was received. */
  readonly offset: Offset;
  readonly at: Micros;
  readonly error: string;
}

/** One polled request of one instrument. */
export interface PollStatus {
  readonly request: string;
  readonly stream: Stream;
  readonly everyMs: number;
  /** Receive time of the last usable answer; null before the first. */
  readonly lastAnswerTs: Micros | null;
  /** Since when it is polled. */
  readonly since: Micros;
  /** Why the last call failed; null if it succeeded, and before the first. */
  readonly error: string | null;
}

/** One unanswered request, which is repeated. */
export interface RequestStatus {
  readonly request: string;
  /** Native symbol asked for; empty where the request covers many. */
  readonly native: string;
  readonly since: Micros;
  readonly attempts: number;
  readonly error: string;
}

/** A host that refuses connection attempts or requests for a while. */
export interface HostBlockStatus {
  readonly host: string;
  readonly what: "connections" | "requests";
  readonly remainingMs: number;
}

/** The instrument lists of an instance. */
export interface InstrumentsStatus {
  /**
   * `waiting`: the first list is being requested. `fetched`: the exchange's current list. `kept`: the list of an
   * earlier run, because the exchange's request failed. `failed`: there is no list.
   */
  readonly state: "waiting" | "fetched" | "kept" | "failed";
  /** When the state began. */
  readonly since: Micros;
  /** Why the request failed; null if it succeeded. */
  readonly error: string | null;
  /** Configured symbols that no list has: their streams are not requested. */
  readonly unresolved: readonly string[];
}

/** The raw log. */
export interface JournalStatus {
  readonly next: Offset;
  readonly synced: Offset;
  readonly oldest: Offset;
  readonly bufferedBytes: number;
  readonly totalBytes: number;
  readonly full: boolean;
  /** Why records cannot be synced now; null if they can. */
  readonly error: string | null;
  /** Since when records wait to be synced without progress, to within a second; null if none waits. */
  readonly waitingSince: Micros | null;
}

/** One sink. */
export interface SinkStatus {
  readonly name: string;
  readonly type: string;
  /** `blocked`: it fails for a reason that a person must remove, such as a wrong password. */
  readonly state: "starting" | "delivering" | "catching_up" | "failing" | "blocked" | "stopped";
  /** The next offset to write, and the next one to commit. */
  readonly position: Offset;
  readonly committed: Offset;
  /** Journal records not yet written to it. */
  readonly lagRecords: number;
  readonly events: number;
  /** Why it fails; kept until its next commit. */
  readonly error: string | null;
  /** Files written so far; null if the sink writes none. */
  readonly files: number | null;
  /** Since when events wait to be committed without progress, to within a second; null if none waits. */
  readonly waitingSince: Micros | null;
  /** Longest time from an event to its commit in normal operation, in ms. */
  readonly commitEveryMs: number;
}

/** Whether sockets are being read. */
export interface ReadingStatus {
  /** Since when reading is paused because the journal or sinks cannot keep up; null if it is not. */
  readonly pausedSince: Micros | null;
  /** Why reading is paused; null if it is not. */
  readonly reason: string | null;
}

/** The wall clock of this machine. */
export interface ClockStatus {
  /** The last step of the wall clock against the monotonic one; negative if it was set back. Null if there was none. */
  readonly lastStep: { readonly at: Micros; readonly byMs: number } | null;
}

/** The group that this collector belongs to, as it sees it. */
export interface GroupStatus {
  readonly name: string;
  readonly engine: string;
  /** This member. */
  readonly member: string;
  readonly ttlMs: number;
  readonly shares: number;
  readonly replicas: number;
  /** Shares that this member collects or is starting. */
  readonly held: readonly number[];
  /** Why and since when the engine cannot be reached; collecting goes on. Null if it can be reached. */
  readonly away: { readonly error: string; readonly since: Micros } | null;
  /** Since when another collector with the same name is in the group; null if there is none. */
  readonly nameTakenSince: Micros | null;
  /** Why the last change of shares failed; null if it succeeded. */
  readonly error: string | null;
  /** All members by name, this one included. */
  readonly members: readonly GroupMemberStatus[];
  /** Shares that no member collects, as seen by this one; null before it has read the group. */
  readonly uncovered: readonly number[] | null;
}

/** One member of a group. */
export interface GroupMemberStatus {
  readonly name: string;
  /**
   * `gone`: its lease expired. `other_layout`: it divides the streams differently, so it does not share with this one.
   */
  readonly state: "active" | "leaving" | "left" | "gone" | "other_layout";
  /** Time of its last sign of life, by its own clock. */
  readonly heardTs: Micros;
  /** Shares that it collects, or collected last. */
  readonly live: readonly number[];
  /** Shares that it has started but has no data of yet. */
  readonly starting: readonly number[];
}

/** Lines of the log. */
export interface LogStatus {
  /** Lines dropped because the reader of standard error did not keep up. */
  readonly dropped: number;
}

/** Status of the collector, supplied by the runtime. */
export interface CollectorStatus {
  /** By instance name; instances that do not run are absent. */
  readonly instances: ReadonlyMap<string, RunningStatus>;
  readonly journal: JournalStatus;
  readonly sinks: readonly SinkStatus[];
  readonly reading: ReadingStatus;
  readonly clock: ClockStatus;
  /** Frames received since the start. */
  readonly frames: number;
}
