import { z } from "zod";
import {
  CHANNELS,
  COLLECTOR_NAME_CHARS_MAX,
  EVENT_KINDS,
  HTTP_TOKEN_CHARS_MIN,
  INSTRUMENTS_REFRESH_MS_MAX,
  INSTRUMENTS_REFRESH_MS_MIN,
  parseShard,
  PATTERN_SYMBOLS_MAX,
  SHARES_MAX,
  SINK_NAME_CHARS_MAX,
  SOCKETS_PER_CONNECTION_MAX,
} from "../model/mod.ts";
import { SINK_TYPES } from "../sink/mod.ts";

/**
 * Schema of `collector.toml`, the single source of its types, JSON Schema and reference tables. Every object is strict;
 * every key states its effect and unit.
 */

const text = z.string().min(1);
/** Messages and editors show the title instead of the pattern. */
const name = text.regex(/^[A-Za-z0-9_.-]+$/).meta({ title: "a name of letters, digits, `_`, `-` and `.`" });
/** Messages show the title, never the token. */
const token = z.string().min(HTTP_TOKEN_CHARS_MIN).regex(/^[\x21-\x7e]+$/).meta({
  title: `a token of at least ${HTTP_TOKEN_CHARS_MIN} characters of ASCII without spaces`,
});
const milliseconds = z.int().min(1).max(2_147_483_647);

const kinds = z.array(z.enum(EVENT_KINDS)).min(1).optional().describe(
  "Event kinds that this sink receives. Absent: all",
);
const patterns = z.array(text).min(1).optional();
const filters = {
  kinds,
  exchanges: patterns.describe(
    "Exchange instances whose events this sink receives, as patterns: `*` matches any text, `?` one character, a " +
      "leading `!` excludes. Absent: all",
  ),
  symbols: patterns.describe(
    'Canonical or native symbols whose events this sink receives, as patterns like those of `exchanges`: `["BTC/*", ' +
      '"!*:USDT"]`. Events of no single symbol, such as gaps of a connection, always pass. Absent: all',
  ),
};
const sinkName = text.regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/).max(SINK_NAME_CHARS_MAX).meta({
  title:
    `a name of at most ${SINK_NAME_CHARS_MAX} letters, digits, \`_\`, \`-\` and \`.\` that begins with none of the last two`,
}).describe(
  `Unique name of the sink, at most ${SINK_NAME_CHARS_MAX} characters. Names its cursor, metrics and health entry`,
);

/** `[run]`. */
export const runSchema = z.strictObject({
  collector: name.max(COLLECTOR_NAME_CHARS_MAX).optional().describe(
    "Name of this collector. Marks every emitted event, so that several collectors can share a destination. Absent: " +
      "the name stored in the journal, at first the host's name",
  ),
  shard: text.refine((share) => parseShard(share) !== null).optional().meta({ title: "a share as INDEX/COUNT, 2/5" })
    .describe(
      "Share of all streams that this collector takes, as `2/5`. Depends on exchange and base asset alone, so every " +
        "machine divides alike. Absent: all streams",
    ),
  http_host: text.default("127.0.0.1").describe(
    "Address on which the page, the API, /healthz, /readyz and /metrics listen. Beyond this machine's own addresses " +
      "(127.0.0.1, ::1, localhost), page and API answer only with an `http_token`",
  ),
  http_port: z.int().min(1).max(65535).describe(
    "Port of the page, the API, /healthz, /readyz and /metrics, 1 to 65535",
  ),
  http_token: token.optional().describe(
    "Token that API clients send as `Authorization: Bearer …`, such as `${HTTP_TOKEN}`; at least 16 characters. " +
      "Absent: no token",
  ),
  http_open: z.boolean().default(true).describe(
    "Whether /healthz, /readyz and /metrics answer without the token and under every host name",
  ),
  http_hosts: z.array(text).min(1).optional().describe(
    "Host names that the page and the API accept beside `localhost`, `http_host` and numeric addresses. Absent: none",
  ),
  http_tls_cert: text.optional().describe(
    "PEM file with the server's certificate and its intermediate certificates. Enables HTTPS. Absent: HTTP",
  ),
  http_tls_key: text.optional().describe("PEM file with the private key of `http_tls_cert`"),
  http_clients_max: z.int().min(8).max(10_000).default(64).describe(
    "Most HTTP connections open at once; a further one replaces the one idle longest. Each may use three open files",
  ),
  log_level: z.enum(["trace", "debug", "info", "warn", "error"]).default("info").describe(
    "Lowest severity that is logged",
  ),
  log_format: z.enum(["auto", "text", "json"]).default("auto").describe(
    "Format of log lines. `auto`: text on a terminal, JSON elsewhere",
  ),
  data_dir: text.default("data").describe(
    "Folder of the journal and of sinks without a `dir`, relative to the working directory",
  ),
  compare_books_every_ms: z.int().min(0).default(600_000).describe(
    "How often each exchange instance compares one of its books, in turn, with the exchange's own snapshot of the " +
      "same sequence, where the exchange offers one, in milliseconds; 0: never",
  ),
  shutdown_timeout_ms: milliseconds.default(10_000).describe(
    "Longest duration of an orderly stop, in milliseconds",
  ),
  certificates: z.boolean().default(true).describe(
    "Whether a certificate is written for every finished day of a parquet, ndjson or csv sink: what is complete, " +
      "what is missing, and the SHA-256 of its files",
  ),
  certificate_key: text.optional().describe(
    "PEM file with the Ed25519 key that signs certificates (`openssl genpkey -algorithm ed25519`). Absent: " +
      "certificates are unsigned",
  ),
}).describe("The process: HTTP, log, folders");

/** `[journal]`. */
export const journalSchema = z.strictObject({
  sync_ms: milliseconds.default(100).describe(
    "Interval of group commits, in milliseconds. A power cut loses at most this much",
  ),
  segment_mb: z.int().min(1).max(4096).default(64).describe(
    "Size at which a journal segment is sealed and the next one begins, in MiB",
  ),
  max_total_mb: z.int().min(2).default(10_240).describe(
    "Most disk space of the whole journal, in MiB; at least `segment_mb`. See `on_full`",
  ),
  retain_hours: z.number().min(0).default(24).describe(
    "How long segments are kept after every sink has passed them, in hours; 0: deletes them at once",
  ),
  archive_dir: z.string().regex(/^(?!s3:)[^]+$|^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:\/[A-Za-z0-9_.=/-]*)?$/).meta(
    {
      title: "a folder, or a place in a bucket such as `s3://bucket/raw`",
    },
  ).optional().describe(
    "Folder, or place in a bucket such as `s3://bucket/raw`, that receives segments instead of their deletion. Keeps " +
      "everything received, so that events can be derived again years later. A folder is relative to the working " +
      "directory; a bucket's keys come from `AWS_ACCESS_KEY_ID` and related variables. Absent: segments are deleted",
  ),
  on_full: z.enum(["block", "drop_all", "drop_ticker_depth_keep_trade"]).default("block").describe(
    "What happens at the cap. `block` pauses the sockets; the others drop frames, count them and record a gap",
  ),
}).describe("The raw log that everything is derived from");

/** `[dedup]`. */
export const dedupSchema = z.strictObject({
  enabled: z.boolean().default(false).describe("Whether repeated messages of a stream are suppressed"),
  window_seconds: z.number().positive().default(300).describe("How long a message is remembered, in seconds"),
  max_keys: z.int().min(1).default(100_000).describe("Most messages remembered; evicts the oldest beyond it"),
}).describe("Suppresses repeated messages: by message id, else by sequence, else by content");

/** `[books]`. */
export const booksSchema = z.strictObject({
  top_levels: z.int().min(1).max(1000).default(10).describe("Number of best levels on each side"),
  interval_ms: milliseconds.default(1000).describe(
    "Interval of exchange time in milliseconds. Emits an event at the first update of a valid book in each interval",
  ),
}).describe("Derives `book_top` events: the best levels of every maintained book. Absent: derives none");

/** `[[sink]]`, discriminated by `type`; each sink's folder declares the keys of its type. */
const [firstSink, ...furtherSinks] = SINK_TYPES.map((type) =>
  z.strictObject({ type: z.literal(type.name).describe(type.summary), name: sinkName, ...type.keys, ...filters })
);
export const sinkSchema = z.discriminatedUnion("type", [firstSink, ...furtherSinks])
  .describe("One destination. Without any: one Parquet sink named `archive` under `data_dir`");

/** Parses a duration such as `500ms`, `10s`, `5m`. In ms; null if the text is none. */
export function ttlMsOf(text: string): number | null {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  return match === null ? null : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `[group]`. */
export const groupSchema = z.strictObject({
  engine: z.enum(["nats", "postgres"]).describe(
    "Engine that stores the leases: `nats` (a JetStream key-value bucket) or `postgres` (a table)",
  ),
  url: text.regex(/^(?:nats|tls|postgres|postgresql):\/\/[^\s]+$/).meta({
    title: "an address such as `nats://host:4222` or `postgres://user:${PG_PASSWORD}@host:5432/database`",
  }).describe(
    "Address of the engine, such as `nats://collector:${NATS_PASSWORD}@localhost:4222`. User and password come from " +
      "the environment: `${NAME}`. Never shown in full",
  ),
  ca_path: text.optional().describe(
    "PEM file of the authority that signed the engine's certificate; requires TLS. Absent: the platform's authorities",
  ),
  creds_path: text.optional().describe("File with the credentials of a NATS user (`.creds`)"),
  name: text.regex(/^[A-Za-z0-9_-]+$/).max(64).default("collectors").meta({
    title: "a name of letters, digits, `_` and `-`",
  }).describe("Name of the group. Groups of different names on one engine are independent"),
  ttl: text.refine((ttl) => ttlMsOf(ttl) !== null).default("10s").meta({ title: "a duration as 10s, 500ms or 1m" })
    .describe(
      "How long a member may be silent before others take over its shares, `1s` to `1h`. Data of a taken share resumes " +
        "within twice this time",
    ),
  replicas: z.union([z.literal(1), z.literal(2)]).default(1).describe(
    "Number of members that collect each share. With 2, losing one member causes no gap",
  ),
  shares: z.int().min(1).max(SHARES_MAX).default(8).describe(
    "Number of shares that the streams are divided into, by exchange and base asset. Each share has its own sockets. " +
      "Must be equal in all members",
  ),
}).describe(
  "Divides the streams among several collectors by leases. Absent: this collector takes all streams, or its " +
    "`run.shard`",
);

const urlList = z.array(text).min(1);

/** `[exchange.overrides]`: keys of the descriptor's `[args]` beside the fixed ones. */
export const overridesSchema = z.object({
  urls: z.union([urlList, z.record(text, urlList)]).optional().describe(
    'Replaces the URLs of the descriptor\'s only connection, or of several by connection id: `{ public = ["wss://…"] ' +
      "}`",
  ),
  base_urls: urlList.optional().describe(
    "Replaces `rest.base_urls` of the descriptor and the `base_urls` of its single requests",
  ),
  read_timeout_ms: milliseconds.optional().describe(
    "Replaces `read_timeout_ms` of every connection, in milliseconds",
  ),
  stall_after_ms: z.int().min(0).max(2_147_483_647).optional().describe(
    "Replaces `stall_after_ms` of every connection: the silence after which a stream with data counts as stopped, in " +
      "milliseconds; 0: never",
  ),
  headers: z.record(text, z.string()).optional().describe(
    "HTTP headers of upgrade and REST requests, added to those of the descriptor; replaces headers of the same name",
  ),
  subprotocols: z.array(text).min(1).optional().describe("Replaces the subprotocols that every connection offers"),
  proxy: z.string().optional().describe(
    "HTTP proxy for WebSockets and REST, `http://user:password@host:port`. Empty: no proxy",
  ),
}).catchall(z.union([z.string(), z.number(), z.boolean()])).describe(
  "Replaces settings of the descriptor for this instance. Any other key sets one of the descriptor's `[args]`",
);

/** `[[exchange]]`: one instance of a descriptor. */
export const exchangeSchema = z.strictObject({
  name: name.describe(
    "Unique name of the instance; marks every event as `exchange`",
  ),
  enabled: z.boolean().default(true).describe("Whether the instance runs"),
  descriptor_path: text.describe(
    "Descriptor file, relative to this file; `builtin:NAME` selects one shipped with the program",
  ),
  symbols: z.array(text).default([]).describe(
    "Symbols to collect: canonical such as `BTC/USDT`, native where no map translates them, or patterns over the " +
      'exchange\'s instruments: `["*/USDT", "!*UP/USDT", "top:50 by quote_volume"]`. Required when enabled',
  ),
  symbols_max: z.int().min(1).max(PATTERN_SYMBOLS_MAX).default(1000).describe(
    `Most symbols that patterns may select, at most ${PATTERN_SYMBOLS_MAX}. Skips those beyond, with a warning`,
  ),
  symbols_refresh_ms: z.int().min(INSTRUMENTS_REFRESH_MS_MIN).max(86_400_000).default(INSTRUMENTS_REFRESH_MS_MAX)
    .describe(
      "How often the exchange's instrument list is fetched again, for patterns and for the channel `instruments`, in " +
        "milliseconds",
    ),
  channels: z.array(z.enum(CHANNELS)).default([]).describe("Channels to collect. Required when enabled"),
  redundancy: z.int().min(1).max(SOCKETS_PER_CONNECTION_MAX).default(1).describe(
    `Sockets of every connection that carry the same streams, 1 to ${SOCKETS_PER_CONNECTION_MAX}, each at another ` +
      "address if the descriptor has several. Emits the first copy of each event; losing one socket causes no gap",
  ),
  overrides: overridesSchema.prefault({}),
}).describe("One exchange to collect from");

/** The whole of `collector.toml`. */
export const collectorSchema = z.strictObject({
  run: runSchema,
  journal: journalSchema.prefault({}),
  dedup: dedupSchema.prefault({}),
  books: booksSchema.optional(),
  group: groupSchema.optional(),
  sink: z.array(sinkSchema).default([]).describe(
    "Destinations. Without any: one Parquet sink named `archive` under `data_dir`",
  ),
  exchange: z.array(exchangeSchema).default([]).describe("Exchange instances"),
}).describe("Configuration of the collector");

/** The validated `collector.toml`, defaults filled in. */
export type CollectorValues = z.output<typeof collectorSchema>;
/** One validated `[[sink]]` table. */
export type SinkValues = z.output<typeof sinkSchema>;
/** One validated `[[exchange]]` table. */
export type ExchangeValues = z.output<typeof exchangeSchema>;
/** The validated `[exchange.overrides]` table. */
export type OverrideValues = z.output<typeof overridesSchema>;
