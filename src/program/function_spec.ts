import type { JsonDocument } from "../json/mod.ts";
import type { ListedValues, Value } from "./scope.ts";

/** The bound on one evaluation. */
export interface Evaluation {
  /** Steps taken so far; at EXPRESSION_STEPS_MAX the value of the whole expression is null. */
  steps: number;
}

/** Kind of an argument. A literal of another kind is refused where it is written. */
export type ParameterKind = "value" | "text" | "number" | "integer" | "list" | "date pattern";

/** One parameter of a function. */
export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
}

/** One function of the expression language. */
export interface FunctionSpec {
  readonly name: string;
  /** As documents show it: `split(text, separator, index)`. */
  readonly signature: string;
  /** One line, a sentence without its period. */
  readonly description: string;
  /** Kind of the result, null aside; `value` if it depends on the arguments. */
  readonly returns: "text" | "number" | "boolean" | "value";
  readonly parameters: readonly Parameter[];
  /** Fewest arguments. */
  readonly argumentsMin: number;
  /** Most arguments; Infinity where the last parameter repeats. */
  readonly argumentsMax: number;
  /**
   * Total: gives null where an argument is not what it should be. The array is reused for the next call; containers among
   * the arguments are nodes of `document`.
   */
  readonly apply: (
    args: readonly Value[],
    document: JsonDocument,
    evaluation: Evaluation,
    listed: ListedValues | null,
  ) => Value;
}

type Apply = FunctionSpec["apply"];

/**
 * Describes a function by its signature. `?` behind a parameter: may be left out; `…` as the last one: the parameter
 * before it repeats. A parameter's kind follows from its name, and is `value` for the names not listed.
 */
export function defineFunction(
  signature: string,
  options: { readonly returns: FunctionSpec["returns"]; readonly description: string; readonly apply: Apply },
): FunctionSpec {
  const [name, inner] = signature.slice(0, -1).split("(");
  const written = inner.split(", ");
  const isVariadic = written.includes("…");
  const names = written.filter((parameter) => parameter !== "…");
  return {
    name,
    signature,
    ...options,
    parameters: names.map((parameter) => {
      const bare = parameter.replace("?", "");
      return { name: bare, kind: KINDS.get(bare) ?? "value" };
    }),
    argumentsMin: names.filter((parameter) => !parameter.endsWith("?")).length,
    argumentsMax: isVariadic ? Infinity : names.length,
  };
}

/** Kinds by parameter name: one name means the same everywhere in the table. */
const KINDS: ReadonlyMap<string, ParameterKind> = new Map([
  ["text", "text"],
  ["separator", "text"],
  ["prefix", "text"],
  ["suffix", "text"],
  ["find", "text"],
  ["replacement", "text"],
  ["fill", "text"],
  ["index", "integer"],
  ["start", "integer"],
  ["end", "integer"],
  ["width", "integer"],
  ["digits", "integer"],
  ["number", "number"],
  ["divisor", "number"],
  ["list", "list"],
  ["from_pattern", "date pattern"],
  ["to_pattern", "date pattern"],
]);
