/**
 * Writes events to destinations: files, standard output, databases, brokers and buckets. Each type has a folder with
 * its keys and code, and a line in `registry.ts`. In: batches of events in order, and the offset to go on from. Out:
 * data that survives a power cut once `flush` has resolved. Must not know where events come from; the caller keeps the
 * positions of sinks whose destination keeps none.
 */
export { eventJson } from "./event_json.ts";
export { CSV_TABLES } from "./csv/csv_rows.ts";
export { sinkFilter, textMatcher } from "./filter.ts";
export { exchangePart, pathPart, textFromPathPart } from "./path_part.ts";
export { BooleanColumn, DoubleColumn, IntegerColumn } from "./parquet/columns.ts";
export { compareBytes, TextColumn, WordColumn } from "./parquet/text_columns.ts";
export { connectNats } from "./nats/connection.ts";
export {
  type JetStreamError,
  natsFailure,
  NO_MESSAGE,
  NO_STREAM,
  refusal,
  WRONG_LAST_SEQUENCE,
} from "./nats/failure.ts";
export { SINK_LOCK_NAME } from "./owned_folder.ts";
export { MANIFEST_NAME, partsOfManifest } from "./parquet/manifest.ts";
export {
  type ColumnSchema,
  encodeRowGroup,
  type NamedColumn,
  ParquetAssembler,
  parquetFile,
  type RowGroup,
} from "./parquet/parquet_file.ts";
export { PostgresConnection } from "./postgres/connection.ts";
export { createSink, defaultSink, replaySink, sampleSink, SINK_TYPES, sinkTypeOf } from "./registry.ts";
export { withBuckets } from "./s3/bucket_files.ts";
export { RowsBatch, type Sink, type SinkBatch } from "./sink.ts";
export type { FlushPolicy, SinkCapabilities, SinkContext, SinkDeadlines, SinkScope, SinkType } from "./sink_type.ts";
