import { isList, schemasAt } from "./expectation.ts";
import { branchesOf, type JsonSchema } from "./json_schema.ts";
import type { ValuePath } from "./position.ts";
import type { TomlSource, TomlTable, TomlValue } from "./toml_source.ts";

/**
 * Replaces numbers, dates and times by their spelling in the file where the schema takes a text: `1.0` stays `1.0`, while a
 * JavaScript number would be sent as `1`.
 */
export function withNumberTexts(source: TomlSource, schema: () => JsonSchema): TomlSource {
  if (source.table === null) return source;
  let known: JsonSchema | null = null;
  const walk = (value: TomlValue, path: ValuePath): TomlValue => {
    if (isList(value)) return value.map((element, index) => walk(element, [...path, index]));
    if (typeof value === "object") return walkTable(value, path);
    if (typeof value === "boolean") return value;
    const spelling = source.spelling(path) ?? "";
    // A quoted value is already a text.
    if (typeof value === "string" && !/^\d/.test(spelling)) return value;
    known ??= schema();
    if (!standsForText(source, known, path)) return value;
    return typeof value === "number" ? numberText(spelling, value) : spelling;
  };
  const walkTable = (table: TomlTable, path: ValuePath): TomlTable => {
    const walked: Record<string, TomlValue> = Object.create(null);
    for (const [key, value] of Object.entries(table)) walked[key] = walk(value, [...path, key]);
    return walked;
  };
  return { ...source, table: walkTable(source.table, []) };
}

/**
 * The text of a number: its spelling in the file, without what TOML alone knows (a plus sign, underscores, other bases).
 * As JavaScript writes it where the spelling is not that of this number.
 */
export function numberText(spelling: string, value: number): string {
  const text = spelling.replace(/^\+/, "").replaceAll("_", "");
  return /^-?\d/.test(text) && !/^0[xob]/i.test(text) && Number(text) === value ? text : String(value);
}

/** Whether a number is taken for its text at a path: a text, a number and a boolean are all allowed there. */
function standsForText(source: TomlSource, schema: JsonSchema, path: ValuePath): boolean {
  // What takes a subscription back is JSON: a number stays one, and its place tells its spelling.
  if (path.includes("unsubscribe")) return false;
  const types = schemasAt(schema, path, source.table ?? undefined).flatMap(branchesOf).flatMap(({ type }) =>
    type ?? []
  );
  return types.includes("string") && types.includes("number") && types.includes("boolean");
}
