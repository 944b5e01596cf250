import type { Channel } from "../channel.ts";
import type { RowKind } from "../event_specs.ts";
import type { Side } from "../event_values.ts";
import type { Expression, Rows } from "../expression.ts";
import type { Predicate } from "../predicate.ts";
import type { ControlAction } from "../signal.ts";
import type { Template } from "../template.ts";
import type { BookRule } from "./books.ts";
import type { FieldRule } from "./field_rule.ts";
import type { FillRule, InstrumentsRule, TradeIdOrder } from "./rest.ts";

/** Rules that turn frames of one exchange instance into events. */
export interface FramePlan {
  /** Name of the instance, as it stands in events. */
  readonly exchange: string;
  /** The descriptor's connections, in its order. */
  readonly connections: readonly FrameConnection[];
  readonly controls: readonly ControlRule[];
  readonly events: readonly EventRule[];
  /** The 1.4 parse table, which emits `raw` events if there are no event rules. */
  readonly parse: ParseRule | null;
  /** Session-scoped id in data frames, resolved by an alias; null if there are no aliases. */
  readonly aliasKey: Expression | null;
  /** Counter over all frames of a session, up by one each; null if frames have none. */
  readonly socketSequence: Expression | null;
  /** Native channel → channel, for raw events. */
  readonly channels: Readonly<Record<string, Channel>>;
  /** Books that are kept and checked. Book events of other rules are emitted unchecked. */
  readonly books: readonly BookRule[];
  /** REST requests whose answers fill gaps. Absent: there are none. */
  readonly fills?: readonly FillRule[];
  /** Lists whose answers become `instrument` events. Absent: none do. */
  readonly instruments?: InstrumentsRule;
  /** Order of trade ids. Absent: unknown. */
  readonly tradeIds?: TradeIdOrder;
  /** Channels whose events are emitted; null emits all (replay). */
  readonly wanted: readonly Channel[] | null;
}

/** Decoding and symbols of one connection of the descriptor, for all of its shards. */
export interface FrameConnection {
  /** The descriptor's connection id. */
  readonly id: string;
  readonly decode: Decoding;
  /** How the text of a frame is laid out. Absent: one JSON document. */
  readonly layout?: FrameLayout;
  /** Whether each symbol has its own socket, whose address names it. */
  readonly perSymbol?: true;
  /** Addresses, by which the connection of a recording is recognised. */
  readonly urls: readonly string[];
  /** Values of instrument lists that rules may use, by native symbol and name. Absent: there are none. */
  readonly listed?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Native → canonical, per connection: the same spelling may name another instrument on another connection. */
  readonly canonical: Readonly<Record<string, string>>;
}

/** Compression of binary frames. `auto` tells gzip and zlib by the first bytes and takes anything else as text. */
export type Decoding = "text" | "gzip" | "deflate_raw" | "auto";

/**
 * How the text of a frame is laid out. `document`: one JSON document. `prefixed`: digits, then a document or nothing; read
 * as a list of the two. `several`: documents that follow one another; read as a list of them. `bare`: what other
 * connections carry as `data` of an envelope; read as an object that holds it under that name.
 */
export type FrameLayout = "document" | "prefixed" | "several" | "bare";

/** The parse table of schema 1.4: fields that are read from every frame. */
export interface ParseRule {
  readonly channel: FieldRule;
  readonly symbol: FieldRule;
  readonly serverTime: FieldRule | null;
  readonly sequence: FieldRule | null;
  readonly messageId: FieldRule | null;
}

/** Kind of events that a rule emits. `book` emits snapshots and deltas; `checksum` emits none and checks a book. */
export type RuleKind = RowKind | "book" | "checksum";

/** Encoding of a document embedded in a frame as text. */
export type BlobEncoding = "json" | "base64_gzip" | "base64_deflate_raw";

/** A document embedded in a frame as text, which a rule reads. */
export interface UnwrapRule {
  readonly at: Expression;
  readonly encoding: BlobEncoding;
}

/** Merges partial rows into full rows, per symbol. */
export interface MergeRule {
  /**
   * Matches snapshot rows. A snapshot replaces the merged state; rows before the first snapshot are skipped. Null if the
   * stream has no snapshots.
   */
  readonly start: Predicate | null;
  /** Merged state shared with other rules. Absent: the rule has its own, and emits every event. */
  readonly state?: StateRule;
}

/** Shares the merged state of a symbol between rules of one kind. */
export interface StateRule {
  /** Rules with the same name share their state. */
  readonly name: string;
  /** Whether fields that the rule names but a row lacks are filled too; otherwise they are missing. */
  readonly partial: boolean;
  /** A second key, whose state fills fields that the rule does not name; null if there is none. */
  readonly of: Expression | null;
  readonly emit: "always" | "changed" | "never";
}

/** Turns a matched frame into events. */
export interface EventRule {
  /** Unique in the descriptor: `trade`, `trade#2`, or as the descriptor names it. */
  readonly name: string;
  readonly kind: RuleKind;
  /** Channel of the subscription that the events belong to. */
  readonly channel: Channel;
  /** `ws`, or the name of a REST request. */
  readonly source: string;
  /** Ids of the connections whose frames the rule reads; null reads those of all. */
  readonly connections: readonly string[] | null;
  /** Matches frames. */
  readonly when: Predicate;
  /** Embedded document that rows and fields are read from; null reads the frame itself. */
  readonly unwrap: UnwrapRule | null;
  readonly rows: Rows;
  /** Matches rows of a matched frame; null takes all. */
  readonly where: Predicate | null;
  readonly symbol: FieldRule | null;
  readonly exchangeTs: FieldRule | null;
  /** Rules by event field. Fields without a rule are null in the event. */
  readonly fields: Readonly<Record<string, FieldRule>>;
  readonly book: BookFields | null;
  /**
   * Fills fields that a row lacks with the last known values of the rule, session and symbol; null if rows are full.
   */
  readonly merge: MergeRule | null;
  /** Whether the first matching frame of each stream and session is skipped, because it repeats earlier data. */
  readonly skipFirstFrame: boolean;
  /** Whether rows of symbols that the instance did not subscribe to are skipped. Absent: they are emitted too. */
  readonly askedOnly?: true;
}

/** Where a book's levels are: either `bids` and `asks`, or `levels` with a side on each. */
export interface BookFields {
  readonly snapshot: boolean | Predicate;
  readonly bids: Rows | null;
  readonly asks: Rows | null;
  readonly levels: Rows | null;
  /** Further levels, after those of `levels`. */
  readonly furtherLevels?: readonly Rows[];
  readonly bidLevel: LevelRule;
  readonly askLevel: LevelRule;
  /** Side of a level in `levels`: a field whose map gives `bid` or `ask`. */
  readonly side: FieldRule | null;
  /** Whether levels whose size is no decimal are skipped; otherwise they are a fault of the frame. */
  readonly dropMalformedLevels: boolean;
}

export interface LevelRule {
  readonly price: Expression;
  readonly size: Expression;
  /**
   * Id of the level. A change without a price takes the price last seen with the id. Null if every level has a price.
   */
  readonly id: Expression | null;
  /** Set if the id is that of a single order; orders are aggregated to levels. */
  readonly order?: {
    /** Amount added to the order's size; null if rows give the remaining size. */
    readonly change: Expression | null;
  };
  /** How many values of a flat list are one level. Absent: each element is a level of its own. */
  readonly stride?: number;
}

/** Matches frames that are not data and names the session's action. */
export interface ControlRule {
  readonly name: string;
  readonly action: ControlAction;
  /** Ids of the connections whose frames the rule reads; null reads those of all. */
  readonly connections: readonly string[] | null;
  /** Text of the whole frame, for frames that are not JSON; null if `when` decides. */
  readonly text: string | null;
  readonly when: Predicate | null;
  /** Id of the request that an ack or a rejection answers; null if answers carry none. */
  readonly correlation: Expression | null;
  readonly rows: Rows | null;
  /** Matches rows; the rule skips a frame without a matching row. Absent: all rows match. */
  readonly where?: Predicate;
  readonly echo: readonly Expression[];
  /** Rows of the accepted items of the request; items without a row are rejected. Null if the frame lists none. */
  readonly accepted: Rows | null;
  /** Rows of the rejected items of the request; null if the frame lists none. */
  readonly rejected: Rows | null;
  readonly reason: Expression | null;
  /** Matches final rejections, after which the request is not repeated; null if there are none. */
  readonly final: Predicate | null;
  readonly capture: Expression | null;
  /** Captured values by name. Absent: there are none. */
  readonly captures?: Readonly<Record<string, Expression>>;
  readonly reply: Template | null;
  /** The alias that the frame sets or removes; null if it does neither. */
  readonly alias: AliasRule | null;
}

/**
 * Sets or removes an alias: maps a session-scoped id in later frames (`FramePlan.aliasKey`) to texts such as the
 * symbol.
 */
export interface AliasRule {
  readonly key: Expression;
  /** Texts by name, each with the expression that reads it from this frame; null removes the alias. */
  readonly set: Readonly<Record<string, Expression>> | null;
}

/** Sides that a `side` map may give. */
export const SIDES: readonly Side[] = ["buy", "sell", "unknown"];
