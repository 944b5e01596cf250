import type { BookRule, BridgeRule, ChecksumRule, EventRule, Instrument, Template } from "../../model/mod.ts";
import type { BookFeedValues, DescriptorValues } from "../schema_descriptor.ts";
import { closedTextOf, templateOf } from "./compile.ts";
import { fieldRule } from "./fields.ts";
import { listed, type Place } from "./place.ts";
import { type Texts, withValues } from "./texts.ts";

interface BookContext {
  readonly place: Place;
  readonly texts: Texts;
  /** Event rules of the descriptor, which books name. */
  readonly events: readonly EventRule[];
  /** Instruments whose books may be requested on the socket; empty on replay. */
  readonly instruments: readonly Instrument[];
}

/** `[[books]]`, lowered. */
export function buildBookRules(descriptor: DescriptorValues, context: BookContext): readonly BookRule[] {
  checkOrders(descriptor, context);
  const names = new Set<string>();
  const fed = new Map<string, string>();
  return descriptor.books.map((values, index) => {
    const place = context.place.at("books", index);
    if (names.has(values.name)) place.at("name").error(`Name ${values.name} is given to two books: make it unique`);
    names.add(values.name);
    const rules = rulesOf(values, context.events, place);
    for (const rule of rules) {
      const other = fed.get(rule);
      if (other !== undefined) {
        place.error(`Event rule ${rule} feeds book ${other} already: name the \`rules\` of each`);
      }
      fed.set(rule, values.name);
    }
    checkSource(values, descriptor, place);
    checkChecksum(values, context.events, { rules, place });
    return {
      name: values.name,
      rules,
      kind: values.kind,
      sequence: values.sequence,
      bridge: bridgeRule(values.bridge),
      ...(values.kind === "periodic" && values.bridge !== undefined ? { rejoins: true as const } : {}),
      resetsLower: values.resets === "lower",
      depth: depthOf(values, { place: place.at("depth"), texts: context.texts }),
      checksum: values.checksum === undefined ? null : checksumRule(values.checksum),
      crossed: values.crossed,
      resync: values.resync ?? defaultAction(values),
      budget: { count: values.budget.count, perMs: values.budget.per_ms },
      snapshotRequest: values.snapshot_request ?? null,
      requests: requestsOf(values, { ...context, place: place.at("request") }),
    };
  });
}

/** Reports rules of single orders without a book. */
function checkOrders({ books }: DescriptorValues, { events, place }: BookContext): void {
  if (books.some(({ rules }) => rules === undefined)) return;
  const kept = new Set(books.flatMap(({ rules }) => rules ?? []));
  events.forEach(({ name, book }, index) => {
    if (book?.bidLevel.order === undefined || kept.has(name)) return;
    place.at("events", index).error(`No [[books]] table maintains book rule ${name}: single orders need one`);
  });
}

/** Warns of updates whose loss stays unnoticed: book rules without a book, and books without a proof. */
export function warnOfUnproven(
  descriptor: DescriptorValues,
  { place, events }: { readonly place: Place; readonly events: readonly EventRule[] },
): void {
  const keepsAll = descriptor.books.some(({ rules }) => rules === undefined);
  const kept = new Set(descriptor.books.flatMap(({ rules }) => rules ?? []));
  events.forEach(({ kind, name, book }, index) => {
    const values = descriptor.events[index];
    const isMeant = values.kind === "book" && values.integrity === "none";
    if (kind !== "book" || keepsAll || kept.has(name) || isMeant || book?.bidLevel.order !== undefined) return;
    place.at("events", index).warning(
      `No [[books]] table maintains book rule ${name}: its updates are emitted unchecked, and a lost one stays unnoticed; ` +
        `keep it, or say \`integrity = "none"\` in the rule`,
    );
  });
  descriptor.books.forEach((values, index) => checkProof(values, descriptor, place.at("books", index)));
}

/** Warns of deltas without a proof, and of `integrity` beside a proof. */
function checkProof(values: BookFeedValues, { parse }: DescriptorValues, place: Place): void {
  const proof = values.kind === "snapshots"
    ? "every frame is whole"
    : values.sequence !== "none"
    ? `\`sequence\` is ${values.sequence}`
    : values.checksum !== undefined
    ? "there is a `checksum`"
    : parse?.socket_sequence !== undefined
    ? "`parse.socket_sequence` counts the frames of the connection"
    : null;
  if (values.integrity === undefined && proof === null) {
    place.warning(
      `Nothing proves book ${values.name}, so a lost delta stays unnoticed: give \`sequence\`, \`checksum\` or ` +
        '`parse.socket_sequence`, or say `integrity = "none"` where the exchange sends none of them',
    );
  }
  if (values.integrity !== undefined && proof !== null) {
    place.at("integrity").warning(`Integrity is none, but ${proof}: leave \`integrity\` out`);
  }
}

/** Adds to event rules the checksum that their book reads from their rows. */
export function withChecksums(
  events: readonly EventRule[],
  descriptor: DescriptorValues,
  place: Place,
): readonly EventRule[] {
  const unit = descriptor.parse?.time_unit ?? "ms";
  return events.map((rule) => {
    if (rule.kind !== "book") return rule;
    const index = descriptor.books.findIndex(({ rules }) => rules === undefined || rules.includes(rule.name));
    const at = descriptor.books[index]?.checksum?.at;
    if (at === undefined) return rule;
    const field = fieldRule(at, place.at("books", index, "checksum", "at"), { type: "text", required: false, unit });
    return { ...rule, fields: { ...rule.fields, checksum: field } };
  });
}

function rulesOf(values: BookFeedValues, events: readonly EventRule[], place: Place): readonly string[] {
  const feeding = events.filter(({ kind }) => kind === "book" || kind === "checksum").map(({ name }) => name);
  if (values.rules === undefined) {
    if (feeding.length === 0) place.error("No event rule of kind book: the book has no source");
    return feeding;
  }
  values.rules.forEach((name, index) => {
    if (!feeding.includes(name)) {
      place.at("rules", index).error(`Unknown book rule ${name}: the descriptor has ${listed(feeding)}`);
    }
  });
  return [...new Set(values.rules)];
}

/** Reports a kind without its source of snapshots, and a source without its kind. */
function checkSource(values: BookFeedValues, descriptor: DescriptorValues, place: Place): void {
  const { kind, snapshot_request: rest, request, resync } = values;
  if (kind === "periodic" && values.bridge !== undefined && values.sequence === "none") {
    place.at("bridge").error("A `bridge` of kind periodic needs `sequence`, to recognise older deltas");
  }
  const names = (descriptor.rest?.requests ?? []).map(({ name }) => name);
  if (kind === "rest" && rest === undefined) {
    place.error("No `snapshot_request`: kind rest needs the REST request that fetches snapshots");
  }
  if (rest !== undefined && !names.includes(rest)) {
    place.at("snapshot_request").error(`Unknown request ${rest}: the descriptor has ${listed(names)}`);
  }
  if (kind === "requested" && request === undefined) {
    place.error("No `request`: kind requested needs the message that requests a snapshot");
  }
  if (resync === "rest" && rest === undefined) place.at("resync").error("Resync rest needs a `snapshot_request`");
  if (resync === "request" && request === undefined) place.at("resync").error("Resync request needs a `request`");
}

function checkChecksum(
  values: BookFeedValues,
  events: readonly EventRule[],
  { rules, place }: { readonly rules: readonly string[]; readonly place: Place },
): void {
  const isFramed = events.some(({ kind, name }) => kind === "checksum" && rules.includes(name));
  if (values.checksum === undefined && isFramed) place.error("No `checksum`: an event rule of kind checksum feeds it");
  if (values.checksum !== undefined && values.checksum.at === undefined && !isFramed) {
    place.at("checksum").error(
      "No `at`, nor an event rule of kind checksum: one of them must say where the checksum is",
    );
  }
}

function depthOf(
  { depth }: BookFeedValues,
  { place, texts }: { readonly place: Place; readonly texts: Texts },
): number | null {
  if (depth === undefined || typeof depth === "number") return depth ?? null;
  const text = closedTextOf(depth, place, texts.scope);
  if (text === null) return null;
  const levels = Number(text);
  if (Number.isSafeInteger(levels) && levels > 0) return levels;
  place.error(`Not a number of levels: ${text}`);
  return null;
}

function checksumRule(values: NonNullable<BookFeedValues["checksum"]>): ChecksumRule {
  return {
    depth: values.depth,
    order: values.order,
    ...(typeof values.separator === "string" ? { separator: values.separator } : {
      separator: values.separator.number,
      separators: { level: values.separator.level, side: values.separator.side },
    }),
    numbers: values.numbers,
    priceDigits: values.price_digits ?? null,
    sizeDigits: values.size_digits ?? null,
    negativeAsks: values.negative_asks,
    signed: values.signed,
    absent: values.absent.map(String),
  };
}

function defaultAction({ kind }: BookFeedValues): BookRule["resync"] {
  if (kind === "periodic") return "wait";
  return kind === "rest" ? "rest" : kind === "requested" ? "request" : "resubscribe";
}

/** Builds the request of each instrument; compiles it once without any, so that its errors are reported. */
function requestsOf(values: BookFeedValues, context: BookContext): Readonly<Record<string, Template>> {
  const { request } = values;
  const { place, texts, instruments } = context;
  if (request === undefined) return {};
  const template = (native: string) =>
    templateOf(request, place, {
      ...withValues(texts.scope, {
        symbol: native,
        symbol_lower: native.toLowerCase(),
        symbol_upper: native.toUpperCase(),
      }),
      placeholders: texts.sent,
    });
  if (template("SYMBOL") === null) return {};
  return Object.fromEntries(instruments.flatMap(({ native }) => {
    const found = template(native);
    return found === null ? [] : [[native, found] as const];
  }));
}

function bridgeRule(bridge: BookFeedValues["bridge"]): BridgeRule {
  const { drop = "<=", first = "S+1", exact = false, or_previous: orPrevious = false } = bridge ?? {};
  return { drop, first, ...(exact ? { exact } : {}), orPrevious };
}
