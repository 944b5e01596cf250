import {
  type BookDelta,
  type BookSnapshot,
  type Level,
  type MarketEvent,
  type Micros,
  microsFromText,
} from "../../src/model/mod.ts";
import { type NormalizedEvent, Normalizer } from "../../src/normalize/mod.ts";
import { readShared } from "./recordings.ts";
import type { ShippedFrames } from "./shipped_descriptor.ts";

/** Kinds of the expected objects that are compared. */
export const COMPARED_KINDS = ["trade", "book_change", "book_ticker", "liquidation"] as const;
export type ComparedKind = typeof COMPARED_KINDS[number];

/** One message with what a proven mapper makes of it. */
export interface ConformanceLine {
  readonly case: string;
  readonly seq: number;
  readonly index: number;
  readonly mapperFrom: string | null;
  readonly localTimestamp: string;
  readonly message: unknown;
  readonly normalized: readonly Readonly<Record<string, unknown>>[];
}

/** Where the messages of an exchange come from and how they are fed. */
export interface ConformanceSubject {
  /** Name in the cases. */
  readonly exchange: string;
  readonly versions: readonly (string | null)[];
  readonly shipped: ShippedFrames;
  readonly connectionId: string;
  /** The REST answer that a synthetic message stands for; null where it is none. */
  readonly restAnswer?: (
    message: unknown,
  ) => { readonly request: string; readonly native: string; readonly body: unknown } | null;
}

/** How one kind came out for one message. */
export interface Comparison {
  readonly exchange: string;
  readonly case: string;
  readonly index: number;
  readonly kind: ComparedKind;
  readonly passed: boolean;
  /**
   * Of a snapshot: whether it is the expected one once the deltas that came before it in the case and that it does not
   * hold yet are applied. False for everything else.
   */
  readonly passedMerged: boolean;
  readonly expected: readonly unknown[];
  readonly actual: readonly unknown[];
}

/** The lines of an exchange in the current protocol versions; null where the shared folder is absent. */
export function readConformance(subject: ConformanceSubject): ConformanceLine[] | null {
  const bytes = readShared(new URL(`../../../shared/conformance/${subject.exchange}.jsonl`, import.meta.url));
  if (bytes === null) return null;
  const lines: ConformanceLine[] = new TextDecoder().decode(bytes).trim().split("\n").map((line) => JSON.parse(line));
  return lines.filter(({ mapperFrom }) => subject.versions.includes(mapperFrom));
}

/** Feeds each case to a fresh normalizer and compares what it gives, kind by kind. */
export function compareCases(subject: ConformanceSubject, lines: readonly ConformanceLine[]): Comparison[] {
  const comparisons: Comparison[] = [];
  let normalizer = new Normalizer(subject.shipped.frames);
  let deltas: BookDelta[] = [];
  for (const line of lines) {
    if (line.seq === 0) {
      normalizer = new Normalizer(subject.shipped.frames);
      deltas = [];
    }
    const local = microsOf(line.localTimestamp);
    const events = readMessage(normalizer, subject, line.message);
    const actual = events.map((event) => comparable(event, local));
    const merged = events.flatMap(({ event }) => event.kind === "book_snapshot" ? [mergedLevels(event, deltas)] : []);
    for (const { event } of events) if (event.kind === "book_delta") deltas.push(event);
    const expected = line.normalized.map((one) => ({ ...one, timestamp: microsOf(String(one.timestamp)) }));
    for (const kind of COMPARED_KINDS) {
      const wanted = expected.flatMap((one) => Reflect.get(one, "type") === kind ? [sorted(one)] : []);
      const given = actual.flatMap((one) => one?.type === kind ? [sorted(one)] : []);
      if (wanted.length === 0 && given.length === 0) continue;
      comparisons.push({
        exchange: subject.exchange,
        case: line.case,
        index: line.index,
        kind,
        passed: JSON.stringify(wanted) === JSON.stringify(given),
        passedMerged: kind === "book_change" && merged.length > 0 && sameLevels(wanted, merged),
        expected: wanted,
        actual: given,
      });
    }
  }
  return comparisons;
}

/** Levels of both sides by price, without removed ones: `bid 1.5` → 2. */
type LevelMap = ReadonlyMap<string, number>;

/** A snapshot with the deltas applied that are newer than it. */
function mergedLevels(snapshot: BookSnapshot, deltas: readonly BookDelta[]): LevelMap {
  const levels = new Map<string, number>();
  const apply = (side: string, changes: readonly Level[]) => {
    for (const [price, size] of changes) {
      if (Number(size) === 0) levels.delete(`${side} ${Number(price)}`);
      else levels.set(`${side} ${Number(price)}`, Number(size));
    }
  };
  for (const { bids, asks } of [snapshot, ...deltas.filter((delta) => isNewer(delta, snapshot))]) {
    apply("bid", bids);
    apply("ask", asks);
  }
  return levels;
}

function isNewer(delta: BookDelta, snapshot: BookSnapshot): boolean {
  return BigInt(delta.last_sequence ?? 0) > BigInt(snapshot.sequence ?? 0);
}

function sameLevels(wanted: readonly Readonly<Record<string, unknown>>[], merged: readonly LevelMap[]): boolean {
  const maps = wanted.map((one) => {
    const levels = new Map<string, number>();
    for (const side of ["bid", "ask"] as const) {
      const listed = one[`${side}s`] as readonly { readonly price: number; readonly amount: number }[];
      for (const { price, amount } of listed) if (amount !== 0) levels.set(`${side} ${price}`, amount);
    }
    return levels;
  });
  const text = (all: readonly LevelMap[]) => JSON.stringify(all.map((levels) => [...levels].sort()));
  return text(maps) === text(merged);
}

function readMessage(
  normalizer: Normalizer,
  subject: ConformanceSubject,
  message: unknown,
): readonly NormalizedEvent[] {
  const encoder = new TextEncoder();
  const rest = subject.restAnswer?.(message) ?? null;
  if (rest !== null) {
    const body = encoder.encode(JSON.stringify(rest.body));
    return normalizer.readHttp({ session: 1, request: rest.request, native: rest.native, body, receivedTs: 0 }).events;
  }
  const payload = encoder.encode(JSON.stringify(message));
  const { connectionId } = subject;
  return normalizer.read({ session: 1, connectionId, payload, binary: false, receivedTs: 0 }).events;
}

function microsOf(iso: string): Micros {
  const micros = microsFromText(iso, "iso");
  if (micros === null) throw new Error(`Not a time: ${iso}`);
  return micros;
}

/** Our event as the cases spell it, with numbers for prices and sizes; null for kinds that are not compared. */
function comparable(found: NormalizedEvent, local: Micros): Readonly<Record<string, unknown>> | null {
  const common = { symbol: found.native_symbol.toUpperCase(), timestamp: found.exchange_ts ?? local };
  const event: MarketEvent = found.event;
  switch (event.kind) {
    case "trade":
      return {
        type: "trade",
        ...common,
        id: event.trade_id,
        price: +event.price,
        amount: +event.size,
        side: event.side,
      };
    case "liquidation":
      return {
        type: "liquidation",
        ...common,
        id: event.id,
        price: +event.price,
        amount: +event.size,
        side: event.side,
      };
    case "quote":
      return {
        type: "book_ticker",
        ...common,
        askAmount: numberOrNull(event.ask_size),
        askPrice: numberOrNull(event.ask_price),
        bidAmount: numberOrNull(event.bid_size),
        bidPrice: numberOrNull(event.bid_price),
      };
    case "book_snapshot":
    case "book_delta": {
      const levels = (side: typeof event.bids) => side.map(([price, size]) => ({ price: +price, amount: +size }));
      const isSnapshot = event.kind === "book_snapshot";
      return { type: "book_change", ...common, isSnapshot, bids: levels(event.bids), asks: levels(event.asks) };
    }
    default:
      return null;
  }
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}

/** The fields that are compared, in one order. */
function sorted(one: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { exchange: _exchange, localTimestamp: _local, ...rest } = one;
  return Object.fromEntries(Object.entries(rest).sort(([left], [right]) => left < right ? -1 : 1));
}

/** A table exchange × kind × passed/total, as text. */
export function conformanceTable(comparisons: readonly Comparison[]): string {
  const exchanges = [...new Set(comparisons.map(({ exchange }) => exchange))];
  const lines = exchanges.map((exchange) => {
    const cells = COMPARED_KINDS.map((kind) => {
      const found = comparisons.filter((one) => one.exchange === exchange && one.kind === kind);
      return (found.length === 0 ? "–" : `${found.filter(({ passed }) => passed).length}/${found.length}`).padStart(12);
    });
    return exchange.padEnd(18) + cells.join("");
  });
  return ["exchange".padEnd(18) + COMPARED_KINDS.map((kind) => kind.padStart(12)).join(""), ...lines].join("\n");
}
