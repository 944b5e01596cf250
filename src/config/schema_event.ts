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

/** Kinds that the book rule emits. */
const BOOK_KINDS = EVENT_KINDS.filter((kind) => EVENT_SPECS[kind].rule === "book");

const common = {
  name: text.optional().describe("Unique name, for reports. Default: `kind`, with `#2` … behind repeats"),
  channel: z.enum(SENT_CHANNELS).optional().describe("Subscription that it belongs to. Default: by `kind`"),
  source: z.union([text, z.array(text).min(1)]).transform((one) => typeof one === "string" ? one : one[0]).default("ws")
    .describe(
      "`ws`, or the name of a REST request whose answers are read; a list of names: so many rules of these names",
    ),
  connections: z.array(text).min(1).optional().describe("Connections on which it applies. Absent: all"),
  like: text.optional().describe(
    "Name of a rule before this one: what that rule's table says and this one's does not is said here too, as far as `kind` has it",
  ),
  when: predicateSchema.optional().describe("Predicate on the whole frame. Absent: every frame"),
  unwrap: z.strictObject({
    at: source.describe("Where the text stands"),
    encoding: z.enum(["json", "base64_gzip", "base64_deflate_raw"]).describe("How its content is had"),
  }).optional().describe("A text in the frame whose content the rows are read from; `root` stays the frame"),
  rows: rows.default("").describe("Fan-out pointer to the rows; the frame itself by default"),
  where: predicateSchema.optional().describe("Predicate on each row; rows that fail are left out"),
  symbol: field.describe(
    "Native symbol, relative to the row. Required, except for a REST request with `{symbol}`, where it is the one asked",
  ),
  fields: z.record(z.string(), z.unknown()).optional().describe(
    "Keys of the rule that stand in one table, on one line",
  ),
  exchange_ts: field.describe("The exchange's time of the event"),
  absent: z.array(z.string()).min(1).optional().describe(
    'Texts that mean "not there" in every field of the kind that may be missing and has no `absent` of its own',
  ),
  symbols: z.literal("asked").optional().describe(
    "`asked`: rows of symbols that the instance is not configured for are left out; where one feed is of many instruments. " +
      "In replay every symbol counts",
  ),
  skip_first_frame: z.boolean().default(false).describe(
    "Leave out the first matching frame of each stream and session: it repeats what was before",
  ),
};

/** Of kinds whose rows may carry only what has changed. */
const merging = {
  merge: z.boolean().default(false).describe(
    "Fields that a row lacks are filled with those last known of this rule, session and symbol",
  ),
  merge_start: predicateSchema.optional().describe(
    "Predicate on rows that are snapshots: a snapshot replaces the merged state, and rows are skipped before the first",
  ),
  state: text.optional().describe(
    "Name of what several rules of one kind know together of a symbol: fields that this rule does not name are those last " +
      "known of it",
  ),
  state_of: source.optional().describe(
    "A key beside the symbol, such as an index: fields still missing are those last known of it in the same `state`",
  ),
  emit: z.enum(["always", "changed", "never"]).optional().describe(
    "`changed`: an event that says what the last one of its symbol said is left out; `never`: rows are known to `state` and " +
      "are no events. Absent: `always`",
  ),
};

const levelSchema = z.strictObject({
  price: source.default("/0").describe("Price, relative to the level"),
  size: source.default("/1").describe("Size, relative to the level"),
  id: source.optional().describe("Id of the level: a change without a price is at the price last seen with it"),
  orders: z.boolean().default(false).describe(
    "The id is that of a single order: its price and size replace what was known of it, and orders add up to levels",
  ),
  change: source.optional().describe("With `orders`: what is added to the order's size, where a row has no `size`"),
  stride: z.int().min(2).max(16).optional().describe(
    "Set where levels are one flat list: so many values in a row are one level, `/0` the first of them",
  ),
});

/** Builds the key of a field; an event has no side that its rule does not name, and is an event all the same. */
function fieldKey({ type, nullable, meaning }: FieldSpec): z.ZodType<FieldValues | undefined> {
  return (nullable || type === "side" ? field : fieldSchema).describe(meaning);
}

/** Builds the keys of the kinds' fields: a plan reads them by name, so that their names need no type here. */
function fieldKeys(...kinds: readonly EventKind[]): Readonly<Record<never, z.ZodType>> {
  const fields = kinds.flatMap(fieldsOf).filter(([, { type }]) => type !== "levels");
  return Object.fromEntries(fields.map(([name, spec]) => [name, fieldKey(spec)]));
}

/** Builds the rule of a kind whose events are whole rows. */
function rowSchema(kind: RowKind) {
  return z.strictObject({ kind: z.literal(kind).describe(eventSpec(kind).meaning), ...common, ...fieldKeys(kind) });
}

/** Builds the rule of a kind whose rows may be partial. */
function mergingSchema(kind: RowKind) {
  const kindKey = z.literal(kind).describe(eventSpec(kind).meaning);
  return z.strictObject({ kind: kindKey, ...common, ...merging, ...fieldKeys(kind) });
}

const bookSchema = z.strictObject({
  kind: z.literal("book").describe("A book snapshot or delta"),
  integrity: z.literal("none").optional().describe(
    "`none`: on purpose no `[[books]]` table keeps the rule; its updates are emitted unchecked",
  ),
  ...common,
  snapshot: z.union([z.boolean(), predicateSchema]).default(false).describe(
    "Whether a row is a snapshot: `true`, `false`, or a predicate on the row",
  ),
  bids: rows.optional().describe("Fan-out pointer to the bid levels, relative to the row"),
  asks: rows.optional().describe("Fan-out pointer to the ask levels, relative to the row"),
  levels: z.union([rows, z.array(rows).min(1)]).optional().describe(
    "Fan-out pointer to levels of both sides, instead of `bids` and `asks`; with `orders` it may be a list of them",
  ),
  side: field.describe("Side of a level in `levels`, relative to the level: `bid` or `ask`"),
  level: levelSchema.optional().describe("Where a level holds price and size"),
  bid_level: levelSchema.optional().describe("The same for bids alone"),
  ask_level: levelSchema.optional().describe("The same for asks alone"),
  drop_malformed_levels: z.boolean().default(false).describe(
    "Leave out levels whose size is not a decimal, instead of a fault",
  ),
  ...fieldKeys(...BOOK_KINDS),
});

const checksumSchema = z.strictObject({
  kind: z.literal("checksum").describe("A checksum of the book in a frame of its own; yields no event"),
  ...common,
  checksum: fieldSchema.describe("The checksum"),
});

type RuleSchema =
  | ReturnType<typeof rowSchema>
  | ReturnType<typeof mergingSchema>
  | typeof bookSchema
  | typeof checksumSchema;

/** The rules in the order of the table of events; a book has one rule for all its kinds. */
const [firstRule, ...otherRules] = EVENT_KINDS.flatMap((kind): readonly RuleSchema[] => {
  if (isRowKind(kind)) return [eventSpec(kind).merges ? mergingSchema(kind) : rowSchema(kind)];
  return kind === BOOK_KINDS[0] ? [bookSchema] : [];
});

/** `[[events]]`, told apart by `kind`. */
export const eventSchema = z.discriminatedUnion("kind", [firstRule, ...otherRules, checksumSchema]).describe(
  "A rule that turns matched frames into events",
);

/** The keys that a rule of a kind may have; none for an unknown kind. */
export function eventKeys(kind: unknown): readonly string[] {
  const option = eventSchema.options.find(({ shape }) => shape.kind.value === kind);
  return option === undefined ? [] : Object.keys(option.shape);
}

/** Every key of any kind, optional and without its default, but those that are a rule's own. */
function sharedEventKeys(): Record<string, z.ZodType> {
  const shapes = eventSchema.options.map(({ shape }) => optionalKeys(shape, ["kind", "name", "like", "fields"]));
  return Object.assign({}, ...shapes.toReversed());
}

/** `[event_defaults]`. */
export const eventDefaultsSchema = z.strictObject(sharedEventKeys()).describe(
  "Keys for every rule of `[[events]]` that may have them and does not name them itself, and has the same `source`",
);

/** One validated `[[events]]` table. */
export type EventValues = z.output<typeof eventSchema>;
/** Where a level holds price and size. */
export type LevelValues = z.output<typeof levelSchema>;
