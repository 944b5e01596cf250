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

/** What the rest of a configuration tells a sink. */
export interface SinkScope {
  /** `run.data_dir`, the folder of sinks that name none. */
  readonly dataDir: string;
}

/** When a sink is flushed and its position committed: at the first bound that is reached after its first event. */
export interface FlushPolicy {
  /** Age of the oldest event that is not safe, in ms. */
  readonly everyMs: number;
  /** Estimated bytes of events; null: no such bound. */
  readonly bytes: number | null;
  readonly events: number | null;
}

/** How long each call may take, in ms; then it is abandoned. Null: a reader of any pace is waited for. */
export interface SinkDeadlines {
  readonly openMs: number;
  readonly writeMs: number | null;
  readonly flushMs: number;
  readonly closeMs: number;
}

/** What a type of sinks can do. */
export interface SinkCapabilities {
  /** Whether every event stands once at the destination, whatever ends in between; else at least once. */
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

/** What a sink is made with beside its options. */
export interface SinkContext {
  readonly host: Host;
  readonly name: string;
  /** Name under which the events that it is given were collected; null if that is not known, as in a replay. */
  readonly collector: string | null;
  /** Id of the journal that feeds it: with the name, whose writing it is. */
  readonly journal: string;
  /** Names of all sinks that the journal feeds, this one among them. */
  readonly sinks: readonly string[];
  /** The offset after the last record that is safe in the journal. */
  readonly end: () => Offset;
  readonly observe: Observer;
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
  /**
   * Values of the keys that have to be given, to show what the type does without a configuration. Absent: there are
   * none.
   */
  readonly sample?: Readonly<Record<string, unknown>>;
  /** Fills in what depends on the rest of the file. Absent: nothing does. */
  readonly complete?: (options: OptionsOf<Shape>, scope: SinkScope) => OptionsOf<Shape>;
  /** The folder that belongs to the sink alone; null if it has none. */
  readonly folder: (options: OptionsOf<Shape>) => string | null;
  /** The folder of Parquet files that are to be merged while a collector runs; null or absent if there is none. */
  readonly archive?: (options: OptionsOf<Shape>) => string | null;
  /** What `plan` shows, such as `parquet in data/parquet`. */
  readonly describe: (options: OptionsOf<Shape>) => string;
  /**
   * What has to be at the destination before events can be, in its own language: the same that the sink makes where it
   * is absent. Absent: nothing is needed.
   */
  readonly setup?: (options: OptionsOf<Shape>, kinds: readonly EventKind[] | null) => string;
  /** How `replay --to` spells it, such as `parquet:DIR`; null if it cannot be. */
  readonly replayUsage: string | null;
  /** The keys that `replay --to` stands for, given what follows the colon; null if that does not fit the type. */
  readonly replayKeys: (target: string | null) => Readonly<Record<string, unknown>> | null;
  readonly capabilities: SinkCapabilities;
  readonly flush: (options: OptionsOf<Shape>) => FlushPolicy;
  /** Makes the sink, for events of some kinds, of all if that is null. Nothing outside is touched before `open`. */
  readonly create: (options: OptionsOf<Shape>, context: SinkContext, kinds: readonly EventKind[] | null) => Sink;
}

/** A type of sinks with its options read from plain data. */
export interface SinkType {
  readonly name: string;
  readonly summary: string;
  readonly keys: z.ZodRawShape;
  readonly replayUsage: string | null;
  readonly capabilities: SinkCapabilities;
  /** Keys that have to be given, with values to show the type by. */
  readonly sample: Readonly<Record<string, unknown>>;
  /** Validates keys and fills in defaults: what stands in the plan. Throws a `ZodError` for keys that do not fit. */
  options(keys: Readonly<Record<string, unknown>>, scope: SinkScope): Readonly<Record<string, unknown>>;
  folder(plan: SinkPlan): string | null;
  archive(plan: SinkPlan): string | null;
  describe(plan: SinkPlan): string;
  /** What `schema sink` prints; null if nothing is needed. */
  setup(plan: SinkPlan): string | null;
  replayKeys(target: string | null): Readonly<Record<string, unknown>> | null;
  flush(plan: SinkPlan): FlushPolicy;
  create(plan: SinkPlan, context: SinkContext): Sink;
}

/** Makes a type out of its definition: whoever uses it hands in plans, the definition sees typed options. */
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

/** Flush policy of text files: a line is safe after a second. */
export const TEXT_FLUSH: FlushPolicy = { everyMs: 1000, bytes: null, events: null };
