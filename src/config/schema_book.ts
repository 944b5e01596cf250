import { z } from "zod";
import { fieldSchema, scalar, text } from "./schema_language.ts";

/** The `[[books]]` tables of a descriptor: how each book feed is maintained and checked. */

const milliseconds = z.int().min(1).max(2_147_483_647);

const bridgeSchema = z.strictObject({
  drop: z.enum(["<", "<="]).default("<=").describe(
    "Drops buffered deltas older than the snapshot: those whose last sequence is below S (`<`), or at or below S " +
      "(`<=`)",
  ),
  first: z.enum(["S", "S+1"]).default("S+1").describe(
    "The first delta kept must begin at or before this number and end at or after it",
  ),
  exact: z.boolean().default(false).describe(
    "The first delta kept must begin exactly at that number. If deltas name their previous sequence, it must be S",
  ),
  or_previous: z.boolean().default(false).describe("Also accepts a first delta whose previous sequence is S"),
}).describe(
  "Joins a snapshot from elsewhere with buffered deltas; S is the snapshot's sequence. For kind `periodic`: " +
    "snapshots may be older than deltas received before them, and those deltas are applied again",
);

const separatorsSchema = z.strictObject({
  number: z.string().describe("Text between price and size"),
  level: z.string().describe("Text between levels of one side"),
  side: z.string().describe("Text between a level of one side and the next level, of the other side"),
});

const checksumSchema = z.strictObject({
  at: fieldSchema.optional().describe(
    "Where a row of the book rules holds the checksum. Absent: a rule of kind `checksum` reads it from frames of its " +
      "own",
  ),
  depth: z.int().min(1).max(1000).describe("Number of best levels on each side that the checksum covers"),
  order: z.enum(["asks_bids", "bids_asks", "interleaved"]).describe(
    "Order of the levels. `interleaved`: bid, ask, bid, ask …, then the rest of the longer side",
  ),
  separator: z.union([z.string(), separatorsSchema]).default("").describe(
    "Text between any two numbers; a table if it differs by position",
  ),
  numbers: z.enum(["as_received", "padded", "shortest"]).default("as_received").describe(
    "How numbers are written. `padded`: with the instrument's decimals, without point and leading zeros; `shortest`: " +
      "as JavaScript prints them",
  ),
  price_digits: z.int().min(0).max(32).optional().describe(
    "Decimals of padded prices. Absent: found by the first checksum that matches",
  ),
  size_digits: z.int().min(0).max(32).optional().describe(
    "Decimals of padded sizes. Absent: found like those of prices",
  ),
  negative_asks: z.boolean().default(false).describe("Sizes of asks carry a minus sign"),
  signed: z.boolean().default(false).describe("The CRC32 is a signed 32-bit integer"),
  absent: z.array(scalar).default([]).describe('Values that mean "no checksum"'),
}).describe("CRC32 over the best levels");

/** `[[books]]`. */
export const bookFeedSchema = z.strictObject({
  name: text.default("book").describe("Unique name, shown in reports"),
  rules: z.array(text).min(1).optional().describe(
    "Names of the event rules of kind `book` and `checksum` that feed the book. Absent: all of them",
  ),
  kind: z.enum(["snapshots", "pushed", "rest", "requested", "periodic"]).describe(
    "How the book is built. `snapshots`: every frame is a snapshot; `pushed`: a snapshot on the socket, then deltas; " +
      "`rest`: buffers deltas until `snapshot_request` is answered; `requested`: the same, with `request` sent on the " +
      "socket; `periodic`: recurring snapshots over deltas that may get lost",
  ),
  snapshot_request: text.optional().describe("Name of the REST request that fetches snapshots, for kind `rest`"),
  request: text.optional().describe(
    "Message that requests a snapshot on the socket, for kind `requested`; may contain `{symbol}`",
  ),
  sequence: z.enum(["next", "previous", "overlap", "rising", "time", "none"]).default("none").describe(
    "How sequences of deltas follow each other. `next`: first is last + 1; `previous`: previous is last; `overlap`: " +
      "first is last; `rising`: last grows; `time`: `exchange_ts` grows; `none`: unchecked",
  ),
  integrity: z.literal("none").optional().describe(
    "`none`: the exchange sends nothing that reveals a lost delta; silences the warning of `validate`. Absent: " +
      "sequences, a checksum, a counter of the connection or snapshots prove the book",
  ),
  bridge: bridgeSchema.optional(),
  resets: z.literal("lower").optional().describe(
    "`lower`: accepts a delta whose sequence is lower than that of its named predecessor",
  ),
  depth: z.union([z.int().min(1), text]).optional().describe(
    "Levels per side kept after each update, for exchanges that do not delete levels leaving the depth; `{arg:KEY}` " +
      "allowed. Absent: all",
  ),
  checksum: checksumSchema.optional(),
  crossed: z.enum(["resync", "keep"]).default("resync").describe(
    "What a best bid at or above the best ask triggers. `keep`: nothing, for auctions that show such books",
  ),
  resync: z.enum(["resubscribe", "rest", "request", "reconnect", "wait"]).optional().describe(
    "How a broken book is recovered. `wait`: by the next snapshot, which comes by itself. Default: `rest` and " +
      "`request` by kind, `wait` for kind `periodic`, else `resubscribe`",
  ),
  budget: z.strictObject({
    count: z.int().min(1).describe("Number of resyncs"),
    per_ms: milliseconds.describe("Length of the rolling window in milliseconds"),
  }).default({ count: 3, per_ms: 60_000 }).describe("Most resyncs of one book in a rolling window; further ones wait"),
}).describe("Book feed that is maintained and checked. Feeds without such a table are emitted unchecked");

/** One validated `[[books]]` table. */
export type BookFeedValues = z.output<typeof bookFeedSchema>;
