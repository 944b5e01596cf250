import type { TemplateScope } from "../../lang/mod.ts";
import type { Placeholder } from "../../model/mod.ts";
import type { DescriptorValues } from "../schema_descriptor.ts";
import type { ListedInstrument } from "./input.ts";
import type { Place } from "./place.ts";
import { buildSymbolValues, type SymbolValues } from "./symbol_values.ts";

/** Values and placeholders that the templates of one descriptor may name. */
export interface Texts {
  /** Arguments in force, by name. */
  readonly args: Readonly<Record<string, string>>;
  /** Values that are replaced at once: `arg:KEY`. */
  readonly scope: Omit<TemplateScope, "placeholders">;
  /** Values of an instrument's placeholders. */
  readonly symbolValues: SymbolValues;
  /** Placeholders of a text that is sent on an open connection. */
  readonly sent: readonly Placeholder["kind"][];
}

/** Returns the values that the templates of a descriptor may name, with the instance's overrides. */
export function buildTexts(
  descriptor: DescriptorValues,
  environment: (name: string) => string | undefined,
  place: Place,
  listed: readonly ListedInstrument[] = [],
): Texts {
  const args = descriptor.args;
  const values = Object.fromEntries(Object.entries(args).map(([name, value]) => [`arg:${name}`, value]));
  const symbolValues = buildSymbolValues(descriptor, place, listed);
  return { args, symbolValues, scope: { values, environment }, sent: ["id", "now_ms", "now_s", "uuid", "env", "boot"] };
}

/** The scope with further values. */
export function withValues(
  scope: Omit<TemplateScope, "placeholders">,
  values: Readonly<Record<string, string>>,
): Omit<TemplateScope, "placeholders"> {
  return { ...scope, values: { ...scope.values, ...values } };
}
