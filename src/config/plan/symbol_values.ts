import { JsonDocument } from "../../json/mod.ts";
import { type Instrument, parseCanonicalSymbol } from "../../model/mod.ts";
import { type CompiledExpression, compileExpression, scopeOf } from "../../program/mod.ts";
import type { DescriptorValues } from "../schema_descriptor.ts";
import { sourceOf } from "./compile.ts";
import type { Place } from "./place.ts";

/** Values of the placeholders that stand for something of an instrument: `base`, `sym:kind`. */
export type SymbolValues = (instrument: Pick<Instrument, "symbol" | "native">) => Readonly<Record<string, string>>;

/**
 * Compiles `[symbol_values]`. Omits the parts of a symbol that is not canonical, and values whose expression gives no
 * text.
 */
export function buildSymbolValues(descriptor: DescriptorValues, place: Place): SymbolValues {
  const own = Object.entries(descriptor.symbol_values).flatMap(
    ([name, text]): readonly (readonly [string, CompiledExpression])[] => {
      const expression = sourceOf(text, place.at("symbol_values", name));
      return expression === null ? [] : [[name, compileExpression(expression)]];
    },
  );
  return ({ symbol, native }) => {
    const parts = symbolParts(symbol);
    const values: Record<string, string> = { ...parts };
    if (own.length === 0) return values;
    const document = new JsonDocument();
    document.parse(new TextEncoder().encode(JSON.stringify({ native, symbol, ...parts })));
    const scope = scopeOf(document);
    for (const [name, expression] of own) {
      const value = expression.evaluate(scope);
      if (value !== null && typeof value !== "number") values[`sym:${name}`] = String(value);
    }
    return values;
  };
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
