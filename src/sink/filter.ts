import { type EventBatch, FILTER_MEMORY_MAX, type SinkPlan } from "../model/mod.ts";

/**
 * Returns whether a sink receives an event, by its plan's kinds, exchanges and symbols; null if it receives all.
 * Patterns of symbols match the canonical or the native spelling. Events without a symbol pass: a gap of a whole
 * connection concerns all of its symbols.
 */
export function sinkFilter(
  { kinds, exchanges, symbols }: Pick<SinkPlan, "kinds" | "exchanges" | "symbols">,
): ((batch: EventBatch, event: number) => boolean) | null {
  if (kinds === null && exchanges === undefined && symbols === undefined) return null;
  const wanted = kinds === null ? null : new Set<string>(kinds);
  const isExchange = exchanges === undefined ? null : textMatcher(exchanges);
  const isSymbol = symbols === undefined ? null : textMatcher(symbols);
  const places = new Map<string, boolean>();
  const isPlace = (exchange: string, symbol: string, native: string) => {
    if (isExchange?.(exchange) === false) return false;
    return isSymbol === null || symbol === "" || isSymbol(symbol, native);
  };
  return (batch, event) => {
    if (wanted?.has(batch.kindAt(event)) === false) return false;
    if (isExchange === null && isSymbol === null) return true;
    const [exchange, symbol, native] = [batch.exchanges[event], batch.symbols[event], batch.nativeSymbols[event]];
    const key = `${exchange}\n${symbol}\n${native}`;
    const known = places.get(key);
    if (known !== undefined) return known;
    if (places.size >= FILTER_MEMORY_MAX) places.clear();
    const is = isPlace(exchange, symbol, native);
    places.set(key, is);
    return is;
  };
}

/** Returns a test: whether any of the texts matches a pattern, and none a pattern that begins with `!`. */
export function textMatcher(patterns: readonly string[]): (...texts: readonly string[]) => boolean {
  const [left, taken] = [patterns.filter(isExclusion), patterns.filter((pattern) => !isExclusion(pattern))];
  const leaves = left.map((pattern) => expressionOf(pattern.slice(1)));
  // Exclusions alone select everything else.
  const takes = taken.length === 0 ? [/^/] : taken.map(expressionOf);
  const fits = (expressions: readonly RegExp[], texts: readonly string[]) =>
    texts.some((text) => expressions.some((expression) => expression.test(text)));
  return (...texts) => fits(takes, texts) && !fits(leaves, texts);
}

function isExclusion(pattern: string): boolean {
  return pattern.startsWith("!");
}

function expressionOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\\/]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\*+/g, ".*").replaceAll("?", ".")}$`, "su");
}
