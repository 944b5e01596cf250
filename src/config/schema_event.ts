import { z } from "zod";
import {
  EVENT_KINDS,
  EVENT_SPECS,
  type EventKind,
  eventSpec,
  fieldsOf,
  type FieldSpec,
  isRowKind,
  type RowKind,
  SENT_CHANNELS,
} from "../model/mod.ts";
import { fieldSchema, type FieldValues, optionalKeys, predicateSchema, rows, source, text } from "./schema_language.ts";

/** The `[[events]]` rules of a descriptor, told apart by `kind`. */

const field = fieldSchema.optional();

/** Kinds that a rule of kind `book` emits. */
const BOOK_KINDS = EVENT_KINDS.filter((kind) => EVENT_SPECS[kind].rule === "book");

const common = {
  name: text.optional().describe(
    "Unique name, shown in reports. Default: `kind`; further rules of a kind get `#2`, `#3` … behind it",
  ),
  channel: z.enum(SENT_CHANNELS).optional().describe(
    "Channel whose subscription brings the events. Default: chosen by `kind`",
  ),
  source: z.union([text, z.array(text).min(1)]).transform((one) => typeof one === "string" ? one : one[0]).default("ws")
    .describe(
      "`ws`, or the name of a REST request whose answers the rule reads. A list makes one rule for each source, named " +
        "after it",
    ),
  connections: z.array(text).min(1).optional().describe(
    "Ids of the connections whose frames the rule reads. Absent: all",
  ),
  like: text.optional().describe(
    "Name of an earlier rule to copy keys from: every key that this rule lacks and its `kind` allows. Absent: copies " +
      "nothing",
  ),
  when: predicateSchema.optional().describe(
    "Predicate on the whole frame; skips frames that fail. Absent: reads every frame",
  ),
  unwrap: z.strictObject({
    at: source.describe("Where the frame holds the encoded text"),
    encoding: z.enum(["json", "base64_gzip", "base64_deflate_raw"]).describe("Encoding of the text"),
  }).optional().describe(
    "Decodes a text of the frame and reads the rows from its content; `root` remains the frame. Absent: reads the " +
      "frame itself",
  ),
  rows: rows.default("").describe("Fan-out pointer to the rows. Default: the frame is the only row"),
  where: predicateSchema.optional().describe("Predicate on each row; skips rows that fail. Absent: reads every row"),
  symbol: field.describe(
    "Native symbol, relative to the row. Required, except for a REST request with `{symbol}`: its rows have the " +
      "requested symbol",
  ),
  fields: z.record(z.string(), z.unknown()).optional().describe(
    "Further keys of this rule, as one inline table",
  ),
  exchange_ts: field.describe("Exchange time of the event"),
  absent: z.array(z.string()).min(1).optional().describe(
    'Texts that mean "no value", for every optional field of the kind without an `absent` of its own',
  ),
  symbols: z.literal("asked").optional().describe(
    "`asked`: skips rows of symbols that the instance does not collect, for feeds of many instruments. Replay keeps " +
      "every symbol. Absent: keeps all",
  ),
  skip_first_frame: z.boolean().default(false).describe(
    "Skips the first matching frame of each stream and session, for feeds that begin by repeating earlier data",
  ),
};

/** Keys of kinds whose rows may carry only changed fields. */
const merging = {
  merge: z.boolean().default(false).describe(
    "Fills fields that a row lacks with the last values of the same rule, session and symbol",
  ),
  merge_start: predicateSchema.optional().describe(
    "Matches snapshot rows. A snapshot replaces the merged state; rows before the first snapshot are skipped. " +
      "Absent: the stream has no snapshots",
  ),
  state: text.optional().describe(
    "Name of a state that several rules of one kind share for each symbol. Fills fields that this rule does not name " +
      "with the last values from that state. Absent: shares nothing",
  ),
  state_of: source.optional().describe(
    "Second key of the shared `state` beside the symbol, such as an index. Fills fields that are still missing with " +
      "the last values stored under that key. Absent: none",
  ),
  emit: z.enum(["always", "changed", "never"]).optional().describe(
    "Which rows become events. `always`: every row; `changed`: suppresses an event that equals the last one of its " +
      "symbol; `never`: none, rows only update `state`. Absent: `always`",
  ),
};

const levelSchema = z.strictObject({
  price: source.default("/0").describe("Price, relative to the level"),
  size: source.default("/1").describe("Size, relative to the level"),
  id: source.optional().describe(
    "Id of the level. A change without a price applies to the price last seen with the id. Absent: levels have no ids",
  ),
  orders: z.boolean().default(false).describe(
    "Each id is a single order: a row replaces the order's price and size, and a level sums its orders",
  ),
  change: source.optional().describe("With `orders`: amount to add to the order's size in rows without `size`"),
  stride: z.int().min(2).max(16).optional().describe(
    "Values per level, for levels in one flat list; `/0` is the first value of a level. Absent: each level is a list " +
      "or an object",
  ),
});

/** Builds the key of a field. A side is optional: without one the event has the side `unknown`. */
function fieldKey({ type, nullable, meaning }: FieldSpec): z.ZodType<FieldValues | undefined> {
  return (nullable || type === "side" ? field : fieldSchema).describe(meaning);
}

/** Builds the keys of the kinds' fields. Their names are untyped, because the plan reads them by name. */
function fieldKeys(...kinds: readonly EventKind[]): Readonly<Record<never, z.ZodType>> {
  const fields = kinds.flatMap(fieldsOf).filter(([, { type }]) => type !== "levels");
  return Object.fromEntries(fields.map(([name, spec]) => [name, fieldKey(spec)]));
}

/** Builds the schema of a kind whose rows are complete. */
function rowSchema(kind: RowKind) {
  return z.strictObject({ kind: z.literal(kind).describe(eventSpec(kind).meaning), ...common, ...fieldKeys(kind) });
}

/** Builds the schema of a kind whose rows may be partial. */
function mergingSchema(kind: RowKind) {
  const kindKey = z.literal(kind).describe(eventSpec(kind).meaning);
  return z.strictObject({ kind: kindKey, ...common, ...merging, ...fieldKeys(kind) });
}

const bookSchema = z.strictObject({
  kind: z.literal("book").describe("A book snapshot or delta"),
  integrity: z.literal("none").optional().describe(
    "`none`: no `[[books]]` table maintains this book, on purpose; emits its updates unchecked",
  ),
  ...common,
  snapshot: z.union([z.boolean(), predicateSchema]).default(false).describe(
    "Whether a row is a snapshot: `true`, `false`, or a predicate on the row",
  ),
  bids: rows.optional().describe("Fan-out pointer to the bid levels, relative to the row"),
  asks: rows.optional().describe("Fan-out pointer to the ask levels, relative to the row"),
  levels: z.union([rows, z.array(rows).min(1)]).optional().describe(
    "Fan-out pointer to levels of both sides, instead of `bids` and `asks`. With `orders` it may be a list of " +
      "pointers",
  ),
  side: field.describe("Side of a level in `levels`, relative to the level: `bid` or `ask`"),
  level: levelSchema.optional().describe("Where a level of either side holds price and size"),
  bid_level: levelSchema.optional().describe("Where a bid level holds price and size, instead of `level`"),
  ask_level: levelSchema.optional().describe("Where an ask level holds price and size, instead of `level`"),
  drop_malformed_levels: z.boolean().default(false).describe(
    "Skips levels whose size is no decimal, instead of counting a fault",
  ),
  ...fieldKeys(...BOOK_KINDS),
});

const checksumSchema = z.strictObject({
  kind: z.literal("checksum").describe("A book checksum in a frame of its own; emits no event"),
  ...common,
  checksum: fieldSchema.describe("Where the row holds the checksum"),
});

type RuleSchema =
  | ReturnType<typeof rowSchema>
  | ReturnType<typeof mergingSchema>
  | typeof bookSchema
  | typeof checksumSchema;

/** Rule schemas in the order of `EVENT_KINDS`; the book kinds share one. */
const [firstRule, ...otherRules] = EVENT_KINDS.flatMap((kind): readonly RuleSchema[] => {
  if (isRowKind(kind)) return [eventSpec(kind).merges ? mergingSchema(kind) : rowSchema(kind)];
  return kind === BOOK_KINDS[0] ? [bookSchema] : [];
});

/** `[[events]]`, told apart by `kind`. */
export const eventSchema = z.discriminatedUnion("kind", [firstRule, ...otherRules, checksumSchema]).describe(
  "Rule that turns matching frames into events",
);

/** Returns the keys that a rule of the kind may have; empty for an unknown kind. */
export function eventKeys(kind: unknown): readonly string[] {
  const option = eventSchema.options.find(({ shape }) => shape.kind.value === kind);
  return option === undefined ? [] : Object.keys(option.shape);
}

/** Builds every key of any kind, optional and without its default, except `kind`, `name`, `like` and `fields`. */
function sharedEventKeys(): Record<string, z.ZodType> {
  const shapes = eventSchema.options.map(({ shape }) => optionalKeys(shape, ["kind", "name", "like", "fields"]));
  return Object.assign({}, ...shapes.toReversed());
}

/** `[event_defaults]`. */
export const eventDefaultsSchema = z.strictObject(sharedEventKeys()).describe(
  "Default keys for `[[events]]` rules of the same `source`. A rule takes each key that its kind allows and that " +
    "it does not set itself",
);

/** One validated `[[events]]` table. */
export type EventValues = z.output<typeof eventSchema>;
/** Where a level holds price and size. */
export type LevelValues = z.output<typeof levelSchema>;
