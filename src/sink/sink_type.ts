import { z } from "zod";
import type { Host } from "../host/mod.ts";
import {
  type EventKind,
  type Observer,
  type Offset,
  SINK_CLOSE_MS_MAX,
  SINK_FLUSH_MS_MAX,
  SINK_OPEN_MS_MAX,
  SINK_WRITE_MS_MAX,
  type SinkPlan,
} from "../model/mod.ts";
import type { Sink } from "./sink.ts";

/** What a sink needs of the rest of the configuration. */
export interface SinkScope {
  /** `run.data_dir`, the folder of sinks that name none. */
  readonly dataDir: string;
}

/** When a sink is flushed and its position committed: at the first bound reached after its first unflushed event. */
export interface FlushPolicy {
  /** Age of the oldest unflushed event, in ms. */
  readonly everyMs: number;
  /** Estimated bytes of unflushed events; null for no bound. */
  readonly bytes: number | null;
  readonly events: number | null;
}

/** Longest time of each call, in ms; then it is abandoned. Null to wait for a reader of any pace. */
export interface SinkDeadlines {
  readonly openMs: number;
  readonly writeMs: number | null;
  readonly flushMs: number;
  readonly closeMs: number;
}

/** Capabilities of a type. */
export interface SinkCapabilities {
  /** Whether the destination holds every event exactly once, after any interruption; else at least once. */
  readonly exactlyOnce: boolean;
  /** Writes under way at the same time, at most `SINK_WRITES_IN_FLIGHT_MAX`. */
  readonly writesInFlight: number;
  readonly deadlines: SinkDeadlines;
}

/** The deadlines of a type that needs no others. */
export const DEADLINES: SinkDeadlines = {
  openMs: SINK_OPEN_MS_MAX,
  writeMs: SINK_WRITE_MS_MAX,
  flushMs: SINK_FLUSH_MS_MAX,
  closeMs: SINK_CLOSE_MS_MAX,
};

/** Context of a sink, beside its options. */
export interface SinkContext {
  readonly host: Host;
  readonly name: string;
  /** The collector's name of the events; null if unknown, as in a replay. */
  readonly collector: string | null;
  /** Id of the journal that feeds the sink; with the name, it identifies the writer. */
  readonly journal: string;
  /** Consecutive calls of earlier lives of the sink that timed out. Absent if there are none. */
  readonly timeouts?: number;
  /** Names of all sinks that the journal feeds, this one among them. */
  readonly sinks: readonly string[];
  /** Returns the offset after the last record that is safe in the journal. */
  readonly end: () => Offset;
  readonly observe: Observer;
}

/** The validated keys of a sink's table. */
export type OptionsOf<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape, z.core.$strict>>;

/** A type of sinks, as its folder defines it. */
export interface SinkDefinition<Shape extends z.ZodRawShape> {
  /** The value of `type`. */
  readonly name: string;
  /** One line for the reference: what it writes. */
  readonly summary: string;
  /** Keys of `[[sink]]` beside `type`, `name` and `kinds`. */
  readonly keys: Shape;
  /** Sample values of the required keys, to show the type without a configuration. Absent if there are none. */
  readonly sample?: Readonly<Record<string, unknown>>;
  /** Fills in what depends on the rest of the configuration. Absent if nothing does. */
  readonly complete?: (options: OptionsOf<Shape>, scope: SinkScope) => OptionsOf<Shape>;
  /** The folder that belongs to the sink alone; null if it has none. */
  readonly folder: (options: OptionsOf<Shape>) => string | null;
  /** The folder of Parquet files that are to be merged while a collector runs; null or absent if there is none. */
  readonly archive?: (options: OptionsOf<Shape>) => string | null;
  /** Returns what `plan` shows, such as `parquet in data/parquet`. */
  readonly describe: (options: OptionsOf<Shape>) => string;
  /**
   * Returns the setup of the destination in its own language: what the sink makes if it is missing. Absent if nothing
   * is needed.
   */
  readonly setup?: (options: OptionsOf<Shape>, kinds: readonly EventKind[] | null) => string;
  /** Usage in `replay --to`, such as `parquet:DIR`; null if it cannot be used there. */
  readonly replayUsage: string | null;
  /** Returns the keys for the text after the colon in `replay --to`; null if the text does not fit. */
  readonly replayKeys: (target: string | null) => Readonly<Record<string, unknown>> | null;
  readonly capabilities: SinkCapabilities;
  readonly flush: (options: OptionsOf<Shape>) => FlushPolicy;
  /** Makes the sink. `kinds`: the kinds it receives; null for all. Touches nothing outside before `open`. */
  readonly create: (options: OptionsOf<Shape>, context: SinkContext, kinds: readonly EventKind[] | null) => Sink;
}

/** A type of sinks whose options are plain data. */
export interface SinkType {
  readonly name: string;
  readonly summary: string;
  readonly keys: z.ZodRawShape;
  readonly replayUsage: string | null;
  readonly capabilities: SinkCapabilities;
  /** Required keys, with sample values. */
  readonly sample: Readonly<Record<string, unknown>>;
  /** Validates keys and fills in defaults, for the plan. Throws a `ZodError` for invalid keys. */
  options(keys: Readonly<Record<string, unknown>>, scope: SinkScope): Readonly<Record<string, unknown>>;
  folder(plan: SinkPlan): string | null;
  archive(plan: SinkPlan): string | null;
  describe(plan: SinkPlan): string;
  /** Returns what `schema sink` prints; null if nothing is needed. */
  setup(plan: SinkPlan): string | null;
  replayKeys(target: string | null): Readonly<Record<string, unknown>> | null;
  flush(plan: SinkPlan): FlushPolicy;
  create(plan: SinkPlan, context: SinkContext): Sink;
}

/** Makes a type from its definition: callers pass plans, the definition receives typed options. */
export function sinkType<Shape extends z.ZodRawShape>(definition: SinkDefinition<Shape>): SinkType {
  const { name, summary, keys, replayUsage, replayKeys, capabilities } = definition;
  const schema = z.strictObject(keys);
  const read = (plan: SinkPlan) => schema.parse(plan.options);
  return {
    name,
    summary,
    keys,
    replayUsage,
    replayKeys,
    capabilities,
    sample: definition.sample ?? {},
    options: (given, scope) => {
      const options = schema.parse(given);
      return schema.parse(definition.complete?.(options, scope) ?? options);
    },
    folder: (plan) => definition.folder(read(plan)),
    archive: (plan) => definition.archive?.(read(plan)) ?? null,
    describe: (plan) => definition.describe(read(plan)),
    setup: (plan) => definition.setup?.(read(plan), plan.kinds) ?? null,
    flush: (plan) => definition.flush(read(plan)),
    create: (plan, context) => definition.create(read(plan), context, plan.kinds),
  };
}

/** Key `dir` of a sink that writes to its own folder. */
export function folderKey(type: string) {
  return z.string().min(1).optional().describe(
    `Target folder, relative to the working directory. Absent: \`${type}\` under \`data_dir\``,
  );
}

/** Returns the folder of a complete plan. */
export function folderOf({ dir }: { readonly dir?: string | undefined }): string {
  if (dir === undefined) throw new Error("A sink's plan lacks its folder");
  return dir;
}

/** Flush policy of text files: a line is safe after a second. */
export const TEXT_FLUSH: FlushPolicy = { everyMs: 1000, bytes: null, events: null };
