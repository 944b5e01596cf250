import type { FunctionSpec } from "./function_spec.ts";
import { NUMBER_FUNCTIONS } from "./functions_number.ts";
import { TEXT_FUNCTIONS } from "./functions_text.ts";
import { VALUE_FUNCTIONS } from "./functions_value.ts";

/**
 * The closed table of expression functions, in the order of documents. Null propagates: a function that needs a text,
 * number or list returns null for anything else.
 */
export const FUNCTIONS: readonly FunctionSpec[] = [...TEXT_FUNCTIONS, ...VALUE_FUNCTIONS, ...NUMBER_FUNCTIONS];

const BY_NAME: ReadonlyMap<string, FunctionSpec> = new Map(FUNCTIONS.map((spec) => [spec.name, spec]));

/** Returns a function by name; undefined if there is none. */
export function findFunction(name: string): FunctionSpec | undefined {
  return BY_NAME.get(name);
}
