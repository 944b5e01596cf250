import type { Expression, Path, Predicate, Rows } from "../json/mod.ts";
import type { Channel, Stream } from "./channel.ts";
import type { EventKind, Side } from "./event.ts";
import type { Family, Instrument } from "./instrument.ts";
import type { Issue } from "./issue.ts";
import type { TimeUnit } from "./micros.ts";
import type { ControlAction } from "./signal.ts";
import type { Template } from "./template.ts";

/** Validated configuration, ready to run: nothing after `config` parses or checks text again. */
export interface Plan {
  readonly run: RunPlan;
  readonly journal: JournalPlan;
  readonly dedup: DedupPlan;
  /** Null: no tops of books are derived. */
  readonly bookTops: BookTopPlan | null;
  readonly sinks: readonly SinkPlan[];
  /** Every configured instance, also disabled and broken ones, in the order of the file. */
  readonly exchanges: readonly ExchangePlan[];
}

/** `[run]`. Paths are as given in the file; `dataDir` is resolved against the working directory by the host. */
export interface RunPlan {
  readonly httpHost: string;
  readonly httpPort: number;
  readonly logLevel: LogLevel;
  readonly logFormat: "auto" | "text" | "json";
  readonly dataDir: string;
  readonly shutdownTimeoutMs: number;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** What happens to frames when the journal has reached its cap. */
export type OnFull = "block" | "drop_all" | "drop_ticker_depth_keep_trade";

/** `[journal]`; sizes in bytes. */
export interface JournalPlan {
  readonly syncMs: number;
  readonly segmentBytes: number;
  readonly totalBytesMax: number;
  /** Segments that every sink has passed are kept this long; 0 deletes them at once. */
  readonly retainHours: number;
  readonly onFull: OnFull;
}

/** `[dedup]`. */
export interface DedupPlan {
  readonly enabled: boolean;
  readonly windowSeconds: number;
  readonly keysMax: number;
}

/** `[books]`: the best levels of every kept book, as an event of its own. */
export interface BookTopPlan {
  /** Levels of each side. */
  readonly levels: number;
  /** Of exchange time: the first update in each interval gives one. */
  readonly intervalMs: number;
}

/** `[[sink]]`: one destination. `dir` is resolved like `dataDir`. */
export type SinkPlan =
  | {
    readonly type: "parquet";
    readonly name: string;
    readonly dir: string;
    /** A part is closed after this many seconds or rows, whichever comes first. */
    readonly partSeconds: number;
    readonly partRows: number;
    /** Adds `<column>_text` beside each DOUBLE with the exact digits. */
    readonly exactDigits: boolean;
    readonly kinds: readonly EventKind[] | null;
  }
  | {
    readonly type: "ndjson";
    readonly name: string;
    readonly dir: string;
    readonly kinds: readonly EventKind[] | null;
  }
  | { readonly type: "csv"; readonly name: string; readonly dir: string; readonly kinds: readonly EventKind[] | null }
  | { readonly type: "stdout"; readonly name: string; readonly kinds: readonly EventKind[] | null };

/** One exchange instance. */
export interface ExchangePlan {
  /** Unique instance name. */
  readonly name: string;
  readonly enabled: boolean;
  readonly descriptorPath: string;
  /** Null where the descriptor could not be read or is broken; then `issues` says why. */
  readonly descriptorName: string | null;
  readonly descriptorVersion: string | null;
  /** Hash of the descriptor's text; empty where it could not be read. */
  readonly descriptorHash: string;
  /** All issues of this instance: its table, its descriptor, its maps. */
  readonly issues: readonly Issue[];
  /** Null where an error keeps the instance from running, or it is disabled. */
  readonly runnable: RunnableExchange | null;
}

/** What an instance needs to run. */
export interface RunnableExchange {
  readonly instruments: readonly Instrument[];
  readonly channels: readonly Channel[];
  /** One entry a socket: shards are already split, connections without streams are left out. */
  readonly connections: readonly ConnectionPlan[];
  readonly rest: RestPlan;
  readonly frames: FramePlan;
}

/** At most `count` in any window of `perMs`. */
export interface RateLimit {
  readonly count: number;
  readonly perMs: number;
}

/** Keeping a connection alive. */
export interface KeepalivePlan {
  readonly mode: "ping_frame" | "application" | "none";
  readonly intervalMs: number;
  /** `bootstrap` value that replaces `intervalMs`, in ms; null where none does. */
  readonly intervalFrom: string | null;
  /** `idle`: only when nothing was received for the interval. */
  readonly when: "always" | "idle";
  /** What application mode sends. */
  readonly template: Template | null;
  /**
   * A ping that nothing answered for this long ends the session: a pong frame in mode `ping_frame`; in mode
   * `application` a frame that a `pong` control rule matches, or, where there is no such rule, any frame.
   */
  readonly pongTimeoutMs: number;
  readonly expectsPong: boolean;
}

/** A call made before each connect, for a token or an address. */
export interface BootstrapPlan {
  readonly method: "GET" | "POST";
  readonly url: Template;
  readonly body: Template | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Name of a value, and where the reply holds it. A missing one fails the connect. */
  readonly values: readonly { readonly name: string; readonly expression: Expression }[];
}

/** One socket. */
export interface ConnectionPlan {
  /** Unique in the instance: the descriptor's connection id, `#2`, `#3` … behind it for further shards. */
  readonly key: string;
  readonly connectionId: string;
  readonly families: readonly Family[] | null;
  /** First is primary, the rest failover. */
  readonly urls: readonly Template[];
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: boolean;
  readonly tls: { readonly enabled: boolean; readonly caCertPath: string | null };
  readonly readTimeoutMs: number;
  /** A stream of a channel that is not quiet has to show data within this time of being asked for. */
  readonly firstDataTimeoutMs: number;
  readonly quietChannels: readonly Channel[];
  readonly keepalive: KeepalivePlan;
  readonly bootstrap: BootstrapPlan | null;
  readonly connectDelayMs: number;
  /** Whether to wait for a `welcome` frame before sending, and for how long. */
  readonly awaitsWelcome: boolean;
  readonly welcomeTimeoutMs: number;
  /** Sent after the welcome, before the subscriptions. */
  readonly hello: readonly Template[];
  readonly maxAgeMs: number | null;
  /** Frames that we send, pings included, on one connection. */
  readonly sendLimit: RateLimit | null;
  /** Connection attempts, over all connections of the instance to one host. */
  readonly openLimit: RateLimit | null;
  readonly requests: readonly SubscribeRequest[];
}

/** One frame that subscribes to one or more items. */
export interface SubscribeRequest {
  readonly message: Template;
  readonly items: readonly SubscribeItem[];
  readonly ack: AckPlan;
  /** It holds everything that is asked for on the socket, because each request replaces the one before. */
  readonly replaces: boolean;
}

/** The smallest thing that can be subscribed to, acknowledged and rejected on its own. */
export interface SubscribeItem {
  readonly streams: readonly Stream[];
  /** What an acknowledgement echoes of this item, parts joined by ECHO_SEPARATOR; null where acks echo nothing. */
  readonly echo: string | null;
  /** How the exchange spells what the item asks for, for rejections in words; null where it is not one symbol's. */
  readonly spelling: ItemSpelling | null;
  /** The frame that subscribes to this item alone; where subscriptions replace each other, the one that holds all. */
  readonly message: Template;
  /** Ends the item, so that asking again gives it anew. `none`: asking again is enough. Null: only a new socket helps. */
  readonly unsubscribe: Template | "none" | null;
}

/** Native names of what an item asks for. */
export interface ItemSpelling {
  readonly symbol: string;
  /** Null where the item names no channel. */
  readonly channel: string | null;
}

/** How a request is acknowledged. */
export interface AckPlan {
  /**
   * `request`: one ack confirms all items of the request it names by id (or the oldest one waiting, where acks carry no
   * id). `item`: an ack confirms the items it echoes and no others. `none`: the first data confirms.
   */
  readonly mode: "request" | "item" | "none";
  readonly timeoutMs: number;
  /** Whether requests carry an id that acks repeat. */
  readonly correlated: boolean;
}

/** `[rest]`. */
export interface RestPlan {
  /** Without a slash at the end. */
  readonly baseUrls: readonly Template[];
  readonly headers: Readonly<Record<string, string>>;
  readonly rateLimit: RestRateLimit | null;
  readonly requests: readonly RestRequestPlan[];
  readonly instruments: readonly InstrumentListPlan[];
}

export type RestRateLimit =
  | { readonly kind: "requests_per_minute"; readonly requestsPerMinute: number }
  | { readonly kind: "token_bucket"; readonly capacity: number; readonly refillPerSecond: number };

/** A REST answer that becomes events: asked for once a session, or again and again. */
export interface RestRequestPlan {
  readonly name: string;
  readonly channel: Channel;
  /** Asked for on behalf of this connection's streams of `channel`. */
  readonly connectionId: string;
  /** Behind a base URL; one entry an instrument, or a single one with native `""`. */
  readonly targets: readonly { readonly native: string; readonly symbol: string; readonly path: Template }[];
  /** Null: once a session, after the stream was acknowledged. */
  readonly everyMs: number | null;
  /** How a URL seen in a recording is recognised: the path before the first variable, and the name of the parameter. */
  readonly match: { readonly pathPrefix: string; readonly symbolParameter: string | null };
}

/** Where the list of instruments comes from and how a row becomes a map entry. */
export interface InstrumentListPlan {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: string | null;
  readonly rows: Rows;
  readonly where: Predicate | null;
  readonly native: Expression;
  readonly canonical: Expression;
  /** Where an answer names the page behind it, and the query parameter that asks for it; null: there is one page. */
  readonly next: { readonly at: Expression; readonly parameter: string } | null;
}

/** How frames of an exchange are read: everything the pure middle needs. */
export interface FramePlan {
  /** Name of the instance, as it stands in events. */
  readonly exchange: string;
  /** How to decode, by the descriptor's connection id. */
  readonly decode: ReadonlyMap<string, Decoding>;
  /** URLs by connection id, to recognise the connection of a recording. */
  readonly urls: ReadonlyMap<string, readonly string[]>;
  readonly controls: readonly ControlRule[];
  readonly events: readonly EventRule[];
  /** The 1.4 parse table, which yields `raw` events where there are no event rules. */
  readonly parse: ParseRule | null;
  /** Where frames carry the key of what their session remembers; null where sessions remember nothing. */
  readonly routeKey: Expression | null;
  /** Where frames carry a counter over all frames of their session, one up each time; null where they do not. */
  readonly socketSequence: Expression | null;
  /** Native → canonical, by connection id: the same spelling may name two instruments on two connections. */
  readonly canonical: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Native channel → channel, for raw events. */
  readonly channels: ReadonlyMap<string, Channel>;
  /** Books that are kept and checked; feeds of no rule here pass through. */
  readonly books: readonly BookRule[];
  /** Null: events of all channels are wanted (replay); otherwise those of these channels alone. */
  readonly wanted: ReadonlySet<Channel> | null;
}

/** `auto`: gzip or zlib by the first bytes, text otherwise. */
export type Decoding = "text" | "gzip" | "deflate_raw" | "auto";

/** The parse table of 1.4: what is read off every frame. */
export interface ParseRule {
  readonly channel: FieldRule;
  readonly symbol: FieldRule;
  readonly serverTime: FieldRule | null;
  readonly sequence: FieldRule | null;
  readonly messageId: FieldRule | null;
}

/** How one value is taken from a row. */
export interface FieldRule {
  /** Tried in order until one gives a value that is not null and not `absent`. */
  readonly sources: readonly Expression[];
  /** Texts that mean "not there": `""`, `"0"`. */
  readonly absent: ReadonlySet<string> | null;
  /** Text → text; booleans look up `true` and `false`. A text that the map lacks is `other`, or a fault if that is null. */
  readonly map: ReadonlyMap<string, string> | null;
  readonly other: string | null;
  /** Set on times. */
  readonly unit: TimeUnit | null;
  /** A fault where it is missing. */
  readonly required: boolean;
}

/** What kind of events a rule yields; `book` gives snapshots or deltas, `checksum` none: it proves a book. */
export type RuleKind =
  | Exclude<EventKind, "gap" | "raw" | "book_snapshot" | "book_delta" | "book_top">
  | "book"
  | "checksum";

/** How a text inside a frame holds a document of its own. */
export type BlobEncoding = "json" | "base64_gzip" | "base64_deflate_raw";

/** A text inside a frame whose content is what a rule reads. */
export interface UnwrapRule {
  readonly at: Expression;
  readonly encoding: BlobEncoding;
}

/** How rows that carry only what has changed become whole. */
export interface MergeRule {
  /** Tells the row that is an image: what was known before is forgotten, and nothing is said before the first. Null: none. */
  readonly start: Predicate | null;
}

/** Turns a matched frame into events. */
export interface EventRule {
  /** Unique in the descriptor: `trade`, `trade#2`, or as the descriptor names it. */
  readonly name: string;
  readonly kind: RuleKind;
  /** The subscription it belongs to. */
  readonly channel: Channel;
  /** `ws`, or the name of a REST request. */
  readonly source: string;
  /** Null: frames of every connection. */
  readonly connections: ReadonlySet<string> | null;
  /** On the whole frame. */
  readonly when: Predicate;
  /** The text in the frame that rows and fields are read from; null: the frame itself. */
  readonly unwrap: UnwrapRule | null;
  readonly rows: Rows;
  /** On each row. */
  readonly where: Predicate | null;
  readonly symbol: FieldRule | null;
  readonly exchangeTs: FieldRule | null;
  /** Event field → how it is found. Fields of the kind that are not named are null. */
  readonly fields: ReadonlyMap<string, FieldRule>;
  readonly book: BookFields | null;
  /** Fields that a row lacks are those last known of the rule, session and symbol; null: rows stand for themselves. */
  readonly merge: MergeRule | null;
  /** Drop the first matching frame of each stream and session: it repeats what was before. */
  readonly skipFirstFrame: boolean;
}

/** Where a book rule finds its levels. Either `bids`/`asks`, or `levels` with a side on each. */
export interface BookFields {
  readonly snapshot: boolean | Predicate;
  readonly bids: Rows | null;
  readonly asks: Rows | null;
  readonly levels: Rows | null;
  readonly bidLevel: LevelRule;
  readonly askLevel: LevelRule;
  /** Side of a level in `levels`: a field whose map gives `bid` or `ask`. */
  readonly side: FieldRule | null;
  /** Drop levels whose size is not a decimal instead of making the frame a fault. */
  readonly dropMalformedLevels: boolean;
}

export interface LevelRule {
  readonly price: Expression;
  readonly size: Expression;
  /** Names the level: where a change has no price, the price last seen with the id counts. Null: prices always stand. */
  readonly id: Expression | null;
}

/** Names a frame that is not data and says what the session does about it. */
export interface ControlRule {
  readonly name: string;
  readonly action: ControlAction;
  /** Null: every connection. */
  readonly connections: ReadonlySet<string> | null;
  /** The whole frame, for frames that are not JSON; null where `when` decides. */
  readonly text: string | null;
  readonly when: Predicate | null;
  /** Where an ack or a rejection names the request and the items. */
  readonly correlation: Expression | null;
  readonly rows: Rows | null;
  readonly echo: readonly Expression[];
  /** Rows that name the items of the request that are accepted: all others are not. Null: the frame has no such list. */
  readonly accepted: Rows | null;
  /** Rows that name items of the request that are not accepted. */
  readonly rejected: Rows | null;
  readonly reason: Expression | null;
  readonly capture: Expression | null;
  readonly reply: Template | null;
  /** What the frame makes its session remember, or forget; null: nothing. */
  readonly route: RouteRule | null;
}

/** How a session remembers texts under a key that later frames carry (`FramePlan.routeKey`). */
export interface RouteRule {
  readonly key: Expression;
  /** Name of a text, and where this frame holds it; null: the key is forgotten. */
  readonly set: ReadonlyMap<string, Expression> | null;
}

/** Sides that a `side` map may give. */
export const SIDES: readonly Side[] = ["buy", "sell", "unknown"];

/** How a book is kept: what its frames are, and where its first image comes from. */
export type BookKind = "snapshots" | "pushed" | "rest" | "requested" | "periodic";

/** What makes a delta the successor of the one before; see docs/descriptor_reference.md. */
export type SequenceRule = "next" | "previous" | "overlap" | "rising" | "time" | "none";

/** What makes a broken book whole again. */
export type ResyncAction = "resubscribe" | "rest" | "request" | "reconnect";

/** How a snapshot from elsewhere is joined with the deltas that were buffered; S is the snapshot's sequence. */
export interface BridgeRule {
  /** Deltas whose last sequence is below S, or not above it, are older than the snapshot. */
  readonly drop: "<" | "<=";
  /** The first delta kept has to reach from its first sequence over this one to its last. */
  readonly first: "S" | "S+1";
  /** A first delta whose previous sequence is S fits too. */
  readonly orPrevious: boolean;
}

/** A checksum over the best levels, as data. */
export interface ChecksumRule {
  /** Levels a side. */
  readonly depth: number;
  /** `asks_bids`: all asks, then all bids. `interleaved`: bid, ask, bid, ask; the longer side goes on alone. */
  readonly order: "asks_bids" | "bids_asks" | "interleaved";
  /** Between any two texts. */
  readonly separator: string;
  /**
   * `as_received`: the texts of the frames. `padded`: as many decimals as the instrument has, without the point and
   * leading zeros. `shortest`: as JavaScript prints the number.
   */
  readonly numbers: "as_received" | "padded" | "shortest";
  readonly priceDigits: number | null;
  readonly sizeDigits: number | null;
  /** Sizes of asks are written with a minus sign. */
  readonly negativeAsks: boolean;
  /** The checksum is a signed 32-bit integer. */
  readonly signed: boolean;
  /** Texts that mean that there is none. */
  readonly absent: ReadonlySet<string>;
}

/** One book feed of an exchange: `[[books]]`. */
export interface BookRule {
  readonly name: string;
  /** Names of the event rules that feed it. */
  readonly rules: ReadonlySet<string>;
  readonly kind: BookKind;
  readonly sequence: SequenceRule;
  readonly bridge: BridgeRule;
  /** A delta whose last sequence is below its previous one continues the chain. */
  readonly resetsLower: boolean;
  /** Levels a side that are kept after each update; null: all. */
  readonly depth: number | null;
  readonly checksum: ChecksumRule | null;
  readonly crossed: "resync" | "keep";
  /** `wait`: the next snapshot comes by itself; what is overdue is resubscribed. */
  readonly resync: ResyncAction | "wait";
  /** Resyncs of one book within a time; more wait for their turn. */
  readonly budget: RateLimit;
  /** Name of the REST request that gives snapshots; null where none does. */
  readonly snapshotRequest: string | null;
  /** What asks for a snapshot on the socket, by native symbol; empty where nothing does. */
  readonly requests: ReadonlyMap<string, Template>;
}

/** Paths are part of the seam: re-exported so that rules can be built without knowing where they are compiled. */
export type { Expression, Path, Predicate, Rows };
