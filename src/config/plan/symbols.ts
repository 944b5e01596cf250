import { type Family, type FrameConnection, type Instrument, parseCanonicalSymbol } from "../../model/mod.ts";
import type { ConnectionValues, DescriptorValues } from "../schema_descriptor.ts";
import type { ListedInstrument } from "./input.ts";
import { listed, type Place } from "./place.ts";

/** What an exchange's symbols are called: canonical and native spellings with the family of each. */
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
  for (const [canonical, native] of Object.entries(map?.values ?? {})) {
    if (typeof native !== "string" || native === "" || canonical === "") {
      map?.place.at(canonical).error(`Not a native symbol: the line reads "${canonical}" = "NATIVE"`);
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

/** Whether a connection carries instruments of a family; a symbol of unknown family goes wherever no family is named. */
export function serves(connection: ConnectionValues, family: Family | null): boolean {
  return connection.families === undefined || (family !== null && connection.families.includes(family));
}

/**
 * Returns how frames of each connection are decoded and what their native symbols stand for. Reports natives that name two instruments on one connection, which would merge
 * their streams.
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
      if (!serves(connection, family)) continue;
      const other = canonical.get(native);
      if (other !== undefined && other !== symbol && !reported.has(symbol)) {
        reported.add(symbol);
        mapPlace?.at(symbol).error(
          `Native symbol ${native} stands for both ${other} and ${symbol} on connection ${connection.id}`,
        );
      }
      if (other === undefined) canonical.set(native, symbol);
    }
    const { id, decode, urls } = connection;
    return { id, decode, urls, canonical: Object.fromEntries(canonical) };
  });
}

/** The instruments that an instance is configured for. `place` is that of its `symbols`. */
export function resolveSymbols(
  symbols: readonly string[],
  context: { readonly table: SymbolTable; readonly descriptor: DescriptorValues; readonly place: Place },
): readonly Instrument[] {
  const resolved = new Map<string, Instrument>();
  symbols.forEach((symbol, index) => {
    const at = context.place.at(index);
    const found = resolveSymbol(symbol, { ...context, place: at });
    if (resolved.has(found.symbol)) at.warning(`Symbol ${found.symbol} is listed twice`);
    else if (checkServed(found, context.descriptor, at)) resolved.set(found.symbol, found);
  });
  return [...resolved.values()];
}

function resolveSymbol(
  symbol: string,
  context: { readonly table: SymbolTable; readonly descriptor: DescriptorValues; readonly place: Place },
): Instrument {
  const { table, descriptor, place } = context;
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
  const asked = (descriptor.rest?.instruments.length ?? 0) > 0;
  if (table.instruments.length > 0 || asked) {
    const next = asked
      ? "the exchange's instrument list is asked when the collector starts"
      : "it is sent as it stands";
    place.warning(`Symbol ${symbol} is not in the symbol map: ${next}`);
  }
  return instrument(symbol, symbol);
}

function checkServed(found: Instrument, descriptor: DescriptorValues, place: Place): boolean {
  const connections = descriptor.ws.connections;
  if (connections.some((connection) => serves(connection, found.family))) return true;
  const families = listed(new Set(connections.flatMap((connection) => connection.families ?? [])));
  place.error(
    found.family === null
      ? `Symbol ${found.symbol} does not say its family, and the connections serve ${families}: write it like BTC/USDT ` +
        "(spot), BTC/USDT:USDT (linear) or BTC/USD:BTC (inverse)"
      : `No connection serves ${found.family} symbols such as ${found.symbol}: the descriptor serves ${families}`,
  );
  return false;
}
