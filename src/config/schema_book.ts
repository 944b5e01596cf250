import { z } from "zod";
import { fieldSchema, scalar, text } from "./schema_language.ts";

/** The `[[books]]` tables of a descriptor: how each book feed is kept and checked. */

const milliseconds = z.int().min(1).max(2_147_483_647);

const bridgeSchema = z.strictObject({
  drop: z.enum(["<", "<="]).default("<=").describe(
    "Buffered deltas whose last sequence is below S (`<`), or below or at it (`<=`), are older than the snapshot",
  ),
  first: z.enum(["S", "S+1"]).default("S+1").describe(
    "The first delta kept has to begin at or before this number and end at or after it",
  ),
  exact: z.boolean().default(false).describe(
    "The first delta kept has to begin right at that number, not before it, or where it names its previous one, that one " +
      "has to be S",
  ),
  or_previous: z.boolean().default(false).describe("A first delta whose previous sequence is S fits too"),
}).describe(
  "How a snapshot from elsewhere is joined with buffered deltas; S is its sequence. For kind `periodic`: its snapshots may " +
    "be older than deltas that came before them, which then apply again",
);

const separatorsSchema = z.strictObject({
  number: z.string().describe("Between price and size"),
  level: z.string().describe("Between levels of one side"),
  side: z.string().describe("Between a level of one side and the next one, of the other"),
});

const checksumSchema = z.strictObject({
  at: fieldSchema.optional().describe(
    "Where a row of the book rules carries it. Absent: in frames of their own, which a rule of kind `checksum` reads",
  ),
  depth: z.int().min(1).max(1000).describe("Best levels of each side that it covers"),
  order: z.enum(["asks_bids", "bids_asks", "interleaved"]).describe(
    "Order of the levels; `interleaved`: bid, ask, bid, ask, and the longer side goes on alone",
  ),
  separator: z.union([z.string(), separatorsSchema]).default("").describe(
    "What stands between any two numbers; a table where it is not the same everywhere",
  ),
  numbers: z.enum(["as_received", "padded", "shortest"]).default("as_received").describe(
    "`padded`: with the decimals of the instrument, without point and leading zeros; `shortest`: as JavaScript prints it",
  ),
  price_digits: z.int().min(0).max(32).optional().describe(
    "Decimals of padded prices. Absent: those that the first checksum proves",
  ),
  size_digits: z.int().min(0).max(32).optional().describe("Decimals of padded sizes. Absent: as for prices"),
  negative_asks: z.boolean().default(false).describe("Sizes of asks have a minus sign"),
  signed: z.boolean().default(false).describe("The CRC32 is a signed 32-bit integer"),
  absent: z.array(scalar).default([]).describe("Values that mean that there is none"),
}).describe("A CRC32 over the best levels");

/** `[[books]]`. */
export const bookFeedSchema = z.strictObject({
  name: text.default("book").describe("Unique name, for reports"),
  rules: z.array(text).min(1).optional().describe(
    "Names of the event rules of kind `book` and `checksum` that feed it. Absent: all of them",
  ),
  kind: z.enum(["snapshots", "pushed", "rest", "requested", "periodic"]).describe(
    "`snapshots`: every frame is whole; `pushed`: a snapshot on the socket, then deltas; `rest`: deltas are buffered until " +
      "the answer of `snapshot_request`; `requested`: the same with `request` on the socket; `periodic`: snapshots from " +
      "time to time over deltas that may be lost",
  ),
  snapshot_request: text.optional().describe("Name of the REST request that gives snapshots, for kind `rest`"),
  request: text.optional().describe("What asks for a snapshot on the socket, for kind `requested`; `{symbol}` allowed"),
  sequence: z.enum(["next", "previous", "overlap", "rising", "time", "none"]).default("none").describe(
    "What follows what. `next`: first is last + 1; `previous`: previous is last; `overlap`: first is last; `rising`: last " +
      "grows; `time`: `exchange_ts` grows",
  ),
  integrity: z.literal("none").optional().describe(
    "`none`: the exchange sends nothing that a lost delta shows by; said where `validate` warns that nothing proves the " +
      "book. Absent: numbers, a checksum, a counter of the connection or whole snapshots prove it",
  ),
  bridge: bridgeSchema.optional(),
  resets: z.literal("lower").optional().describe(
    "`lower`: a delta that names the last one as its previous may have a lower number than it",
  ),
  depth: z.union([z.int().min(1), text]).optional().describe(
    "Levels a side that are kept after each update, where the exchange does not delete leaving ones; `{arg:KEY}` allowed",
  ),
  checksum: checksumSchema.optional(),
  crossed: z.enum(["resync", "keep"]).default("resync").describe(
    "What a best bid at or above the best ask means; `keep` where auctions show such books",
  ),
  resync: z.enum(["resubscribe", "rest", "request", "reconnect", "wait"]).optional().describe(
    "What makes a broken book whole; `wait`: the next snapshot, which comes by itself. Default: `rest`, `request` and " +
      "(periodic) `wait` by kind, else `resubscribe`",
  ),
  budget: z.strictObject({
    count: z.int().min(1).describe("How many"),
    per_ms: milliseconds.describe("Length of the rolling window in milliseconds"),
  }).default({ count: 3, per_ms: 60_000 }).describe("Most resyncs of one book in a rolling window; more wait"),
}).describe("A book feed that is kept and checked; feeds of no such table leave unchecked");

/** One validated `[[books]]` table. */
export type BookFeedValues = z.output<typeof bookFeedSchema>;
