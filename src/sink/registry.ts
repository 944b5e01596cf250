import type { SinkPlan } from "../model/mod.ts";
import { CLICKHOUSE } from "./clickhouse/mod.ts";
import { CSV } from "./csv/mod.ts";
import { KAFKA } from "./kafka/mod.ts";
import { NATS } from "./nats/mod.ts";
import { NDJSON } from "./ndjson/mod.ts";
import { PARQUET } from "./parquet/mod.ts";
import { POSTGRES } from "./postgres/mod.ts";
import { QUESTDB } from "./questdb/mod.ts";
import { REDIS } from "./redis/mod.ts";
import { S3 } from "./s3/mod.ts";
import type { Sink } from "./sink.ts";
import type { SinkContext, SinkScope, SinkType } from "./sink_type.ts";
import { STDOUT } from "./stdout/mod.ts";

/** Every type of sinks; configuration, reference, `plan`, `replay` and the collector use only this list. */
export const SINK_TYPES: readonly SinkType[] = [
  PARQUET,
  NDJSON,
  CSV,
  STDOUT,
  POSTGRES,
  QUESTDB,
  CLICKHOUSE,
  NATS,
  REDIS,
  KAFKA,
  S3,
];

/** Returns the type of a plan. */
export function sinkTypeOf({ type }: Pick<SinkPlan, "type">): SinkType {
  const found = SINK_TYPES.find(({ name }) => name === type);
  if (found === undefined) throw new Error(`No sink type "${type}"`);
  return found;
}

/** Makes the sink that a plan describes. Nothing is touched before `open`. */
export function createSink(plan: SinkPlan, context: SinkContext): Sink {
  return sinkTypeOf(plan).create(plan, context);
}

/** The sink of a configuration that names none. */
export function defaultSink(scope: SinkScope): SinkPlan {
  return { type: PARQUET.name, name: "archive", kinds: null, options: PARQUET.options({}, scope) };
}

/** The plan of a sink of a type with its defaults, to show what it would do; null if no type has the name. */
export function sampleSink(type: string): SinkPlan | null {
  const found = SINK_TYPES.find(({ name }) => name === type);
  if (found === undefined) return null;
  return { type, name: type, kinds: null, options: found.options(found.sample, { dataDir: "data" }) };
}

/** The plan that `replay --to` asks for; null if the text names no type or does not fit it. */
export function replaySink(text: string): SinkPlan | null {
  const at = text.indexOf(":");
  const type = SINK_TYPES.find(({ name }) => name === (at < 0 ? text : text.slice(0, at)));
  const target = at < 0 ? null : text.slice(at + 1);
  const keys = target === "" ? null : type?.replayKeys(target) ?? null;
  if (type === undefined || keys === null) return null;
  return { type: type.name, name: "replay", kinds: null, options: type.options(keys, { dataDir: "" }) };
}
