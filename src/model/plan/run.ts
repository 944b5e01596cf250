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
  /** Null where the collector belongs to no group. */
  readonly group: GroupPlan | null;
  /** Every configured instance, also disabled and broken ones, in the order of the file. */
  readonly exchanges: readonly ExchangePlan[];
}

/** `[run]`. Paths are as given in the file; `dataDir` is resolved against the working directory by the host. */
export interface RunPlan {
  /** Name in every event that leaves; null: the name that the journal has, that of the host in a new one. */
  readonly collector: string | null;
  /** Null: all streams are this collector's. */
  readonly shard: Shard | null;
  readonly httpHost: string;
  readonly httpPort: number;
  readonly httpAccess: HttpAccess;
  readonly logLevel: LogLevel;
  readonly logFormat: "auto" | "text" | "json";
  readonly dataDir: string;
  readonly shutdownTimeoutMs: number;
  /** Whether days of archives are certified when they are over. */
  readonly certificates: boolean;
  /** PEM file of the Ed25519 key that certificates are signed with; null: they are not. */
  readonly certificateKeyPath: string | null;
}

/** Who may ask over HTTP, and how it is served. */
export interface HttpAccess {
  /** What clients of the API have to send; null: nothing. */
  readonly token: Secret | null;
  /** Whether a token is written that cannot be used: then nobody passes. */
  readonly isLocked: boolean;
  /** Whether health and metrics answer without the token and under every name. */
  readonly isOpen: boolean;
  /** Names by which the server may be called beside its own. */
  readonly hosts: readonly string[];
  /** PEM files; null: plain HTTP. */
  readonly tls: { readonly certPath: string; readonly keyPath: string } | null;
  /** Connections that are kept at once. */
  readonly clientsMax: number;
}

/** The access where nothing says another. */
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
  /** Hours that a segment is kept after every sink has passed it; 0 deletes it at once. */
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
  /** Configured symbols that fall into other shares: an instance that has no others is not enabled. */
  readonly elsewhere: readonly string[];
  /** The shares of the group that are held here, with their streams; null where the streams are not shared out. */
  readonly shares: readonly ShareStreams[] | null;
  /** All issues of this instance: its table, its descriptor, its maps. */
  readonly issues: readonly Issue[];
  /** Null if the instance is disabled or an error keeps it from running. */
  readonly runnable: RunnableExchange | null;
  /** Rules that the exchange had before, the oldest first; absent where there were none. */
  readonly earlier?: readonly EarlierRules[];
}

/** What was received before a time is derived by other rules, where history is derived again. */
export interface EarlierRules {
  readonly until: Micros;
  readonly descriptorPath: string;
  /** Null where the descriptor could not be read or is broken. */
  readonly frames: FramePlan | null;
}

/** What of an exchange's instruments an instance takes. */
export interface SelectionPlan {
  readonly patterns: readonly SymbolPattern[];
  /** Interval in ms at which the exchange's list is asked for again. */
  readonly refreshMs: number;
  /** Whether the list that patterns are held against is known. */
  readonly isKnown: boolean;
  /** Whether what the exchange measures of its instruments is asked for. */
  readonly isRanked: boolean;
}

/** A pattern of symbols. */
export interface SymbolPattern {
  /** As it is configured: `!*UP/USDT`. */
  readonly text: string;
  /** How many instruments it fits, of `top` how many are left; 0 while the list is not known. */
  readonly symbols: number;
}

/** What an instance needs to run. */
export interface RunnableExchange {
  readonly instruments: readonly Instrument[];
  /**
   * Configured symbols that neither the symbol map nor an instrument list spells: nothing is asked for on their
   * behalf.
   */
  readonly unresolved: readonly string[];
  /** What selects of the exchange's instruments; absent where all symbols are named. */
  readonly selection?: SelectionPlan;
  /** Interval in ms at which lists are asked for again where their instruments are told. */
  readonly instrumentsRefreshMs: number;
  readonly channels: readonly Channel[];
  /** One entry a socket: shards are already split, connections without streams are left out. */
  readonly connections: readonly ConnectionPlan[];
  readonly rest: RestPlan;
  readonly frames: FramePlan;
}
