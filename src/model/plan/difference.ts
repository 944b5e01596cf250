import { type Stream, streamKey } from "../channel.ts";
import { PLAN_PARTS_SHOWN_MAX } from "../limits.ts";
import { Secret } from "../secret.ts";
import { shareOfConnection } from "../shard.ts";
import type { ConnectionPlan, SubscribeItem } from "./connection.ts";
import { buildDerivation } from "./derivation.ts";
import type { FrameConnection, FramePlan } from "./frames.ts";
import type { HttpAccess, JournalPlan, Plan, RunnableExchange, RunPlan } from "./run.ts";
import type { SinkPlan } from "./sinks.ts";

/** Changes from one plan to another. What is not named stays as it is. */
export interface PlanDifference {
  /** In the order of the new plan, then the removed ones. */
  readonly instances: readonly InstanceChange[];
  readonly sinks: readonly SinkChange[];
  /** Changed keys of `collector.toml` that a reload applies: `run.log_level`. */
  readonly applied: readonly string[];
  /** Changed keys of `collector.toml` that only a restart applies: `run.http_port`. */
  readonly needsRestart: readonly string[];
}

/** Change of one exchange instance. An instance that is disabled or broken counts as absent. */
export type InstanceChange =
  | { readonly name: string; readonly kind: "add" | "remove" }
  /**
   * It is stopped and started again. `parts` are the differing places of its plan: `connections.public.readTimeoutMs`.
   */
  | { readonly name: string; readonly kind: "restart"; readonly parts: readonly string[] }
  /** Only its streams differ: sessions and rules stay. */
  | {
    readonly name: string;
    readonly kind: "resubscribe";
    readonly added: readonly Stream[];
    readonly removed: readonly Stream[];
  };

/** Change of one sink that a reload applies. `parts` are the keys of its table that differ. */
export type SinkChange =
  | { readonly name: string; readonly kind: "add" | "remove" }
  | { readonly name: string; readonly kind: "reopen"; readonly parts: readonly string[] };

/**
 * Compares two plans by their values: files that give the same plan, such as with other comments, make no difference.
 */
export function comparePlans(before: Plan, after: Plan): PlanDifference {
  const sinks = compareNamed(byName(before.sinks), byName(after.sinks), compareSinks);
  const isKept = ({ name }: SinkChange) =>
    [...before.sinks, ...after.sinks].some((sink) => sink.name === name && KEPT_SINKS.has(sink.type));
  return {
    instances: compareNamed(runnables(before), runnables(after), compareInstances),
    sinks: sinks.filter((change) => !isKept(change)),
    applied: changedKeys<keyof typeof APPLIED_KEYS>(before.run, after.run, APPLIED_KEYS),
    needsRestart: [...changedSettings(before, after), ...sinks.filter(isKept).map(({ name }) => `sink.${name}`)],
  };
}

/** Whether two plans are the same. */
export function isSamePlan({ instances, sinks, applied, needsRestart }: PlanDifference): boolean {
  return instances.length + sinks.length + applied.length + needsRestart.length === 0;
}

/** Types of sinks that only a restart changes: what else is printed depends on whether standard output is one. */
const KEPT_SINKS: ReadonlySet<string> = new Set(["stdout"]);

function runnables({ exchanges }: Plan): ReadonlyMap<string, RunnableExchange> {
  return new Map(
    exchanges.flatMap(({ name, enabled, runnable }) => enabled && runnable !== null ? [[name, runnable] as const] : []),
  );
}

function byName(sinks: readonly SinkPlan[]): ReadonlyMap<string, SinkPlan> {
  return new Map(sinks.map((sink) => [sink.name, sink]));
}

function compareNamed<T, Change>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  compare: (name: string, before: T, after: T) => Change | null,
): readonly (Change | { readonly name: string; readonly kind: "add" | "remove" })[] {
  const changes: (Change | { readonly name: string; readonly kind: "add" | "remove" })[] = [];
  for (const [name, wanted] of after) {
    const present = before.get(name);
    const change = present === undefined ? { name, kind: "add" as const } : compare(name, present, wanted);
    if (change !== null) changes.push(change);
  }
  for (const name of before.keys()) if (!after.has(name)) changes.push({ name, kind: "remove" });
  return changes;
}

function compareSinks(name: string, before: SinkPlan, after: SinkPlan): SinkChange | null {
  const { options: beforeOptions, ...beforeRest } = before;
  const { options: afterOptions, ...afterRest } = after;
  const parts = differingPaths({ ...beforeOptions, ...beforeRest }, { ...afterOptions, ...afterRest });
  return parts.length === 0 ? null : { name, kind: "reopen", parts };
}

function compareInstances(name: string, before: RunnableExchange, after: RunnableExchange): InstanceChange | null {
  const parts = differingPaths(before, after);
  if (parts.length === 0) return null;
  const [had, wanted] = [streamsOf(before), streamsOf(after)];
  const added = [...wanted].flatMap(([key, stream]) => had.has(key) ? [] : [stream]);
  const removed = [...had].flatMap(([key, stream]) => wanted.has(key) ? [] : [stream]);
  // Sockets of shares come and go with their streams: only those that stay have to be the same.
  const common = new Set(keysOf(after).filter((key) => keysOf(before).includes(key)));
  const areStreamsOther = added.length + removed.length > 0 || areEqual(withoutNames(before), withoutNames(after));
  const isStreamsAlone = areStreamsOther && areEqual(lasting(before, common), lasting(after, common)) &&
    areCommonNamesEqual(before, after) && areCommonItemsEqual(before, after) && areCommonTargetsEqual(before, after);
  return isStreamsAlone ? { name, kind: "resubscribe", added, removed } : { name, kind: "restart", parts };
}

/** Returns an instance without what only says where its symbols come from. */
function running(runnable: RunnableExchange) {
  const { unresolved: _, selection: _selection, instrumentsRefreshMs: _refresh, ...runs } = runnable;
  return runs;
}

/** Returns an instance without the canonical names of native symbols. */
function withoutNames(runnable: RunnableExchange): unknown {
  const { frames, ...others } = running(runnable);
  return { ...others, frames: { ...frames, connections: nameless(frames.connections) } };
}

function nameless(connections: readonly FrameConnection[]): unknown {
  return connections.map((connection) => ({ ...connection, canonical: {}, listed: {} }));
}

/** Whether native symbols known to both have the same names; a running session learns new ones. */
function areCommonNamesEqual({ frames: before }: RunnableExchange, { frames: after }: RunnableExchange): boolean {
  return after.connections.every(({ id, canonical, listed = {} }) => {
    const present = before.connections.find((one) => one.id === id);
    return haveSame(present?.canonical ?? {}, canonical) && haveSame(present?.listed ?? {}, listed);
  });
}

/** Whether keys that both records have, have equal values. */
function haveSame(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(after).every(([key, value]) => !Object.hasOwn(before, key) || areEqual(before[key], value));
}

/**
 * Returns the parts of an instance that a change of streams does not touch. A running session adopts the wanted
 * channels.
 */
function lasting(runnable: RunnableExchange, keys: ReadonlySet<string>): unknown {
  const { instruments: _, channels: _channels, connections, rest, frames, ...others } = running(runnable);
  const derivation = buildDerivation(frames, NO_RUN).frames;
  return {
    ...others,
    connections: firstSockets(connections, frames).filter(({ key }) => shareOfConnection(key) === null || keys.has(key))
      .map((connection) => ({
        ...connection,
        requests: uniqueTexts(connection.requests.map(({ ack, replaces }) => ({ ack, replaces }))),
      })),
    rest: {
      ...rest,
      requests: rest.requests.map((request) => ({ ...request, targets: [] })),
      backfills: rest.backfills.map((backfill) => ({ ...backfill, targets: [] })),
    },
    derivation: { ...derivation, connections: nameless(derivation.connections), wanted: null, instruments: null },
    controls: frames.controls,
  };
}

function keysOf({ connections }: RunnableExchange): readonly string[] {
  return connections.map(({ key }) => key);
}

/**
 * Returns one socket per connection, because its sockets differ only in streams; all sockets of connections per symbol.
 */
function firstSockets(
  connections: readonly ConnectionPlan[],
  { connections: frames }: FramePlan,
): readonly ConnectionPlan[] {
  const perSymbol = new Set(frames.flatMap(({ id, perSymbol }) => perSymbol === true ? [id] : []));
  return connections.filter(({ connectionId, key }) => perSymbol.has(connectionId) || !/#\d+/.test(key));
}

const NO_RUN = { dedup: { enabled: false, windowSeconds: 1, keysMax: 1 }, bookTops: null };

function uniqueTexts(values: readonly unknown[]): readonly string[] {
  return [...new Set(values.map((value) => JSON.stringify(value)))].sort();
}

/** Whether items that both subscribe to are subscribed to in the same way. A replacing request names all items. */
function areCommonItemsEqual(before: RunnableExchange, after: RunnableExchange): boolean {
  const present = itemsOf(before);
  for (const [key, item] of itemsOf(after)) {
    const other = present.get(key);
    if (other !== undefined && !areEqual(other, item)) return false;
  }
  return true;
}

/** Whether REST targets that both have are requested in the same way. */
function areCommonTargetsEqual(before: RunnableExchange, after: RunnableExchange): boolean {
  const targets = ({ rest }: RunnableExchange) =>
    new Map(
      [...rest.requests, ...rest.backfills].flatMap(({ name, connectionId, targets }) =>
        targets.map((target) => [`${name} ${connectionId} ${target.symbol}`, target] as const)
      ),
    );
  const present = targets(before);
  return [...targets(after)].every(([key, target]) => {
    const other = present.get(key);
    return other === undefined || areEqual(other, target);
  });
}

function itemsOf({ connections }: RunnableExchange): ReadonlyMap<string, SubscribeItem> {
  return new Map(
    connections.flatMap(({ connectionId, requests }) =>
      requests.flatMap(({ items }) =>
        items.map((item) => [`${connectionId} ${item.streams.map(streamKey).join(" ")}`, item] as const)
      )
    ),
  );
}

/** Returns every stream that is subscribed to or requested over REST, by key. */
function streamsOf({ connections, rest, frames }: RunnableExchange): ReadonlyMap<string, Stream> {
  const subscribed = connections.flatMap(({ requests }) =>
    requests.flatMap(({ items }) => items.flatMap(({ streams }) => streams))
  );
  const asked = rest.requests.flatMap(({ channel, targets }) => targets.map(({ symbol }) => ({ channel, symbol })));
  const told = Object.keys(frames.instruments?.asked ?? {}).map((
    symbol,
  ) => ({ channel: "instruments", symbol } as const));
  const named = [...subscribed, ...asked, ...told].filter(({ symbol }) => symbol !== "");
  return new Map(named.map(({ channel, symbol }) => [streamKey({ channel, symbol }), { channel, symbol }]));
}

/** Keys of `collector.toml` for settings that a reload applies. */
const APPLIED_KEYS = {
  logLevel: "run.log_level",
  logFormat: "run.log_format",
  compareBooksEveryMs: "run.compare_books_every_ms",
  shutdownTimeoutMs: "run.shutdown_timeout_ms",
} as const satisfies Partial<Record<keyof RunPlan, string>>;

/** Keys of `collector.toml` for settings that only a restart applies. */
const KEPT_KEYS: Readonly<Record<Exclude<keyof RunPlan, keyof typeof APPLIED_KEYS | "httpAccess">, string>> = {
  collector: "run.collector",
  shard: "run.shard",
  httpHost: "run.http_host",
  httpPort: "run.http_port",
  dataDir: "run.data_dir",
  certificates: "run.certificates",
  certificateKeyPath: "run.certificate_key",
};

const ACCESS_KEYS: Readonly<Record<Exclude<keyof HttpAccess, "isLocked">, string>> = {
  token: "run.http_token",
  isOpen: "run.http_open",
  hosts: "run.http_hosts",
  tls: "run.http_tls_cert and run.http_tls_key",
  clientsMax: "run.http_clients_max",
};

const JOURNAL_KEYS: Readonly<Record<keyof JournalPlan, string>> = {
  syncMs: "journal.sync_ms",
  segmentBytes: "journal.segment_mb",
  totalBytesMax: "journal.max_total_mb",
  retainHours: "journal.retain_hours",
  archiveDir: "journal.archive_dir",
  onFull: "journal.on_full",
};

const DEDUP_KEYS: Readonly<Record<keyof Plan["dedup"], string>> = {
  enabled: "dedup.enabled",
  windowSeconds: "dedup.window_seconds",
  keysMax: "dedup.max_keys",
};

const BOOKS_KEYS: Readonly<Record<keyof NonNullable<Plan["bookTops"]>, string>> = {
  levels: "books.top_levels",
  intervalMs: "books.interval_ms",
};

function changedSettings(before: Plan, after: Plan): readonly string[] {
  return [
    ...changedKeys(before.run, after.run, KEPT_KEYS),
    ...changedKeys(before.run.httpAccess, after.run.httpAccess, ACCESS_KEYS),
    ...changedKeys(before.journal, after.journal, JOURNAL_KEYS),
    ...changedKeys(before.dedup, after.dedup, DEDUP_KEYS),
    ...(areEqual(before.group, after.group) ? [] : ["group"]),
    ...(before.bookTops === null || after.bookTops === null
      ? before.bookTops === after.bookTops ? [] : ["books"]
      : changedKeys(before.bookTops, after.bookTops, BOOKS_KEYS)),
  ];
}

function changedKeys<Name extends string>(
  before: Readonly<Record<Name, unknown>>,
  after: Readonly<Record<Name, unknown>>,
  keys: Readonly<Record<Name, string>>,
): readonly string[] {
  const names = Object.keys(keys) as Name[];
  return names.filter((name) => !areEqual(before[name], after[name])).map((name) => keys[name]);
}

function areEqual(before: unknown, after: unknown): boolean {
  return differingPaths(before, after).length === 0;
}

/** Depth of the paths that are returned; a deeper difference is named by the place around it. */
const PATH_DEPTH_MAX = 3;

/**
 * Returns the paths at which two plain values differ, at most `PLAN_PARTS_SHOWN_MAX`; empty if they are equal. List
 * members are identified by `key`, `id` or `name`, or else by index. Secrets are compared by value.
 */
function differingPaths(before: unknown, after: unknown): readonly string[] {
  const paths = new Set<string>();
  collectPaths(before, after, [], paths);
  return [...paths];
}

function collectPaths(before: unknown, after: unknown, path: readonly string[], found: Set<string>): void {
  if (found.size >= PLAN_PARTS_SHOWN_MAX || Object.is(before, after)) return;
  const [left, right] = [membersOf(before), membersOf(after)];
  if (left === null || right === null || Array.isArray(before) !== Array.isArray(after)) {
    if (valueOf(before) !== valueOf(after) || left !== right) found.add(path.slice(0, PATH_DEPTH_MAX).join("."));
    return;
  }
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    collectPaths(left.get(key), right.get(key), [...path, key], found);
  }
  if (Array.isArray(before) && left.size === right.size && [...left.keys()].join() !== [...right.keys()].join()) {
    found.add([...path, "order"].slice(0, PATH_DEPTH_MAX).join("."));
  }
}

/** Returns members by name; null for a value without members. */
function membersOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (typeof value !== "object" || value === null || value instanceof Secret) return null;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const names = value.map(nameOf);
  const areUnique = names.every((name) => name !== null) && new Set(names).size === names.length;
  return new Map(value.map((member, index) => [areUnique ? names[index] ?? "" : String(index), member]));
}

function nameOf(member: unknown): string | null {
  if (typeof member !== "object" || member === null) return null;
  const name = ["key", "id", "name"].map((key): unknown => Reflect.get(member, key)).find((one) =>
    typeof one === "string"
  );
  return typeof name === "string" ? name : null;
}

function valueOf(value: unknown): unknown {
  return value instanceof Secret ? value.reveal() : value;
}
