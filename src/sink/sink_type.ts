import { z } from "zod";
import type { Host } from "../host/mod.ts";
import type { SinkPlan } from "../model/mod.ts";
import type { Sink } from "./sink.ts";

/** What the rest of a configuration tells a sink. */
export interface SinkScope {
  /** `run.data_dir`, the folder of sinks that name none. */
  readonly dataDir: string;
}

/** The validated keys of a sink's table. */
export type OptionsOf<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape, z.core.$strict>>;

/** What a sink's folder says about its type. */
export interface SinkDefinition<Shape extends z.ZodRawShape> {
  /** The value of `type`. */
  readonly name: string;
  /** One line for the reference: what it writes. */
  readonly summary: string;
  /** Keys of `[[sink]]` beside `type`, `name` and `kinds`. */
  readonly keys: Shape;
  /** Fills in what depends on the rest of the file. Absent: nothing does. */
  readonly complete?: (options: OptionsOf<Shape>, scope: SinkScope) => OptionsOf<Shape>;
  /** The folder that belongs to the sink alone; null where it has none. */
  readonly folder: (options: OptionsOf<Shape>) => string | null;
  /** What `plan` shows, such as `parquet in data/parquet`. */
  readonly describe: (options: OptionsOf<Shape>) => string;
  /** How `replay --to` spells it, such as `parquet:DIR`. */
  readonly replayUsage: string;
  /** The keys that `replay --to` stands for, given what follows the colon; null where that does not fit the type. */
  readonly replayKeys: (target: string | null) => Readonly<Record<string, unknown>> | null;
  /** Makes the sink. Nothing outside is touched before `open`. */
  readonly create: (plan: SinkPlan, options: OptionsOf<Shape>, host: Host) => Sink;
}

/** A type of sinks with its options read from plain data. */
export interface SinkType {
  readonly name: string;
  readonly summary: string;
  readonly keys: z.ZodRawShape;
  readonly replayUsage: string;
  /** Validates keys and fills in defaults: what stands in the plan. Throws a `ZodError` for keys that do not fit. */
  options(keys: Readonly<Record<string, unknown>>, scope: SinkScope): Readonly<Record<string, unknown>>;
  folder(plan: SinkPlan): string | null;
  describe(plan: SinkPlan): string;
  replayKeys(target: string | null): Readonly<Record<string, unknown>> | null;
  create(plan: SinkPlan, host: Host): Sink;
}

/** Makes a type out of its definition: whoever uses it hands in plans, the definition sees typed options. */
export function sinkType<Shape extends z.ZodRawShape>(definition: SinkDefinition<Shape>): SinkType {
  const { name, summary, keys, replayUsage, replayKeys } = definition;
  const schema = z.strictObject(keys);
  const read = (plan: SinkPlan) => schema.parse(plan.options);
  return {
    name,
    summary,
    keys,
    replayUsage,
    replayKeys,
    options: (given, scope) => {
      const options = schema.parse(given);
      return schema.parse(definition.complete?.(options, scope) ?? options);
    },
    folder: (plan) => definition.folder(read(plan)),
    describe: (plan) => definition.describe(read(plan)),
    create: (plan, host) => definition.create(plan, read(plan), host),
  };
}

/** The key `dir` of a sink that writes into a folder of its own. */
export function folderKey(type: string) {
  return z.string().min(1).optional().describe(
    `Target folder, relative to the working directory. Absent: \`${type}\` under \`data_dir\``,
  );
}

/** The folder of a complete plan. */
export function folderOf({ dir }: { readonly dir?: string | undefined }): string {
  if (dir === undefined) throw new Error("A sink's plan lacks its folder");
  return dir;
}
