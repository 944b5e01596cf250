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
 * What may stand in `collector.toml`: the single source of the types, of the JSON Schema and of the reference tables.
 * Every object is strict; every key says its unit and meaning.
 */

const text = z.string().min(1);
/** Messages and editors show the title where a text has a form of its own. */
const name = text.regex(/^[A-Za-z0-9_.-]+$/).meta({ title: "a name of letters, digits, `_`, `-` and `.`" });
/** Messages and editors show the title: what it should look like without showing what it is. */
const token = z.string().min(HTTP_TOKEN_CHARS_MIN).regex(/^[\x21-\x7e]+$/).meta({
  title: `a token of at least ${HTTP_TOKEN_CHARS_MIN} characters of ASCII without spaces`,
});
const milliseconds = z.int().min(1).max(2_147_483_647);

const kinds = z.array(z.enum(EVENT_KINDS)).min(1).optional().describe(
  "Kinds of events that this sink receives. Absent: all",
);
const patterns = z.array(text).min(1).optional();
const filters = {
  kinds,
  exchanges: patterns.describe(
    "Exchange instances whose events this sink receives, as patterns: `*` stands for any text, `?` for one character, a " +
      "leading `!` leaves out. Absent: all",
  ),
  symbols: patterns.describe(
    "Symbols whose events this sink receives, canonical or native, as patterns like those of `exchanges`: " +
      '`["BTC/*", "!*:USDT"]`. Events that concern no single symbol, such as gaps of a connection, pass. Absent: all',
  ),
};
const sinkName = text.regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/).max(SINK_NAME_CHARS_MAX).meta({
  title:
    `a name of at most ${SINK_NAME_CHARS_MAX} letters, digits, \`_\`, \`-\` and \`.\` that begins with none of the last two`,
}).describe(
  `Unique name of the sink, at most ${SINK_NAME_CHARS_MAX} characters; it names its cursor, metrics and health entry`,
);

/** `[run]`. */
export const runSchema = z.strictObject({
  collector: name.max(COLLECTOR_NAME_CHARS_MAX).optional().describe(
    "Name of this collector: it stands in every event that leaves, so that several may share a destination. Absent: the " +
      "name that the journal was begun under, which is that of the host",
  ),
  shard: text.refine((share) => parseShard(share) !== null).optional().meta({ title: "a share as INDEX/COUNT, 2/5" })
    .describe(
      "Share of all streams that this collector takes, as `2/5`: by exchange and base asset, the same on every machine. " +
        "Absent: all",
    ),
  http_host: text.default("127.0.0.1").describe(
    "Address that the page, the API, /healthz, /readyz and /metrics are bound to. Page and API answer elsewhere than on " +
      "this machine's own addresses (127.0.0.1, ::1, localhost) only with an `http_token`",
  ),
  http_port: z.int().min(1).max(65535).describe(
    "Port of the page, the API, /healthz, /readyz and /metrics, 1 to 65535",
  ),
  http_token: token.optional().describe(
    "What clients of the API send as `Authorization: Bearer …`, at least 16 characters: `${HTTP_TOKEN}`. Absent: none",
  ),
  http_open: z.boolean().default(true).describe(
    "Whether /healthz, /readyz and /metrics answer without the token and under every host name",
  ),
  http_hosts: z.array(text).min(1).optional().describe(
    "Host names by which the page and the API may be called, beside `localhost`, `http_host` and addresses of digits. " +
      "Absent: none",
  ),
  http_tls_cert: text.optional().describe(
    "PEM file with the server's certificate and those that lead to its authority: HTTPS is served. Absent: HTTP",
  ),
  http_tls_key: text.optional().describe("PEM file with the key of `http_tls_cert`"),
  http_clients_max: z.int().min(8).max(10_000).default(64).describe(
    "Connections that are kept at once; a new one takes the place of the one that has been idle longest. Each may take " +
      "three open files",
  ),
  log_level: z.enum(["trace", "debug", "info", "warn", "error"]).default("info").describe(
    "Least serious log line shown",
  ),
  log_format: z.enum(["auto", "text", "json"]).default("auto").describe(
    "Form of log lines; `auto` is text on a terminal and JSON elsewhere",
  ),
  data_dir: text.default("data").describe(
    "Folder of the journal and of sinks without a `dir`, relative to the working directory",
  ),
  compare_books_every_ms: z.int().min(0).default(600_000).describe(
    "How often one book of each exchange instance, in turn, is compared with the exchange's own snapshot of the same " +
      "number, where it gives one, in milliseconds; 0: never",
  ),
  shutdown_timeout_ms: milliseconds.default(10_000).describe(
    "Longest time that an orderly stop may take, in milliseconds",
  ),
  certificates: z.boolean().default(true).describe(
    "Whether every day of a parquet, ndjson or csv sink is certified when it is over: what is complete, what is missing, " +
      "and the SHA-256 of its files",
  ),
  certificate_key: text.optional().describe(
    "PEM file with the Ed25519 key that certificates are signed with (`openssl genpkey -algorithm ed25519`). Absent: they " +
      "are not signed",
  ),
}).describe("The process: HTTP, log, folders");

/** `[journal]`. */
export const journalSchema = z.strictObject({
  sync_ms: milliseconds.default(100).describe(
    "Group commit interval in milliseconds: the most that a power cut can cost",
  ),
  segment_mb: z.int().min(1).max(4096).default(64).describe(
    "Size at which a journal segment is sealed and the next one begun, in MiB",
  ),
  max_total_mb: z.int().min(2).default(10_240).describe(
    "Cap of the whole journal, in MiB, at least `segment_mb`; see `on_full`",
  ),
  retain_hours: z.number().min(0).default(24).describe(
    "Segments that every sink has passed are kept this many hours; 0 deletes them at once",
  ),
  archive_dir: z.string().regex(/^(?!s3:)[^]+$|^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:\/[A-Za-z0-9_.=/-]*)?$/).meta(
    {
      title: "a folder, or a place in a bucket such as `s3://bucket/raw`",
    },
  ).optional().describe(
    "Folder, or place in a bucket such as `s3://bucket/raw`, that segments are moved to instead of being deleted: all " +
      "that was received, to derive events again years later. A folder is relative to the working directory; the keys of " +
      "a bucket come from `AWS_ACCESS_KEY_ID` and its like. Absent: they are deleted",
  ),
  on_full: z.enum(["block", "drop_all", "drop_ticker_depth_keep_trade"]).default("block").describe(
    "What happens to frames at the cap: `block` pauses the sockets, the others drop, count and record a gap",
  ),
}).describe("The raw log that everything is derived from");

/** `[dedup]`. */
export const dedupSchema = z.strictObject({
  enabled: z.boolean().default(false).describe("Whether repeated messages of a stream are left out"),
  window_seconds: z.number().positive().default(300).describe("How long a message is remembered, in seconds"),
  max_keys: z.int().min(1).default(100_000).describe("Most messages remembered; beyond it the oldest are forgotten"),
}).describe("Leaving out what was already seen, by message id, then sequence, then content");

/** `[books]`. */
export const booksSchema = z.strictObject({
  top_levels: z.int().min(1).max(1000).default(10).describe("Best levels of each side"),
  interval_ms: milliseconds.default(1000).describe(
    "Interval of exchange time in milliseconds: the first update of a valid book in each one gives an event",
  ),
}).describe("Derives `book_top` events, the best levels of every kept book. Absent: none");

/** `[[sink]]`, told apart by `type`: the keys of each type are said in the sink's own folder. */
const [firstSink, ...furtherSinks] = SINK_TYPES.map((type) =>
  z.strictObject({ type: z.literal(type.name).describe(type.summary), name: sinkName, ...type.keys, ...filters })
);
export const sinkSchema = z.discriminatedUnion("type", [firstSink, ...furtherSinks])
  .describe("One destination. None given: one Parquet sink named `archive` under `data_dir`");

/** Reads a duration as `500ms`, `10s`, `5m`, in ms; null where it is none. */
export function ttlMsOf(text: string): number | null {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  return match === null ? null : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `[group]`. */
export const groupSchema = z.strictObject({
  engine: z.enum(["nats", "postgres"]).describe(
    "What the leases are kept on: `nats` (a JetStream key-value bucket) or `postgres` (a table)",
  ),
  url: text.regex(/^(?:nats|tls|postgres|postgresql):\/\/[^\s]+$/).meta({
    title: "an address such as `nats://host:4222` or `postgres://user:${PG_PASSWORD}@host:5432/database`",
  }).describe(
    "Address of the engine, such as `nats://collector:${NATS_PASSWORD}@localhost:4222`. User and password come from the " +
      "environment: `${NAME}`. Never shown whole",
  ),
  ca_path: text.optional().describe(
    "PEM file of the authority that the engine's certificate is checked against; asks for TLS. Absent: the platform's own",
  ),
  creds_path: text.optional().describe("File with the credentials of a NATS user (`.creds`)"),
  name: text.regex(/^[A-Za-z0-9_-]+$/).max(64).default("collectors").meta({
    title: "a name of letters, digits, `_` and `-`",
  }).describe("Name of the group: groups of other names on the same engine know nothing of each other"),
  ttl: text.refine((ttl) => ttlMsOf(ttl) !== null).default("10s").meta({ title: "a duration as 10s, 500ms or 1m" })
    .describe(
      "How long a member may be silent before others start what it collected, `1s` to `1h`. The first data of a taker comes " +
        "within twice that",
    ),
  replicas: z.union([z.literal(1), z.literal(2)]).default(1).describe(
    "How many members collect each share: with 2 the loss of one leaves no hole",
  ),
  shares: z.int().min(1).max(SHARES_MAX).default(8).describe(
    "Into how many shares the streams are divided, by exchange and base asset; a share has sockets of its own. The same in " +
      "all members",
  ),
}).describe(
  "Several collectors that share their streams by leases. Absent: this one takes them all, or its `run.shard`",
);

const urlList = z.array(text).min(1);

/** `[exchange.overrides]`: keys of the descriptor's `[args]` beside the fixed ones. */
export const overridesSchema = z.object({
  urls: z.union([urlList, z.record(text, urlList)]).optional().describe(
    "Replaces the URLs of the descriptor's only connection, or of several by connection id: " +
      '`{ public = ["wss://…"] }`',
  ),
  base_urls: urlList.optional().describe(
    "Replaces `rest.base_urls` of the descriptor, and those of its single requests",
  ),
  read_timeout_ms: milliseconds.optional().describe(
    "Replaces `read_timeout_ms` of every connection, in milliseconds",
  ),
  stall_after_ms: z.int().min(0).max(2_147_483_647).optional().describe(
    "Replaces `stall_after_ms` of every connection: the silence in milliseconds after which a stream that had data is taken as stopped; 0: never",
  ),
  headers: z.record(text, z.string()).optional().describe(
    "HTTP headers beside those of the descriptor, of upgrade requests and of REST: a name that it has too is replaced",
  ),
  subprotocols: z.array(text).min(1).optional().describe("Replaces the subprotocols that every connection offers"),
  proxy: z.string().optional().describe(
    "HTTP proxy for WebSockets and REST, `http://user:password@host:port`; empty: none",
  ),
}).catchall(z.union([z.string(), z.number(), z.boolean()])).describe(
  "Replaces settings of the descriptor for this instance; any other key is one of the descriptor's `[args]`",
);

/** `[[exchange]]`: one instance of a descriptor. */
export const exchangeSchema = z.strictObject({
  name: name.describe(
    "Unique name of the instance; it stands in every event",
  ),
  enabled: z.boolean().default(true).describe("Whether the instance runs"),
  descriptor_path: text.describe(
    "Descriptor file, relative to this file; `builtin:NAME` for one that is shipped with the program",
  ),
  symbols: z.array(text).default([]).describe(
    "Canonical symbols such as `BTC/USDT`; the native spelling where no map translates it; or patterns over the exchange's " +
      'instruments: `["*/USDT", "!*UP/USDT", "top:50 by quote_volume"]`. Not empty when enabled',
  ),
  symbols_max: z.int().min(1).max(PATTERN_SYMBOLS_MAX).default(1000).describe(
    `Most symbols that patterns may select, at most ${PATTERN_SYMBOLS_MAX}; those beyond are left out, with a warning`,
  ),
  symbols_refresh_ms: z.int().min(INSTRUMENTS_REFRESH_MS_MIN).max(86_400_000).default(INSTRUMENTS_REFRESH_MS_MAX)
    .describe(
      "How often the exchange's list is asked for again where patterns select of it or `instruments` are told, in milliseconds",
    ),
  channels: z.array(z.enum(CHANNELS)).default([]).describe("Channels to collect. Not empty when enabled"),
  redundancy: z.int().min(1).max(SOCKETS_PER_CONNECTION_MAX).default(1).describe(
    `Sockets of every connection that show the same streams, 1 to ${SOCKETS_PER_CONNECTION_MAX}, each at another address ` +
      "where the descriptor has several: of each event the first copy is kept, and the loss of a socket is no gap",
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
    "Destinations. None given: one Parquet sink named `archive` under `data_dir`",
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
