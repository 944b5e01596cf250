import { isList } from "./expectation.ts";
import type { ValuePath } from "./position.ts";
import {
  connectionDefaultsSchema,
  connectionSchema,
  instrumentDefaultsSchema,
  instrumentsSchema,
  NAMED_LISTS,
  subscriptionDefaultsSchema,
  subscriptionSchema,
} from "./schema_descriptor.ts";
import { eventDefaultsSchema, eventKeys } from "./schema_event.ts";
import type { TomlSource, TomlTable, TomlValue } from "./toml_source.ts";

/**
 * Expands every short form of a descriptor: tables of named tables become lists, the `event` of a request becomes a rule,
 * tables take keys from tables of defaults and `like`, lists of paths and sources become several tables, and `fields`
 * become keys of their rule. Expanded values keep their places in the file. An invalid short form stays, so that its issue
 * points at it.
 */
export function withoutShorthand(source: TomlSource): TomlSource {
  if (source.table === null) return source;
  const writer = new Writer(source.table);
  for (const { path, key } of NAMED_LISTS) writer.list(path, key);
  for (const path of CONNECTED_LISTS) writer.connect(path);
  for (const path of [["rest", "requests"], ["rest", "backfill"]]) writer.takeRules(path);
  writer.fill(["ws", "connections"], "connection_defaults", connectionDefaultsSchema.shape, connectionSchema.shape);
  writer.fill(["subscriptions"], "subscription_defaults", subscriptionDefaultsSchema.shape, subscriptionSchema.shape);
  writer.fill(["rest", "instruments"], "instrument_defaults", instrumentDefaultsSchema.shape, instrumentsSchema.shape);
  writer.split(["rest", "instruments"], "path");
  writer.split(["events"], "source");
  writer.unfold(["events"]);
  writer.copyLike(["events"]);
  writer.fillEvents();
  const { moved } = writer;
  return {
    ...source,
    table: writer.table,
    locate: (path, offset, length) => source.locate(moved(path), offset, length),
    locateKey: (path) => source.locateKey(moved(path)),
    spelling: (path) => source.spelling(moved(path)),
  };
}

/** Rewrites tables of a descriptor, and keeps where each rewritten value stands in the file. */
class Writer {
  table: TomlTable;
  /** Path of a rewritten value → its path in the file; also valid for values inside it. */
  readonly #origins = new Map<string, ValuePath>();

  constructor(table: TomlTable) {
    this.table = table;
  }

  /** Returns the path in the file of a value. */
  readonly moved = (path: ValuePath): ValuePath => {
    for (let length = path.length; length > 0; length--) {
      const origin = this.#origins.get(keyOf(path.slice(0, length)));
      if (origin !== undefined) return [...origin, ...path.slice(length)];
    }
    return path;
  };

  /**
   * Turns a table of named tables into a list, each with its name at `key`. A rule whose name is a kind is of that kind.
   */
  list(path: ValuePath, key: "name" | "id"): void {
    const named = tableOf(valueIn(this.table, path));
    if (named === null) return;
    const tables = Object.entries(named).map(([name, one], index) => {
      const own = tableOf(one);
      this.#origins.set(keyOf([...path, index]), [...path, name]);
      if (own === null) return one;
      const isKind = path[0] === "events" && !Object.hasOwn(own, "kind") && EVENT_KINDS.includes(name);
      const said = [...(isKind ? ["kind"] : []), ...(Object.hasOwn(own, key) || isKind ? [] : [key])];
      for (const one of said) this.#origins.set(keyOf([...path, index, one]), [...path, name]);
      return tableFrom([...said.map((one) => [one, name] as const), ...Object.entries(own)]);
    });
    this.table = withList(this.table, path, tables);
  }

  /** Adds the descriptor's only connection to tables without `connection_id`. */
  connect(path: ValuePath): void {
    const connections = listAt(this.table, ["ws", "connections"]) ?? [];
    const id = connections.length === 1 ? tableOf(connections[0])?.id : undefined;
    if (id === undefined || tableOf(this.table.subscription_defaults)?.connection_id !== undefined) return;
    this.#mapTables(path, (own, at) => {
      if (Object.hasOwn(own, "connection_id")) return own;
      this.#origins.set(keyOf([...at, "connection_id"]), this.moved(["ws", "connections", 0, "id"]));
      return tableFrom([["connection_id", id], ...Object.entries(own)]);
    });
  }

  /** Turns the `event` of each request into a rule that reads its answers; its default kind is that of the channel. */
  takeRules(list: ValuePath): void {
    const rules: { readonly rule: TomlTable; readonly path: ValuePath }[] = [];
    this.#mapTables(list, (own, path) => {
      const rule = tableOf(own.event);
      if (rule === null || typeof own.name !== "string") return own;
      const { event: _event, ...others } = own;
      const kind = typeof own.channel === "string" ? KIND_OF_CHANNEL.get(own.channel) : undefined;
      const said = [
        ...(Object.hasOwn(rule, "kind") || kind === undefined ? [] : [["kind", kind] as const]),
        ...(Object.hasOwn(rule, "name") ? [] : [["name", own.name] as const]),
        ["source", own.name] as const,
      ];
      rules.push({ rule: tableFrom([...Object.entries(rule), ...said]), path: [...this.moved(path), "event"] });
      return tableFrom(Object.entries(others));
    });
    const events = listAt(this.table, ["events"]) ?? [];
    if (rules.length === 0 || (this.table.events !== undefined && !isList(this.table.events))) return;
    rules.forEach(({ path }, index) => this.#origins.set(keyOf(["events", events.length + index]), path));
    this.table = withList(this.table, ["events"], [...events, ...rules.map(({ rule }) => rule)]);
  }

  /** Adds the keys of a table of defaults to every table of a list that may have them and does not set them. */
  fill(list: ValuePath, from: string, known: object, allowed: object): void {
    this.#fillFrom(list, from, (key) => Object.hasOwn(known, key) && Object.hasOwn(allowed, key));
  }

  /** Adds the keys of `[event_defaults]` to every rule whose kind allows them and that does not set them. */
  fillEvents(): void {
    const source = tableOf(this.table.event_defaults)?.source ?? "ws";
    this.#fillFrom(["events"], "event_defaults", (key, own) => {
      if ((own.source ?? "ws") !== source || !Object.hasOwn(eventDefaultsSchema.shape, key)) return false;
      return eventKeys(own.kind).includes(key);
    });
  }

  #fillFrom(list: ValuePath, from: string, takes: (key: string, own: TomlTable) => boolean): void {
    const defaults = tableOf(this.table[from]);
    if (defaults === null) return;
    this.#mapTables(list, (own, path) => {
      const added = Object.keys(defaults).filter((key) => !Object.hasOwn(own, key) && takes(key, own));
      for (const key of added) this.#origins.set(keyOf([...path, key]), [from, key]);
      return tableFrom([...added.map((key) => [key, defaults[key]] as const), ...Object.entries(own)]);
    });
  }

  /** Copies keys to a rule from the earlier rule that `like` names: those that its kind allows and it does not set. */
  copyLike(list: ValuePath): void {
    const before = new Map<string, { readonly table: TomlTable; readonly path: ValuePath }>();
    this.#mapTables(list, (own, path) => {
      const model = typeof own.like === "string" ? before.get(own.like) : undefined;
      const { like, ...others } = own;
      let table = own;
      if (model !== undefined && like !== undefined) {
        const allowed = eventKeys(own.kind);
        const added = Object.keys(model.table).filter((key) =>
          !RULES_OWN.has(key) && !Object.hasOwn(own, key) && allowed.includes(key)
        );
        for (const key of added) this.#origins.set(keyOf([...path, key]), this.moved([...model.path, key]));
        table = tableFrom([...added.map((key) => [key, model.table[key]] as const), ...Object.entries(others)]);
      }
      const name = table.name ?? table.kind;
      if (typeof name === "string" && !before.has(name)) before.set(name, { table, path });
      return table;
    });
  }

  /**
   * Splits a table with a list of values at a key into one table per value. Rules of several sources get the sources' names.
   */
  split(list: ValuePath, key: "path" | "source"): void {
    const tables = listAt(this.table, list);
    if (tables === null || !tables.some((one) => isTextList(tableOf(one)?.[key]))) return;
    const origins = new Map<string, ValuePath>();
    const split: TomlValue[] = [];
    tables.forEach((one, index) => {
      const own = tableOf(one);
      const values = own?.[key];
      const single = own === null || !isTextList(values);
      for (const [at, value] of (single ? [undefined] : values).entries()) {
        const now = [...list, split.length];
        for (const kept of Object.keys(own ?? {})) {
          origins.set(keyOf([...now, kept]), this.moved([...list, index, kept]));
        }
        origins.set(keyOf(now), [...list, index]);
        if (single || value === undefined) {
          split.push(one);
          continue;
        }
        const origin = [...this.moved([...list, index, key]), at];
        const named = key === "source" && !Object.hasOwn(own, "name") ? [["name", value] as const] : [];
        for (const written of [key, ...named.map(([name]) => name)]) origins.set(keyOf([...now, written]), origin);
        split.push(tableFrom([...Object.entries(own), [key, value], ...named]));
      }
    });
    for (const [key, origin] of origins) this.#origins.set(key, origin);
    this.table = withList(this.table, list, split);
  }

  /** Turns `fields` into keys of their rule; keys that the rule sets too stay in `fields`. */
  unfold(list: ValuePath): void {
    this.#mapTables(list, (own, path) => {
      const folded = tableOf(own.fields);
      if (folded === null) return own;
      const { fields: _fields, ...others } = own;
      const [doubled, single] = partition(
        Object.entries(folded),
        ([key]) => RULES_OWN.has(key) || Object.hasOwn(own, key),
      );
      for (const [key] of single) this.#origins.set(keyOf([...path, key]), [...path, "fields", key]);
      const left = doubled.length === 0 ? [] : [["fields", tableFrom(doubled)] as const];
      return tableFrom([...Object.entries(others), ...single, ...left]);
    });
  }

  #mapTables(list: ValuePath, change: (own: TomlTable, path: ValuePath) => TomlTable): void {
    const tables = listAt(this.table, list);
    if (tables === null) return;
    const changed = tables.map((one, index) => {
      const own = tableOf(one);
      return own === null ? one : change(own, [...list, index]);
    });
    this.table = withList(this.table, list, changed);
  }
}

/** Lists whose tables name a connection. */
const CONNECTED_LISTS: readonly (readonly string[])[] = [["subscriptions"], ["rest", "requests"], ["rest", "backfill"]];

/** Default kind of a request's rule, by channel. */
const KIND_OF_CHANNEL: ReadonlyMap<string, string> = new Map([
  ["trades", "trade"],
  ["book", "book"],
  ["quotes", "quote"],
  ["ticker", "ticker"],
  ["candles", "candle"],
  ["derivative", "derivative_ticker"],
  ["options", "option_summary"],
  ["funding", "funding"],
  ["liquidations", "liquidation"],
  ["orders", "order"],
]);

/** Kinds that a rule's name may select. */
const EVENT_KINDS: readonly string[] = [...KIND_OF_CHANNEL.values(), "checksum"];

/** Keys that `like` never copies. */
const RULES_OWN: ReadonlySet<string> = new Set(["kind", "name", "like", "fields"]);

/** Splits entries into those that pass a test and the others. */
function partition<Entry>(all: readonly Entry[], test: (one: Entry) => boolean): readonly [Entry[], Entry[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}

function isTextList(value: TomlValue | undefined): value is readonly TomlValue[] {
  return isList(value) && value.length > 0 && value.every((one) => typeof one === "string");
}

function listAt(table: TomlTable, path: ValuePath): readonly TomlValue[] | null {
  const found = valueIn(table, path);
  return isList(found) ? found : null;
}

function valueIn(table: TomlTable, [first, second]: ValuePath): TomlValue | undefined {
  return second === undefined ? table[first] : tableOf(table[first])?.[second];
}

function withList(table: TomlTable, [first, second]: ValuePath, list: readonly TomlValue[]): TomlTable {
  const value = second === undefined
    ? list
    : tableFrom([...Object.entries(tableOf(table[first]) ?? {}), [String(second), list]]);
  return tableFrom([...Object.entries(table), [String(first), value]]);
}

/** Builds a table without a prototype, as the parser does; the last entry of a key counts. */
function tableFrom(entries: readonly (readonly [string, TomlValue])[]): TomlTable {
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

function keyOf(path: ValuePath): string {
  return JSON.stringify(path);
}

function tableOf(value: TomlValue | undefined): TomlTable | null {
  return typeof value === "object" && !isList(value) ? value : null;
}
