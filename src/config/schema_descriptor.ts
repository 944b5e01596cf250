import { z } from "zod";
import { type Channel, eventSpec, FAMILIES, SENT_CHANNELS, TIME_UNITS } from "../model/mod.ts";
import { bookFeedSchema } from "./schema_book.ts";
import { eventDefaultsSchema, eventSchema } from "./schema_event.ts";
import { fieldSchema, optionalKeys, pointer, predicateSchema, rows, scalar, source, text } from "./schema_language.ts";

/**
 * What may stand in an exchange descriptor, schema 1.4: the single source of the types, of the JSON Schema and of the
 * reference tables. Every object is strict; every key says its unit and meaning.
 */

const milliseconds = z.int().min(1).max(2_147_483_647);
/** Messages and editors show the title where a text has a form of its own. */
const name = text.regex(/^[A-Za-z0-9_.-]+$/).meta({ title: "a name of letters, digits, `_`, `-` and `.`" });
const day = z.string().regex(/^\d{4}-\d\d-\d\d$/).meta({ title: "a day as YYYY-MM-DD" });
const channel = z.enum(SENT_CHANNELS);
const headers = z.record(text, z.string());
const method = z.enum(["GET", "POST"]);
/** One connection, or several that are served alike. */
const connectionIds = z.union([text, z.array(text).min(1)]);

/** `[meta]`. */
export const metaSchema = z.strictObject({
  name: text.describe("Name of the exchange"),
  version: z.literal("1.4").describe("Version of the descriptor schema"),
  docs: text.optional().describe("Address of the exchange's documentation"),
  verified: day.optional().describe("Day on which it was last checked, YYYY-MM-DD"),
  closed: day.optional().describe(
    "Day on which the exchange ceased, YYYY-MM-DD: it is for recordings since; its page says so",
  ),
  notes: z.array(text).default([]).describe(
    "What a reader should know, a sentence each; it stands on the exchange's page",
  ),
}).describe("What this descriptor is");

/** `[args]`: texts; numbers and booleans are taken as they are written. */
export const argsSchema = z.record(text, z.union([z.string(), z.number(), z.boolean()]).transform(String)).describe(
  "Parameters with their defaults, for `{arg:KEY}`; an instance's `[exchange.overrides]` may replace each",
);

/** At most `count` in any window of `per_ms`. */
const rateSchema = z.strictObject({
  count: z.int().min(1).describe("How many"),
  per_ms: milliseconds.describe("Length of the rolling window in milliseconds"),
});

const keepaliveSchema = z.strictObject({
  mode: z.enum(["ping_frame", "application", "none"]).default("ping_frame").describe(
    "`ping_frame`: WebSocket pings; `application`: sends `template`; `none`: nothing is sent",
  ),
  interval_ms: milliseconds.default(30_000).describe("Time between two keepalives in milliseconds"),
  template: text.optional().describe("What mode `application` sends; placeholders are filled each time"),
  when: z.enum(["always", "idle"]).default("always").describe(
    "`idle`: only when nothing was received for `interval_ms`",
  ),
  pong_timeout_ms: milliseconds.default(10_000).describe(
    "A keepalive that is not answered within this many milliseconds ends the session",
  ),
  interval_from: text.optional().describe(
    "Name of a `bootstrap` value in milliseconds that replaces `interval_ms`",
  ),
}).describe("How the connection is kept alive");

const bootstrapSchema = z.strictObject({
  method: method.default("GET").describe("HTTP method"),
  url: text.describe("Full address; may have placeholders"),
  body: z.string().optional().describe("Body of the request; may have placeholders"),
  headers: headers.default({}).describe("HTTP headers"),
  values: z.record(text, source).describe(
    "Name of a value and where the reply holds it; used as `{boot:NAME}` in URLs. All have to be found",
  ),
}).describe("A call made before each connect, for a token or an address");

const limitsSchema = z.strictObject({
  items: z.int().min(1).optional().describe("Most subscribed items on one connection; more open further connections"),
  sends: rateSchema.optional().describe("Most frames sent on one connection in a rolling window, pings included"),
  opens: rateSchema.optional().describe("Most connection attempts to one host in a rolling window"),
  sockets: z.int().min(1).optional().describe(
    "Most sockets that one address may have open to one host, of all instances of the process",
  ),
}).describe("Limits that the exchange sets");

const proxyMeaning =
  "HTTP proxy that it is reached through, `http://user:password@host:port`; placeholders of the environment allowed. Empty " +
  "or absent: directly";

/** `[[ws.connections]]`. */
export const connectionSchema = z.strictObject({
  id: name.describe("Unique name of the connection"),
  urls: z.array(text).min(1).describe(
    "First is primary, the rest are tried in turn when it fails; placeholders allowed",
  ),
  read_timeout_ms: milliseconds.default(30_000).describe(
    "Silence of data, pings and pongs alike after which the session is ended, in milliseconds",
  ),
  tls: z.strictObject({
    enabled: z.boolean().default(true).describe("Whether TLS is used for `wss` addresses"),
    ca_cert_path: text.optional().describe("PEM file with further certificate authorities"),
  }).prefault({}).describe("Transport security"),
  keepalive: keepaliveSchema.prefault({}),
  families: z.array(z.enum(FAMILIES)).min(1).optional().describe(
    "Market families this connection serves: of the instance's symbols only these. Absent: all",
  ),
  settles: z.array(text).min(1).optional().describe(
    "Settlement currencies of the contracts that it serves; of spot the quote currency counts. Absent: all",
  ),
  dated: z.boolean().optional().describe(
    "`true`: it serves only what expires; `false`: only what does not. Absent: both",
  ),
  decode: z.enum(["text", "gzip", "deflate_raw", "auto"]).default("text").describe(
    "How frames are decoded; `auto` tells gzip, zlib and text apart by their first bytes",
  ),
  per_symbol: z.boolean().default(false).transform((value): true | undefined => value || undefined).describe(
    "A socket for each symbol: `urls` and `hello` may hold `{symbol}`, and frames find it as `route.symbol`",
  ),
  layout: z.enum(["document", "prefixed", "several", "bare"]).default("document").describe(
    "What the text of a frame is. `document`: one JSON document; `prefixed`: digits and a document, read as the list " +
      "`[digits, document]`, null where nothing is behind them; `several`: documents one behind the other, read as a list; `bare`: " +
      "what other connections send as `data` of an envelope, read as `{ data: frame }`",
  ),
  headers: headers.default({}).describe("Headers of the upgrade request"),
  subprotocols: z.array(text).min(1).optional().describe(
    "Subprotocols that the upgrade request offers; the exchange has to choose one of them",
  ),
  proxy: z.string().optional().describe(proxyMeaning),
  compression: z.boolean().default(false).describe("Whether permessage-deflate is offered"),
  connect_delay_ms: z.int().min(0).max(2_147_483_647).default(0).describe(
    "Time to wait after the connection opened before anything is sent, in milliseconds",
  ),
  welcome: predicateSchema.optional().describe("Wait for a frame that matches before anything is sent"),
  welcome_timeout_ms: milliseconds.default(10_000).describe("How long to wait for the welcome, in milliseconds"),
  hello: z.array(text).default([]).describe("Frames sent before the subscriptions; placeholders allowed"),
  bootstrap: bootstrapSchema.optional(),
  max_age_ms: milliseconds.optional().describe(
    "Age in milliseconds at which the connection is replaced by a fresh one",
  ),
  first_data_timeout_ms: milliseconds.default(30_000).describe(
    "A stream has to show data within this many milliseconds of being asked for",
  ),
  quiet_channels: z.array(channel).default(["liquidations"]).describe(
    "Channels that may be silent for long: `first_data_timeout_ms` and a fixed `stall_after_ms` do not apply",
  ),
  stall_after_ms: z.number().int().min(0).max(2_147_483_647).optional().describe(
    "Silence in milliseconds after which a stream that had data is taken as stopped; 0: never. Absent: each stream learns it from its own gaps",
  ),
  limits: limitsSchema.prefault({}),
}).describe("One WebSocket connection");

/** Channels whose events an exchange's history can give again. */
const BACKFILLED_CHANNELS = ["trades", "candles", "funding"] as const;

const rateLimitSchema = z.strictObject({
  requests_per_minute: z.number().positive().optional().describe("Most requests in a rolling minute"),
  token_bucket: z.strictObject({
    capacity: z.number().min(1).describe("Most tokens; one request takes one"),
    refill_per_second: z.number().positive().describe("Tokens that come back each second"),
  }).optional().describe("Token bucket instead"),
}).describe("Limit of REST requests: `requests_per_minute` or `token_bucket`");

const ownBaseUrls = z.array(text).min(1).optional().describe(
  "Where this is asked instead of at `rest.base_urls`; the rate limit holds for each host",
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
    "Path behind a base URL, or a list of them: so many lists of instruments that are read alike",
  ),
  base_urls: ownBaseUrls,
  method: method.default("GET").describe("HTTP method"),
  body: z.string().optional().describe("Body of the request"),
  rows: rows.default("").describe("Fan-out pointer to the instruments; the whole answer by default"),
  where: predicateSchema.optional().describe("Predicate on each row; rows that fail are left out"),
  next: z.strictObject({
    at: source.describe("Where an answer names the page behind it; the list ends where there is none"),
    parameter: text.describe("Query parameter by which that page is asked for"),
  }).optional().describe("How the further pages of the list are asked for"),
  native: source.describe("Native spelling of the symbol"),
  canonical: source.describe("Canonical spelling; rows without one are left out"),
  fields: z.strictObject(instrumentFields).default({}).describe(
    "Where a row says more of the instrument, for `instrument` events. What is not named follows from the canonical " +
      "spelling where it can (`type`, `base`, `quote`, `settle`, `strike_price`, `option_type`; `contract_size` of spot is " +
      "1, and `contract_unit` is the base currency, of an inverse contract the quote currency)",
  ),
  values: z.record(name, source).default({}).describe(
    "Name of a text and where a row has it: `{sym:NAME}` in generators, paths and bodies, and `listed(symbol, 'NAME')` in " +
      "rules. While the list is not known the argument of that name stands in for it, where the descriptor has one",
  ),
}).describe("A list of instruments that completes the symbol map");

/** `[[rest.rankings]]`. */
export const rankingSchema = z.strictObject({
  path: text.describe("Path behind a base URL"),
  base_urls: ownBaseUrls,
  method: method.default("GET").describe("HTTP method"),
  body: z.string().optional().describe("Body of the request"),
  rows: rows.default("").describe("Fan-out pointer to the instruments; the whole answer by default"),
  where: predicateSchema.optional().describe("Predicate on each row; rows that fail are left out"),
  native: source.describe("Native spelling of the symbol, as the instrument list has it"),
  families: z.array(z.enum(FAMILIES)).min(1).optional().describe("Families of the instruments it is of. Absent: all"),
  values: z.record(name, source).describe(
    'Name of a measure and where a row has it, for `symbols = ["top:50 by NAME"]`: `quote_volume` is the volume of a day ' +
      "in quote currency",
  ),
}).describe("A list that measures instruments");

/** `[[rest.requests]]`. */
export const restRequestSchema = z.strictObject({
  name: name.describe("Unique name; event rules with `source = NAME` read the answers"),
  channel: channel.describe("Channel on whose behalf it is asked"),
  connection_id: connectionIds.describe("Connection on whose behalf it is asked, or a list of them"),
  base_urls: ownBaseUrls,
  path: text.describe(
    "Path behind a base URL; with `{symbol}`, `{base}`, `{sym:NAME}` … one request for each instrument, with `{conn_id}` the connection's id",
  ),
  method: method.default("GET").describe("HTTP method"),
  body: z.string().optional().describe(
    "Body of the request, for POST; `{symbol}` and the other placeholders of `path` allowed",
  ),
  every_ms: z.int().min(0).max(2_147_483_647).optional().transform((ms) => ms === 0 ? undefined : ms).describe(
    "Interval of polling in milliseconds. Absent or 0: once a session, after the stream was acknowledged",
  ),
  native: source.optional().describe(
    "Native symbol of an answer in a recording, made of its address as `path` (a list of its parts) and `query` (by name), " +
      "where the path does not hold `{symbol}`",
  ),
  recorded: z.boolean().default(false).describe("Is never asked for: it names answers that recordings hold"),
  event: z.record(text, z.unknown()).optional().describe(
    "The rule that reads the answers, with the keys of `[[events]]`: it has the request's name, and without `kind` the one of " +
      "its channel",
  ),
}).describe("A REST request whose answers become events");

/** `[[rest.backfill]]`. */
export const backfillSchema = z.strictObject({
  name: name.describe("Unique name; event rules with `source = NAME` read the answers"),
  channel: z.enum(BACKFILLED_CHANNELS).describe("Channel whose missing events it fetches"),
  connection_id: connectionIds.describe("Connection whose streams it fills, or a list of them"),
  if_arg: z.record(name, text).optional().describe("The table holds only where these arguments have these values"),
  base_urls: ownBaseUrls,
  method: method.default("GET").describe("HTTP method"),
  path: text.describe(
    "Path behind a base URL, with `{symbol}` and the stretch: `{from_id}` `{to_id}` are the ids of the last event known " +
      "before and the first one behind, `{from_ms}` `{to_ms}` their times (`_s` `_us` `_ns` `_iso` too), `{day}` the day " +
      "of the older end, `{yyyymmdd}` the same without hyphens, `{page}` and `{offset}` what was fetched so far",
  ),
  first_path: text.optional().describe(
    "Path of the first page where `path` names an id and none is known, as where history is asked for on demand: by the " +
      "times of the stretch, or the newest page",
  ),
  body: z.string().optional().describe("Body of the request, with the same placeholders"),
  direction: z.enum(["forward", "backward", "latest"]).describe(
    "`forward`: pages follow from the older end on; `backward`: from the newer end; `latest`: one page of the newest " +
      "events, however many are missing",
  ),
  page: z.int().min(1).optional().describe(
    "Most rows of a page: one with fewer is the last. Absent: only a page without rows is",
  ),
  exclusive: z.boolean().default(false).describe(
    "Whether a page does not hold the event whose id it is asked with",
  ),
  window_ms: z.int().min(1000).optional().describe("Longest stretch that one request may ask for"),
  retention_ms: z.int().min(1000).optional().describe("How far back the exchange keeps such events. Absent: unknown"),
  event: z.record(text, z.unknown()).optional().describe(
    "The rule that reads the answers, with the keys of `[[events]]`: it has the request's name, and without `kind` the one of " +
      "its channel",
  ),
}).describe("How events that a stream has missed are fetched");

/** `[rest]`. */
export const restSchema = z.strictObject({
  base_urls: z.array(text).min(1).describe("First is primary, the rest are tried when it fails"),
  headers: headers.default({}).describe("HTTP headers of every request"),
  proxy: z.string().optional().describe(proxyMeaning),
  rate_limit: rateLimitSchema.optional(),
  instruments: z.array(instrumentsSchema).default([]).describe("Instrument lists; several are merged"),
  rankings: z.array(rankingSchema).default([]).describe(
    "Lists that measure instruments, asked for where symbols are selected by `top:N by …`",
  ),
  requests: z.array(restRequestSchema).default([]).describe("Requests whose answers become events"),
  backfill: z.array(backfillSchema).default([]).describe("Requests that fetch what streams have missed"),
}).describe("HTTP interface of the exchange");

/** How consecutive emitted frames are merged. */
export const batchSchema = z.strictObject({
  at: pointer.describe("Pointer to the array, or the text, in which emitted frames may differ"),
  max_items: z.int().min(1).optional().describe("Most items in one frame"),
  max_bytes: z.int().min(1).optional().describe("Most bytes in one frame"),
  separator: text.optional().describe("Set where `at` is a text: items are joined by it"),
  keep_first: z.int().min(1).optional().describe(
    "How many elements at the array's begin are the message's own: they stand once, and are no items",
  ),
}).describe("Merges consecutive frames that differ only in one array");

/** What a frame makes its session remember. */
const routeSchema = z.strictObject({
  key: source.describe("Where this frame holds the key that later frames carry at `parse.route_key`"),
  set: z.record(name, source).optional().describe(
    "Name of a text and where this frame holds it; later frames with the key read it as `route.NAME`",
  ),
  forget: z.literal(true).optional().describe("The key means nothing any more, instead of `set`"),
}).describe("What the session remembers of the frame for later frames");

const matcher = {
  field: pointer.optional().describe("Pointer to the value that tells the frame; with `value`"),
  value: scalar.optional().describe("Value that `field` has to have, compared as text"),
  when: predicateSchema.optional().describe("Predicate that tells the frame, instead of `field` and `value`"),
  correlation_pointer: source.optional().describe("Where the frame names the request that it answers"),
  rows: rows.optional().describe("Fan-out pointer where one frame names several items"),
  where: predicateSchema.optional().describe(
    "Predicate on each row, or on the frame without `rows`; a frame none of whose rows matches is no such answer",
  ),
  echo: z.array(source).min(1).optional().describe("What the frame echoes of an item, read off the frame or each row"),
  route: routeSchema.optional(),
};

/** `ack`. */
export const ackSchema = z.strictObject({
  ...matcher,
  mode: z.literal("none").optional().describe("There are no acknowledgements: the first data confirms"),
  accepted: rows.optional().describe(
    "Fan-out pointer to what the frame lists as accepted: items of its request that it does not list are rejected",
  ),
  rejected: rows.optional().describe("Fan-out pointer to what the frame lists as not accepted"),
  item: z.array(source).min(1).optional().describe(
    "The same values read off each batched item, or the whole message without `batch`",
  ),
  timeout_ms: milliseconds.default(5000).describe("How long to wait for an acknowledgement, in milliseconds"),
}).describe("How a subscription is acknowledged. Absent: the first data confirms");

/** `reject`. */
export const rejectSchema = z.strictObject({
  ...matcher,
  reason: source.optional().describe("Where the frame says why"),
  final: predicateSchema.optional().describe(
    "Tells rejections that asking again cannot mend; others are asked for again, ever more slowly, and given up in the end",
  ),
}).describe("How a subscription is rejected");

/** How a subscribe message becomes the one that takes it back. */
const replacementSchema = z.strictObject({
  at: pointer.describe("Pointer to the value, or the member, that differs"),
  value: scalar.optional().describe("What stands there instead; `{value}` in a text is the one replaced"),
  key: text.optional().describe("What the member is called instead"),
});

/** `[[subscriptions]]`. */
export const subscriptionSchema = z.strictObject({
  connection_id: connectionIds.describe("Connection on which it is sent, or a list: the same program for each of them"),
  generator: text.describe("Generator program that emits the subscribe messages"),
  batch: z.union([batchSchema, z.array(batchSchema).min(1)]).optional().describe(
    "Merges consecutive frames that differ only in one array. A list: steps, each on what the one before gave",
  ),
  replaces: z.boolean().default(false).describe(
    "Each request replaces the one before: one message holds everything, and is sent whole again",
  ),
  unsubscribe: z.union([z.literal("none"), replacementSchema, z.array(replacementSchema).min(1)]).optional().describe(
    "How an item's own message takes it back: what is replaced in it. `none`: asking again gives a stream anew",
  ),
  ack: ackSchema.prefault({}),
  reject: rejectSchema.optional(),
}).describe("What is subscribed to on a connection");

/** `[parse]`. */
export const parseSchema = z.strictObject({
  channel: pointer.optional().describe("Pointer to the native channel. Required without `[[events]]`"),
  symbol: pointer.optional().describe("Pointer to the native symbol. Required without `[[events]]`"),
  server_time: pointer.optional().describe("Pointer to the exchange's time, in `time_unit`"),
  sequence: pointer.optional().describe("Pointer to the sequence number"),
  message_id: pointer.optional().describe("Pointer to the message id"),
  socket_sequence: source.optional().describe(
    "Counter over all frames of a session, one up each time; a jump is a gap of all its streams and reconnects",
  ),
  trade_ids: z.enum(["consecutive", "rising"]).optional().describe(
    "What ids of trades say: `consecutive`, one up each time for each instrument, so that a jump is a gap; `rising`, later " +
      "ones are larger. Absent: nothing",
  ),
  route_key: source.optional().describe("Where data frames carry the key of what a `route` remembered"),
  time_unit: z.enum(TIME_UNITS).default("ms").describe("Unit of every time in the descriptor that names none"),
  expr: z.strictObject({
    enabled: z.boolean().default(true).describe("Whether the expressions are used"),
    expressions: z.array(text).default([]).describe("Lines `target = expression`; fill what a pointer did not find"),
    max_expression_length: z.int().min(1).max(4096).default(4096).describe("Longest expression in bytes"),
  }).optional().describe("Expressions beside the pointers"),
}).describe("Where every frame holds channel, symbol, time, sequence and id");

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
    "Native names of channels; `{arg:KEY}` allowed. A channel that it lacks is not offered",
  ),
}).describe("Translation of symbols and channels");

/** `[[control]]`. */
export const controlSchema = z.strictObject({
  name: text.describe("Unique name, for reports"),
  text: text.optional().describe("The whole frame, for frames that are not JSON"),
  when: predicateSchema.optional().describe("Predicate on the frame, instead of `text`"),
  action: z.enum(["ignore", "pong", "welcome", "reply", "reconnect", "history"]).default("ignore").describe(
    "What the session does: `pong` answers our keepalive, `welcome` lets us send, `reply` answers by `reply`, " +
      "`reconnect` replaces the connection, `history` is data from before the subscription",
  ),
  capture: z.union([source, z.record(name, source)]).optional().describe(
    "What is read off the frame for `{capture}` in `reply`; a table of several names each for `{capture:NAME}`",
  ),
  reply: text.optional().describe("What is sent back; placeholders allowed"),
  reason: source.optional().describe("Where the frame says why"),
  route: routeSchema.optional(),
  connections: z.array(text).min(1).optional().describe("Connections on which it applies. Absent: all"),
}).describe("A frame that is not data");

/** Lists whose tables have names, and the key of the name. */
export const NAMED_LISTS: readonly { readonly path: readonly string[]; readonly key: "name" | "id" }[] = [
  { path: ["ws", "connections"], key: "id" },
  { path: ["rest", "requests"], key: "name" },
  { path: ["rest", "backfill"], key: "name" },
  { path: ["control"], key: "name" },
  { path: ["events"], key: "name" },
  { path: ["books"], key: "name" },
];

/** Tables of keys for every table of a list that does not name them itself. */
export const connectionDefaultsSchema = z.strictObject(optionalKeys(connectionSchema.shape, ["id"])).describe(
  "Keys for every table of `[[ws.connections]]` that does not name them itself",
);
export const subscriptionDefaultsSchema = z.strictObject(optionalKeys(subscriptionSchema.shape, [])).describe(
  "Keys for every table of `[[subscriptions]]` that does not name them itself",
);
export const instrumentDefaultsSchema = z.strictObject(optionalKeys(instrumentsSchema.shape, [])).describe(
  "Keys for every table of `[[rest.instruments]]` that does not name them itself",
);

/** `[[valid]]`. */
const validSchema = z.strictObject({
  until: text.refine((time) => timeOf(time) !== null).meta({ title: "a day or a time in UTC, 2026-06-01T08:00:00Z" })
    .describe("Time at which the exchange changed its rules, in UTC: a day, or to the second with `Z`"),
  descriptor_path: text.describe("Descriptor of the rules before, relative to this file"),
}).describe("Rules that an exchange had");

/** Reads a day or a time in UTC; in µs; null where it is none. */
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
    "Functions of the descriptor's own, as `name(a, b)` and the expression that a call stands for. They may call those " +
      "before them",
  ),
  symbol_values: z.record(name, source).default({}).describe(
    "Name of a text and the expression that gives it for an instrument, of `native`, `symbol`, `base`, `quote`, `settle`, " +
      "`expiry` and `family`; used as `{sym:NAME}` in generators and REST paths",
  ),
  control: z.array(controlSchema).default([]).describe("Frames that are not data; tried in order, before events"),
  event_defaults: eventDefaultsSchema.optional(),
  events: z.array(eventSchema).default([]).describe("Rules that turn frames into events"),
  books: z.array(bookFeedSchema).default([]).describe("Book feeds that are kept and checked"),
  valid: z.array(validSchema).default([]).describe(
    "Earlier descriptors, the oldest first: what was received before `until` is derived by them when history is rebuilt",
  ),
}).describe("How to talk to an exchange");

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
/** What is replaced in a subscribe message that takes it back. */
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
