import type { Issue } from "../model/mod.ts";
import { isList } from "./expectation.ts";
import { interpolate, type Interpolated, pathKey } from "./interpolate.ts";
import { checkShape, isWithin, type Shape, tableNamer } from "./issue_builder.ts";
import { type JsonSchema, jsonSchema } from "./json_schema.ts";
import { checkHttp, type HttpSettings, NO_HTTP, readHttpSettings } from "./http_settings.ts";
import { checkGroup } from "./group_settings.ts";
import { issueAt, type Locate, NO_PLACE, type Position, type ValuePath } from "./position.ts";
import {
  collectorSchema,
  type CollectorValues,
  exchangeSchema,
  type ExchangeValues,
  type SinkValues,
} from "./schema_collector.ts";
import { sinkTypeOf } from "../sink/mod.ts";
import { coerceText, findCommonIssues } from "./shape.ts";
import { suggest } from "./suggest.ts";
import { withHomePaths } from "./home_paths.ts";
import { withNumberTexts } from "./number_texts.ts";
import { parseTomlSource, type TomlSource, type TomlTable, type TomlValue } from "./toml_source.ts";

/** `collector.toml` without the exchange instances. */
export type GlobalValues = Omit<CollectorValues, "exchange">;

/** One `[[exchange]]` table, checked alone, so that a broken one affects no other. */
export interface InstanceEntry {
  /** Name of the instance; `#1` for the first one without a name. */
  readonly name: string;
  readonly enabled: boolean;
  /** Empty if unknown. */
  readonly descriptorPath: string;
  /** As `Shape.variants`; empty if the table is unusable. With an issue of severity error the instance must not run. */
  readonly variants: readonly ExchangeValues[];
  readonly issues: readonly Issue[];
  /** Returns places by paths from the table. A value from the environment is located as a whole. */
  readonly locate: Locate;
  readonly locateKey: (path: ValuePath) => Position;
}

/** The parsed and checked `collector.toml`. */
export interface CollectorFile {
  /** Null if anything beside the instances is broken. */
  readonly globals: GlobalValues | null;
  /** Issues that concern no single instance. */
  readonly issues: readonly Issue[];
  readonly instances: readonly InstanceEntry[];
  /** HTTP settings, as far as they are valid, even if the rest of the file is broken. */
  readonly http: HttpSettings;
}

/** Input of all checks of one file. */
interface Context {
  readonly source: TomlSource;
  readonly table: TomlTable;
  readonly written: ReadonlyMap<string, string>;
  readonly problems: Interpolated["problems"];
  readonly schema: JsonSchema;
  readonly realPath: (path: string) => string;
}

let shared: JsonSchema | null = null;

/** Returns the JSON Schema of the file. Cached, because building it takes longer than reading a file. */
function configSchema(): JsonSchema {
  return shared ??= jsonSchema("config");
}

/** Reads and checks `collector.toml`. */
export function readCollectorFile(
  options: {
    readonly file: string;
    readonly text: string;
    readonly environment: (name: string, shown: boolean) => string | undefined;
    /** Resolves links of a folder's path. Absent: paths are used as written. */
    readonly realPath?: (path: string) => string;
    /** Home folder that replaces `~`; undefined if unknown. */
    readonly home?: string;
  },
): CollectorFile {
  const parsed = parseTomlSource({ ...options, exchange: null, isOurs: isCollectorFile });
  const schema = configSchema();
  const source = withNumberTexts(parsed, () => schema);
  if (source.table === null) {
    return { globals: null, issues: source.issues, instances: [], http: NO_HTTP };
  }
  const interpolated = interpolate(source, source.table, {
    environment: options.environment,
    coerce: (path, text) => coerceText(schema, path, text),
  });
  const { written } = interpolated;
  const { table, ...homes } = withHomePaths(source, interpolated.table, options.home);
  const problems = [...interpolated.problems, ...homes.problems];
  const realPath = options.realPath ?? ((path: string) => path);
  const context: Context = { source, table, written, problems, schema, realPath };
  const key = instancesKey(table);
  const tables = instanceTables(table, key);
  const globals = readGlobals(context, tables !== null);
  const instances: InstanceEntry[] = [];
  for (const [index, value] of (tables ?? []).entries()) {
    instances.push(readInstance(context, { path: [key, index], value, before: instances }));
  }
  return { ...globals, instances, http: readHttpSettings(table) };
}

/** Returns whether a text contains a table of a configuration, even if the rest is not TOML. */
function isCollectorFile(text: string): boolean {
  return /^[ \t]*\[{0,2}[ \t"]*(?:run|journal|dedup|books|group|sink|exchange)\b/m.test(text);
}

/** Returns the key of the instances, even a misspelt one. The schema of the file reports the misspelling. */
function instancesKey(table: TomlTable): string {
  if (table.exchange !== undefined) return "exchange";
  const known = Object.keys(collectorSchema.shape);
  return Object.keys(table).find((key) => !known.includes(key) && suggest(key, known) === "exchange") ?? "exchange";
}

/** Returns the elements of `[[exchange]]`; null if missing or not a list, which the schema of the file reports. */
function instanceTables(table: TomlTable, key: string): readonly TomlValue[] | null {
  const instances: TomlValue | undefined = table[key];
  return isList(instances) ? instances : null;
}

/** Runs the checks that globals and instances share. */
function shapeOf<Values>(
  context: Context,
  target: {
    readonly schema: Parameters<typeof checkShape<Values>>[0]["schema"];
    readonly jsonSchema: () => JsonSchema;
    readonly value: TomlValue;
    readonly prefix: ValuePath;
    /** Whether a path of the file belongs to this part of it. */
    readonly owns: (path: ValuePath) => boolean;
    readonly exchange: string | null;
    readonly check: (values: Values, locate: Locate) => readonly Issue[];
  },
): Shape<Values> {
  const { source, written } = context;
  const within = (path: ValuePath) => [...target.prefix, ...path];
  const problems = context.problems.filter((problem) => target.owns(problem.path));
  const shape = checkShape<Values>({
    schema: target.schema,
    jsonSchema: target.jsonSchema,
    value: target.value,
    locate: (path, offset, length) =>
      written.has(pathKey(within(path))) ? source.locate(within(path)) : source.locate(within(path), offset, length),
    locateKey: (path) => source.locateKey(within(path)),
    doubted: problems.map(({ path }) => path.slice(target.prefix.length)),
    show: (path, value) => written.get(pathKey(within(path))) ?? value,
    nameTable: tableNamer(context.table, target.prefix),
    exchange: target.exchange,
  });
  const { locate, locateKey } = shape;
  return {
    variants: shape.variants,
    issues: [
      ...problems.map(({ position, message }) => issueAt(position, { message, exchange: target.exchange })),
      ...shape.issues,
      ...findCommonIssues(shape.variants, (values) => target.check(values, locate)),
    ],
    locate,
    locateKey,
  };
}

function readGlobals(context: Context, hasInstances: boolean): Pick<CollectorFile, "globals" | "issues"> {
  const value: TomlTable = hasInstances ? { ...context.table, exchange: [] } : context.table;
  const { variants, issues } = shapeOf<CollectorValues>(context, {
    schema: collectorSchema,
    jsonSchema: () => context.schema,
    value,
    prefix: [],
    owns: (path) => !hasInstances || path[0] !== "exchange",
    exchange: null,
    check: (checked, locate) => [
      ...checkHttp(checked.run, locate),
      ...checkGroup(checked, locate),
      ...checkJournal(checked.journal, locate),
      ...checkSinks(checked.sink, { locate, dataDir: checked.run.data_dir, realPath: context.realPath }),
      ...checkInstanceCount(context),
    ],
  });
  const isBroken = issues.some((issue) => issue.severity === "error");
  return { globals: isBroken ? null : variants[0] ?? null, issues };
}

/** Rejects a cap below one segment: only sealed segments are deleted, so the journal would stay full forever. */
function checkJournal(journal: GlobalValues["journal"], locate: Locate): readonly Issue[] {
  const { segment_mb: segment, max_total_mb: total } = journal;
  if (total >= segment) return [];
  const message = `Journal cap of ${total} MiB is below the size of one segment, ${segment} MiB: make "max_total_mb" ` +
    `at least ${segment}, or set "segment_mb" to ${total} or less`;
  return [issueAt(locate(["journal", "max_total_mb"]), { message, exchange: null })];
}

function checkInstanceCount(context: Context): readonly Issue[] {
  if (context.table[instancesKey(context.table)] !== undefined) return [];
  const message = "No [[exchange]]: there is nothing to collect";
  return [issueAt(context.source.locate([]), { severity: "warning", message, exchange: null })];
}

function checkSinks(
  sinks: readonly SinkValues[],
  { locate, dataDir, realPath }: {
    readonly locate: Locate;
    readonly dataDir: string;
    readonly realPath: (path: string) => string;
  },
): readonly Issue[] {
  const issues: Issue[] = [];
  const report = (path: ValuePath, message: string) => issues.push(issueAt(locate(path), { message, exchange: null }));
  // Sink names become file names, and some file systems ignore case.
  const names = new Map<string, string>();
  const dirs = new Map([[realPath(`${dataDir}/journal`), "the journal"]]);
  for (const [index, sink] of sinks.entries()) {
    const key = sink.name.toLowerCase();
    const namesake = names.get(key);
    if (namesake === sink.name) {
      report(["sink", index, "name"], `Sink name "${sink.name}" is given twice: names have to be unique`);
    } else if (namesake !== undefined) {
      const message = `Sink names "${namesake}" and "${sink.name}" differ in capitals alone: they would share files`;
      report(["sink", index, "name"], message);
    }
    names.set(key, sink.name);
    const folder = folderOf(sink, dataDir);
    if (folder === null) continue;
    const dir = realPath(folder);
    const owner = dirs.get(dir);
    if (owner !== undefined) {
      const path = !("dir" in sink) || sink.dir === undefined ? ["sink", index] : ["sink", index, "dir"];
      report(path, `Sink "${sink.name}" writes to the same folder as ${owner}: give it a dir of its own`);
    }
    dirs.set(dir, owner ?? `"${sink.name}"`);
  }
  return issues;
}

/** Returns the folder that belongs to a sink alone; null if it has none. */
function folderOf(
  { type, name, kinds, exchanges: _exchanges, symbols: _symbols, ...keys }: SinkValues,
  dataDir: string,
): string | null {
  const sink = sinkTypeOf({ type });
  return sink.folder({ type, name, kinds: kinds ?? null, options: sink.options(keys, { dataDir }) });
}

function readInstance(
  context: Context,
  entry: { readonly path: ValuePath; readonly value: TomlValue; readonly before: readonly InstanceEntry[] },
): InstanceEntry {
  const { path } = entry;
  const given = typeof entry.value === "object" && !isList(entry.value) ? entry.value : null;
  const name = typeof given?.name === "string" && given.name !== "" ? given.name : `#${entry.before.length + 1}`;
  const shape = shapeOf<ExchangeValues>(context, {
    schema: exchangeSchema,
    jsonSchema: () => context.schema.properties?.exchange?.items ?? {},
    value: entry.value,
    prefix: path,
    owns: (candidate) => isWithin(candidate, path),
    exchange: name,
    check: (checked, locate) => checkInstance(checked, { locate, before: entry.before }),
  });
  const [values] = shape.variants;
  const isWritten = (key: string) => shape.locate([key]) !== NO_PLACE;
  return {
    ...shape,
    name,
    enabled: values !== undefined && isWritten("enabled") ? values.enabled : given?.enabled !== false,
    descriptorPath: values !== undefined && isWritten("descriptor_path") ? values.descriptor_path : "",
  };
}

function checkInstance(
  values: ExchangeValues,
  scope: { readonly locate: Locate; readonly before: readonly InstanceEntry[] },
): readonly Issue[] {
  const issues: Issue[] = [];
  const report = (keys: ValuePath, message: string) =>
    issues.push(issueAt(scope.locate(keys), { message, exchange: values.name }));
  if (scope.before.some((instance) => instance.name === values.name)) {
    report(["name"], `Exchange name "${values.name}" is given twice: names have to be unique`);
  }
  for (const key of ["symbols", "channels"] as const) {
    const list: readonly string[] = values[key];
    if (values.enabled && list.length === 0) {
      const example = key === "symbols" ? "BTC/USDT" : "trades";
      report(
        [key],
        `No ${key}: an enabled exchange needs at least one; write ${key} = ["${example}"], or enabled = false`,
      );
    }
  }
  return issues;
}
