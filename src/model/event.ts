import type { EVENT_SPECS, EventKind, FieldSpec, FieldType } from "./event_specs.ts";
import type { Channel } from "./channel.ts";
import type { Decimal } from "./decimal.ts";
import type { GapCause, GapState, Level, Side } from "./event_values.ts";
import type { Offset, SessionId } from "./frame.ts";
import type { Micros } from "./micros.ts";

/** The value of each type of field. */
interface FieldValues extends Record<FieldType, unknown> {
  readonly id: string;
  readonly text: string;
  readonly word: string;
  readonly payload: string;
  readonly decimal: Decimal;
  readonly micros: Micros;
  readonly boolean: boolean;
  readonly side: Side;
  readonly levels: readonly Level[];
  readonly channel: Channel;
  readonly gap_state: GapState;
  readonly gap_cause: GapCause;
}

type ValueOf<F> = F extends FieldSpec ? FieldValues[F["type"]] | (F["nullable"] extends true ? null : never) : never;
type FieldsOf<K extends EventKind> = (typeof EVENT_SPECS)[K]["fields"];

/** The event of a kind, with the fields that EVENT_SPECS gives it. Field names are those of the files. */
export type EventOf<K extends EventKind> =
  & { readonly kind: K }
  & { readonly [F in keyof FieldsOf<K>]: ValueOf<FieldsOf<K>[F]> };

export type Trade = EventOf<"trade">;
export type BookSnapshot = EventOf<"book_snapshot">;
export type BookDelta = EventOf<"book_delta">;
export type BookTop = EventOf<"book_top">;
export type Quote = EventOf<"quote">;
export type Ticker = EventOf<"ticker">;
export type Candle = EventOf<"candle">;
export type DerivativeTicker = EventOf<"derivative_ticker">;
export type OptionSummary = EventOf<"option_summary">;
export type Funding = EventOf<"funding">;
export type Liquidation = EventOf<"liquidation">;
export type Order = EventOf<"order">;
export type InstrumentEvent = EventOf<"instrument">;
/** What a list says of an instrument. */
export type InstrumentFields = Omit<InstrumentEvent, "kind">;
export type Gap = EventOf<"gap">;
export type RawEvent = EventOf<"raw">;

/** Every event, told apart by `kind`. */
export type MarketEvent = { readonly [K in EventKind]: EventOf<K> }[EventKind];

/** An event with where and when. `offset` and `index` together are its identity. */
export interface Envelope {
  /** The name of the exchange instance. */
  readonly exchange: string;
  /** Canonical; the native spelling where no map translates it; empty where an event concerns no single symbol. */
  readonly symbol: string;
  readonly native_symbol: string;
  /** Null where the exchange gives none. */
  readonly exchange_ts: Micros | null;
  readonly received_ts: Micros;
  readonly session: SessionId;
  /** The journal record it was derived from. */
  readonly offset: Offset;
  /** Its place among the events of that record, from 0. */
  readonly index: number;
  /** Whether it was fetched later, because its stream had missed it; absent where it was not. */
  readonly backfilled?: true;
  /** Who has seen it, where several collectors were merged: the copy that is kept, then the others. Absent elsewhere. */
  readonly seen_by?: readonly EventCopy[];
  readonly event: MarketEvent;
}

/** One collector's copy of an event: when it was received, and where it stands in that collector's journal. */
export interface EventCopy {
  readonly collector: string;
  readonly received_ts: Micros;
  readonly session: SessionId;
  readonly offset: Offset;
  readonly index: number;
}
