import type { Instrument, SymbolPattern } from "../../model/mod.ts";
import { textMatcher } from "../../sink/mod.ts";
import { listed, type Place } from "./place.ts";

/** What a symbol of an instance is made of: a name, or what selects of the exchange's instruments. */
export type SymbolEntry =
  | { readonly kind: "include" | "exclude"; readonly text: string; readonly index: number }
  | {
    readonly kind: "top";
    readonly text: string;
    readonly index: number;
    readonly count: number;
    readonly measure: string;
  };

/** Whether text asks for several symbols, or for all but some: a wildcard, `!X`, `top:50 by quote_volume`. */
export function isPattern(symbol: string): boolean {
  return /[*?]|^\s*!|^\s*top\s*:/i.test(symbol);
}

/** Reads a pattern; null, and an error, where it is none that can be meant. */
export function parsePattern(text: string, index: number, place: Place): SymbolEntry | null {
  const trimmed = text.trim();
  const top = /^top\s*:\s*(\d{1,6})(?:\s+by\s+([A-Za-z_]\w*))?$/i.exec(trimmed);
  if (top !== null && Number(top[1]) > 0) {
    return { kind: "top", text: trimmed, index, count: Number(top[1]), measure: top[2] ?? "quote_volume" };
  }
  if (/^top\s*:/i.test(trimmed)) {
    place.error(`Not a selection: ${JSON.stringify(text)}; it is written like "top:50 by quote_volume"`);
    return null;
  }
  if (!trimmed.startsWith("!")) return { kind: "include", text: trimmed, index };
  const excluded = trimmed.slice(1).trim();
  if (excluded !== "" && !/^top\s*:|^!/i.test(excluded)) return { kind: "exclude", text: excluded, index };
  place.error(`Nothing to leave out: ${JSON.stringify(text)}; write "!" and a symbol or a pattern, like "!*UP/USDT"`);
  return null;
}

/** An exchange's instrument that may be selected, with what its lists measure of it. */
export interface Selectable extends Instrument {
  readonly values: Readonly<Record<string, string>>;
}

/** What patterns select. */
export interface Selection {
  readonly instruments: readonly Instrument[];
  readonly patterns: readonly SymbolPattern[];
}

/**
 * Selects of an exchange's instruments: those that any including pattern fits, all where only others are given, less
 * those that an excluding one fits; of these the largest by the measure of `top`, and at most `symbolsMax`. Equal ones go by
 * name, so that the same lists select the same.
 */
export function selectInstruments(
  entries: readonly SymbolEntry[],
  { all, symbolsMax, place, source, isStatic }: {
    readonly all: readonly Selectable[];
    readonly symbolsMax: number;
    /** Place of `symbols`. */
    readonly place: Place;
    /** Names what the instruments are taken from: `the exchange's instrument list`. */
    readonly source: string;
    /** Whether the instruments are those of a file: what fits none now never will. */
    readonly isStatic: boolean;
  },
): Selection {
  // What fits nothing of a list now may be listed tomorrow; of a file it never is.
  const complain = (entry: SymbolEntry, text: string) =>
    isStatic && entry.kind === "include" ? place.at(entry.index).error(text) : place.at(entry.index).warning(text);
  const counts = new Map<number, number>();
  const fit = (entry: SymbolEntry, from: readonly Selectable[]) => {
    const fits = textMatcher([entry.text]);
    const found = from.filter(({ symbol, native }) => fits(symbol, native));
    counts.set(entry.index, found.length);
    if (found.length === 0) {
      complain(
        entry,
        `Pattern ${JSON.stringify(entry.text)} fits none of the ${from.length} instruments in ${source}`,
      );
    }
    return found;
  };
  const including = entries.filter(({ kind }) => kind === "include");
  const included = including.length === 0 ? new Set(all) : new Set(including.flatMap((entry) => fit(entry, all)));
  for (const entry of entries) {
    if (entry.kind !== "exclude") continue;
    for (const one of fit(entry, all)) included.delete(one);
  }
  let selected = all.filter((one) => included.has(one));
  for (const entry of entries) {
    if (entry.kind !== "top") continue;
    const measured = selected.filter(({ values }) => Number.isFinite(Number(values[entry.measure] ?? NaN)));
    const ranked = measured.toSorted((a, b) =>
      Number(b.values[entry.measure]) - Number(a.values[entry.measure]) || (a.symbol < b.symbol ? -1 : 1)
    );
    const kept = new Set(ranked.slice(0, entry.count));
    selected = selected.filter((one) => kept.has(one));
    counts.set(entry.index, selected.length);
  }
  if (selected.length > symbolsMax) {
    place.warning(
      `Patterns select ${selected.length} symbols, more than symbols_max = ${symbolsMax}: those beyond are left out; ` +
        "narrow the patterns, add `top:N by quote_volume`, or raise it",
    );
    selected = selected.toSorted((a, b) => a.symbol < b.symbol ? -1 : 1).slice(0, symbolsMax);
  }
  return {
    instruments: selected.map(({ symbol, native, family }) => ({ symbol, native, family })),
    patterns: entries.map(({ kind, text, index }) => ({
      text: kind === "exclude" ? `!${text}` : text,
      symbols: counts.get(index) ?? 0,
    })),
  };
}

/** Reports measures that nothing of the descriptor gives; returns whether all are given. */
export function checkMeasures(entries: readonly SymbolEntry[], measures: readonly string[], place: Place): boolean {
  let areGiven = true;
  for (const entry of entries) {
    if (entry.kind !== "top" || measures.includes(entry.measure)) continue;
    areGiven = false;
    place.at(entry.index).error(
      measures.length === 0
        ? `${entry.text}: the descriptor does not say where the exchange lists ${entry.measure} ([[rest.rankings]]); write ` +
          "patterns or symbols"
        : `${entry.text}: the descriptor has no measure ${entry.measure}; it has ${listed(measures)}`,
    );
  }
  return areGiven;
}
