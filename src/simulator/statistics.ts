import { crc32 } from "node:zlib";
import type { SentKind } from "../model/mod.ts";

/** Numbers of events by kind; kinds without events are absent. */
export type SentCounts = Readonly<Partial<Record<SentKind, number>>>;

/** A trade as sent. */
export interface SentTrade {
  readonly id: string;
  readonly price: string;
  readonly size: string;
  /** The taker's side. */
  readonly side: "buy" | "sell";
}

/** What a data frame carries. */
export interface FrameContent {
  /** Native symbol. */
  readonly native: string;
  readonly events: SentCounts;
  readonly trades: readonly SentTrade[];
}

/** What was sent of one instrument. */
export interface SymbolStatistics {
  readonly native: string;
  /** Canonical; the native spelling where the stream belongs to no simulated instrument. */
  readonly symbol: string;
  /** Everything sent, repeated frames included, over sockets and as REST snapshots. */
  readonly events: SentCounts;
  /** How many of `events` were second copies, sent by the duplicate fault. */
  readonly duplicated: SentCounts;
  /** Trades, second copies included. */
  readonly trades: {
    readonly count: number;
    /** Ids in the order of sending, up to TRADE_LOG_MAX of them. */
    readonly ids: readonly string[];
    /** Sum of `tradeDigest` over all trades, modulo 2^32: independent of their order. */
    readonly digest: number;
  };
}

/** What an exchange has sent since it was started. */
export interface SimulatorStatistics {
  readonly dialect: string;
  readonly connectionsOpened: number;
  readonly connectionsOpen: number;
  /** Frames that carried market data, second copies included. */
  readonly dataFrames: number;
  /** Greetings, acknowledgements, errors, heartbeats, pongs. */
  readonly controlFrames: number;
  /** Frames of the garbage fault. */
  readonly garbageFrames: number;
  /** Data frames dropped by the gap fault. */
  readonly droppedFrames: number;
  readonly duplicatedFrames: number;
  readonly forcedDisconnects: number;
  /** Connections that fell silent for good. */
  readonly silencedConnections: number;
  /** Connections cut because the client did not keep up. */
  readonly slowConsumers: number;
  readonly httpAnswers: number;
  readonly symbols: readonly SymbolStatistics[];
}

/** Trade ids kept for each instrument; later ones are counted and digested, but not listed. */
export const TRADE_LOG_MAX = 200_000;

/** CRC-32 of `id|price|size|side`, digits as on the wire. */
export function tradeDigest(trade: SentTrade): number {
  return crc32(`${trade.id}|${trade.price}|${trade.size}|${trade.side}`);
}

type Totals = { -readonly [K in Exclude<keyof SimulatorStatistics, "dialect" | "symbols">]: number };

interface SymbolTotals {
  readonly events: Map<SentKind, number>;
  readonly duplicated: Map<SentKind, number>;
  readonly ids: string[];
  trades: number;
  digest: number;
}

/** Counts what is sent. */
export class StatisticsBoard {
  readonly totals: Totals = {
    connectionsOpened: 0,
    connectionsOpen: 0,
    dataFrames: 0,
    controlFrames: 0,
    garbageFrames: 0,
    droppedFrames: 0,
    duplicatedFrames: 0,
    forcedDisconnects: 0,
    silencedConnections: 0,
    slowConsumers: 0,
    httpAnswers: 0,
  };
  readonly #symbols = new Map<string, SymbolTotals>();

  /** Counts what one frame or REST answer carried. */
  count(content: FrameContent, copy: boolean): void {
    const totals = this.#totalsOf(content.native);
    for (const [kind, amount] of Object.entries(content.events)) {
      addTo(totals.events, kind as SentKind, amount);
      if (copy) addTo(totals.duplicated, kind as SentKind, amount);
    }
    for (const trade of content.trades) {
      totals.trades++;
      totals.digest = (totals.digest + tradeDigest(trade)) >>> 0;
      if (totals.ids.length < TRADE_LOG_MAX) totals.ids.push(trade.id);
    }
  }

  /** Returns the current counts. `canonical` translates native symbols. */
  read(dialect: string, canonical: (native: string) => string): SimulatorStatistics {
    const symbols = [...this.#symbols].map(([native, totals]) => ({
      native,
      symbol: canonical(native),
      events: Object.fromEntries(totals.events),
      duplicated: Object.fromEntries(totals.duplicated),
      trades: { count: totals.trades, ids: [...totals.ids], digest: totals.digest },
    }));
    return { dialect, ...this.totals, symbols };
  }

  #totalsOf(native: string): SymbolTotals {
    const found = this.#symbols.get(native);
    if (found !== undefined) return found;
    const totals = { events: new Map(), duplicated: new Map(), ids: [], trades: 0, digest: 0 };
    this.#symbols.set(native, totals);
    return totals;
  }
}

function addTo(counts: Map<SentKind, number>, kind: SentKind, amount: number): void {
  counts.set(kind, (counts.get(kind) ?? 0) + amount);
}
