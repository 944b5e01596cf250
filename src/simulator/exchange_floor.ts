import type { Micros } from "../model/mod.ts";
import type { Feed } from "./feed.ts";
import { buildInstrument, type SimulatedInstrument } from "./instrument.ts";
import { Market } from "./market.ts";

/** A market with its native symbol. */
export interface ListedMarket {
  readonly native: string;
  readonly market: Market;
}

/** The markets of an exchange and its feeds with listeners. */
export class ExchangeFloor {
  readonly #markets = new Map<string, ListedMarket>();
  readonly #feeds = new Map<string, { readonly feed: Feed; readonly native: string | null }>();
  readonly #rejects: ReadonlySet<string>;

  /** `spell` returns the native symbol; null if the exchange has no such instrument, which throws a RangeError. */
  constructor(options: {
    readonly symbols: readonly string[];
    readonly seed: number;
    readonly rejects: readonly string[];
    readonly spotSizeDecimals: number;
    readonly spell: (instrument: SimulatedInstrument) => string | null;
  }) {
    this.#rejects = new Set(options.rejects);
    for (const symbol of options.symbols) {
      const instrument = buildInstrument(symbol, options.spotSizeDecimals);
      const native = options.spell(instrument);
      if (native === null) throw new RangeError(`Cannot simulate ${symbol}: this exchange lists no such instrument`);
      this.#markets.set(native, { native, market: new Market({ instrument, seed: options.seed }) });
    }
  }

  get markets(): readonly ListedMarket[] {
    return [...this.#markets.values()];
  }

  find(native: string): ListedMarket | null {
    return this.#markets.get(native) ?? null;
  }

  canonical(native: string): string {
    return this.#markets.get(native)?.market.instrument.symbol ?? native;
  }

  /** Whether subscriptions to the instrument are refused. */
  isRejected(native: string): boolean {
    return this.#rejects.has(native) || this.#rejects.has(this.canonical(native));
  }

  /** Returns the feed of a name; makes it on first use. `native`: the market that it follows. */
  feed(name: string, native: string | null, create: () => Feed): Feed {
    const found = this.#feeds.get(name);
    if (found !== undefined) return found.feed;
    const feed = create();
    this.#feeds.set(name, { feed, native });
    return feed;
  }

  advance(steps: number, now: Micros): void {
    for (const { native, market } of this.#markets.values()) {
      const feeds: Feed[] = [];
      for (const entry of this.#feeds.values()) {
        if (entry.native === native && entry.feed.isHeard) feeds.push(entry.feed);
      }
      for (let i = 0; i < steps; i++) {
        const step = market.step(now);
        for (const feed of feeds) feed.onStep(step);
      }
    }
  }

  tick(now: Micros): void {
    for (const { feed } of this.#feeds.values()) if (feed.isHeard) feed.onTick(now);
  }
}
