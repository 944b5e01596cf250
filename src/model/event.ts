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
/** The fields of an instrument, read from an exchange's list. */
export type InstrumentFields = Omit<InstrumentEvent, "kind">;
export type Gap = EventOf<"gap">;
export type RawEvent = EventOf<"raw">;

/** Every event, discriminated by `kind`. */
export type MarketEvent = { readonly [K in EventKind]: EventOf<K> }[EventKind];

/** An event with the fields that all kinds share. `offset` and `index` together identify it. */
export interface Envelope {
  /** The name of the exchange instance. */
  readonly exchange: string;
  /** Canonical symbol, or the native one if no map translates it; empty if the event concerns no single symbol. */
  readonly symbol: string;
  readonly native_symbol: string;
  /** Null if the exchange gives none. */
  readonly exchange_ts: Micros | null;
  readonly received_ts: Micros;
  readonly session: SessionId;
  /** The journal record that it was derived from. */
  readonly offset: Offset;
  /** Its index among the events of that record, from 0. */
  readonly index: number;
  /** Set if it was fetched later, because its stream had missed it. */
  readonly backfilled?: true;
  /** If collectors were merged: each collector's copy, the kept one first. Absent otherwise. */
  readonly seen_by?: readonly EventCopy[];
  readonly event: MarketEvent;
}

/** One collector's copy of an event: when it was received, and its position in that collector's journal. */
export interface EventCopy {
  readonly collector: string;
  readonly received_ts: Micros;
  readonly session: SessionId;
  readonly offset: Offset;
  readonly index: number;
}
