/**
 * Wires the rooms together: frames enter through `intake`, events leave through `delivery`, `collector` owns both.
 * Between them `derive/pipeline` turns records into events; read it first. In: a Plan and a Host. Out: events in sinks,
 * observations. Must not know TOML, file formats, protocols or any exchange.
 */
export { Collector, type CollectorOptions } from "./collector.ts";
export type { HistoryProgress } from "./history_run.ts";
export { historyStreams, type HistoryWish } from "./history.ts";
export { type SeenStream, type ShareMoves, shareRecords } from "./share_moves.ts";
export { Delivery, type DeliveryOptions } from "./delivery.ts";
export { BookResyncer, type BookResyncerOptions } from "./book_resyncer.ts";
export { ExchangeRunner } from "./exchange_runner.ts";
export { CoverageReader } from "./coverage_reader.ts";
export { Intake } from "./intake.ts";
export { type ReaderPolicy, RecentEvents, type RecentReader } from "./recent_events.ts";
export { type KeptRhythms, openRhythms } from "./rhythms_file.ts";
