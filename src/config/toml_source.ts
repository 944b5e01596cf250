import { parse, TomlDate, TomlError } from "smol-toml";
import { type AST, parseTOML } from "toml-eslint-parser";
import { CONFIG_BYTES_MAX, type Issue, TOML_DEPTH_MAX, TOML_PLACED_CHARS_MAX } from "../model/mod.ts";
import { LineIndex } from "./line_index.ts";
import { issueAt, type Locate, type Position, type ValuePath } from "./position.ts";
import { findTooDeep } from "./toml_depth.ts";
import { sourceOffsets } from "./toml_string.ts";

/** A value of TOML; dates and times are texts. */
export type TomlValue = string | number | boolean | TomlTable | readonly TomlValue[];

/** A table with a null prototype, so that every key is ordinary. */
export interface TomlTable {
  readonly [key: string]: TomlValue;
}

/** A TOML file with the place of every key and value. */
export interface TomlSource {
  readonly file: string;
  /** Null if the text is no TOML; `issues` then gives the reason. */
  readonly table: TomlTable | null;
  readonly issues: readonly Issue[];
  /** Returns the place of a value; for a table, of its header or key. */
  readonly locate: Locate;
  /** Returns the place of a value's key. */
  readonly locateKey: (path: ValuePath) => Position;
  /** Returns a value's spelling in the file; null if unknown, as in long files. */
  readonly spelling: (path: ValuePath) => string | null;
}

/** The place of a value and of what is in it; offsets into the text. */
interface PlaceNode {
  key: readonly [number, number] | null;
  value: readonly [number, number] | null;
  isString: boolean;
  readonly children: Map<string, PlaceNode>;
}

/**
 * Reads TOML 1.1. Never throws: a text that is not TOML becomes an issue of the exchange instance named, if any. A text
 * that is not of the kind expected may hold secrets of somebody else: `isOurs` tells, and then no word of it is shown.
 */
export function parseTomlSource(
  options: {
    readonly file: string;
    readonly text: string;
    readonly exchange: string | null;
    readonly isOurs?: (text: string) => boolean;
  },
): TomlSource {
  const text = options.text.startsWith("\uFEFF") ? options.text.slice(1) : options.text;
  const lines = new LineIndex(options.file, text, { isShown: options.isOurs?.(text) ?? true });
  const root = createNode();
  const locators = {
    locate: locatorOf(root, lines),
    locateKey: keyLocatorOf(root, lines),
    spelling: (path: ValuePath) => {
      const { node, whole } = follow(root, path);
      return !whole || node.value === null ? null : text.slice(...node.value);
    },
  };
  const fail = (position: Position, message: string): TomlSource => ({
    file: options.file,
    table: null,
    issues: [issueAt(position, { message, exchange: options.exchange })],
    ...locators,
  });
  if (text.length > CONFIG_BYTES_MAX) {
    return fail(lines.at(0, 1), `File is too large: ${text.length} characters, at most ${CONFIG_BYTES_MAX} are read`);
  }
  const deep = findTooDeep(text);
  if (deep !== null) {
    return fail(lines.at(deep, 1), `Cannot read TOML: it nests deeper than ${TOML_DEPTH_MAX} tables, lists or keys`);
  }
  let table: TomlTable;
  try {
    table = plainTable(parse(text));
  } catch (error) {
    if (error instanceof RangeError) return fail(lines.at(0, 1), "Cannot read TOML: a value of it is too long");
    if (!(error instanceof TomlError)) throw error;
    if (options.isOurs?.(text) === false) return fail(lines.atLine(error.line, error.column), "Cannot read TOML");
    const position = lines.atLine(error.line, error.column);
    return fail(position, `Cannot read TOML: ${reasonOf(error)}${hintAt(position)}`);
  }
  const search = keySearch(lines);
  const searched = { file: options.file, table, issues: [], locate: search, locateKey: search, spelling: () => null };
  if (text.length > TOML_PLACED_CHARS_MAX) return searched;
  try {
    placeTopLevel(parseTOML(text, { tomlVersion: "1.1" }), root);
  } catch (error) {
    // The second parser takes no text of so many characters, which the first one did.
    if (error instanceof RangeError) return searched;
    return fail(...disagreement(error, lines));
  }
  return { file: options.file, table, issues: [], ...locators };
}

/** The parser's reason without the code block that it appends. */
function reasonOf(error: TomlError): string {
  const line = error.message.split("\n", 1)[0];
  return line.replace(/^Invalid TOML document: /, "");
}

/** What would be right, where the place alone tells: a value that is missing or lacks its quotes. */
function hintAt({ sourceLine, column }: Position): string {
  const before = sourceLine.slice(0, column - 1).trimEnd();
  const rest = sourceLine.slice(column - 1).trimStart();
  // `inf` and `nan` are numbers, so that `info` breaks behind its third letter.
  if (!/=$|=.*[[,]$|=\s*(?:inf|nan)$/.test(before)) return "";
  if (before.endsWith("=") && (rest === "" || rest.startsWith("#"))) {
    return "; a value is missing behind the equals sign";
  }
  return /^[A-Za-z]/.test(rest) ? "; text stands in quotes" : "";
}

/** The second parser refuses what the first one took: shown as it says, at its place. */
function disagreement(error: unknown, lines: LineIndex): [Position, string] {
  const message = error instanceof Error ? error.message : String(error);
  const index = typeof error === "object" && error !== null && "index" in error ? error.index : null;
  return [lines.at(typeof index === "number" ? index : 0, 1), `Cannot read TOML: ${message}`];
}

/** Finds a value of a long file by its last key, at the first line that begins with it. */
function keySearch(lines: LineIndex): (path: ValuePath) => Position {
  let found: Map<string, number> | null = null;
  return (path) => {
    const key = path.findLast((segment) => typeof segment === "string");
    found ??= keyOffsets(lines.text);
    const at = key === undefined ? undefined : found.get(key);
    return at === undefined ? lines.at(0, 1) : lines.at(at, key?.length ?? 1);
  };
}

/** Where lines begin with a key, by the key as it is written, without its quotes. */
function keyOffsets(text: string): Map<string, number> {
  const offsets = new Map<string, number>();
  for (const match of text.matchAll(/^[ \t]*(?:"([^"\n]{1,200})"|'([^'\n]{1,200})'|([\w-]{1,200}))[ \t]*[=.]/gm)) {
    const key = match[1] ?? match[2] ?? match[3];
    if (!offsets.has(key)) offsets.set(key, match.index + match[0].indexOf(key));
  }
  return offsets;
}

function createNode(): PlaceNode {
  return { key: null, value: null, isString: false, children: new Map() };
}

function childOf(node: PlaceNode, segment: string | number): PlaceNode {
  const key = String(segment);
  let child = node.children.get(key);
  if (child === undefined) {
    child = createNode();
    node.children.set(key, child);
  }
  return child;
}

function placeTopLevel(program: AST.TOMLProgram, root: PlaceNode): void {
  for (const entry of program.body[0].body) {
    if (entry.type === "TOMLKeyValue") {
      placeKeyValue(entry, root);
      continue;
    }
    let node = root;
    for (const segment of entry.resolvedKey) {
      node = childOf(node, segment);
      node.key ??= entry.key.range;
    }
    node.key = entry.key.range;
    for (const pair of entry.body) placeKeyValue(pair, node);
  }
}

function placeKeyValue(pair: AST.TOMLKeyValue, table: PlaceNode): void {
  let node = table;
  for (const key of pair.key.keys) {
    node = childOf(node, key.type === "TOMLBare" ? key.name : key.value);
    node.key ??= key.range;
  }
  placeValue(pair.value, node);
}

function placeValue(content: AST.TOMLContentNode, node: PlaceNode): void {
  node.value = content.range;
  switch (content.type) {
    case "TOMLValue":
      node.isString = content.kind === "string";
      return;
    case "TOMLArray":
      content.elements.forEach((element, index) => placeValue(element, childOf(node, index)));
      return;
    case "TOMLInlineTable":
      for (const pair of content.body) placeKeyValue(pair, node);
  }
}

/** Follows a path as far as it leads. */
function follow(root: PlaceNode, path: ValuePath): { readonly node: PlaceNode; readonly whole: boolean } {
  let node = root;
  for (const segment of path) {
    const next = node.children.get(String(segment));
    if (next === undefined) return { node, whole: false };
    node = next;
  }
  return { node, whole: true };
}

function locatorOf(root: PlaceNode, lines: LineIndex): Locate {
  return (path, offset, length) => {
    const { node, whole } = follow(root, path);
    const range = node.value ?? node.key;
    if (range === null) return lines.at(0, 1);
    if (!whole || offset === undefined || !node.isString) return lines.at(range[0], range[1] - range[0]);
    const offsets = sourceOffsets(lines.text.slice(range[0], range[1]));
    const last = offsets.length - 1;
    const from = offsets[Math.min(Math.max(offset, 0), last)];
    const to = offsets[Math.min(Math.max(offset, 0) + (length ?? 1), last)];
    return lines.at(range[0] + from, Math.max(1, to - from));
  };
}

function keyLocatorOf(root: PlaceNode, lines: LineIndex): (path: ValuePath) => Position {
  return (path) => {
    const { node } = follow(root, path);
    const range = node.key ?? node.value;
    return range === null ? lines.at(0, 1) : lines.at(range[0], range[1] - range[0]);
  };
}

function plainTable(table: object): TomlTable {
  const plain: Record<string, TomlValue> = Object.create(null);
  for (const [key, value] of Object.entries(table)) plain[key] = plainValue(value);
  return plain;
}

function plainValue(value: unknown): TomlValue {
  if (value instanceof TomlDate) return value.toISOString();
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === "object" && value !== null) return plainTable(value);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return String(value);
}
