import type { Interpolated } from "./interpolate.ts";
import { isList } from "./expectation.ts";
import { withHome } from "./paths.ts";
import type { ValuePath } from "./position.ts";
import type { TomlSource, TomlTable, TomlValue } from "./toml_source.ts";

/** Keys of configurations and descriptors whose values are paths. */
const PATH_KEYS: ReadonlySet<string> = new Set([
  "archive_dir",
  "data_dir",
  "dir",
  "descriptor_path",
  "ca_cert_path",
  "ca_path",
  "creds_path",
  "symbol_map_file",
  "http_tls_cert",
  "http_tls_key",
  "certificate_key",
]);

/** Replaces a leading `~` by the home folder in every path. An unknown home is a problem; that path stays as written. */
export function withHomePaths(
  source: Pick<TomlSource, "locate">,
  table: TomlTable,
  home: string | undefined,
): Pick<Interpolated, "table" | "problems"> {
  const problems: Interpolated["problems"][number][] = [];
  const walk = (value: TomlValue, path: ValuePath): TomlValue => {
    if (isList(value)) return value.map((element, index) => walk(element, [...path, index]));
    if (typeof value === "object") return walkTable(value, path);
    if (
      typeof value !== "string" || !PATH_KEYS.has(String(path.at(-1))) || path.includes("overrides") ||
      path[0] === "args"
    ) {
      return value;
    }
    const found = withHome(value, home);
    if (found !== null) return found;
    const message = /^~(?:[/\\]|$)/.test(value)
      ? "Cannot tell the home folder that ~ stands for: HOME is not set"
      : `Cannot tell whose home folder ${JSON.stringify(value)} is in: write the path from / on, or ~/ for your own`;
    problems.push({ path, position: source.locate(path), message });
    return value;
  };
  const walkTable = (values: TomlTable, path: ValuePath): TomlTable => {
    const walked: Record<string, TomlValue> = Object.create(null);
    for (const [key, value] of Object.entries(values)) walked[key] = walk(value, [...path, key]);
    return walked;
  };
  return { table: walkTable(table, []), problems };
}
