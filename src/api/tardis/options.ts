import { type EventKind, isoFromMicros, type Micros, TARDIS_OPTIONS_MAX } from "../../model/mod.ts";

/** A type computed from trades or books. */
export type ComputedType =
  | {
    readonly name: string;
    readonly type: "trade_bar";
    readonly kind: "time" | "tick" | "volume";
    readonly interval: number;
  }
  | { readonly name: string; readonly type: "book_snapshot"; readonly depth: number; readonly interval: number };

/** One option of a request: an exchange instance, symbols, and the types wanted. */
export interface TardisOption {
  readonly exchange: string;
  /** Native or canonical symbols; null if all. */
  readonly symbols: readonly string[] | null;
  /** Types that need no computation. */
  readonly types: ReadonlySet<string>;
  readonly computed: readonly ComputedType[];
  readonly disconnects: boolean;
  /** Receive times, `to` exclusive; null for a live stream. */
  readonly from: Micros | null;
  readonly to: Micros | null;
}

/** The kinds of events from which each type is made. */
const KINDS: Readonly<Record<string, readonly EventKind[]>> = {
  trade: ["trade"],
  book_change: ["book_snapshot", "book_delta"],
  book_ticker: ["quote"],
  derivative_ticker: ["derivative_ticker"],
  liquidation: ["liquidation"],
  option_summary: ["option_summary"],
};

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const BAR = /^trade_bar_(\d+(?:\.\d+)?)(ticks|vol|ms|s|m|h)$/;
const BOOK = /^book_snapshot_(\d{1,4})_(\d{1,9})(ms|s|m|h)$/;
const QUOTE = /^quote(?:_(\d{1,9})(ms|s|m|h))?$/;

/** Reads the parameter `options`: one option or a list of them. Returns a text if something is wrong. */
export function readTardisOptions(text: string | null, isReplay: boolean): readonly TardisOption[] | string {
  if (text === null) return "Give the parameter options, as JSON";
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return "The parameter options is not JSON";
  }
  const list = Array.isArray(given) ? given : [given];
  if (list.length === 0 || list.length > TARDIS_OPTIONS_MAX) return `Give 1 to ${TARDIS_OPTIONS_MAX} options`;
  const options: TardisOption[] = [];
  for (const one of list) {
    const option = readOption(one, isReplay);
    if (typeof option === "string") return option;
    options.push(option);
  }
  return options;
}

/** Returns the kinds of events that an option needs. */
export function kindsOf({ types, computed, disconnects }: TardisOption): readonly EventKind[] {
  const made = computed.map(({ type }) => type === "trade_bar" ? "trade" : "book_change");
  const kinds = [...types, ...made].flatMap((type) => KINDS[type]);
  return [...new Set<EventKind>([...kinds, ...disconnects ? ["gap" as const] : []])];
}

function readOption(given: unknown, isReplay: boolean): TardisOption | string {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return "An option has to be an object";
  const { exchange, symbols, dataTypes, withDisconnectMessages, from, to } = given as Readonly<Record<string, unknown>>;
  if (typeof exchange !== "string" || exchange === "") return "An option needs exchange: the name of an instance";
  if (symbols !== undefined && !isTexts(symbols)) return "symbols has to be a list of texts";
  if (!isTexts(dataTypes) || dataTypes.length === 0) return "An option needs dataTypes: a list of texts";
  const types = new Set<string>();
  const computed: ComputedType[] = [];
  for (const name of dataTypes) {
    const type = Object.hasOwn(KINDS, name) ? name : readComputed(name);
    if (type === null) {
      return `No data type ${JSON.stringify(name)}: there are ${
        Object.keys(KINDS).join(", ")
      }, trade_bar_N{ms,s,m,h,ticks,vol}, book_snapshot_N_M{ms,s,m,h} and quote_M{ms,s,m,h}`;
    }
    if (typeof type === "string") types.add(type);
    else computed.push(type);
  }
  const times = isReplay ? readTimes(from, to) : { from: null, to: null };
  if (typeof times === "string") return times;
  const named = symbols === undefined || symbols.length === 0 ? null : symbols;
  return { exchange, symbols: named, types, computed, disconnects: withDisconnectMessages === true, ...times };
}

function readComputed(name: string): ComputedType | null {
  const bar = BAR.exec(name);
  if (bar !== null) {
    const [, count, unit] = bar;
    const kind = unit === "ticks" ? "tick" : unit === "vol" ? "volume" : "time";
    const interval = Number(count) * (UNITS[unit] ?? 1);
    return interval > 0 ? { name, type: "trade_bar", kind, interval } : null;
  }
  const book = BOOK.exec(name);
  if (book !== null) {
    const [, depth, count, unit] = book;
    return Number(depth) === 0
      ? null
      : { name, type: "book_snapshot", depth: Number(depth), interval: Number(count) * UNITS[unit] };
  }
  const quote = QUOTE.exec(name);
  if (quote === null) return null;
  const [, count = "0", unit = "ms"] = quote;
  return { name, type: "book_snapshot", depth: 1, interval: Number(count) * UNITS[unit] };
}

/** Reads a stretch of time, `to` exclusive. Returns a text if something is wrong. */
export function readTimes(from: unknown, to: unknown): { readonly from: Micros; readonly to: Micros } | string {
  const [begin, end] = [timeOf(from), timeOf(to)];
  if (begin === null) return "An option needs from: a time such as 2026-11-28 or 2026-11-28T12:00:00Z";
  if (end === null) return "An option needs to: a time such as 2026-11-29";
  return begin < end ? { from: begin, to: end } : `to has to be later than from: ${isoFromMicros(begin)}`;
}

/** Reads a time; without a zone it is UTC. Null if the text is none. */
function timeOf(text: unknown): Micros | null {
  if (typeof text !== "string") return null;
  const isZoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) || /^\d{4}-\d\d-\d\d$/.test(text);
  const ms = Date.parse(isZoned ? text : `${text}Z`);
  return Number.isNaN(ms) ? null : ms * 1000;
}

/** Whether a value is a list of texts of a bounded length. */
export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= 10_000 && value.every((text) => typeof text === "string");
}
