import type { Channel } from "../channel.ts";
import type { EventKind, Side } from "../event.ts";
import type { Expression, Rows } from "../expression.ts";
import type { TimeUnit } from "../micros.ts";
import type { Predicate } from "../predicate.ts";
import type { ControlAction } from "../signal.ts";
import type { Template } from "../template.ts";
import type { BookRule } from "./books.ts";

/** How frames of an exchange are read: everything the pure middle needs. */
export interface FramePlan {
  /** Name of the instance, as it stands in events. */
  readonly exchange: string;
  /** The descriptor's connections, in its order. */
  readonly connections: readonly FrameConnection[];
  readonly controls: readonly ControlRule[];
  readonly events: readonly EventRule[];
  /** The 1.4 parse table, which yields `raw` events where there are no event rules. */
  readonly parse: ParseRule | null;
  /** Where frames carry the key of what their session remembers; null where sessions remember nothing. */
  readonly aliasKey: Expression | null;
  /** Where frames carry a counter over all frames of their session, one up each time; null where they do not. */
  readonly socketSequence: Expression | null;
  /** Native channel → channel, for raw events. */
  readonly channels: Readonly<Record<string, Channel>>;
  /** Books that are kept and checked; feeds of no rule here pass through. */
  readonly books: readonly BookRule[];
  /** Null: events of all channels are wanted (replay); otherwise those of these channels alone. */
  readonly wanted: readonly Channel[] | null;
}

/** What frames of one connection of the descriptor need, whatever shard of it they came from. */
export interface FrameConnection {
  /** The descriptor's connection id. */
  readonly id: string;
  readonly decode: Decoding;
  /** As the descriptor or the instance writes them, to recognise the connection of a recording. */
  readonly urls: readonly string[];
  /** Native → canonical: the same spelling may name two instruments on two connections. */
  readonly canonical: Readonly<Record<string, string>>;
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
  readonly absent: readonly string[] | null;
  /** Text → text; booleans look up `true` and `false`. A text that the map lacks is `other`, or a fault if that is null. */
  readonly map: Readonly<Record<string, string>> | null;
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
  readonly connections: readonly string[] | null;
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
  readonly fields: Readonly<Record<string, FieldRule>>;
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
  readonly connections: readonly string[] | null;
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
  /** Tells rejections after which asking again cannot help; null where none is told apart. */
  readonly final: Predicate | null;
  readonly capture: Expression | null;
  readonly reply: Template | null;
  /** The alias that the frame sets or removes; null where it does neither. */
  readonly alias: AliasRule | null;
}

/** Sets or removes an alias: the texts that a session-scoped id in later frames (`FramePlan.aliasKey`) stands for. */
export interface AliasRule {
  readonly key: Expression;
  /** Name of a text, and where this frame holds it; null removes the alias. */
  readonly set: Readonly<Record<string, Expression>> | null;
}

/** Sides that a `side` map may give. */
export const SIDES: readonly Side[] = ["buy", "sell", "unknown"];
