import { isShownPlace } from "./environment.ts";
import { isList } from "./expectation.ts";
import type { Position, ValuePath } from "./position.ts";
import type { TomlSource, TomlTable, TomlValue } from "./toml_source.ts";

/** Values of a file with environment variables replaced. */
export interface Interpolated {
  readonly table: TomlTable;
  /** Texts that could not be replaced; they stay unchanged in `table`. */
  readonly problems: readonly { readonly path: ValuePath; readonly position: Position; readonly message: string }[];
  /** Texts as written in the file, by `pathKey`. Messages show these instead of the replaced values. */
  readonly written: ReadonlyMap<string, string>;
}

/** The key of a path in maps. */
export function pathKey(path: ValuePath): string {
  return JSON.stringify(path);
}

/** Matches `$${` (a literal `${`), `${NAME}` and `${NAME:-default}`; any other `${` is an issue. */
const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g;

/**
 * Replaces `${VAR}` and `${VAR:-default}` in every text of a file. The default applies to a missing or empty variable, as
 * in a shell. A missing variable without a default is an issue.
 */
export function interpolate(
  source: TomlSource,
  table: TomlTable,
  options: {
    /** Reads a variable; `shown`: its value is no secret at this place. */
    readonly environment: (name: string, shown: boolean) => string | undefined;
    /** Converts a replaced text to the number or boolean that its place requires. */
    readonly coerce: (path: ValuePath, text: string) => TomlValue;
  },
): Interpolated {
  const problems: Interpolated["problems"][number][] = [];
  const written = new Map<string, string>();

  function fillText(text: string, path: ValuePath): TomlValue {
    let isFilled = true;
    const isHidden = isAddress(path);
    const filled = text.replace(
      REFERENCE,
      (match, name: string | undefined, fallback: string | undefined, at: number) => {
        if (match === "$${") return "${";
        const shown = isShownPlace(path) || (isHidden && match.length === text.length);
        const value = name === undefined ? undefined : options.environment(name, shown);
        if (value !== undefined && (value !== "" || fallback === undefined)) {
          return isHidden && (match.length < text.length || /[?@]/.test(value)) ? `{env:${name}}` : value;
        }
        if (fallback !== undefined) return fallback;
        isFilled = false;
        const message = name === undefined
          ? "Cannot read ${: write ${NAME}, ${NAME:-default}, or $${ for the characters themselves"
          : `Missing environment variable "${name}": set it, or write \${${name}:-default}`;
        problems.push({ path, position: source.locate(path, at, match.length), message });
        return match;
      },
    );
    written.set(pathKey(path), text);
    return isFilled ? options.coerce(path, filled) : text;
  }

  function fill(value: TomlValue, path: ValuePath): TomlValue {
    if (typeof value === "string") return value.includes("${") ? fillText(value, path) : value;
    if (isList(value)) return value.map((element, index) => fill(element, [...path, index]));
    return typeof value === "object" ? fillTable(value, path) : value;
  }

  function fillTable(values: TomlTable, path: ValuePath): TomlTable {
    const filled: Record<string, TomlValue> = Object.create(null);
    for (const [key, value] of Object.entries(values)) filled[key] = fill(value, [...path, key]);
    return filled;
  }

  return { table: fillTable(table, []), problems, written };
}

/**
 * Returns whether a path leads to an address in `[exchange.overrides]`. Such addresses are templates: a part from the
 * environment, such as a token, becomes `{env:NAME}` in the plan, which is never shown. An address that comes whole from the
 * environment is used as it is, unless it has a query or a user.
 */
function isAddress(path: ValuePath): boolean {
  return path[0] === "exchange" && path[2] === "overrides" && (path[3] === "urls" || path[3] === "base_urls");
}
