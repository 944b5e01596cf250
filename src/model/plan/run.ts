import type { Channel } from "../channel.ts";
import type { Instrument } from "../instrument.ts";
import type { Issue } from "../issue.ts";
import { HTTP_CONNECTIONS_MAX } from "../limits.ts";
import type { Micros } from "../micros.ts";
import type { Secret } from "../secret.ts";
import type { ConnectionPlan } from "./connection.ts";
import type { BookTopPlan, DedupPlan } from "./derivation.ts";
import type { FramePlan } from "./frames.ts";
import type { GroupPlan, ShareStreams } from "./group.ts";
import type { Shard } from "../shard.ts";
import type { RestPlan } from "./rest.ts";
import type { SinkPlan } from "./sinks.ts";

/** Validated configuration, ready to run: nothing after `config` parses or checks text again. */
export interface Plan {
  readonly run: RunPlan;
  readonly journal: JournalPlan;
  readonly dedup: DedupPlan;
  /** Null if no tops of books are emitted. */
  readonly bookTops: BookTopPlan | null;
  readonly sinks: readonly SinkPlan[];
  /** Null if the collector belongs to no group. */
  readonly group: GroupPlan | null;
  /** Every configured instance, disabled and broken ones included, in the order of the file. */
  readonly exchanges: readonly ExchangePlan[];
}

/** `[run]`. Paths are as given in the file; `dataDir` is resolved against the working directory by the host. */
export interface RunPlan {
  /** Name in every emitted event; null: the journal's name, or the host's name for a new journal. */
  readonly collector: string | null;
  /** Null: all streams are this collector's. */
  readonly shard: Shard | null;
  readonly httpHost: string;
  readonly httpPort: number;
  readonly httpAccess: HttpAccess;
  readonly logLevel: LogLevel;
  readonly logFormat: "auto" | "text" | "json";
  readonly dataDir: string;
  /** How often a book of an instance is compared with the exchange's own snapshot, in ms; 0: never. */
  readonly compareBooksEveryMs: number;
  readonly shutdownTimeoutMs: number;
  /** Whether each day of an archive is certified after its end. */
  readonly certificates: boolean;
  /** PEM file of the Ed25519 key that certificates are signed with; null: they are not. */
  readonly certificateKeyPath: string | null;
}

/** Who may ask over HTTP, and how it is served. */
export interface HttpAccess {
  /** Token that clients of the API must send; null: none. */
  readonly token: Secret | null;
  /** Whether a token is configured that cannot be used: then every request is refused. */
  readonly isLocked: boolean;
  /** Whether health and metrics answer without the token and under every name. */
  readonly isOpen: boolean;
  /** Further host names under which the server answers. */
  readonly hosts: readonly string[];
  /** PEM files; null: plain HTTP. */
  readonly tls: { readonly certPath: string; readonly keyPath: string } | null;
  /** Most connections at once. */
  readonly clientsMax: number;
}

/** The default access. */
export const OPEN_HTTP: HttpAccess = {
  token: null,
  isLocked: false,
  isOpen: true,
  hosts: [],
  tls: null,
  clientsMax: HTTP_CONNECTIONS_MAX,
};

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** Treatment of frames while the journal is at its cap. */
export type OnFull = "block" | "drop_all" | "drop_ticker_depth_keep_trade";

/** `[journal]`; sizes in bytes. */
export interface JournalPlan {
  readonly syncMs: number;
  readonly segmentBytes: number;
  readonly totalBytesMax: number;
  /** Hours that a segment is kept after every sink has committed past it; 0 deletes it at once. */
  readonly retainHours: number;
  /** Folder that segments are moved to instead of being deleted; null: they are deleted. */
  readonly archiveDir: string | null;
  readonly onFull: OnFull;
}

/** One exchange instance. */
export interface ExchangePlan {
  /** Unique instance name. */
  readonly name: string;
  readonly enabled: boolean;
  readonly descriptorPath: string;
  /** Null if the descriptor could not be read or is broken; `issues` says why. */
  readonly descriptorName: string | null;
  readonly descriptorVersion: string | null;
  /** Hash of the descriptor's text; empty where it could not be read. */
  readonly descriptorHash: string;
  /** Configured symbols that belong to other shares. An instance with only such symbols is not enabled. */
  readonly elsewhere: readonly string[];
  /** The group's shares that this collector holds, with their streams; null if the streams are not shared. */
  readonly shares: readonly ShareStreams[] | null;
  /** All issues of this instance: its table, its descriptor, its maps. */
  readonly issues: readonly Issue[];
  /** Null if the instance is disabled or an error keeps it from running. */
  readonly runnable: RunnableExchange | null;
  /** Earlier rules of the exchange, oldest first. Absent: there are none. */
  readonly earlier?: readonly EarlierRules[];
}

/** Rules by which a rebuild derives what was received before a time. */
export interface EarlierRules {
  readonly until: Micros;
  readonly descriptorPath: string;
  /** Null if the descriptor could not be read or is broken. */
  readonly frames: FramePlan | null;
}

/** Which of an exchange's instruments an instance selects. */
export interface SelectionPlan {
  readonly patterns: readonly SymbolPattern[];
  /** Interval in ms at which the exchange's list is requested again. */
  readonly refreshMs: number;
  /** Whether the list that patterns are matched with is known. */
  readonly isKnown: boolean;
  /** Whether the exchange's rankings are requested. */
  readonly isRanked: boolean;
}

/** A pattern of symbols. */
export interface SymbolPattern {
  /** As it is configured: `!*UP/USDT`. */
  readonly text: string;
  /** Number of instruments it matches, after `top`; 0 while the list is unknown. */
  readonly symbols: number;
}

/** What an instance needs to run. */
export interface RunnableExchange {
  readonly instruments: readonly Instrument[];
  /**
   * Configured symbols whose native spelling neither the symbol map nor an instrument list gives: they are not
   * requested.
   */
  readonly unresolved: readonly string[];
  /** Selection by patterns. Absent: all symbols are named. */
  readonly selection?: SelectionPlan;
  /** Interval in ms at which lists are requested again if `instrument` events are emitted. */
  readonly instrumentsRefreshMs: number;
  readonly channels: readonly Channel[];
  /** One entry per socket, after splitting; connections without streams are left out. */
  readonly connections: readonly ConnectionPlan[];
  readonly rest: RestPlan;
  readonly frames: FramePlan;
}
