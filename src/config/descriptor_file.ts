import { JsonDocument } from "../json/mod.ts";
import type { Issue } from "../model/mod.ts";
import { withoutShorthand } from "./shorthand.ts";
import { checkShape, tableNamer } from "./issue_builder.ts";
import { type JsonSchema, jsonSchema } from "./json_schema.ts";
import { LineIndex } from "./line_index.ts";
import { folderOf, resolveFrom } from "./paths.ts";
import type { SymbolMapInput } from "./plan/input.ts";
import { valueAt } from "./expectation.ts";
import { issueAt, type Locate } from "./position.ts";
import { descriptorSchema, type DescriptorValues } from "./schema_descriptor.ts";
import { readWith } from "./read_with.ts";
import { withHomePaths } from "./home_paths.ts";
import { withNumberTexts } from "./number_texts.ts";
import { parseTomlSource } from "./toml_source.ts";

/** A file that was found. */
export interface FoundFile {
  readonly path: string;
  readonly text: string;
}

/** A descriptor file, read and checked for shape. */
export interface DescriptorFile {
  /** `meta.name` and `meta.version` as written; null if they are no texts. */
  readonly name: string | null;
  readonly version: string | null;
  /** Null after any error. */
  readonly values: DescriptorValues | null;
  /** As `Shape.variants`. */
  readonly variants: readonly DescriptorValues[];
  readonly issues: readonly Issue[];
  /** Places for checks of `variants`. */
  readonly locate: Locate;
}

let shared: JsonSchema | null = null;

/** Returns the JSON Schema of descriptors. Cached, because building it takes longer than reading a file. */
function descriptorJsonSchema(): JsonSchema {
  return shared ??= jsonSchema("descriptor");
}

/** Reads a descriptor and checks its shape. `home` replaces `~`; undefined if unknown. */
export function readDescriptorFile(file: FoundFile, exchange: string | null, home?: string): DescriptorFile {
  const parsed = parseTomlSource({ file: file.path, text: file.text, exchange, isOurs: isDescriptor });
  const source = withNumberTexts(withoutShorthand(parsed), descriptorJsonSchema);
  if (source.table === null) {
    return { name: null, version: null, values: null, variants: [], issues: source.issues, locate: source.locate };
  }
  const { table, problems } = withHomePaths(source, source.table, home);
  const shape = checkShape<DescriptorValues>({
    schema: descriptorSchema,
    jsonSchema: descriptorJsonSchema,
    value: table,
    doubted: problems.map(({ path }) => path),
    locate: source.locate,
    locateKey: source.locateKey,
    show: (_path, value) => value,
    nameTable: tableNamer(source.table, []),
    exchange,
  });
  const textAt = (key: string) => {
    const value = valueAt(source.table ?? undefined, ["meta", key]);
    return typeof value === "string" ? value : null;
  };
  const { variants, locate } = shape;
  const issues = [
    ...problems.map(({ position, message }) => issueAt(position, { message, exchange })),
    ...shape.issues,
  ];
  const values = issues.length === 0 ? variants[0] : null;
  return { name: textAt("name"), version: textAt("version"), values, variants, issues, locate };
}

/** Returns whether a text contains a table of a descriptor, even if the rest is not TOML. */
function isDescriptor(text: string): boolean {
  return /^[ \t]*\[{0,2}[ \t"]*(?:meta|args|ws|rest|subscriptions|parse|maps|control|events|books)\b/m.test(text);
}

/** Returns whether a text contains a line of a symbol map: a canonical symbol, quoted because of its slash. */
function isSymbolMap(text: string): boolean {
  return /^[ \t{]*["'][A-Z0-9.$]+\/[A-Z0-9.:/-]+["'][ \t]*[=:]/im.test(text);
}

/** A symbol map, as far as it could be read. */
export interface SymbolMapFile {
  /** Null if none is named, the file is missing, or it cannot be read. */
  readonly map: SymbolMapInput | null;
  readonly issues: readonly Issue[];
}

/**
 * Finds and reads the symbol map that a descriptor names: relative to the parent of the descriptor's folder, then to the
 * folder itself. A missing file is a warning.
 */
export function readSymbolMap(
  options: {
    readonly descriptor: DescriptorValues;
    readonly descriptorPath: string;
    readonly locate: Locate;
    readonly readText: (path: string) => string | null;
    readonly exchange: string | null;
  },
): SymbolMapFile {
  const name = options.descriptor.maps.symbol_map_file;
  if (name === undefined) return { map: null, issues: [] };
  const folder = folderOf(options.descriptorPath);
  const candidates = [resolveFrom(folder, `../${name}`), resolveFrom(folder === "" ? "." : folder, name)];
  if (folder === "") candidates.reverse();
  for (const path of new Set(name.startsWith("/") ? [name] : candidates)) {
    const position = options.locate(["maps", "symbol_map_file"]);
    const found = readWith(options.readText, path, { position, exchange: options.exchange });
    if (found.issue !== null) return { map: null, issues: [found.issue] };
    if (found.text !== null) return readMap({ path, text: found.text }, options.exchange);
  }
  const message = `Cannot find symbol map ${candidates.map((path) => `"${path}"`).join(" or ")}: symbols are taken ` +
    "as the exchange's own spelling unless [[rest.instruments]] translates them";
  const position = options.locate(["maps", "symbol_map_file"]);
  return { map: null, issues: [issueAt(position, { severity: "warning", message, exchange: options.exchange })] };
}

function readMap(file: FoundFile, exchange: string | null): SymbolMapFile {
  if (/\.json$/i.test(file.path)) return readJsonMap(file, exchange);
  const source = parseTomlSource({ file: file.path, text: file.text, exchange, isOurs: isSymbolMap });
  const map = source.table === null ? null : { values: source.table, locate: source.locate };
  return { map, issues: source.issues };
}

function readJsonMap(file: FoundFile, exchange: string | null): SymbolMapFile {
  const lines = new LineIndex(file.path, file.text, { isShown: isSymbolMap(file.text) });
  const bytes = new TextEncoder().encode(file.text);
  const document = new JsonDocument();
  const fail = (offset: number, message: string) => ({
    map: null,
    issues: [issueAt(lines.at(offset, 1), { message, exchange })],
  });
  if (!document.parse(bytes)) {
    const at = document.error?.at ?? 0;
    const offset = new TextDecoder().decode(bytes.subarray(0, at)).length;
    return fail(offset, `Cannot read JSON: ${document.error?.message ?? "not a JSON text"}`);
  }
  if (document.kind(0) !== "object") return fail(0, "A symbol map is a JSON object of canonical to native symbols");
  const values: Record<string, unknown> = Object.create(null);
  for (let node = document.firstChild(0); node !== -1; node = document.next(node)) {
    values[document.key(node)] = document.kind(node) === "string" ? document.text(node) : null;
  }
  return { map: { values, locate: jsonKeyLocator(file.text, lines) }, issues: [] };
}

/** Members of a flat JSON object are found by their key's spelling. */
function jsonKeyLocator(text: string, lines: LineIndex): Locate {
  return (path) => {
    const quoted = path.length === 0 ? "" : JSON.stringify(String(path[0]));
    const at = quoted === "" ? -1 : text.indexOf(quoted);
    return at === -1 ? lines.at(0, 1) : lines.at(at, quoted.length);
  };
}
