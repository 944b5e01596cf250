import { JsonDocument } from "../../json/mod.ts";
import { type Instrument, parseCanonicalSymbol } from "../../model/mod.ts";
import { type CompiledExpression, compileExpression, scopeOf } from "../../program/mod.ts";
import type { DescriptorValues } from "../schema_descriptor.ts";
import { sourceOf } from "./compile.ts";
import type { ListedInstrument } from "./input.ts";
import type { Place } from "./place.ts";

/** Values of the placeholders that stand for something of an instrument: `base`, `sym:kind`. */
export type SymbolValues = (instrument: Pick<Instrument, "symbol" | "native">) => Readonly<Record<string, string>>;

/**
 * Compiles `[symbol_values]`. Omits the parts of a symbol that is not canonical, and values whose expression gives no
 * text.
 */
export function buildSymbolValues(
  descriptor: DescriptorValues,
  place: Place,
  listed: readonly ListedInstrument[] = [],
): SymbolValues {
  const names = listValueNames(descriptor);
  const rows = new Map(names.length === 0 ? [] : listed.map(({ canonical, values }) => [canonical, values]));
  const own = Object.entries(descriptor.symbol_values).flatMap(
    ([name, text]): readonly (readonly [string, CompiledExpression])[] => {
      const expression = sourceOf(text, place.at("symbol_values", name));
      return expression === null ? [] : [[name, compileExpression(expression)]];
    },
  );
  return ({ symbol, native }) => {
    const parts = symbolParts(symbol);
    const values: Record<string, string> = { ...parts };
    const list = listValues(names, rows.get(symbol) ?? {}, descriptor.args);
    for (const name of names) values[`sym:${name}`] = list[name] ?? "";
    if (own.length === 0) return values;
    const document = new JsonDocument();
    document.parse(new TextEncoder().encode(JSON.stringify({ native, symbol, ...parts, list })));
    const scope = scopeOf(document);
    for (const [name, expression] of own) {
      const value = expression.evaluate(scope);
      if (value !== null && typeof value !== "number") values[`sym:${name}`] = String(value);
    }
    return values;
  };
}

/** Names of what the descriptor's lists say of instruments for requests and rules. */
export function listValueNames({ rest }: DescriptorValues): readonly string[] {
  return [...new Set((rest?.instruments ?? []).flatMap(({ values }) => Object.keys(values)))];
}

/** Those that requests hold and for which nothing stands in: without them an instrument cannot be asked for. */
export function neededListValues(descriptor: DescriptorValues): readonly string[] {
  const { args, symbol_values: own, subscriptions, rest, ws } = descriptor;
  const texts = [
    ...subscriptions.map(({ generator }) => generator),
    ...[...rest?.requests ?? [], ...rest?.backfill ?? []].flatMap(({ path, body = "" }) => [path, body]),
    ...ws.connections.flatMap(({ urls, hello }) => [...urls, ...hello]),
  ].join("\n");
  return listValueNames(descriptor).filter((name) =>
    !Object.hasOwn(args, name) && !Object.hasOwn(own, name) && texts.includes(`{sym:${name}}`)
  );
}

/** What a list says of an instrument, by the names given; an argument of the same name stands in for what it does not say. */
export function listValues(
  names: readonly string[],
  row: Readonly<Record<string, string>>,
  args: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = row[name] ?? (Object.hasOwn(args, name) ? args[name] : undefined);
    return value === undefined ? [] : [[name, value] as const];
  }));
}

/** The parts of a canonical symbol; what a kind of instrument does not have is empty. */
function symbolParts(symbol: string): Readonly<Record<string, string>> {
  const canonical = parseCanonicalSymbol(symbol);
  if (canonical === null) return {};
  const { base, quote, settle, expiry, strike, optionType, family } = canonical;
  return {
    base,
    quote,
    settle: settle ?? "",
    expiry: expiry ?? "",
    strike: strike ?? "",
    option_type: optionType ?? "",
    family,
  };
}
