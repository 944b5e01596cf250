import type { ValuePath } from "./position.ts";
import { eventDefaultsSchema, eventKeys } from "./schema_event.ts";
import { isList } from "./expectation.ts";
import type { TomlSource, TomlTable, TomlValue } from "./toml_source.ts";

/**
 * A descriptor in which every rule of `[[events]]` has what `[event_defaults]` gives it: keys that its kind may have and
 * that it does not name, where its source is that of the defaults. Places of such values are those of the defaults.
 * What is wrong with such a value is said at its place in the defaults, by every rule alike.
 */
export function withEventDefaults(source: TomlSource): TomlSource {
  const defaults = tableOf(source.table?.event_defaults);
  const rules = source.table?.events;
  if (source.table === null || defaults === null || !isList(rules)) return source;
  const usable = Object.entries(defaults).filter(([key]) => Object.hasOwn(eventDefaultsSchema.shape, key));
  const merged = rules.map((rule) => {
    const own = tableOf(rule);
    if (own === null || (own.source ?? "ws") !== (defaults.source ?? "ws")) return rule;
    const allowed = eventKeys(own.kind);
    const added = usable.filter(([key]) => allowed.includes(key) && !Object.hasOwn(own, key));
    return Object.assign(Object.create(null), Object.fromEntries(added), own);
  });
  const isAdded = ([root, index, key]: ValuePath) =>
    root === "events" && typeof index === "number" && typeof key === "string" &&
    Object.hasOwn(defaults, key) && !Object.hasOwn(tableOf(rules[index]) ?? {}, key);
  const moved = (path: ValuePath) => isAdded(path) ? ["event_defaults", ...path.slice(2)] : path;
  return {
    ...source,
    table: Object.assign(Object.create(null), source.table, { events: merged }),
    locate: (path, offset, length) => source.locate(moved(path), offset, length),
    locateKey: (path) => source.locateKey(moved(path)),
  };
}

function tableOf(value: TomlValue | undefined): TomlTable | null {
  return typeof value === "object" && !isList(value) ? value : null;
}
