import { type Channel, EventBatch, type MarketEvent, type Micros, type OrderChange } from "../model/mod.ts";
import type { SymbolPair } from "./symbols.ts";

/** An event with what it belongs to. */
export interface NormalizedEvent {
  /** Null for a raw event whose native channel no map translates. */
  readonly channel: Channel | null;
  /** Canonical; the native spelling where no map translates it. */
  readonly symbol: string;
  readonly native_symbol: string;
  /** Null where the frame gives none. */
  readonly exchange_ts: Micros | null;
  readonly event: MarketEvent;
  /** Name of the rule that gave it. */
  readonly rule: string;
  /** The exchange's checksum of the book after this event; null where it gives none. */
  readonly checksum: string | null;
  /** Changes of single orders that add up to the event's levels, which are empty here; absent where it has levels. */
  readonly orders?: readonly OrderChange[];
  /** Place of its row among those of the frame, as they were sent. */
  readonly row: number;
}

/** What an event belongs to, beside its symbol. */
interface EventOrigin {
  readonly channel: Channel | null;
  readonly name: string;
}

/**
 * The events of one frame as columns, in order: fields, symbols and exchange times stand in the batch, what they belong to
 * in lists beside it, which are good up to `length`. Reused for every frame.
 */
export class FrameEvents {
  readonly batch = new EventBatch();
  readonly channels: (Channel | null)[] = [];
  /** Names of the rules that gave the events. */
  readonly rules: string[] = [];
  readonly checksums: (string | null)[] = [];
  /** As `NormalizedEvent.orders`; null where that is absent. */
  readonly orders: (readonly OrderChange[] | null)[] = [];
  /** Places of their rows among those of the frame. */
  readonly rows: number[] = [];
  readonly #head = {
    exchange: "",
    symbol: "",
    native_symbol: "",
    exchange_ts: null as Micros | null,
    received_ts: 0,
    session: 0,
    offset: 0,
    index: 0,
  };

  get length(): number {
    return this.batch.length;
  }

  /** Forgets all events. */
  clear(): void {
    this.batch.clear();
  }

  /** Ends the event that was begun in the batch. Positional parameters, as an object would be an allocation an event. */
  close(rule: EventOrigin, pair: SymbolPair, exchangeTs: Micros | null, checksum: string | null, row: number): void {
    const head = this.#head;
    head.symbol = pair.canonical;
    head.native_symbol = pair.native;
    head.exchange_ts = exchangeTs;
    const at = this.batch.length;
    this.batch.close(head);
    this.channels[at] = rule.channel;
    this.rules[at] = rule.name;
    this.checksums[at] = checksum;
    this.orders[at] = null;
    this.rows[at] = row;
  }

  /** Gives the event that ended last the orders that its levels are made of. */
  attachOrders(orders: readonly OrderChange[]): void {
    this.orders[this.batch.length - 1] = orders;
  }

  /** An event as an object. */
  at(event: number): NormalizedEvent {
    const { batch } = this;
    const orders = this.orders[event];
    return {
      channel: this.channels[event],
      symbol: batch.symbols[event],
      native_symbol: batch.nativeSymbols[event],
      exchange_ts: batch.exchangeTs.get(event),
      event: batch.event(event),
      rule: this.rules[event],
      checksum: this.checksums[event],
      row: this.rows[event],
      ...(orders === null ? {} : { orders }),
    };
  }

  /** All events as objects. */
  list(): readonly NormalizedEvent[] {
    return Array.from({ length: this.length }, (_, event) => this.at(event));
  }
}
