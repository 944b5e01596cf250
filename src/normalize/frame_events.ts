import { type Channel, EventBatch, type MarketEvent, type Micros, type OrderChange } from "../model/mod.ts";
import type { SymbolPair } from "./symbols.ts";

/** An event with its stream and rule. */
export interface NormalizedEvent {
  /** Null for a raw event whose native channel no map translates. */
  readonly channel: Channel | null;
  /** Canonical symbol, or the native one if no map translates it. */
  readonly symbol: string;
  readonly native_symbol: string;
  /** Null if the frame gives none. */
  readonly exchange_ts: Micros | null;
  readonly event: MarketEvent;
  /** Name of the rule that emitted it. */
  readonly rule: string;
  /** The exchange's checksum of the book after this event; null if it gives none. */
  readonly checksum: string | null;
  /**
   * Changes of single orders, which the book aggregates to levels; the event's own levels are empty then. Absent if it
   * has levels.
   */
  readonly orders?: readonly OrderChange[];
  /** Index of its row in the frame. */
  readonly row: number;
}

/** Channel and rule of an event. */
interface EventOrigin {
  readonly channel: Channel | null;
  readonly name: string;
}

/**
 * The events of one frame as columns, in order: fields, symbols and exchange times are in the batch, channel, rule and
 * the like in lists beside it, valid up to `length`. Reused for every frame.
 */
export class FrameEvents {
  readonly batch = new EventBatch();
  readonly channels: (Channel | null)[] = [];
  /** Names of the rules that emitted the events. */
  readonly rules: string[] = [];
  readonly checksums: (string | null)[] = [];
  /** As `NormalizedEvent.orders`; null if absent. */
  readonly orders: (readonly OrderChange[] | null)[] = [];
  /** Indexes of their rows in the frame. */
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

  /** Removes all events. */
  clear(): void {
    this.batch.clear();
  }

  /** Ends the open event of the batch. Positional parameters, because an object would be an allocation per event. */
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

  /** Attaches to the last event the orders that its levels are aggregated from. */
  attachOrders(orders: readonly OrderChange[]): void {
    this.orders[this.batch.length - 1] = orders;
  }

  /** Returns an event as an object. */
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

  /** Returns all events as objects. */
  list(): readonly NormalizedEvent[] {
    return Array.from({ length: this.length }, (_, event) => this.at(event));
  }
}
