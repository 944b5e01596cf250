import type { Channel } from "./channel.ts";

/**
 * Type of a field. `id`: an identifier given by the exchange. `word`: one of few texts. `payload`: a text of any
 * length. `levels`: one side of a book. `decimal`: keeps the exchange's digits.
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

/** Properties and fields of a kind of event. */
export interface EventSpec {
  readonly meaning: string;
  /** Default channel of its rules; null for kinds that no rule emits. */
  readonly channel: Channel | null;
  /** `own`: a rule of the same name emits it. `book`: a book rule emits it. Null: the collector itself makes it. */
  readonly rule: "own" | "book" | null;
  /** Whether rows of its rules may carry only the changed fields. */
  readonly merges: boolean;
  /**
   * How a repeat is recognised. `id`: by the field of type `id` and the content. `state`: by the content; without an
   * exchange time only against the latest. `book`, `raw`: by the sequence. Null: events of the kind are never repeats.
   */
  readonly identity: "id" | "state" | "book" | "raw" | null;
  /**
   * Whether the exchange sends it only once. Such events are kept when the journal is full, and a REST answer with none
   * of them is a valid one.
   */
  readonly keepWhenFull: boolean;
  /** In the column order of files. */
  readonly fields: Readonly<Record<string, FieldSpec>>;
}

/** A field that is never null. */
function always<const T extends FieldType, const M extends string>(type: T, meaning: M) {
  return { type, nullable: false, meaning } as const;
}

/** A field that is null if the exchange does not give it. */
function maybe<const T extends FieldType, const M extends string>(type: T, meaning: M) {
  return { type, nullable: true, meaning } as const;
}

const RULE = { rule: "own", merges: false, keepWhenFull: false } as const;
const STATE = { ...RULE, identity: "state" } as const;
const OCCURRENCE = { ...RULE, identity: "id", keepWhenFull: true } as const;
const BOOK = { channel: "book", rule: "book", merges: false, identity: "book", keepWhenFull: false } as const;
const MADE = { channel: null, rule: null, merges: false, identity: null, keepWhenFull: false } as const;

/**
 * The kinds of events and their fields, in the order of reports and files. Types, keys of rules, readers, file columns
 * and documents derive from it; only rows with price levels have code of their own for reading and storing.
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
    meaning: "All levels that the exchange shows; replaces the book",
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
    meaning: "The best levels of a kept book, at an interval of exchange time; made by the collector",
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
      open: maybe("decimal", "Price at the start of the window"),
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
      trades: maybe("decimal", "Number of trades in it"),
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
      funding_rate: maybe("decimal", "Funding rate, as a fraction for one interval"),
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
      underlying_price: maybe("decimal", "Price of the option's underlying, a forward or an index"),
      underlying_index: maybe("text", "The exchange's name of the underlying price"),
    },
  },
  funding: {
    meaning: "A settled funding rate, from the exchange's history",
    ...STATE,
    channel: "funding",
    fields: {
      funding_rate: always("decimal", "Rate that was paid, as a fraction for one interval"),
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
    meaning: "A resting order of a feed of single orders: added, changed or removed",
    ...RULE,
    identity: "id",
    channel: "orders",
    fields: {
      order_id: always("id", "The exchange's id of the order"),
      side: always("side", "`buy`: a bid; `sell`: an ask; `unknown` if the feed gives only the id"),
      price: maybe("decimal", "Price; null if it is unchanged"),
      size: maybe("decimal", "Remaining size; zero removes the order"),
      change: maybe("decimal", "Amount added to the remaining size; null if `size` is sent"),
      action: maybe("word", "What happened, as the exchange spells it"),
      sequence: maybe("text", "Sequence of the frame"),
    },
  },
  instrument: {
    meaning: "An instrument of the exchange's list; emitted when a field changes, and once a day",
    ...MADE,
    channel: "instruments",
    fields: {
      type: always("word", "`spot`, `perpetual`, `future` or `option`; `unknown` if the symbol is not canonical"),
      base: maybe("word", "Base currency"),
      quote: maybe("word", "Quote currency"),
      settle: maybe("word", "Settlement currency; null for spot"),
      tick_size: maybe("decimal", "Smallest price step"),
      lot_size: maybe("decimal", "Smallest size step, in the unit of `size` in the other events"),
      contract_size: maybe("decimal", "What one contract is worth, in `contract_unit`"),
      contract_unit: maybe("word", "Currency of `contract_size`"),
      min_size: maybe("decimal", "Smallest size of an order, in the unit of `size` in the other events"),
      min_notional: maybe("decimal", "Smallest value of an order, in the quote currency"),
      expiration_ts: maybe("micros", "Time of expiry; null for spot and perpetuals"),
      strike_price: maybe("decimal", "Strike price of an option"),
      option_type: maybe("word", "`call` or `put`"),
      status: maybe("word", "Trading status as the exchange spells it; `unlisted`: it has left the exchange's list"),
      listed_ts: maybe("micros", "Time of listing"),
    },
  },
  gap: {
    meaning: "A part of a stream that is missing or cannot be trusted, and what was done about it",
    ...MADE,
    fields: {
      gap_id: always("text", "`<offset>-<index>` of the first event of this gap"),
      state: always(
        "gap_state",
        "`opened`; `closed`: the gap has ended, and may not have been noticed before; `filled`: the missing data was fetched",
      ),
      stream: maybe("channel", "The stream's channel; null if a whole connection or frame is concerned"),
      cause: always("gap_cause", "Why data is missing"),
      from_ts: maybe("micros", "Receive time of the last good frame before; null if there was none"),
      to_ts: maybe("micros", "Receive time of the first good frame after; null while the gap is open"),
      from_sequence: maybe("text", "Last good sequence before"),
      to_sequence: maybe("text", "First good sequence after"),
      detail: always("text", "Close code, rejection text, what failed to decode"),
      action: always("word", "What was done about it: `reconnected`, `suppressed until the next snapshot`"),
    },
  },
  raw: {
    meaning: "An unparsed frame, for descriptors without event rules",
    ...MADE,
    identity: "raw",
    fields: {
      channel: maybe("text", "The exchange's name for the channel"),
      sequence: maybe("text", "Sequence, if a path of `[parse]` gives it"),
      message_id: maybe("text", "Id of the message, if a path of `[parse]` gives it"),
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
/** Kinds that rules emit, because an exchange sends them. */
export type SentKind = KindsWith<{ readonly rule: "own" | "book" }>;
/** Kinds that make up a book. */
export type BookEventKind = KindsWith<{ readonly rule: "book" }>;
/** Kinds with price levels, whose rows in files have a form of their own. */
export type LevelsKind = KindsWith<{ readonly fields: { readonly bids: FieldSpec } }>;
/** Kinds without price levels: each field is one value. */
export type FlatKind = Exclude<EventKind, LevelsKind>;

/** All kinds, in the order in which reports list them. */
export const EVENT_KINDS = Object.keys(EVENT_SPECS) as readonly EventKind[];

/** Returns the properties and fields of a kind. */
export function eventSpec(kind: EventKind): EventSpec {
  return EVENT_SPECS[kind];
}

/** Returns a kind's fields in the column order of files. */
export function fieldsOf(kind: EventKind): readonly (readonly [name: string, spec: FieldSpec])[] {
  return Object.entries<FieldSpec>(EVENT_SPECS[kind].fields);
}

/** Whether a rule of the same name emits the kind. */
export function isRowKind(kind: EventKind): kind is RowKind {
  return EVENT_SPECS[kind].rule === "own";
}

/** Whether an exchange sends the kind; the collector makes the others. */
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

/** Builds a record with one value for each kind. */
export function byKind<V>(make: (kind: EventKind) => V): Readonly<Record<EventKind, V>> {
  return Object.fromEntries(EVENT_KINDS.map((kind) => [kind, make(kind)])) as Record<EventKind, V>;
}
