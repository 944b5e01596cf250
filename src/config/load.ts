import { parseShard, type Shard } from "../model/mod.ts";
import type { HeldShares, ShareStreams } from "../model/mod.ts";
import type {
  EarlierRules,
  ExchangeList,
  ExchangePlan,
  FramePlan,
  Issue,
  Plan,
  RunnableExchange,
  Secrets,
  SinkPlan,
} from "../model/mod.ts";
import { type GlobalValues, type InstanceEntry, readCollectorFile } from "./collector_file.ts";
import { type DescriptorFile, type FoundFile, readDescriptorFile, readSymbolMap } from "./descriptor_file.ts";
import { groupPlan } from "./group_settings.ts";
import { applyOverrides } from "./overrides.ts";
import { folderOf, resolveFrom } from "./paths.ts";
import { httpAccess, type HttpSettings, NO_HTTP } from "./http_settings.ts";
import type { ExchangeInput } from "./plan/input.ts";
import { issueAt, NO_PLACE } from "./position.ts";
import { loadEnvironment } from "./environment.ts";
import { defaultSink, type SinkScope, sinkTypeOf } from "../sink/mod.ts";
import type { ExchangeValues, SinkValues } from "./schema_collector.ts";
import { checkSocketTotals } from "./socket_totals.ts";
import { readWith } from "./read_with.ts";
import { type DescriptorValues, timeOf } from "./schema_descriptor.ts";
import { findCommonIssues, orderIssues } from "./shape.ts";
import { suggestion } from "./suggest.ts";
import { textHash } from "./text_hash.ts";

/** Inputs of loading. All are synchronous: loading is a pure function of them. */
export interface LoadOptions {
  /** Path of `collector.toml`, as the user named it. */
  readonly path: string;
  /** Text of a file; null where it is missing. */
  readonly readText: (path: string) => string | null;
  readonly environment: (name: string) => string | undefined;
  /** Registers values of the environment, so that nothing shows them. */
  readonly secrets?: Secrets;
  /** Returns a shipped descriptor by name; null if there is none. */
  readonly builtin: (name: string) => FoundFile | null;
  /** Names of all shipped descriptors, for messages about an unknown one. */
  readonly builtinNames?: () => readonly string[];
  /** Resolves links of a folder's path. Absent: paths are used as written. */
  readonly realPath?: (path: string) => string;
  /** A missing descriptor is only a warning. */
  readonly validateOnly?: boolean;
  /** Rows of the exchange's instrument lists, by instance name. */
  readonly instrumentMaps?: ReadonlyMap<string, ExchangeList>;
  /** Shares of a group that are held; absent: all streams are planned. */
  readonly heldShares?: HeldShares;
}

/** Result of loading. */
export interface LoadedConfig {
  /** Null if `collector.toml` is broken outside of its instances. Contains broken instances, as not runnable. */
  readonly plan: Plan | null;
  /** All issues, including those of instances, in the order of the files. */
  readonly issues: readonly Issue[];
  /** Instances as far as they are known, even without a plan. */
  readonly exchanges: readonly ExchangePlan[];
  /** HTTP settings, as far as they are valid. */
  readonly http: HttpSettings;
}

/** Turns a checked instance and descriptor into what runs. */
export type BuildExchange = (input: ExchangeInput) => BuiltExchange;

/** Result of lowering. */
export interface BuiltExchange {
  readonly runnable: RunnableExchange | null;
  readonly issues: readonly Issue[];
  /** Configured symbols that fall into other shares. */
  readonly elsewhere?: readonly string[];
  /** As `ExchangePlan.shares`. */
  readonly shares?: readonly ShareStreams[] | null;
}

/** Loads a configuration with the given lowering. Never throws for any text. */
export function loadWith(build: BuildExchange, options: LoadOptions): LoadedConfig {
  const environment = loadEnvironment(options.environment, options.secrets);
  const position = { file: options.path, line: 1, column: 1, length: 1, sourceLine: "" };
  const { text, issue } = readWith(options.readText, options.path, { position, exchange: null });
  if (text === null) return missingConfig(options.path, issue);
  const file = readCollectorFile({
    file: options.path,
    text,
    environment: (name, shown) => environment.get(name, shown),
    realPath: options.realPath,
    home: options.environment("HOME"),
  });
  const share = file.globals?.run.shard;
  const shard = share === undefined ? null : parseShard(share);
  const group = file.globals?.group;
  const shares = options.heldShares ?? null;
  const loaded = file.instances.map((instance) =>
    loadInstance(instance, { build, options, environment: (name) => environment.get(name), shard, shares })
  );
  // Hides values only now, when every variable that was read is known.
  const exchanges = checkSocketTotals(loaded, { instances: file.instances, inGroup: shares !== null }).map((
    exchange,
  ) => ({
    ...exchange,
    issues: environment.hideIn(orderIssues(exchange.issues)),
  }));
  const issues = [
    ...environment.hideIn(orderIssues(file.issues)),
    ...exchanges.flatMap((exchange) => exchange.issues),
  ];
  const plan = file.globals === null ? null : buildPlan(file.globals, exchanges);
  // Hides passwords written in the file too.
  for (const { name, options: { url } } of plan?.sinks ?? []) {
    if (typeof url === "string") options.secrets?.addAddress(`{url of sink ${name}}`, url, "alone");
  }
  if (group !== undefined) options.secrets?.addAddress("{url of the group}", group.url, "alone");
  if (file.http.token !== null) options.secrets?.add("{http_token}", file.http.token.reveal());
  return {
    plan,
    issues,
    exchanges,
    http: file.http,
  };
}

function missingConfig(path: string, unreadable: Issue | null): LoadedConfig {
  const position = { file: path, line: 1, column: 1, length: 1, sourceLine: "" };
  const message = `Cannot find configuration file "${path}"`;
  const issue = unreadable ?? issueAt(position, { message, exchange: null });
  return { plan: null, issues: [issue], exchanges: [], http: NO_HTTP };
}

/** Inputs of loading an instance, beside its table. */
interface Scope {
  readonly shard: Shard | null;
  readonly shares: HeldShares | null;
  readonly build: BuildExchange;
  readonly options: LoadOptions;
  readonly environment: (name: string) => string | undefined;
}

function loadInstance(instance: InstanceEntry, scope: Scope): ExchangePlan {
  const issues = [...instance.issues];
  const found = findDescriptor(instance, scope);
  if (found.issue !== null) issues.push(found.issue);
  const descriptor = found.file === null
    ? null
    : readDescriptorFile(found.file, instance.name, scope.options.environment("HOME"));
  let runnable: RunnableExchange | null = null;
  let elsewhere: readonly string[] = [];
  let shares: readonly ShareStreams[] | null = null;
  if (found.file !== null && descriptor !== null) {
    issues.push(...descriptor.issues);
    const lowered = variantsOf(instance, descriptor).map((values) =>
      lower({ ...values, instance, path: found.file?.path ?? "", descriptor }, scope)
    );
    issues.push(...findCommonIssues(lowered, (variant) => variant.issues));
    runnable = lowered[0]?.runnable ?? null;
    elsewhere = lowered[0]?.elsewhere ?? [];
    shares = lowered[0]?.shares ?? null;
  }
  const isBroken = issues.some((issue) => issue.severity === "error");
  const before = found.file === null || descriptor === null || isBroken
    ? { earlier: [], issues: [] }
    : loadEarlier(instance, { scope, path: found.file.path, descriptor });
  issues.push(...before.issues);
  const isElsewhere = elsewhere.length > 0 && runnable !== null &&
    runnable.instruments.length + runnable.unresolved.length === 0 && runnable.selection === undefined;
  return {
    name: instance.name,
    enabled: instance.enabled && !isElsewhere,
    descriptorPath: instance.descriptorPath,
    descriptorName: descriptor?.name ?? null,
    descriptorVersion: descriptor?.version ?? null,
    descriptorHash: found.file === null ? "" : textHash(found.file.text),
    elsewhere,
    shares,
    issues,
    runnable: isBroken || !instance.enabled || isElsewhere ? null : runnable,
    ...(before.earlier.length > 0 ? { earlier: before.earlier } : {}),
  };
}

/**
 * Loads the earlier descriptors that `[[valid]]` names. Their errors are warnings, because the instance runs by today's rules.
 */
function loadEarlier(
  instance: InstanceEntry,
  { scope, path, descriptor }: { readonly scope: Scope; readonly path: string; readonly descriptor: DescriptorFile },
): { readonly earlier: readonly EarlierRules[]; readonly issues: readonly Issue[] } {
  const issues: Issue[] = [];
  const earlier: EarlierRules[] = [];
  let last = -Infinity;
  for (const [at, { until: text, descriptor_path }] of (descriptor.variants[0]?.valid ?? []).entries()) {
    const until = timeOf(text) ?? 0;
    const warn = (key: string, message: string) =>
      issues.push(
        issueAt(descriptor.locate(["valid", at, key]), { severity: "warning", message, exchange: instance.name }),
      );
    if (until <= last) {
      warn("until", "`until` is not after that of the [[valid]] table before: list the oldest first");
    }
    last = until;
    const resolved = resolveFrom(folderOf(path), descriptor_path);
    const position = descriptor.locate(["valid", at, "descriptor_path"]);
    const read = readWith(scope.options.readText, resolved, { position, exchange: instance.name });
    let frames: FramePlan | null = null;
    if (read.text === null) {
      warn(
        "descriptor_path",
        read.issue?.message ?? `Cannot find descriptor "${resolved}", which is relative to this file`,
      );
    } else {
      const file = readDescriptorFile(
        { path: resolved, text: read.text },
        instance.name,
        scope.options.environment("HOME"),
      );
      const [lowered] = variantsOf(instance, file).map((values) =>
        lower({ ...values, instance, path: resolved, descriptor: file }, scope)
      );
      const all = [...file.issues, ...lowered?.issues ?? []];
      issues.push(...all.map((issue): Issue => ({ ...issue, severity: "warning" })));
      if (all.every(({ severity }) => severity !== "error")) frames = lowered?.runnable?.frames ?? null;
    }
    earlier.push({ until, descriptorPath: resolved, frames });
  }
  return { earlier: earlier.toSorted((a, b) => a.until - b.until), issues };
}

/** Pairs the variants of an instance with those of its descriptor: one pair if both are valid, else one per stand-in set. */
function variantsOf(
  instance: InstanceEntry,
  descriptor: DescriptorFile,
): readonly { readonly values: ExchangeValues; readonly descriptorValues: DescriptorValues }[] {
  const count = Math.max(instance.variants.length, descriptor.variants.length);
  return Array.from({ length: count }, (_, index) => ({
    values: instance.variants[Math.min(index, instance.variants.length - 1)],
    descriptorValues: descriptor.variants[Math.min(index, descriptor.variants.length - 1)],
  })).filter(({ values, descriptorValues }) => values !== undefined && descriptorValues !== undefined);
}

function findDescriptor(
  instance: InstanceEntry,
  scope: Scope,
): { readonly file: FoundFile | null; readonly issue: Issue | null } {
  const { options } = scope;
  if (instance.descriptorPath === "") return { file: null, issue: null };
  const path = instance.descriptorPath;
  const name = path.startsWith(BUILTIN) ? path.slice(BUILTIN.length) : null;
  const resolved = resolveFrom(folderOf(options.path), path);
  const position = instance.locate(["descriptor_path"]);
  const read = name !== null
    ? { text: null, issue: null }
    : readWith(options.readText, resolved, { position, exchange: instance.name });
  if (read.issue !== null) return { file: null, issue: read.issue };
  const { text } = read;
  const found = name !== null ? options.builtin(name) : text === null ? null : { path: resolved, text };
  if (found !== null || !instance.enabled) return { file: found, issue: null };
  const message = name !== null
    ? `No descriptor "${name}" is shipped with the program${suggestion(name, options.builtinNames?.() ?? [])}`
    : `Cannot find descriptor "${resolved}": write its path relative to this file, or "${BUILTIN}NAME" for a shipped one`;
  const severity = options.validateOnly === true && name === null ? "warning" : "error";
  return { file: null, issue: issueAt(position, { severity, message, exchange: instance.name }) };
}

/** Prefix of the name of a shipped descriptor. */
const BUILTIN = "builtin:";

/** Applies overrides, reads the symbol map and lowers an instance whose table and descriptor could be read. */
function lower(
  target: {
    readonly values: ExchangeValues;
    readonly descriptorValues: DescriptorValues;
    readonly instance: InstanceEntry;
    /** Path of the descriptor. */
    readonly path: string;
    readonly descriptor: DescriptorFile;
  },
  scope: Scope,
): BuiltExchange {
  const { values, instance, descriptor } = target;
  const overridden = applyOverrides({
    descriptor: target.descriptorValues,
    overrides: values.overrides,
    locateDescriptor: descriptor.locate,
    locate: (path, offset, length) => instance.locate(["overrides", ...path], offset, length),
    locateKey: (path) => instance.locateKey(["overrides", ...path]),
    exchange: instance.name,
  });
  const map = readSymbolMap({
    descriptor: target.descriptorValues,
    descriptorPath: target.path,
    locate: descriptor.locate,
    readText: scope.options.readText,
    exchange: instance.name,
  });
  // A disabled instance may lack symbols and channels, so nothing is built.
  const listed = scope.options.instrumentMaps?.get(instance.name);
  const built: BuiltExchange = !values.enabled ? { runnable: null, issues: [] } : scope.build({
    // The descriptor already contains the overrides.
    instance: { ...values, name: instance.name, overrides: {} },
    descriptor: overridden.descriptor,
    locateDescriptor: overridden.locate,
    locateInstance: instance.locate,
    symbolMap: map.map,
    environment: scope.environment,
    shard: scope.shard,
    shares: scope.shares,
    listed: listed === undefined ? undefined : [...listed.natives].map(([canonical, native]) => ({
      canonical,
      native,
      values: listed.values.get(canonical) ?? {},
    })),
  });
  // Channels missing from a broken descriptor are no error of the instance.
  const isDescriptorBroken = built.issues.some(({ severity, file }) =>
    severity === "error" && (file === target.path || file === NO_PLACE.file)
  );
  const blamed = isDescriptorBroken
    ? values.channels.map((_channel, index) => instance.locate(["channels", index]))
    : [];
  const isBlamed = (issue: Issue) =>
    blamed.some(({ file, line, column }) => issue.file === file && issue.line === line && issue.column === column);
  const lowering = built.issues.filter((issue) => !isBlamed(issue));
  return {
    runnable: built.runnable,
    elsewhere: built.elsewhere,
    shares: built.shares,
    issues: [...overridden.issues, ...map.issues, ...lowering],
  };
}

function buildPlan(globals: GlobalValues, exchanges: readonly ExchangePlan[]): Plan {
  const { run, journal, dedup, books, sink, group } = globals;
  const scope = { dataDir: run.data_dir };
  return {
    run: {
      collector: run.collector ?? null,
      shard: run.shard === undefined ? null : parseShard(run.shard),
      httpHost: run.http_host,
      httpPort: run.http_port,
      httpAccess: httpAccess(run),
      logLevel: run.log_level,
      logFormat: run.log_format,
      dataDir: run.data_dir,
      compareBooksEveryMs: run.compare_books_every_ms,
      shutdownTimeoutMs: run.shutdown_timeout_ms,
      certificates: run.certificates,
      certificateKeyPath: run.certificate_key ?? null,
    },
    journal: {
      syncMs: journal.sync_ms,
      segmentBytes: journal.segment_mb * MEBIBYTE,
      totalBytesMax: journal.max_total_mb * MEBIBYTE,
      retainHours: journal.retain_hours,
      archiveDir: journal.archive_dir ?? null,
      onFull: journal.on_full,
    },
    dedup: { enabled: dedup.enabled, windowSeconds: dedup.window_seconds, keysMax: dedup.max_keys },
    bookTops: books === undefined ? null : { levels: books.top_levels, intervalMs: books.interval_ms },
    sinks: sink.length > 0 ? sink.map((values) => buildSink(values, scope)) : [defaultSink(scope)],
    group: group === undefined ? null : groupPlan(group),
    exchanges,
  };
}

const MEBIBYTE = 1024 * 1024;

function buildSink({ type, name, kinds, exchanges, symbols, ...keys }: SinkValues, scope: SinkScope): SinkPlan {
  const filter = { ...(exchanges && { exchanges }), ...(symbols && { symbols }) };
  return { type, name, kinds: kinds ?? null, ...filter, options: sinkTypeOf({ type }).options(keys, scope) };
}
