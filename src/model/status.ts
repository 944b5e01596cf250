import type { Stream } from "./channel.ts";
import type { Offset, SessionId } from "./frame.ts";
import type { Micros } from "./micros.ts";
import type { SessionState, StreamState } from "./observation.ts";

/**
 * How the whole process is doing at one moment: one tree that the rooms fill and /healthz, /readyz and /metrics show.
 * Rooms give facts; `problems` is what follows from them. All times are wall clock, in microseconds.
 */
export interface ServiceStatus {
  readonly service: string;
  readonly version: string;
  readonly processId: number;
  readonly now: Micros;
  readonly uptimeMs: number;
  readonly config: ConfigStatus;
  readonly instances: readonly InstanceStatus[];
  /** Null before the journal was opened, and where the configuration is broken. */
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

/** What a problem is about. */
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

/** One thing that is not as it should be. Each means that data is not whole or soon will not be: the service is not ready. */
export interface Problem {
  readonly scope: ProblemScope;
  /** Instance, sink or file concerned; empty where the scope says all. */
  readonly name: string;
  /** From a closed set for each scope, for alerts. */
  readonly code: string;
  /** For people, without secrets. */
  readonly text: string;
  /** Null where it is not known since when. */
  readonly since: Micros | null;
  /** Whether nothing can be collected because of it; else the rest runs on. */
  readonly fatal: boolean;
}

/** The configuration that runs, and the file on disk where that is another one. */
export interface ConfigStatus {
  /** Whether a valid configuration runs. */
  readonly loaded: boolean;
  /** Why none runs: the first error; null where one does. */
  readonly error: string | null;
  /** Why the file as it is now was refused at the last reload, while the earlier one runs on; null where it was not. */
  readonly refused: { readonly at: Micros; readonly text: string; readonly errors: number } | null;
  /** Settings that the last reload changed and that apply only after a restart, such as `run.http_port`. */
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
  /** Null where the instance takes its symbols from no list. */
  readonly instruments: InstrumentsStatus | null;
}

/** The running part of an instance; everything is empty while it does not run. */
export interface RunningStatus {
  readonly connections: readonly ConnectionStatus[];
  /** Books that the instance keeps at present. */
  readonly books: readonly BookStatus[];
  /** Requests that are asked again and again, by request and instrument. */
  readonly polls: readonly PollStatus[];
  /** Requests other than polls that have brought no answer so far. */
  readonly requests: readonly RequestStatus[];
  /** Records whose derivation a bug stopped; null where none did. */
  readonly quarantined: QuarantineStatus | null;
  /** Why it could not be started; null where it was. */
  readonly error: string | null;
}

/** How many streams are in each state. */
export type StreamCounts = Readonly<Record<StreamState, number>>;

/** One connection, over all the sockets it takes. */
export interface ConnectionStatus {
  /** Key of the connection in the plan. */
  readonly key: string;
  /** Without secrets; empty before the first attempt. */
  readonly url: string;
  readonly state: SessionState;
  /** When the state began. */
  readonly since: Micros;
  /** When the last message came, of any socket so far; null before the first. */
  readonly lastMessageTs: Micros | null;
  /** How many sockets were opened after the first. */
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
  /** When it is asked for again; null where it is not, or is being asked for. */
  readonly nextTryTs: Micros | null;
}

/** How old the data of a connection's streams is; those of quiet channels do not count. */
export interface DataAge {
  /** Receive time of the last data of the stream that has been silent for longest; null before any data. */
  readonly oldestTs: Micros | null;
  /** That stream, as `trades BTC/USDT`; null before any data. */
  readonly oldestStream: string | null;
  /** Streams without data for longer than the connection's `first_data_timeout_ms`. */
  readonly silent: number;
  /** Streams, quiet ones too, whose data is missing at present: since a loss of the connection, rejected or stale. */
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
  /** Why it is broken; null while it is not. */
  readonly cause: string | null;
}

/** Records of an instance that a bug kept from being derived. They are kept in the journal, and a gap tells each. */
export interface QuarantineStatus {
  /** How many, since the start. */
  readonly records: number;
  /** Offset of the last one, and when it was received. */
  readonly offset: Offset;
  readonly at: Micros;
  readonly error: string;
}

/** One request that is polled for one instrument. */
export interface PollStatus {
  readonly request: string;
  readonly stream: Stream;
  readonly everyMs: number;
  /** Receive time of the last answer that could be used; null before the first. */
  readonly lastAnswerTs: Micros | null;
  /** Since when it is polled. */
  readonly since: Micros;
  /** Why the last call brought nothing; null where it did, and before the first. */
  readonly error: string | null;
}

/** One request that has brought no answer so far and is asked again. */
export interface RequestStatus {
  readonly request: string;
  /** Native symbol asked for; empty where the request covers many. */
  readonly native: string;
  readonly since: Micros;
  readonly attempts: number;
  readonly error: string;
}

/** A host that has asked to stay away, with connection attempts or with requests. */
export interface HostBlockStatus {
  readonly host: string;
  readonly what: "connections" | "requests";
  readonly remainingMs: number;
}

/** The instrument lists of an instance. */
export interface InstrumentsStatus {
  /**
   * `waiting`: the first list is being asked for. `fetched`: the exchange's present list. `kept`: the list of an earlier
   * run, because the exchange's cannot be had. `failed`: none can be had.
   */
  readonly state: "waiting" | "fetched" | "kept" | "failed";
  /** When the state began. */
  readonly since: Micros;
  /** Why the list cannot be had; null where it was. */
  readonly error: string | null;
  /** Symbols that are configured and in no list: their streams are not asked for. */
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
  /** Why records cannot be made safe at present; null while all is well. */
  readonly error: string | null;
  /** Since when records wait to be made safe without any progress, within a second; null while none waits. */
  readonly waitingSince: Micros | null;
}

/** One sink. */
export interface SinkStatus {
  readonly name: string;
  readonly type: string;
  /** `blocked`: it fails for a reason that a person has to remove, such as a password. */
  readonly state: "starting" | "delivering" | "catching_up" | "failing" | "blocked" | "stopped";
  /** The next offset it is to get, and the next one it has made safe. */
  readonly position: Offset;
  readonly committed: Offset;
  /** Journal records not yet handed over. */
  readonly lagRecords: number;
  readonly events: number;
  /** Why it fails: kept until it has made something safe again. */
  readonly error: string | null;
  /** Files written so far; null where the sink writes none. */
  readonly files: number | null;
  /** Since when something waits to be made safe without any progress, within a second; null while nothing waits. */
  readonly waitingSince: Micros | null;
  /** How long it may take from an event to its commit when all is well, in ms. */
  readonly commitEveryMs: number;
}

/** Whether sockets are read. */
export interface ReadingStatus {
  /** Since when nothing is read because the journal or sinks cannot take more; null while all is read. */
  readonly pausedSince: Micros | null;
  /** Why; null while all is read. */
  readonly reason: string | null;
}

/** The wall clock of this machine. */
export interface ClockStatus {
  /** The last step of the wall clock against the monotonic one; null where there was none. Negative: set back. */
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
  /** Shares that this member collects, or is starting to. */
  readonly held: readonly number[];
  /** Why the engine cannot be reached, and since when; null where it can. What is collected goes on. */
  readonly away: { readonly error: string; readonly since: Micros } | null;
  /** Since when another collector with the same name is in the group; null where there is none. */
  readonly nameTakenSince: Micros | null;
  /** Why the last change of shares could not be carried out; null where it could. */
  readonly error: string | null;
  /** All members by name, this one too. */
  readonly members: readonly GroupMemberStatus[];
  /** Shares that no member collects, as far as this one sees; null before it has seen the group. */
  readonly uncovered: readonly number[] | null;
}

/** One member of a group. */
export interface GroupMemberStatus {
  readonly name: string;
  /** `gone`: its lease ran out. `other_layout`: it divides the streams in another way and is a group of its own. */
  readonly state: "active" | "leaving" | "left" | "gone" | "other_layout";
  /** When it was last heard of, by its own clock. */
  readonly heardTs: Micros;
  /** Shares that it collects, or did. */
  readonly live: readonly number[];
  /** Shares that it has started and whose data does not come yet. */
  readonly starting: readonly number[];
}

/** Lines of the log. */
export interface LogStatus {
  /** Lines that were left out because the reader of standard error did not keep up. */
  readonly dropped: number;
}

/** What the runtime knows of the whole. */
export interface CollectorStatus {
  /** By instance; those that do not run are absent. */
  readonly instances: ReadonlyMap<string, RunningStatus>;
  readonly journal: JournalStatus;
  readonly sinks: readonly SinkStatus[];
  readonly reading: ReadingStatus;
  readonly clock: ClockStatus;
  /** Frames received since the start. */
  readonly frames: number;
}
