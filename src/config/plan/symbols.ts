import {
  type FrameConnection,
  type Instrument,
  ISSUES_MAX,
  parseCanonicalSymbol,
  type SelectionPlan,
} from "../../model/mod.ts";
import type { ConnectionValues, DescriptorValues } from "../schema_descriptor.ts";
import type { ListedInstrument } from "./input.ts";
import { listed, type Place } from "./place.ts";
import { checkMeasures, isPattern, parsePattern, selectInstruments, type SymbolEntry } from "./selection.ts";

/** Canonical and native spellings of an exchange's symbols, with the family of each. */
export interface SymbolTable {
  /** In the order of the map file, then of the exchange's list. */
  readonly instruments: readonly Instrument[];
  readonly byCanonical: ReadonlyMap<string, Instrument>;
}

/** Reads a map file's values and what the exchange's list adds to them. */
export function buildSymbolTable(
  map: { readonly values: Readonly<Record<string, unknown>>; readonly place: Place } | null,
  listedInstruments: readonly ListedInstrument[],
): SymbolTable {
  const byCanonical = new Map<string, Instrument>();
  let wrong = 0;
  for (const [canonical, native] of Object.entries(map?.values ?? {})) {
    if (typeof native !== "string" || native === "" || canonical === "") {
      if (++wrong <= ISSUES_MAX) {
        map?.place.at(canonical).error(`Not a native symbol: the line reads "${canonical}" = "NATIVE"`);
      }
      continue;
    }
    byCanonical.set(canonical, instrument(canonical, native));
  }
  for (const { canonical, native } of listedInstruments) {
    if (!byCanonical.has(canonical)) byCanonical.set(canonical, instrument(canonical, native));
  }
  return { instruments: [...byCanonical.values()], byCanonical };
}

function instrument(symbol: string, native: string): Instrument {
  return { symbol, native, family: parseCanonicalSymbol(symbol)?.family ?? null };
}

/**
 * Whether a connection carries an instrument, by its family, settlement currency and expiry; a symbol that is not canonical
 * goes wherever none of them is named.
 */
export function serves(
  { families, settles, dated }: ConnectionValues,
  { symbol, family }: Pick<Instrument, "symbol" | "family">,
): boolean {
  if (families !== undefined && (family === null || !families.includes(family))) return false;
  if (settles === undefined && dated === undefined) return true;
  const parts = parseCanonicalSymbol(symbol);
  if (parts === null) return false;
  if (settles !== undefined && !settles.includes(parts.settle ?? parts.quote)) return false;
  return dated === undefined || dated === (parts.expiry !== null);
}

/**
 * Returns how frames of each connection are decoded and what their native symbols stand for. Of several names for one
 * native symbol the first is taken; the others are reported at their rows of the map.
 */
export function frameConnections(
  descriptor: DescriptorValues,
  instruments: readonly Instrument[],
  mapPlace: Place | null,
): readonly FrameConnection[] {
  const reported = new Set<string>();
  return descriptor.ws.connections.map((connection) => {
    const canonical = new Map<string, string>();
    for (const { symbol, native, family } of instruments) {
      if (!serves(connection, { symbol, family })) continue;
      const other = canonical.get(native);
      if (other !== undefined && other !== symbol && !reported.has(symbol) && reported.size < ISSUES_MAX) {
        reported.add(symbol);
        mapPlace?.at(symbol).warning(
          `Native symbol ${native} has the name ${other} already on connection ${connection.id}: its events carry that one`,
        );
      }
      if (other === undefined) canonical.set(native, symbol);
    }
    const { id, decode, layout, per_symbol: perSymbol, urls } = connection;
    const odd = { ...(layout === "document" ? {} : { layout }), ...(perSymbol ? { perSymbol } : {}) };
    return { id, decode, ...odd, urls, canonical: Object.fromEntries(canonical) };
  });
}

/** The instruments that an instance is configured for, and the symbols that wait for the exchange's list. */
export interface ResolvedSymbols {
  readonly instruments: readonly Instrument[];
  readonly unresolved: readonly string[];
  /** Null where all symbols are named. */
  readonly selection: SelectionPlan | null;
}

/** Resolves the symbols of an instance. `place` is that of its `symbols`; `isListed`: the exchange's list is known. */
export function resolveSymbols(symbols: readonly string[], context: ResolveContext): ResolvedSymbols {
  const resolved = new Resolved(context);
  const unresolved = new Set<string>();
  const patterns: SymbolEntry[] = [];
  symbols.forEach((symbol, index) => {
    const at = context.place.at(index);
    if (isPattern(symbol) && !context.table.byCanonical.has(symbol)) {
      const pattern = parsePattern(symbol, index, at);
      if (pattern !== null) patterns.push(pattern);
      return;
    }
    if (/[{}[\]]/.test(symbol) && !context.table.byCanonical.has(symbol)) {
      at.error(`Not a symbol: ${JSON.stringify(symbol)}; patterns have \`*\` and \`?\` alone`);
      return;
    }
    if (isUnresolved(symbol, context)) {
      if (!checkServed(instrument(symbol, symbol), context.descriptor, at)) return;
      at.warning(unresolved.has(symbol) ? `Symbol ${symbol} is listed twice` : unresolvedText(symbol, context));
      unresolved.add(symbol);
      return;
    }
    resolved.add(resolveSymbol(symbol, { ...context, place: at }), at);
  });
  const selection = patterns.length === 0 ? null : select(patterns, context, resolved);
  return { instruments: resolved.instruments, unresolved: [...unresolved], selection };
}

/** The instruments so far. */
class Resolved {
  readonly #context: ResolveContext;
  readonly #bySymbol = new Map<string, Instrument>();
  readonly #byNative = new Map<string, readonly Instrument[]>();

  constructor(context: ResolveContext) {
    this.#context = context;
  }

  get instruments(): readonly Instrument[] {
    return [...this.#bySymbol.values()];
  }

  /** Adds an instrument that is named; one that cannot be is reported. */
  add(found: Instrument, at: Place): void {
    const { descriptor } = this.#context;
    const same = this.#sharing(found);
    if (this.#bySymbol.has(found.symbol)) at.warning(`Symbol ${found.symbol} is listed twice`);
    else if (same !== undefined) {
      at.error(
        `Symbols ${same.symbol} and ${found.symbol} are both ${found.native} on the exchange: write one of them`,
      );
    } else if (checkServed(found, descriptor, at)) this.#put(found);
  }

  /** Adds an instrument that was selected, where no other stands for the same. */
  select(found: Instrument): void {
    if (!this.#bySymbol.has(found.symbol) && this.#sharing(found) === undefined) this.#put(found);
  }

  #sharing(found: Instrument): Instrument | undefined {
    return this.#byNative.get(found.native)?.find((other) => shareStream(other, found, this.#context.descriptor));
  }

  #put(found: Instrument): void {
    this.#bySymbol.set(found.symbol, found);
    this.#byNative.set(found.native, [...this.#byNative.get(found.native) ?? [], found]);
  }
}

/** Adds the instruments that patterns select from the exchange's list, or from the symbol map without a list. */
function select(patterns: readonly SymbolEntry[], context: ResolveContext, resolved: Resolved): SelectionPlan {
  const { table, descriptor, place, isListed, listed, symbolsMax, refreshMs } = context;
  const { instruments: lists = [], rankings = [] } = descriptor.rest ?? {};
  const isStatic = lists.length === 0;
  const measures = [...new Set(rankings.flatMap(({ values }) => Object.keys(values)))];
  const asked = patterns.flatMap((entry) => entry.kind === "top" ? [entry.measure] : []);
  const areMeasured = asked.every((measure) => listed.some(({ values }) => Object.hasOwn(values, measure)));
  const plan = { refreshMs, isRanked: asked.length > 0 };
  const waiting = {
    ...plan,
    isKnown: false,
    patterns: patterns.map(({ kind, text }) => ({ text: kind === "exclude" ? `!${text}` : text, symbols: 0 })),
  };
  if (!checkMeasures(patterns, measures, place)) return waiting;
  const isKnown = isStatic || (isListed && areMeasured);
  if (!isKnown) {
    place.at(patterns[0].index).warning(
      "What patterns stand for is known with the exchange's instrument list, which the collector asks for: no list of an " +
        "earlier run is here",
    );
    return waiting;
  }
  const all = isStatic ? table.instruments.map((one) => ({ ...one, values: {} })) : listed.map((row) => ({
    ...table.byCanonical.get(row.canonical) ?? instrument(row.canonical, row.native),
    values: row.values,
  }));
  if (isStatic && table.instruments.length === 0) {
    place.at(patterns[0].index).error(
      "Patterns need instruments to select of: the descriptor has neither an instrument list ([[rest.instruments]]) nor a " +
        "symbol map",
    );
    return waiting;
  }
  const served = all.filter((one) =>
    one.family !== null && descriptor.ws.connections.some((connection) => serves(connection, one))
  );
  const source = isStatic ? "the symbol map" : "the exchange's instrument list";
  const selection = selectInstruments(patterns, { all: served, symbolsMax, place, source, isStatic });
  for (const found of selection.instruments) resolved.select(found);
  if (resolved.instruments.length === 0 && !isStatic) {
    place.error(`The patterns select none of the ${served.length} instruments in ${source}`);
  }
  return { ...plan, isKnown: true, patterns: selection.patterns };
}

interface ResolveContext {
  readonly table: SymbolTable;
  readonly descriptor: DescriptorValues;
  readonly place: Place;
  readonly isListed: boolean;
  /** Rows of the exchange's list; empty if unknown. */
  readonly listed: readonly ListedInstrument[];
  readonly symbolsMax: number;
  readonly refreshMs: number;
}

/** Returns whether a symbol needs the exchange's list: it is canonical and nothing translates it. */
function isUnresolved(symbol: string, { table, descriptor }: ResolveContext): boolean {
  return (descriptor.rest?.instruments.length ?? 0) > 0 && parseCanonicalSymbol(symbol) !== null &&
    !table.byCanonical.has(symbol) && !table.instruments.some(({ native }) => native === symbol);
}

function unresolvedText(symbol: string, { isListed }: ResolveContext): string {
  return isListed
    ? `Symbol ${symbol} is not in the symbol map and not in the exchange's instrument list: it is not subscribed to`
    : `Symbol ${symbol} is not in the symbol map: it waits for the exchange's instrument list, which the collector asks for`;
}

function resolveSymbol(symbol: string, context: ResolveContext): Instrument {
  const { table, place } = context;
  const mapped = table.byCanonical.get(symbol);
  if (mapped !== undefined) return mapped;
  const natives = table.instruments.filter(({ native }) => native === symbol);
  if (natives.length === 1) return natives[0];
  if (natives.length > 1) {
    place.error(
      `Symbol ${symbol} is the native spelling of ${listed(natives.map((n) => n.symbol))}: write one of them`,
    );
    return natives[0];
  }
  if (table.instruments.length > 0) {
    place.warning(`Symbol ${symbol} is not in the symbol map: it is sent as it stands`);
  }
  return instrument(symbol, symbol);
}

/** Returns whether two instruments share a native symbol on a connection, which makes their streams indistinguishable. */
function shareStream(one: Instrument, other: Instrument, { ws }: DescriptorValues): boolean {
  return one.native === other.native && one.symbol !== other.symbol &&
    ws.connections.some((connection) => serves(connection, one) && serves(connection, other));
}

function checkServed(found: Instrument, descriptor: DescriptorValues, place: Place): boolean {
  const connections = descriptor.ws.connections;
  if (connections.some((connection) => serves(connection, found))) return true;
  const families = listed(new Set(connections.flatMap((connection) => connection.families ?? [])));
  place.error(
    found.family === null
      ? `Symbol ${found.symbol} does not say its family, and the connections serve ${families}: write it like BTC/USDT ` +
        "(spot), BTC/USDT:USDT (linear) or BTC/USD:BTC (inverse)"
      : connections.some((connection) => connection.families?.includes(found.family ?? "spot") ?? true)
      ? `No connection serves ${found.symbol}: of ${found.family} symbols the descriptor serves ${
        servedOf(connections)
      }`
      : `No connection serves ${found.family} symbols such as ${found.symbol}: the descriptor serves ${families}`,
  );
  return false;
}

/** Describes what connections serve of their families. */
function servedOf(connections: readonly ConnectionValues[]): string {
  const narrowed = connections.flatMap(({ settles, dated }) => {
    const expiry = dated === undefined ? [] : [dated ? "that expire" : "that do not expire"];
    const currency = settles === undefined ? [] : [`that settle in ${settles.join(" or ")}`];
    return [...expiry, ...currency].length === 0 ? [] : [`those ${[...expiry, ...currency].join(" and ")}`];
  });
  return listed(new Set(narrowed));
}
