/**
 * The nouns of the program: instruments, channels, frames, events, plans, records, observations, limits. In: nothing.
 * Out: types and the few pure functions that belong to them. Knows nothing of files, sockets, TOML or any exchange.
 */
export { type Channel, CHANNELS, type Stream, streamKey } from "./channel.ts";
export { type Decimal, doubleFromDecimal, integerText, isDecimal, isZero } from "./decimal.ts";
export {
  type BookDelta,
  type BookSnapshot,
  type BookTop,
  type Candle,
  type DerivativeTicker,
  type Envelope,
  EVENT_KINDS,
  type EventKind,
  type Gap,
  GAP_CAUSES,
  type GapCause,
  type GapState,
  type Level,
  type Liquidation,
  type MarketEvent,
  type Quote,
  type RawEvent,
  type Side,
  type Ticker,
  type Trade,
} from "./event.ts";
export { type Comparison, type ExpressionNode, type PathRoot, type Span } from "./expression.ts";
export { Failure, type FailureCode, unreachable } from "./failure.ts";
export { type Frame, type Offset, type SessionId } from "./frame.ts";
export { type CanonicalSymbol, FAMILIES, type Family, type Instrument, parseCanonicalSymbol } from "./instrument.ts";
export { type Issue, type Severity } from "./issue.ts";
export {
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  BACKOFF_RESET_MS,
  BOOK_BUFFER_DELTAS_MAX,
  BOOK_RESYNC_RETRY_MS,
  BOOK_UNANCHORED_DELTAS_MAX,
  BOOTSTRAP_BYTES_MAX,
  BOOTSTRAP_TIMEOUT_MS,
  CONFIG_BYTES_MAX,
  DIAL_TIMEOUT_MS,
  EXAMPLE_CHARS_MAX,
  EXPRESSION_BYTES_MAX,
  EXPRESSION_DIGITS_MAX,
  EXPRESSION_NODES_MAX,
  EXPRESSION_STEPS_MAX,
  EXPRESSION_TEXT_CHARS_MAX,
  FETCH_REDIRECTS_MAX,
  FRAME_BYTES_MAX,
  GENERATOR_CHARS_MAX,
  GENERATOR_MESSAGES_MAX,
  GENERATOR_STEPS_MAX,
  HTTP_CLIENTS_MAX,
  INSTRUMENT_PAGES_MAX,
  JOURNAL_BUFFER_BYTES_MAX,
  JOURNAL_COMMIT_BYTES,
  JOURNAL_REFUSED_BYTES,
  JSON_DEPTH_MAX,
  LANGUAGE_DEPTH_MAX,
  LIMIT_HOSTS_MAX,
  LIMIT_MOMENTS_MAX,
  LIMIT_WINDOW_MS_MAX,
  LIMITS_FILE_BYTES_MAX,
  REPLIES_QUEUED_MAX,
  RESUBSCRIBE_MS_MAX,
  RETRY_AFTER_MS_MAX,
  SESSION_BOOKS_MAX,
  SESSION_LEVEL_IDS_MAX,
  SESSION_STREAMS_MAX,
  SESSION_SYMBOLS_MAX,
  SINK_BATCH_BYTES_MAX,
  SINK_BATCH_EVENTS_MAX,
  SINK_BUFFER_BYTES_MAX,
  SINK_OPEN_FILES_MAX,
  SINK_PARTITIONS_MAX,
  STREAMS_MAX,
  TAIL_BYTES_MAX,
  TAIL_WAIT_MS_MAX,
} from "./limits.ts";
export { isoFromMicros, type Micros, microsFromIsoBytes, microsFromText, TIME_UNITS, type TimeUnit } from "./micros.ts";
export { type FaultCode, type Observation, type Observer, type SessionState, type StreamState } from "./observation.ts";
export {
  type BookKind,
  type BookRule,
  type BridgeRule,
  type ChecksumRule,
  type ResyncAction,
  type SequenceRule,
} from "./plan/books.ts";
export {
  type AckPlan,
  type BootstrapPlan,
  type ConnectionPlan,
  type ItemSpelling,
  type KeepalivePlan,
  type RateLimit,
  type SubscribeItem,
  type SubscribeRequest,
} from "./plan/connection.ts";
export { type BookTopPlan, type DedupPlan, type DerivationPlan } from "./plan/derivation.ts";
export {
  type AliasRule,
  type BlobEncoding,
  type BookFields,
  type ControlRule,
  type Decoding,
  type EventRule,
  type FieldRule,
  type FramePlan,
  type LevelRule,
  type MergeRule,
  type ParseRule,
  type RuleKind,
  SIDES,
  type UnwrapRule,
} from "./plan/frames.ts";
export { type InstrumentListPlan, type RestPlan, type RestRateLimit, type RestRequestPlan } from "./plan/rest.ts";
export {
  type ExchangePlan,
  type JournalPlan,
  type LogLevel,
  type OnFull,
  type Plan,
  type RunnableExchange,
  type RunPlan,
} from "./plan/run.ts";
export { type SinkPlan } from "./plan/sinks.ts";
export {
  type AckedRecord,
  type CheckpointRecord,
  type CloseCause,
  type ClosedRecord,
  type DroppedRecord,
  type FrameRecord,
  type HttpRecord,
  type JournalRecord,
  type OpenedRecord,
  type PlanRecord,
  type RejectedRecord,
} from "./record.ts";
export { type ControlAction, type ControlSignal, ECHO_SEPARATOR } from "./signal.ts";
export {
  describeHole,
  escapeJsonText,
  hideEnvironment,
  type Hole,
  renderTemplate,
  showRequest,
  showTemplate,
  type Template,
  type TemplateValues,
} from "./template.ts";
