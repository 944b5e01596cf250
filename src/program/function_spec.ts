import type { JsonDocument } from "../json/mod.ts";
import type { ListedValues, Value } from "./scope.ts";

/** The bound on one evaluation. */
export interface Evaluation {
  /** Steps so far; past EXPRESSION_STEPS_MAX the value of the whole expression is null. */
  steps: number;
}

/** Kind of an argument. A literal of another kind is an error of the expression. */
export type ParameterKind = "value" | "text" | "number" | "integer" | "list" | "date pattern";

/** One parameter of a function. */
export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
}

/** One function of the expression language. */
export interface FunctionSpec {
  readonly name: string;
  /** As shown in documents: `split(text, separator, index)`. */
  readonly signature: string;
  /** One line, a sentence without its period. */
  readonly description: string;
  /** Kind of a result that is not null; `value` if it depends on the arguments. */
  readonly returns: "text" | "number" | "boolean" | "value";
  readonly parameters: readonly Parameter[];
  /** Fewest arguments. */
  readonly argumentsMin: number;
  /** Most arguments; Infinity if the last parameter repeats. */
  readonly argumentsMax: number;
  /** Set if the result depends on instrument lists, which differ between connections, and not on the arguments alone. */
  readonly readsLists?: true;
  /**
   * Computes the result; null if an argument is unfit. Never throws. The array is reused for the next call; containers
   * among the arguments are nodes of `document`.
   */
  readonly apply: (
    args: readonly Value[],
    document: JsonDocument,
    evaluation: Evaluation,
    listed: ListedValues | null,
  ) => Value;
}

/**
 * Describes a function by its signature. `?` after a parameter makes it optional; `…` at the end repeats the parameter
 * before it. A parameter's kind follows from its name; names not in the table have the kind `value`.
 */
export function defineFunction(
  signature: string,
  options: Pick<FunctionSpec, "returns" | "description" | "apply" | "readsLists">,
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
