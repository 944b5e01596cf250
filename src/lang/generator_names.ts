import { errorAt, type LangError } from "./diagnostic.ts";
import type { GeneratorList, GeneratorProgram, GeneratorStatement, GeneratorVariable } from "./generator_tree.ts";
import { didYouMean } from "./nearest.ts";
import type { TemplatePart } from "./placeholder.ts";
import { SYMBOL_PARTS } from "./template.ts";

/** Placeholders of emitted texts that are filled when the text is sent. */
export const GENERATOR_PLACEHOLDERS = ["id", "now_ms", "now_s", "uuid", "boot"] as const;

/** Placeholders for a value of the innermost loop over a list. */
const LOOP_PLACEHOLDERS: ReadonlyMap<string, GeneratorList> = new Map([
  ["symbol", "symbols"],
  ["symbol_lower", "symbols"],
  ["symbol_upper", "symbols"],
  ...SYMBOL_PARTS.map((part) => [part, "symbols"] as const),
  ["ch", "channels"],
  ["channel", "channels"],
]);

/** Returns the errors of placeholders in an emitted text: unknown ones, and those that need a loop around them. */
export function checkPlaceholders(
  parts: readonly TemplatePart[],
  scope: readonly GeneratorVariable[],
): readonly LangError[] {
  const variables = scope.map((variable) => variable.name);
  const known = [
    ...LOOP_PLACEHOLDERS.keys(),
    "conn_id",
    ...GENERATOR_PLACEHOLDERS.filter((placeholder) => placeholder !== "boot"),
    ...variables,
  ];
  return parts.flatMap((part) => {
    if (typeof part === "string" || (part.name !== null && variables.includes(part.name))) return [];
    if (part.prefix === "sym" && !scope.some(({ list }) => list === "symbols")) {
      return [errorAt(part.offset, part.length, `{sym:${part.key}} needs a foreach over symbols around it`)];
    }
    if (part.name === null) return [];
    const list = LOOP_PLACEHOLDERS.get(part.name);
    if (list !== undefined && !scope.some((variable) => variable.list === list)) {
      return [errorAt(part.offset, part.length, `{${part.name}} needs a foreach over ${list} around it`)];
    }
    if (known.includes(part.name)) return [];
    return [errorAt(part.offset, part.length, `Unknown placeholder {${part.name}}${didYouMean(part.name, known)}`)];
  });
}

/** Names that a generator's placeholders may use in addition to its loops. */
export interface GeneratorNames {
  readonly args: readonly string[];
  /** Keys of `[symbol_values]`. */
  readonly symbolValues: readonly string[];
  /** Values of the bootstrap replies of its connections. */
  readonly boot: readonly string[];
}

/**
 * Returns the errors of placeholders in `emit` statements that no run reached, such as those of a branch for another
 * channel. `reached` holds the offsets of the statements that ran.
 */
export function checkUnreached(
  program: GeneratorProgram,
  reached: ReadonlySet<number>,
  names: GeneratorNames,
): readonly LangError[] {
  return emitsOf(program.body).filter(({ offset }) => !reached.has(offset)).flatMap(({ parts }) =>
    parts.flatMap((part) => {
      if (typeof part === "string") return [];
      const { prefix, key, offset, length } = part;
      const unknown = (what: string, known: readonly string[]) =>
        known.includes(key) ? [] : [errorAt(offset, length, `Unknown ${what} ${key}${didYouMean(key, known)}`)];
      if (prefix === "arg") return unknown("argument", names.args);
      if (prefix === "sym") return unknown("symbol value", names.symbolValues);
      return prefix === "boot" ? unknown("bootstrap value", names.boot) : [];
    })
  );
}

function emitsOf(body: readonly GeneratorStatement[]): readonly (GeneratorStatement & { readonly kind: "emit" })[] {
  return body.flatMap((statement) => {
    switch (statement.kind) {
      case "emit":
        return [statement];
      case "foreach":
        return emitsOf(statement.body);
      case "if":
        return emitsOf([...statement.branches.flatMap((branch) => branch.body), ...statement.otherwise]);
    }
  });
}
