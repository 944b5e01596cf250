/**
 * Destinations of events: Parquet (the default), NDJSON, CSV, standard output. In: batches of envelopes in order, and
 * the offset to go on from. Out: files and lines that survive a power cut once `flush` has resolved. Must not know
 * where events come from, nor keep positions: the caller commits them.
 */
export { createSink } from "./create_sink.ts";
export { CSV_TABLES, type CsvTable } from "./csv_rows.ts";
export { eventJson } from "./event_json.ts";
export { exchangePart, pathPart, textFromPathPart } from "./path_part.ts";
export type { Sink } from "./sink.ts";
