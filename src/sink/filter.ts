import { type EventBatch, FILTER_MEMORY_MAX, type SinkPlan } from "../model/mod.ts";

/**
 * Returns whether a sink receives an event, by its plan's kinds, exchanges and symbols; null if it receives all. A
 * symbol's patterns are held against its canonical and its native spelling. Events that concern no single symbol pass
 * them: a gap of a whole connection is one of every symbol of it.
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

/** Whether any of some spellings fits a pattern and none of them one that begins with `!`. */
export function textMatcher(patterns: readonly string[]): (...texts: readonly string[]) => boolean {
  const [left, taken] = [patterns.filter(isExclusion), patterns.filter((pattern) => !isExclusion(pattern))];
  const leaves = left.map((pattern) => expressionOf(pattern.slice(1)));
  // Exclusions alone leave out of everything.
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
