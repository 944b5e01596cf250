import type { Issue } from "../model/mod.ts";
import { isList } from "./expectation.ts";
import { interpolate, type Interpolated, pathKey } from "./interpolate.ts";
import { checkShape, tableNamer } from "./issue_builder.ts";
import { type JsonSchema, jsonSchema } from "./json_schema.ts";
import { issueAt, type Locate, type ValuePath } from "./position.ts";
import {
  collectorSchema,
  type CollectorValues,
  exchangeSchema,
  type ExchangeValues,
  runSchema,
  type SinkValues,
} from "./schema_collector.ts";
import { sinkTypeOf } from "../sink/mod.ts";
import { coerceText, withoutConsequences } from "./shape.ts";
import { parseTomlSource, type TomlSource, type TomlTable, type TomlValue } from "./toml_source.ts";

/** What stands in `collector.toml` beside the exchange instances. */
export type GlobalValues = Omit<CollectorValues, "exchange">;

/** One `[[exchange]]` table, checked on its own, so that a broken one breaks nothing else. */
export interface InstanceEntry {
  /** Where its table stands: `["exchange", 0]`. */
  readonly path: ValuePath;
  /** Its name; `#1` where it has none. */
  readonly name: string;
  readonly enabled: boolean;
  readonly descriptorPath: string;
  /** Null where the table cannot be used at all; with issues of severity error it must not run. */
  readonly values: ExchangeValues | null;
  readonly issues: readonly Issue[];
}

/** `collector.toml`, read and checked. */
export interface CollectorFile {
  /** Places of values; of one that was filled in from the environment always the whole, as it stands in the file. */
  readonly locate: Locate;
  readonly locateKey: TomlSource["locateKey"];
  /** Null where something beside the instances is broken. */
  readonly globals: GlobalValues | null;
  /** Issues that concern no single instance. */
  readonly issues: readonly Issue[];
  readonly instances: readonly InstanceEntry[];
  /** Where health is to be served, as far as it can be told: also where the rest of the file is broken. */
  readonly http: HttpAddress;
}

/** Address and port of `[run]`; null for what is missing or wrong. */
export interface HttpAddress {
  readonly host: string | null;
  readonly port: number | null;
}

/** Everything that the checks of one file need. */
interface Context {
  readonly source: TomlSource;
  readonly table: TomlTable;
  readonly written: ReadonlyMap<string, string>;
  readonly problems: Interpolated["problems"];
  readonly schema: JsonSchema;
}

/** Reads and checks `collector.toml`. */
export function readCollectorFile(
  options: {
    readonly file: string;
    readonly text: string;
    readonly environment: (name: string) => string | undefined;
  },
): CollectorFile {
  const source = parseTomlSource({ file: options.file, text: options.text, exchange: null });
  const { locateKey } = source;
  if (source.table === null) {
    return { locate: source.locate, locateKey, globals: null, issues: source.issues, instances: [], http: NO_ADDRESS };
  }
  const schema = jsonSchema("config");
  const { table, written, problems } = interpolate(source, source.table, {
    environment: options.environment,
    coerce: (path, text) => coerceText(schema, path, text),
  });
  const context: Context = { source, table, written, problems, schema };
  const tables = instanceTables(table);
  const globals = readGlobals(context, tables !== null);
  const instances: InstanceEntry[] = [];
  for (const [index, value] of (tables ?? []).entries()) {
    instances.push(readInstance(context, { index, value, before: instances }));
  }
  const locate: Locate = (path, offset, length) =>
    written.has(pathKey(path)) ? source.locate(path) : source.locate(path, offset, length);
  return { locate, locateKey, ...globals, instances, http: readHttpAddress(table) };
}

/** What is known of an address where the file cannot be read. */
export const NO_ADDRESS: HttpAddress = { host: null, port: null };

function readHttpAddress(table: TomlTable): HttpAddress {
  const run: TomlValue | undefined = table.run;
  if (typeof run !== "object" || isList(run)) return NO_ADDRESS;
  const { http_host, http_port } = runSchema.shape;
  return {
    host: http_host.safeParse(run.http_host).data ?? null,
    port: http_port.safeParse(run.http_port).data ?? null,
  };
}

/** The elements of `[[exchange]]`; null where it is missing or not a list, which the schema of the whole reports. */
function instanceTables(table: TomlTable): readonly TomlValue[] | null {
  const instances: TomlValue | undefined = table.exchange;
  return isList(instances) ? instances : null;
}

/** The part of a file's checks that both kinds of tables share. */
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
    readonly check: (values: Values) => readonly Issue[];
  },
): { readonly values: Values | null; readonly issues: readonly Issue[] } {
  const { source, written } = context;
  const within = (path: ValuePath) => [...target.prefix, ...path];
  const locate = (path: ValuePath) => source.locate(within(path));
  const locateKey = (path: ValuePath) => source.locateKey(within(path));
  const shape = checkShape<Values>({
    schema: target.schema,
    jsonSchema: target.jsonSchema,
    value: target.value,
    locate,
    locateKey,
    show: (path, value) => written.get(pathKey(within(path))) ?? value,
    nameTable: tableNamer(context.table, target.prefix),
    exchange: target.exchange,
  });
  const problems = context.problems.filter((problem) => target.owns(problem.path));
  const unfilled = problems.map((problem) => problem.path.slice(target.prefix.length));
  const checked = shape.values === null ? [] : target.check(shape.values);
  return {
    values: shape.values,
    issues: [
      ...problems.map(({ position, message }) => issueAt(position, { message, exchange: target.exchange })),
      ...withoutConsequences(shape.issues, unfilled, [locate]),
      ...withoutConsequences(checked, [...unfilled, ...shape.dropped], [locate, locateKey]),
    ],
  };
}

function readGlobals(context: Context, hasInstances: boolean): Pick<CollectorFile, "globals" | "issues"> {
  const value: TomlTable = hasInstances ? { ...context.table, exchange: [] } : context.table;
  const { values, issues } = shapeOf<CollectorValues>(context, {
    schema: collectorSchema,
    jsonSchema: () => context.schema,
    value,
    prefix: [],
    owns: (path) => !hasInstances || path[0] !== "exchange",
    exchange: null,
    check: (checked) => [
      ...checkJournal(checked.journal, context.source),
      ...checkSinks(checked.sink, { source: context.source, dataDir: checked.run.data_dir }),
      ...checkInstanceCount(context),
    ],
  });
  const isBroken = issues.some((issue) => issue.severity === "error");
  return { globals: isBroken ? null : values, issues };
}

/** Only whole segments are compressed and deleted: a cap below the first one's size would never be left again. */
function checkJournal(journal: GlobalValues["journal"], source: TomlSource): readonly Issue[] {
  const { segment_mb: segment, max_total_mb: total } = journal;
  if (total >= segment) return [];
  const message = `Journal cap of ${total} MiB is below the size of one segment, ${segment} MiB: make "max_total_mb" ` +
    `at least ${segment}, or set "segment_mb" to ${total} or less`;
  return [issueAt(source.locate(["journal", "max_total_mb"]), { message, exchange: null })];
}

function checkInstanceCount(context: Context): readonly Issue[] {
  if ((instanceTables(context.table) ?? []).length > 0 || context.table.exchange !== undefined) return [];
  const message = "No [[exchange]]: there is nothing to collect";
  return [issueAt(context.source.locate([]), { severity: "warning", message, exchange: null })];
}

function checkSinks(
  sinks: readonly SinkValues[],
  { source, dataDir }: { readonly source: TomlSource; readonly dataDir: string },
): readonly Issue[] {
  const issues: Issue[] = [];
  const report = (path: ValuePath, message: string) =>
    issues.push(issueAt(source.locate(path), { message, exchange: null }));
  const names = new Set<string>();
  const dirs = new Map<string, string>();
  for (const [index, sink] of sinks.entries()) {
    if (names.has(sink.name)) {
      report(["sink", index, "name"], `Sink name "${sink.name}" is given twice: names have to be unique`);
    }
    names.add(sink.name);
    const dir = folderOf(sink, dataDir);
    if (dir === null) continue;
    const owner = dirs.get(dir);
    if (owner !== undefined) {
      const path = !("dir" in sink) || sink.dir === undefined ? ["sink", index] : ["sink", index, "dir"];
      report(path, `Sink "${sink.name}" writes to the same folder as "${owner}": give it a dir of its own`);
    }
    dirs.set(dir, owner ?? sink.name);
  }
  return issues;
}

/** The folder that belongs to a sink alone; null where it has none. */
function folderOf({ type, name, kinds, ...keys }: SinkValues, dataDir: string): string | null {
  const sink = sinkTypeOf({ type });
  return sink.folder({ type, name, kinds: kinds ?? null, options: sink.options(keys, { dataDir }) });
}

function readInstance(
  context: Context,
  entry: { readonly index: number; readonly value: TomlValue; readonly before: readonly InstanceEntry[] },
): InstanceEntry {
  const path: ValuePath = ["exchange", entry.index];
  const given = typeof entry.value === "object" && !isList(entry.value) ? entry.value : null;
  const name = typeof given?.name === "string" && given.name !== "" ? given.name : `#${entry.index + 1}`;
  const { values, issues } = shapeOf<ExchangeValues>(context, {
    schema: exchangeSchema,
    jsonSchema: () => context.schema.properties?.exchange?.items ?? {},
    value: entry.value,
    prefix: path,
    owns: (candidate) => path.every((segment, index) => segment === candidate[index]),
    exchange: name,
    check: (checked) => checkInstance(checked, { context, path, before: entry.before }),
  });
  return {
    path,
    name,
    enabled: values?.enabled ?? given?.enabled !== false,
    descriptorPath: typeof given?.descriptor_path === "string" ? given.descriptor_path : "",
    values,
    issues,
  };
}

function checkInstance(
  values: ExchangeValues,
  scope: { readonly context: Context; readonly path: ValuePath; readonly before: readonly InstanceEntry[] },
): readonly Issue[] {
  const { source } = scope.context;
  const issues: Issue[] = [];
  const at = (...keys: ValuePath) => source.locate([...scope.path, ...keys]);
  const report = (keys: ValuePath, message: string) =>
    issues.push(issueAt(at(...keys), { message, exchange: values.name }));
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
