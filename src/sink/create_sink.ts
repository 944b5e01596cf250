import type { Host } from "../host/mod.ts";
import { type SinkPlan, unreachable } from "../model/mod.ts";
import { CsvSink } from "./csv_sink.ts";
import { NdjsonSink } from "./ndjson_sink.ts";
import { ParquetSink } from "./parquet_sink.ts";
import type { Sink } from "./sink.ts";
import { StdoutSink } from "./stdout_sink.ts";

/** Makes the sink that a plan describes. Nothing is touched before `open`. */
export function createSink(plan: SinkPlan, host: Host): Sink {
  switch (plan.type) {
    case "parquet":
      return new ParquetSink(plan, host);
    case "ndjson":
      return new NdjsonSink(plan, host);
    case "csv":
      return new CsvSink(plan, host);
    case "stdout":
      return new StdoutSink(plan, host);
    default:
      return unreachable(plan);
  }
}
