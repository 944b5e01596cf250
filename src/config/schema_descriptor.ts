import { z } from "zod";
import { type Channel, eventSpec, FAMILIES, SENT_CHANNELS, TIME_UNITS } from "../model/mod.ts";
import { bookFeedSchema } from "./schema_book.ts";
import { eventDefaultsSchema, eventSchema } from "./schema_event.ts";
import { fieldSchema, optionalKeys, pointer, predicateSchema, rows, scalar, source, text } from "./schema_language.ts";

/**
 * Schema 1.4 of exchange descriptors, the single source of their types, JSON Schema and reference tables. Every object is
 * strict; every key states its effect and unit.
 */

const milliseconds = z.int().min(1).max(2_147_483_647);
/** Messages and editors show the title instead of the pattern. */
const name = text.regex(/^[A-Za-z0-9_.-]+$/).meta({ title: "a name of letters, digits, `_`, `-` and `.`" });
const day = z.string().regex(/^\d{4}-\d\d-\d\d$/).meta({ title: "a day as YYYY-MM-DD" });
const channel = z.enum(SENT_CHANNELS);
const headers = z.record(text, z.string());
const method = z.enum(["GET", "POST"]);
/** Id of one connection, or a list of ids. */
const connectionIds = z.union([text, z.array(text).min(1)]);

/** `[meta]`. */
export const metaSchema = z.strictObject({
  name: text.describe("Name of the exchange"),
  version: z.literal("1.4").describe("Version of the descriptor schema"),
  docs: text.optional().describe("Address of the exchange's documentation"),
  verified: day.optional().describe("Day of the last check against the exchange, YYYY-MM-DD"),
  closed: day.optional().describe(
    "Day on which the exchange closed, YYYY-MM-DD. Keeps the descriptor for recordings; shown on the exchange's " +
      "page. Absent: open",
  ),
  notes: z.array(text).default([]).describe(
    "Notes for readers, one sentence each; shown on the exchange's page",
  ),
}).describe("Identifies the descriptor");

/** `[args]`: texts; numbers and booleans keep their spelling. */
export const argsSchema = z.record(text, z.union([z.string(), z.number(), z.boolean()]).transform(String)).describe(
  "Parameters with their defaults, inserted as `{arg:KEY}`. `[exchange.overrides]` of an instance may replace each",
);

/** At most `count` in any window of `per_ms`. */
const rateSchema = z.strictObject({
  count: z.int().min(1).describe("Most in one window"),
  per_ms: milliseconds.describe("Length of the rolling window in milliseconds"),
});

const keepaliveSchema = z.strictObject({
  mode: z.enum(["ping_frame", "application", "none"]).default("ping_frame").describe(
    "`ping_frame`: sends WebSocket pings; `application`: sends `template`; `none`: sends nothing",
  ),
  interval_ms: milliseconds.default(30_000).describe("Time between two keepalives, in milliseconds"),
  template: text.optional().describe("Message that mode `application` sends; placeholders are filled at each send"),
  when: z.enum(["always", "idle"]).default("always").describe(
    "When keepalives are sent. `idle`: only after nothing was received for `interval_ms`",
  ),
  pong_timeout_ms: milliseconds.default(10_000).describe(
    "Ends the session if a keepalive stays unanswered this long, in milliseconds",
  ),
  interval_from: text.optional().describe(
    "Name of a `bootstrap` value, in milliseconds, that replaces `interval_ms`",
  ),
}).describe("Keeps the connection alive");

const bootstrapSchema = z.strictObject({
  method: method.default("GET").describe("HTTP method"),
  url: text.describe("Full URL; placeholders allowed"),
  body: z.string().optional().describe("Body of the request; placeholders allowed"),
  headers: headers.default({}).describe("HTTP headers"),
  values: z.record(text, source).describe(
    "Name of each value and where the reply holds it; inserted as `{boot:NAME}` in URLs. Connecting fails if one is " +
      "missing",
  ),
}).describe("HTTP call before each connect, for a token or an address");

const limitsSchema = z.strictObject({
  items: z.int().min(1).optional().describe(
    "Most subscribed items on one connection; opens further connections beyond it. Absent: no limit",
  ),
  sends: rateSchema.optional().describe(
    "Most frames sent on one connection in a rolling window, pings included. Absent: no limit",
  ),
  opens: rateSchema.optional().describe("Most connection attempts to one host in a rolling window. Absent: no limit"),
  sockets: z.int().min(1).optional().describe(
    "Most sockets open from one address to one host, counting all instances of the process. Absent: no limit",
  ),
}).describe("Limits set by the exchange");

const proxyMeaning =
  "HTTP proxy to the exchange, `http://user:password@host:port`; environment placeholders allowed. Empty or " +
  "absent: no proxy";

/** `[[ws.connections]]`. */
export const connectionSchema = z.strictObject({
  id: name.describe("Unique name of the connection"),
  urls: z.array(text).min(1).describe(
    "URLs of the connection. The first is primary; the others are tried in turn when it fails. Placeholders allowed",
  ),
  read_timeout_ms: milliseconds.default(30_000).describe(
    "Ends the session after this long without data, pings or pongs, in milliseconds",
  ),
  tls: z.strictObject({
    enabled: z.boolean().default(true).describe("Whether TLS is used for `wss` addresses"),
    ca_cert_path: text.optional().describe("PEM file with additional certificate authorities"),
  }).prefault({}).describe("Transport security"),
  keepalive: keepaliveSchema.prefault({}),
  families: z.array(z.enum(FAMILIES)).min(1).optional().describe(
    "Market families that the connection serves; it subscribes to no symbols of others. Absent: all",
  ),
  settles: z.array(text).min(1).optional().describe(
    "Settlement currencies of the contracts that the connection serves; for spot, the quote currency. Absent: all",
  ),
  dated: z.boolean().optional().describe(
    "`true`: serves only instruments that expire; `false`: only those that do not. Absent: both",
  ),
  decode: z.enum(["text", "gzip", "deflate_raw", "auto"]).default("text").describe(
    "Decoding of frames; `auto` recognises gzip, zlib and text by their first bytes",
  ),
  per_symbol: z.boolean().default(false).transform((value): true | undefined => value || undefined).describe(
    "Opens one socket per symbol. `urls` and `hello` may contain `{symbol}`; frames read the symbol as `route.symbol`",
  ),
  layout: z.enum(["document", "prefixed", "several", "bare"]).default("document").describe(
    "Layout of a frame's text. `document`: one JSON document; `prefixed`: digits followed by a document, read as the " +
      "list `[digits, document]`, with null for an absent document; `several`: consecutive documents, read as a list; " +
      "`bare`: a document that other connections wrap as `data` of an envelope, read as `{ data: frame }`",
  ),
  headers: headers.default({}).describe("Headers of the upgrade request"),
  subprotocols: z.array(text).min(1).optional().describe(
    "Subprotocols that the upgrade request offers; the exchange must choose one of them. Absent: none",
  ),
  proxy: z.string().optional().describe(proxyMeaning),
  compression: z.boolean().default(false).describe("Whether the connection offers permessage-deflate"),
  connect_delay_ms: z.int().min(0).max(2_147_483_647).default(0).describe(
    "Delay between opening the connection and the first send, in milliseconds",
  ),
  welcome: predicateSchema.optional().describe(
    "Waits for a frame that matches before the first send. Absent: does not wait",
  ),
  welcome_timeout_ms: milliseconds.default(10_000).describe("Longest wait for the welcome, in milliseconds"),
  hello: z.array(text).default([]).describe("Frames to send before the subscriptions; placeholders allowed"),
  bootstrap: bootstrapSchema.optional(),
  max_age_ms: milliseconds.optional().describe(
    "Age at which a fresh connection replaces this one, in milliseconds. Absent: never",
  ),
  first_data_timeout_ms: milliseconds.default(30_000).describe(
    "How long a subscribed stream may take to its first data, in milliseconds",
  ),
  quiet_channels: z.array(channel).default(["liquidations"]).describe(
    "Channels that may be silent for long; exempts them from `first_data_timeout_ms` and from a fixed " +
      "`stall_after_ms`",
  ),
  stall_after_ms: z.number().int().min(0).max(2_147_483_647).optional().describe(
    "Silence after which a stream with data counts as stopped, in milliseconds; 0: never. Absent: each stream learns " +
      "it from its own pauses",
  ),
  limits: limitsSchema.prefault({}),
}).describe("One WebSocket connection");

/** Channels whose missed events can be fetched from an exchange's history. */
const BACKFILLED_CHANNELS = ["trades", "candles", "funding"] as const;

const rateLimitSchema = z.strictObject({
  requests_per_minute: z.number().positive().optional().describe("Most requests in a rolling minute"),
  token_bucket: z.strictObject({
    capacity: z.number().min(1).describe("Most tokens in the bucket; a request takes one"),
    refill_per_second: z.number().positive().describe("Tokens added each second"),
  }).optional().describe("Token bucket, instead of `requests_per_minute`"),
}).describe("Limits REST requests by `requests_per_minute` or `token_bucket`");

const ownBaseUrls = z.array(text).min(1).optional().describe(
  "Base URLs of this request, instead of `rest.base_urls`. The rate limit holds for each host",
);

/** Keys of an instrument's fields in events, by their names there. */
const instrumentFields = Object.fromEntries(
  Object.entries(eventSpec("instrument").fields).map(([name, { meaning }]) => [
    name,
    fieldSchema.optional().describe(meaning),
  ]),
) as Readonly<Record<string, z.ZodOptional<typeof fieldSchema>>>;

/** `[[rest.instruments]]`. */
export const instrumentsSchema = z.strictObject({
  path: z.union([text, z.array(text).min(1)]).transform((path) => typeof path === "string" ? path : path[0]).describe(
    "Path behind a base URL. A list makes one instrument list for each path, all read alike",
  ),
  base_urls: ownBaseUrls,
  method: method.default("GET").describe("HTTP method"),
  body: z.string().optional().describe("Body of the request"),
  rows: rows.default("").describe("Fan-out pointer to the instruments. Default: the answer is the only row"),
  where: predicateSchema.optional().describe("Predicate on each row; skips rows that fail. Absent: reads every row"),
  next: z.strictObject({
    at: source.describe("Where an answer names the next page; the list ends at an answer without one"),
    parameter: text.describe("Query parameter that requests that page"),
  }).optional().describe("How to request further pages of the list. Absent: one page"),
  native: source.describe("Native spelling of the symbol"),
  canonical: source.describe("Canonical spelling of the symbol; skips rows without one"),
  fields: z.strictObject(instrumentFields).default({}).describe(
    "Where a row holds further fields of `instrument` events. Fields that are not named follow from the canonical " +
      "spelling if possible (`type`, `base`, `quote`, `settle`, `strike_price`, `option_type`; for spot " +
      "`contract_size` is 1; `contract_unit` is the base currency, of an inverse contract the quote currency)",
  ),
  values: z.record(name, source).default({}).describe(
    "Name of each text and where a row holds it; read as `{sym:NAME}` in generators, paths and bodies, and as " +
      "`listed(symbol, 'NAME')` in rules. Until the list is known, the argument of the same name, if any, replaces the " +
      "text",
  ),
}).describe("Instrument list that completes the symbol map");

/** `[[rest.rankings]]`. */
export const rankingSchema = z.strictObject({
  path: text.describe("Path behind a base URL"),
  base_urls: ownBaseUrls,
  method: method.default("GET").describe("HTTP method"),
  body: z.string().optional().describe("Body of the request"),
  rows: rows.default("").describe("Fan-out pointer to the instruments. Default: the answer is the only row"),
  where: predicateSchema.optional().describe("Predicate on each row; skips rows that fail. Absent: reads every row"),
  native: source.describe("Native spelling of the symbol, as in the instrument list"),
  families: z.array(z.enum(FAMILIES)).min(1).optional().describe(
    "Families of the instruments that the list measures. Absent: all",
  ),
  values: z.record(name, source).describe(
    'Name of each measure and where a row holds it, for `symbols = ["top:50 by NAME"]`. `quote_volume` is the daily ' +
      "volume in quote currency",
  ),
}).describe("List that ranks instruments by measures");

/** `[[rest.requests]]`. */
export const restRequestSchema = z.strictObject({
  name: name.describe("Unique name; event rules with `source = NAME` read the answers"),
  channel: channel.describe("Channel that the request serves"),
  connection_id: connectionIds.describe("Connection that the request serves, or a list of them"),
  base_urls: ownBaseUrls,
  path: text.describe(
    "Path behind a base URL. `{symbol}`, `{base}`, `{sym:NAME}` … make one request per instrument; `{conn_id}` " +
      "inserts the connection's id",
  ),
  method: method.default("GET").describe("HTTP method"),
  body: z.string().optional().describe(
    "Body of the request, for POST; takes `{symbol}` and the other placeholders of `path`",
  ),
  every_ms: z.int().min(0).max(2_147_483_647).optional().transform((ms) => ms === 0 ? undefined : ms).describe(
    "Interval of polling, in milliseconds. Absent or 0: once per session, after the stream is acknowledged",
  ),
  native: source.optional().describe(
    "Native symbol of an answer in a recording, read from its address as `path` (list of segments) and `query` (by " +
      "name). For paths without `{symbol}`",
  ),
  recorded: z.boolean().default(false).describe("Never sends the request; the table only names answers in recordings"),
  event: z.record(text, z.unknown()).optional().describe(
    "Rule that reads the answers, with the keys of `[[events]]`. It takes the request's name, and without `kind` the " +
      "kind of the request's channel",
  ),
}).describe("REST request whose answers become events");

/** `[[rest.backfill]]`. */
export const backfillSchema = z.strictObject({
  name: name.describe("Unique name; event rules with `source = NAME` read the answers"),
  channel: z.enum(BACKFILLED_CHANNELS).describe("Channel whose missing events the request fetches"),
  connection_id: connectionIds.describe("Connection whose streams the request fills, or a list of them"),
  if_arg: z.record(name, text).optional().describe(
    "Uses the table only if these arguments have these values. Absent: always",
  ),
  base_urls: ownBaseUrls,
  method: method.default("GET").describe("HTTP method"),
  path: text.describe(
    "Path behind a base URL. Inserts `{symbol}` and the missing range: `{from_id}` `{to_id}` are the ids of the last " +
      "known event before the range and the first one after it, `{from_ms}` `{to_ms}` their times (also `_s` `_us` " +
      "`_ns` `_iso`), `{day}` the day of the older end, `{yyyymmdd}` the same without hyphens, `{page}` and `{offset}` " +
      "the pages and rows fetched so far",
  ),
  first_path: text.optional().describe(
    "Path of the first page if `path` names an id and none is known, as for history fetched on demand: by the times " +
      "of the range, or the newest page",
  ),
  body: z.string().optional().describe("Body of the request, with the placeholders of `path`"),
  direction: z.enum(["forward", "backward", "latest"]).describe(
    "`forward`: pages from the older end on; `backward`: pages from the newer end back; `latest`: one page of the " +
      "newest events, however many are missing",
  ),
  page: z.int().min(1).optional().describe(
    "Most rows of a page; a page with fewer is the last. Absent: only an empty page is the last",
  ),
  exclusive: z.boolean().default(false).describe(
    "Whether a page excludes the event whose id is requested",
  ),
  window_ms: z.int().min(1000).optional().describe("Longest range of one request, in milliseconds. Absent: unlimited"),
  retention_ms: z.int().min(1000).optional().describe(
    "How far back the exchange keeps such events, in milliseconds. Absent: unknown",
  ),
  event: z.record(text, z.unknown()).optional().describe(
    "Rule that reads the answers, with the keys of `[[events]]`. It takes the request's name, and without `kind` the " +
      "kind of the request's channel",
  ),
}).describe("Fetches events that a stream has missed");

/** `[rest]`. */
export const restSchema = z.strictObject({
  base_urls: z.array(text).min(1).describe("Base URLs. The first is primary; the others are tried when it fails"),
  headers: headers.default({}).describe("HTTP headers of every request"),
  proxy: z.string().optional().describe(proxyMeaning),
  rate_limit: rateLimitSchema.optional(),
  instruments: z.array(instrumentsSchema).default([]).describe("Instrument lists; several are merged"),
  rankings: z.array(rankingSchema).default([]).describe(
    "Lists that rank instruments; requested when `symbols` contains `top:N by …`",
  ),
  requests: z.array(restRequestSchema).default([]).describe("Requests whose answers become events"),
  backfill: z.array(backfillSchema).default([]).describe("Requests that fetch events that streams have missed"),
}).describe("HTTP interface of the exchange");

/** How consecutive emitted frames are merged. */
export const batchSchema = z.strictObject({
  at: pointer.describe("Pointer to the array or text in which merged frames may differ"),
  max_items: z.int().min(1).optional().describe("Most items in one frame"),
  max_bytes: z.int().min(1).optional().describe("Most bytes in one frame"),
  separator: text.optional().describe(
    "Text between joined items, if `at` leads to a text. Absent: `at` leads to an array",
  ),
  keep_first: z.int().min(1).optional().describe(
    "Number of leading array elements that belong to the message itself: written once, never counted as items. " +
      "Absent: none",
  ),
}).describe("Merges consecutive frames that differ only in one array");

/** Texts that a frame makes its session remember. */
const routeSchema = z.strictObject({
  key: source.describe("Where this frame holds the key that later frames carry at `parse.route_key`"),
  set: z.record(name, source).optional().describe(
    "Name of each text and where this frame holds it; later frames with the key read it as `route.NAME`",
  ),
  forget: z.literal(true).optional().describe("Forgets the key, instead of `set`"),
}).describe("Texts that the session remembers for later frames");

const matcher = {
  field: pointer.optional().describe("Pointer to the value that identifies the frame; with `value`"),
  value: scalar.optional().describe("Required value of `field`, compared as text"),
  when: predicateSchema.optional().describe("Predicate that identifies the frame, instead of `field` and `value`"),
  correlation_pointer: source.optional().describe("Where the frame holds the id of the request that it answers"),
  rows: rows.optional().describe("Fan-out pointer to the rows of a frame that names several items"),
  where: predicateSchema.optional().describe(
    "Predicate on each row, or on the frame without `rows`; ignores a frame without a matching row",
  ),
  echo: z.array(source).min(1).optional().describe(
    "Values of an item that the answer repeats, read from the frame or each row",
  ),
  route: routeSchema.optional(),
};

/** `ack`. */
export const ackSchema = z.strictObject({
  ...matcher,
  mode: z.literal("none").optional().describe(
    "`none`: the exchange sends no acknowledgements; the first data confirms",
  ),
  accepted: rows.optional().describe(
    "Fan-out pointer to the accepted items. Items of the request that are not listed are rejected",
  ),
  rejected: rows.optional().describe("Fan-out pointer to the rejected items"),
  item: z.array(source).min(1).optional().describe(
    "The values of `echo`, read from each batched item, or from the whole message without `batch`",
  ),
  timeout_ms: milliseconds.default(5000).describe("Longest wait for an acknowledgement, in milliseconds"),
}).describe("How a subscription is acknowledged. Absent: the first data confirms");

/** `reject`. */
export const rejectSchema = z.strictObject({
  ...matcher,
  reason: source.optional().describe("Where the frame gives the reason"),
  final: predicateSchema.optional().describe(
    "Matches rejections that a retry cannot mend; others are retried with growing delays and finally given up",
  ),
}).describe("How a subscription is rejected");

/** One change that turns a subscribe message into an unsubscribe message. */
const replacementSchema = z.strictObject({
  at: pointer.describe("Pointer to the value or member to change"),
  value: scalar.optional().describe("New value; `{value}` in a text inserts the old one"),
  key: text.optional().describe("New name of the member"),
});

/** `[[subscriptions]]`. */
export const subscriptionSchema = z.strictObject({
  connection_id: connectionIds.describe(
    "Connection that sends the messages. A list runs the same program for each connection",
  ),
  generator: text.describe("Generator program that writes the subscribe messages"),
  batch: z.union([batchSchema, z.array(batchSchema).min(1)]).optional().describe(
    "Merges consecutive frames that differ only in one array. A list applies its steps in turn, each to the previous " +
      "result",
  ),
  replaces: z.boolean().default(false).describe(
    "Each request replaces the previous one: one message lists every item, and a change sends it whole again",
  ),
  unsubscribe: z.union([z.literal("none"), replacementSchema, z.array(replacementSchema).min(1)]).optional().describe(
    "Changes that turn an item's subscribe message into its unsubscribe message. `none`: not needed, because " +
      "subscribing again restarts a stream",
  ),
  ack: ackSchema.prefault({}),
  reject: rejectSchema.optional(),
}).describe("Subscriptions of a connection");

/** `[parse]`. */
export const parseSchema = z.strictObject({
  channel: pointer.optional().describe("Pointer to the native channel. Required without `[[events]]`"),
  symbol: pointer.optional().describe("Pointer to the native symbol. Required without `[[events]]`"),
  server_time: pointer.optional().describe("Pointer to the exchange's time, in `time_unit`"),
  sequence: pointer.optional().describe("Pointer to the sequence number"),
  message_id: pointer.optional().describe("Pointer to the message id"),
  socket_sequence: source.optional().describe(
    "Counter over all frames of a session, rising by one. A jump opens a gap in all its streams and reconnects",
  ),
  trade_ids: z.enum(["consecutive", "rising"]).optional().describe(
    "How trade ids grow. `consecutive`: by one per instrument, so that a jump is a gap; `rising`: later ids are " +
      "larger. Absent: unknown",
  ),
  route_key: source.optional().describe("Where data frames carry the key of a `route`"),
  time_unit: z.enum(TIME_UNITS).default("ms").describe("Default unit of all times in the descriptor"),
  expr: z.strictObject({
    enabled: z.boolean().default(true).describe("Whether the expressions are used"),
    expressions: z.array(text).default([]).describe(
      "Lines `target = expression`; each fills a value that its pointer did not find",
    ),
    max_expression_length: z.int().min(1).max(4096).default(4096).describe("Longest expression, in bytes"),
  }).optional().describe("Expressions that complete the pointers"),
}).describe("Where frames hold channel, symbol, time, sequence and id");

/** A key for each channel. */
const channelNames = Object.fromEntries(
  SENT_CHANNELS.map((name) => [name, text.optional().describe(`Native name of \`${name}\``)]),
) as Readonly<Record<Channel, z.ZodOptional<typeof text>>>;

/** `[maps]`. */
export const mapsSchema = z.strictObject({
  symbol_map_file: text.optional().describe(
    "TOML or JSON file of canonical to native symbols, relative to the descriptor or its parent folder",
  ),
  channel_map: z.strictObject(channelNames).optional().describe(
    "Native names of channels; `{arg:KEY}` allowed. The exchange does not offer channels without one",
  ),
}).describe("Translates symbols and channels");

/** `[[control]]`. */
export const controlSchema = z.strictObject({
  name: text.describe("Unique name, shown in reports"),
  text: text.optional().describe("Text of the whole frame, for frames that are not JSON"),
  when: predicateSchema.optional().describe("Predicate on the frame, instead of `text`"),
  action: z.enum(["ignore", "pong", "welcome", "reply", "reconnect", "history"]).default("ignore").describe(
    "Action of the session. `pong`: the frame answers a keepalive; `welcome`: allows sending; `reply`: sends " +
      "`reply`; `reconnect`: replaces the connection; `history`: the frame holds data from before the subscription; " +
      "`ignore`: nothing",
  ),
  capture: z.union([source, z.record(name, source)]).optional().describe(
    "Value to read from the frame, inserted as `{capture}` in `reply`. A table names several, inserted as " +
      "`{capture:NAME}`",
  ),
  reply: text.optional().describe("Message to send back; placeholders allowed"),
  reason: source.optional().describe("Where the frame gives the reason"),
  route: routeSchema.optional(),
  connections: z.array(text).min(1).optional().describe(
    "Ids of the connections whose frames the rule reads. Absent: all",
  ),
}).describe("Rule for frames that are not data");

/** Lists whose tables have names, and the key of the name. */
export const NAMED_LISTS: readonly { readonly path: readonly string[]; readonly key: "name" | "id" }[] = [
  { path: ["ws", "connections"], key: "id" },
  { path: ["rest", "requests"], key: "name" },
  { path: ["rest", "backfill"], key: "name" },
  { path: ["control"], key: "name" },
  { path: ["events"], key: "name" },
  { path: ["books"], key: "name" },
];

/** Default keys of the tables of a list. */
export const connectionDefaultsSchema = z.strictObject(optionalKeys(connectionSchema.shape, ["id"])).describe(
  "Default keys of every `[[ws.connections]]` table that does not set them itself",
);
export const subscriptionDefaultsSchema = z.strictObject(optionalKeys(subscriptionSchema.shape, [])).describe(
  "Default keys of every `[[subscriptions]]` table that does not set them itself",
);
export const instrumentDefaultsSchema = z.strictObject(optionalKeys(instrumentsSchema.shape, [])).describe(
  "Default keys of every `[[rest.instruments]]` table that does not set them itself",
);

/** `[[valid]]`. */
const validSchema = z.strictObject({
  until: text.refine((time) => timeOf(time) !== null).meta({ title: "a day or a time in UTC, 2026-06-01T08:00:00Z" })
    .describe("Time at which the exchange changed its rules, in UTC: a day, or to the second with `Z`"),
  descriptor_path: text.describe("Descriptor of the rules before that time, relative to this file"),
}).describe("Earlier rules of the exchange");

/** Parses a day or a time in UTC. In µs; null if the text is none. */
export function timeOf(time: string): number | null {
  const isTime = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?Z)?$/.test(time);
  const ms = isTime ? Date.parse(time) : NaN;
  return Number.isNaN(ms) ? null : ms * 1000;
}

/** The whole descriptor. */
export const descriptorSchema = z.strictObject({
  meta: metaSchema,
  args: argsSchema.default({}),
  connection_defaults: connectionDefaultsSchema.optional(),
  ws: z.strictObject({
    connections: z.array(connectionSchema).min(1).describe("WebSocket connections"),
  }).describe("WebSocket interface of the exchange"),
  instrument_defaults: instrumentDefaultsSchema.optional(),
  rest: restSchema.optional(),
  subscription_defaults: subscriptionDefaultsSchema.optional(),
  subscriptions: z.array(subscriptionSchema).default([]).describe("Subscriptions"),
  parse: parseSchema.optional(),
  maps: mapsSchema.prefault({}),
  functions: z.record(text, source).default({}).describe(
    "Own functions of the descriptor, as `name(a, b)` and the expression that replaces a call. A function may call " +
      "those before it",
  ),
  symbol_values: z.record(name, source).default({}).describe(
    "Name of each text and the expression that computes it from `native`, `symbol`, `base`, `quote`, `settle`, " +
      "`expiry` and `family` of an instrument; inserted as `{sym:NAME}` in generators and REST paths",
  ),
  control: z.array(controlSchema).default([]).describe(
    "Rules for frames that are not data; tried in order, before events",
  ),
  event_defaults: eventDefaultsSchema.optional(),
  events: z.array(eventSchema).default([]).describe("Rules that turn frames into events"),
  books: z.array(bookFeedSchema).default([]).describe("Book feeds that are maintained and checked"),
  valid: z.array(validSchema).default([]).describe(
    "Earlier descriptors, oldest first. Rebuilding history uses them for data received before `until`",
  ),
}).describe("Describes how to talk to an exchange");

/** A validated descriptor, defaults filled in. */
export type DescriptorValues = z.output<typeof descriptorSchema>;
/** One validated `[[ws.connections]]` table. */
export type ConnectionValues = z.output<typeof connectionSchema>;
/** The validated `[rest]` table. */
export type RestValues = z.output<typeof restSchema>;
/** One validated `[[rest.instruments]]` table. */
export type InstrumentListValues = z.output<typeof instrumentsSchema>;
/** One validated `[[rest.rankings]]` table. */
export type RankingValues = z.output<typeof rankingSchema>;
/** One validated `[[rest.requests]]` table. */
export type RestRequestValues = z.output<typeof restRequestSchema>;
/** One validated `[[rest.backfill]]` table. */
export type BackfillValues = z.output<typeof backfillSchema>;
/** One validated `[[subscriptions]]` table. */
export type SubscriptionValues = z.output<typeof subscriptionSchema>;
/** The validated `batch` table. */
export type BatchValues = z.output<typeof batchSchema>;
/** One validated change of `unsubscribe`. */
export type ReplacementValues = z.output<typeof replacementSchema>;
/** The validated `ack` table. */
export type AckValues = z.output<typeof ackSchema>;
/** The validated `route` table. */
export type RouteValues = z.output<typeof routeSchema>;
/** The validated `reject` table. */
export type RejectValues = z.output<typeof rejectSchema>;
/** The validated `[parse]` table. */
export type ParseValues = z.output<typeof parseSchema>;
/** One validated `[[control]]` table. */
export type ControlValues = z.output<typeof controlSchema>;

export type { BookFeedValues } from "./schema_book.ts";
export type { EventValues, LevelValues } from "./schema_event.ts";
export type { FieldValues, PredicateValues, TestValues } from "./schema_language.ts";
