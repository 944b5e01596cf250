import type { Channel } from "./channel.ts";

/**
 * Type of a field. `id`: the exchange's own name of a thing. `word`: one of few texts. `payload`: a text of any length.
 * `levels`: one side of a book. `decimal` has the exchange's digits.
 */
export type FieldType =
  | "id"
  | "text"
  | "word"
  | "payload"
  | "decimal"
  | "micros"
  | "boolean"
  | "side"
  | "levels"
  | "channel"
  | "gap_state"
  | "gap_cause";

/** One field of a kind of event. */
export interface FieldSpec {
  readonly type: FieldType;
  readonly nullable: boolean;
  /** For documents and the descriptor's schema. */
  readonly meaning: string;
}

/** What the program knows of a kind of event. */
export interface EventSpec {
  readonly meaning: string;
  /** Channel of its rules where they name none; null for kinds that no rule emits. */
  readonly channel: Channel | null;
  /** `own`: a rule of the same name emits it. `book`: the book rule does. Null: it is made here. */
  readonly rule: "own" | "book" | null;
  /** Whether rows of its rules may carry only what has changed. */
  readonly merges: boolean;
  /**
   * What tells it from a repeat. `id`: its field of type `id` with all that it says. `state`: its content, and without a
   * time only the latest. `book`, `raw`: their sequences. Null: it is never one.
   */
  readonly identity: "id" | "state" | "book" | "raw" | null;
  /** Whether an exchange never sends it again: it is kept when the journal is full, and a list without it is an answer. */
  readonly keepWhenFull: boolean;
  /** In the order of all files. */
  readonly fields: Readonly<Record<string, FieldSpec>>;
}

/** A field that is always there. */
function always<const T extends FieldType, const M extends string>(type: T, meaning: M) {
  return { type, nullable: false, meaning } as const;
}

/** A field that is null where the exchange does not give it. */
function maybe<const T extends FieldType, const M extends string>(type: T, meaning: M) {
  return { type, nullable: true, meaning } as const;
}

const RULE = { rule: "own", merges: false, keepWhenFull: false } as const;
const STATE = { ...RULE, identity: "state" } as const;
const OCCURRENCE = { ...RULE, identity: "id", keepWhenFull: true } as const;
const BOOK = { channel: "book", rule: "book", merges: false, identity: "book", keepWhenFull: false } as const;
const MADE = { channel: null, rule: null, merges: false, identity: null, keepWhenFull: false } as const;

/**
 * The kinds of events and their fields, in the order in which reports and files list them. Types, rules' keys, readers,
 * file columns and documents derive from it; rows of levels alone are written out where they are read and stored.
 */
export const EVENT_SPECS = {
  trade: {
    meaning: "An execution",
    ...OCCURRENCE,
    channel: "trades",
    fields: {
      trade_id: maybe("id", "The exchange's id of the trade"),
      price: always("decimal", "Price"),
      size: always("decimal", "Size, in the exchange's unit"),
      side: always("side", "The taker's side: `buy`, `sell` or `unknown`"),
    },
  },
  book_snapshot: {
    meaning: "The whole book, as far as the exchange shows it; replaces what was known before",
    ...BOOK,
    fields: {
      bids: always("levels", "Bids, best first as the exchange lists them"),
      asks: always("levels", "Asks, best first as the exchange lists them"),
      sequence: maybe("text", "Sequence of a snapshot. Default: `last_sequence`"),
    },
  },
  book_delta: {
    meaning: "Changed levels with absolute sizes; size zero removes a level",
    ...BOOK,
    fields: {
      bids: always("levels", "Changed bids"),
      asks: always("levels", "Changed asks"),
      first_sequence: maybe("text", "First sequence that a delta covers"),
      last_sequence: maybe("text", "Last sequence that a delta covers"),
      previous_sequence: maybe("text", "Last sequence of the delta before"),
    },
  },
  book_top: {
    meaning: "The best levels of a kept book, at an interval of exchange time; derived here",
    ...MADE,
    fields: {
      bids: always("levels", "Best bids, best first"),
      asks: always("levels", "Best asks, best first"),
      sequence: maybe("text", "Sequence of the book's last update"),
    },
  },
  quote: {
    meaning: "Best bid and ask",
    ...STATE,
    merges: true,
    channel: "quotes",
    fields: {
      bid_price: maybe("decimal", "Best bid"),
      bid_size: maybe("decimal", "Size at the best bid"),
      ask_price: maybe("decimal", "Best ask"),
      ask_size: maybe("decimal", "Size at the best ask"),
    },
  },
  ticker: {
    meaning: "Rolling statistics",
    ...STATE,
    merges: true,
    channel: "ticker",
    fields: {
      last: maybe("decimal", "Last price"),
      open: maybe("decimal", "Price at the window's begin"),
      high: maybe("decimal", "Highest price"),
      low: maybe("decimal", "Lowest price"),
      volume: maybe("decimal", "Volume in base currency"),
      quote_volume: maybe("decimal", "Volume in quote currency"),
    },
  },
  candle: {
    meaning: "A candle as the exchange computes it",
    ...STATE,
    channel: "candles",
    fields: {
      interval: maybe("word", "Length of the candle, as the exchange spells it"),
      open_ts: maybe("micros", "Time at which the candle opens"),
      open: always("decimal", "First price"),
      high: always("decimal", "Highest price"),
      low: always("decimal", "Lowest price"),
      close: always("decimal", "Last price"),
      volume: maybe("decimal", "Volume in base currency"),
      trades: maybe("decimal", "How many trades it holds"),
      closed: maybe("boolean", "Whether it is final: `true` or `false`"),
    },
  },
  derivative_ticker: {
    meaning: "State of a derivative",
    ...STATE,
    merges: true,
    channel: "derivative",
    fields: {
      last_price: maybe("decimal", "Last price"),
      mark_price: maybe("decimal", "Mark price"),
      index_price: maybe("decimal", "Index price"),
      funding_rate: maybe("decimal", "Funding rate, a fraction for one interval"),
      next_funding_ts: maybe("micros", "Time of the next funding"),
      predicted_funding_rate: maybe("decimal", "Predicted rate of the next interval"),
      open_interest: maybe("decimal", "Open interest, in the exchange's unit"),
    },
  },
  option_summary: {
    meaning: "State of an option",
    ...STATE,
    merges: true,
    channel: "options",
    fields: {
      option_type: maybe("word", "`call` or `put`"),
      strike_price: maybe("decimal", "Strike price"),
      expiration_ts: maybe("micros", "Time of expiry"),
      bid_price: maybe("decimal", "Best bid"),
      bid_size: maybe("decimal", "Size at the best bid"),
      bid_iv: maybe("decimal", "Implied volatility of the best bid, in the exchange's unit"),
      ask_price: maybe("decimal", "Best ask"),
      ask_size: maybe("decimal", "Size at the best ask"),
      ask_iv: maybe("decimal", "Implied volatility of the best ask, in the exchange's unit"),
      last_price: maybe("decimal", "Last price"),
      mark_price: maybe("decimal", "Mark price"),
      mark_iv: maybe("decimal", "Implied volatility of the mark price, in the exchange's unit"),
      open_interest: maybe("decimal", "Open interest, in the exchange's unit"),
      delta: maybe("decimal", "Delta"),
      gamma: maybe("decimal", "Gamma"),
      vega: maybe("decimal", "Vega"),
      theta: maybe("decimal", "Theta"),
      rho: maybe("decimal", "Rho"),
      underlying_price: maybe("decimal", "Price of what the option is about: a forward or an index"),
      underlying_index: maybe("text", "The exchange's name of that price"),
    },
  },
  funding: {
    meaning: "A settled funding rate, from the exchange's history",
    ...STATE,
    channel: "funding",
    fields: {
      funding_rate: always("decimal", "Rate that was paid, a fraction for one interval"),
      funding_ts: maybe("micros", "Time of the settlement"),
      interval: maybe("word", "Length of the interval, as the exchange spells it"),
      mark_price: maybe("decimal", "Mark price at the settlement"),
    },
  },
  liquidation: {
    meaning: "A forced order",
    ...OCCURRENCE,
    channel: "liquidations",
    fields: {
      id: maybe("id", "The exchange's id of the order"),
      price: always("decimal", "Price"),
      size: always("decimal", "Size, in the exchange's unit"),
      side: always("side", "Side of the forced order: `sell` means that a long was liquidated"),
    },
  },
  order: {
    meaning: "What a feed of single orders says of one: it rests, has changed, or is gone",
    ...RULE,
    identity: "id",
    channel: "orders",
    fields: {
      order_id: always("id", "The exchange's id of the order"),
      side: always("side", "`buy`: a bid; `sell`: an ask; `unknown` where only the id tells"),
      price: maybe("decimal", "Price; null where the order stays where it was"),
      size: maybe("decimal", "What is left of the order; zero: it is gone"),
      change: maybe("decimal", "What is added to what was left, where no size is sent"),
      action: maybe("word", "What happened, as the exchange spells it"),
      sequence: maybe("text", "Sequence of the frame"),
    },
  },
  instrument: {
    meaning: "What the exchange's list says of an instrument: when that changes, and each day",
    ...MADE,
    channel: "instruments",
    fields: {
      type: always("word", "`spot`, `perpetual`, `future` or `option`; `unknown` where the symbol does not say"),
      base: maybe("word", "Base currency"),
      quote: maybe("word", "Quote currency"),
      settle: maybe("word", "Settlement currency; null for spot"),
      tick_size: maybe("decimal", "Least step of prices"),
      lot_size: maybe("decimal", "Least step of sizes, in the unit of `size` in the other events"),
      contract_size: maybe("decimal", "What a size of one stands for, in `contract_unit`"),
      contract_unit: maybe("word", "Currency of `contract_size`"),
      min_size: maybe("decimal", "Least size of an order, in the unit of `size` in the other events"),
      min_notional: maybe("decimal", "Least value of an order, in the quote currency"),
      expiration_ts: maybe("micros", "Time of expiry; null for spot and perpetuals"),
      strike_price: maybe("decimal", "Strike price of an option"),
      option_type: maybe("word", "`call` or `put`"),
      status: maybe("word", "State of trading as the exchange spells it; `unlisted`: its list has it no more"),
      listed_ts: maybe("micros", "Time of listing"),
    },
  },
  gap: {
    meaning: "A stretch of a stream that is missing or not to be trusted, and what was done about it",
    ...MADE,
    fields: {
      gap_id: always("text", "`<offset>-<index>` of the event that told of the gap first"),
      state: always("gap_state", "`opened`; `closed`: it has ended, or was known only then; `filled`: fetched later"),
      stream: maybe("channel", "The stream's channel; null where a whole connection or frame is concerned"),
      cause: always("gap_cause", "Why something is missing"),
      from_ts: maybe("micros", "Receive time of the last good frame before; null where there was none"),
      to_ts: maybe("micros", "Receive time of the first good frame after; null while the gap is open"),
      from_sequence: maybe("text", "Last good sequence before"),
      to_sequence: maybe("text", "First good sequence after"),
      detail: always("text", "Close code, rejection text, what failed to decode"),
      action: always("word", "What was done about it: `reconnected`, `suppressed until the next snapshot`"),
    },
  },
  raw: {
    meaning: "A frame as it came, for descriptors without event rules",
    ...MADE,
    identity: "raw",
    fields: {
      channel: maybe("text", "The exchange's name of the channel"),
      sequence: maybe("text", "Sequence, where a path of `[parse]` leads to it"),
      message_id: maybe("text", "Id of the message, where a path of `[parse]` leads to it"),
      payload: always("payload", "The frame's text"),
    },
  },
} as const satisfies Readonly<Record<string, EventSpec>>;

type Specs = typeof EVENT_SPECS;

/** The kinds of events. */
export type EventKind = keyof Specs;

type KindsWith<P> = { readonly [K in EventKind]: Specs[K] extends P ? K : never }[EventKind];

/** Kinds that a rule of the same name emits. */
export type RowKind = KindsWith<{ readonly rule: "own" }>;
/** Kinds that rules emit: an exchange sends them. */
export type SentKind = KindsWith<{ readonly rule: "own" | "book" }>;
/** Kinds of which a book is made. */
export type BookEventKind = KindsWith<{ readonly rule: "book" }>;
/** Kinds with price levels: their rows in files differ from those of all others. */
export type LevelsKind = KindsWith<{ readonly fields: { readonly bids: FieldSpec } }>;
/** Kinds whose fields are one value each. */
export type FlatKind = Exclude<EventKind, LevelsKind>;

/** All kinds, in the order in which reports list them. */
export const EVENT_KINDS = Object.keys(EVENT_SPECS) as readonly EventKind[];

/** Returns what is known of a kind. */
export function eventSpec(kind: EventKind): EventSpec {
  return EVENT_SPECS[kind];
}

/** Returns a kind's fields in the order of files. */
export function fieldsOf(kind: EventKind): readonly (readonly [name: string, spec: FieldSpec])[] {
  return Object.entries<FieldSpec>(EVENT_SPECS[kind].fields);
}

/** Whether a rule of the same name emits the kind. */
export function isRowKind(kind: EventKind): kind is RowKind {
  return EVENT_SPECS[kind].rule === "own";
}

/** Whether an exchange sends the kind; others are made here. */
export function isSentKind(kind: EventKind): kind is SentKind {
  return EVENT_SPECS[kind].rule !== null;
}

/** Whether the kind has price levels. */
export function hasLevels(kind: EventKind): kind is LevelsKind {
  return KINDS_WITH_LEVELS.has(kind);
}

const KINDS_WITH_LEVELS: ReadonlySet<EventKind> = new Set(
  EVENT_KINDS.filter((kind) => fieldsOf(kind).some(([, { type }]) => type === "levels")),
);

/** Returns a value for each kind. */
export function byKind<V>(make: (kind: EventKind) => V): Readonly<Record<EventKind, V>> {
  return Object.fromEntries(EVENT_KINDS.map((kind) => [kind, make(kind)])) as Record<EventKind, V>;
}
