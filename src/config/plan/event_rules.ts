import {
  type BookFields,
  type Channel,
  EVENT_SPECS,
  type EventRule,
  type Expression,
  type LevelRule,
  type MergeRule,
  type Predicate,
  type RuleKind,
  type StateRule,
  type TimeUnit,
  type UnwrapRule,
} from "../../model/mod.ts";
import type { DescriptorValues, EventValues, LevelValues } from "../schema_descriptor.ts";
import { predicateOf, rowsOf, sourceOf } from "./compile.ts";
import { checkConnectionIds } from "./connections.ts";
import { eventFields, fieldRule } from "./fields.ts";
import { listed, type Place } from "./place.ts";
import { namesInstrument } from "./rest_paths.ts";

/** Returns the channel that a kind belongs to where the rule names none. */
function kindChannel(kind: RuleKind): Channel {
  return kind === "book" || kind === "checksum" ? "book" : EVENT_SPECS[kind].channel;
}

/** The channel whose subscription an event rule belongs to. */
export function eventChannel(event: EventValues): Channel {
  return event.channel ?? kindChannel(event.kind);
}

/** Builds `[[events]]`, in order. */
export function buildEventRules(descriptor: DescriptorValues, place: Place): readonly EventRule[] {
  const names = new Set<string>();
  const unit = descriptor.parse?.time_unit ?? "ms";
  return descriptor.events.map((event, index) =>
    eventRule(event, { descriptor, names, unit, place: place.at("events", index) })
  );
}

function eventRule(
  event: EventValues,
  context: { descriptor: DescriptorValues; names: Set<string>; unit: TimeUnit; place: Place },
): EventRule {
  const { descriptor, names, unit, place } = context;
  checkReferences(event, descriptor, place);
  return {
    name: ruleName(event, names, place),
    kind: event.kind,
    channel: eventChannel(event),
    source: event.source,
    connections: event.connections ?? null,
    when: event.when === undefined ? ALWAYS : predicateOf(event.when, place.at("when")) ?? ALWAYS,
    unwrap: unwrapRule(event, place.at("unwrap")),
    rows: rowsOf(event.rows, place.at("rows")) ?? { source: "", steps: [], tail: null },
    where: event.where === undefined ? null : predicateOf(event.where, place.at("where")),
    symbol: event.symbol === undefined
      ? null
      : fieldRule(event.symbol, place.at("symbol"), { type: "text", required: true, unit }),
    exchangeTs: event.exchange_ts === undefined
      ? null
      : fieldRule(event.exchange_ts, place.at("exchange_ts"), { type: "time", required: false, unit }),
    fields: eventFields(event, place, unit),
    book: event.kind === "book" ? bookFields(event, place, unit) : null,
    merge: mergeRule(event, place),
    skipFirstFrame: event.skip_first_frame,
    ...(event.symbols === "asked" ? { askedOnly: true as const } : {}),
  };
}

/** Holds for every frame. */
const ALWAYS: Predicate = {
  kind: "condition",
  source: "true",
  tree: { kind: "literal", value: true, isNumber: false, offset: 0, length: 4 },
};

function checkReferences(event: EventValues, descriptor: DescriptorValues, place: Place): void {
  const requests = [...descriptor.rest?.requests ?? [], ...descriptor.rest?.backfill ?? []];
  const request = requests.find(({ name }) => name === event.source);
  if (event.source !== "ws" && request === undefined) {
    const known = listed(["ws", ...requests.map(({ name }) => name)]);
    place.at("source").error(`Unknown source ${event.source}: there are ${known}`);
  }
  if (event.symbol === undefined && !asksOfSymbol(request)) {
    place.error(`No symbol: give \`symbol\`, the native symbol of each row, in this ${event.kind} rule`);
  }
  if (event.connections !== undefined) checkConnectionIds(event.connections, descriptor, place.at("connections"));
  if (event.like !== undefined) place.at("like").error(`No rule ${event.like} before this one`);
  for (const key of Object.keys(event.fields ?? {})) {
    place.at("fields", key).error(`Key ${key} stands in \`fields\` and beside it: leave one of them out`);
  }
}

/** Returns whether a request is made per instrument; its answers then belong to that instrument. */
function asksOfSymbol(request: { readonly path: string; readonly body?: string } | undefined): boolean {
  return request !== undefined && namesInstrument(`${request.path}${request.body ?? ""}`);
}

function mergeRule(event: EventValues, place: Place): MergeRule | null {
  if (!("merge" in event)) return null;
  const { merge, merge_start: start } = event;
  const state = stateRule(event, place);
  if (start !== undefined && !merge && state === null) {
    place.at("merge_start").error("`merge_start` without `merge = true`");
  }
  if (!merge && state === null) return null;
  return {
    start: start === undefined ? null : predicateOf(start, place.at("merge_start")),
    ...(state === null ? {} : { state }),
  };
}

/** Returns the shared state of the rule; null if it shares nothing and emits every row. */
function stateRule(event: Extract<EventValues, { merge: boolean }>, place: Place): StateRule | null {
  const { state, state_of: of, emit, merge } = event;
  if (state === undefined) {
    if (of !== undefined) place.at("state_of").error("`state_of` without `state`: name the shared `state`");
    if (emit === "never") {
      place.at("emit").error('`emit = "never"` without `state`: the rule would do nothing; name a `state`');
    }
    if (emit !== "changed") return null;
  } else if (event.source !== "ws") {
    place.at("state").error("`state` in a rule of a REST request: only rules of source `ws` share state");
  }
  return {
    name: state === undefined ? `rule ${event.name ?? event.kind}` : `${event.kind} ${state}`,
    partial: merge,
    of: of === undefined ? null : sourceOf(of, place.at("state_of")),
    emit: emit ?? "always",
  };
}

function unwrapRule({ unwrap }: EventValues, place: Place): UnwrapRule | null {
  if (unwrap === undefined) return null;
  return { at: sourceOf(unwrap.at, place.at("at")) ?? NOTHING, encoding: unwrap.encoding };
}

/** Returns the rule's name; by default its kind, with `#2`, `#3` … for further rules of the kind. */
function ruleName(event: EventValues, names: Set<string>, place: Place): string {
  let name: string = event.name ?? event.kind;
  if (event.name === undefined) {
    for (let repeat = 2; names.has(name); repeat++) name = `${event.kind}#${repeat}`;
  } else if (names.has(name)) {
    place.at("name").error(`Name ${name} is given to two event rules: make it unique`);
  }
  names.add(name);
  return name;
}

type BookValues = Extract<EventValues, { kind: "book" }>;

function bookFields(event: BookValues, place: Place, unit: TimeUnit): BookFields {
  const bidLevel = levelRule(event, "bid_level", place);
  const askLevel = levelRule(event, "ask_level", place);
  const [areBids, areAsks] = [bidLevel.order !== undefined, askLevel.order !== undefined];
  if (areBids !== areAsks) place.error("`orders` of bids and asks differ: set it for both or for neither");
  if (Array.isArray(event.levels) && !areBids) {
    place.at("levels").error("A list of `levels` without `orders`: set `orders = true`, or give one pointer");
  }
  checkPlaces(event, place, areBids);
  return {
    snapshot: typeof event.snapshot === "boolean"
      ? event.snapshot
      : predicateOf(event.snapshot, place.at("snapshot")) ?? false,
    bids: event.bids === undefined ? null : rowsOf(event.bids, place.at("bids")),
    asks: event.asks === undefined ? null : rowsOf(event.asks, place.at("asks")),
    ...levelPlaces(event, place),
    bidLevel,
    askLevel,
    side: event.side === undefined
      ? null
      : fieldRule(event.side, place.at("side"), { type: "book_side", required: true, unit }),
    dropMalformedLevels: event.drop_malformed_levels,
  };
}

/** Reports rules without levels or with two forms of them. Single orders may use both forms, and need no side. */
function checkPlaces(event: BookValues, place: Place, areOrders: boolean): void {
  const hasSides = event.bids !== undefined && event.asks !== undefined;
  const isHalf = !hasSides && (event.bids !== undefined || event.asks !== undefined);
  const isTwice = hasSides && event.levels !== undefined && !areOrders;
  if (isHalf || isTwice || (!hasSides && event.levels === undefined)) {
    place.error("Levels of a book are given by both `bids` and `asks`, or by `levels` with `side`");
  }
  if (event.levels !== undefined && event.side === undefined && !areOrders) {
    place.at("levels").error("No `side`: it says of each level in `levels` whether it is a bid or an ask");
  }
}

/** Lowers `levels`: the first pointer and the further ones. */
function levelPlaces(event: BookValues, place: Place): Pick<BookFields, "levels" | "furtherLevels"> {
  const { levels } = event;
  if (levels === undefined) return { levels: null };
  if (typeof levels === "string") return { levels: rowsOf(levels, place.at("levels")) };
  const [first = null, ...further] = levels.flatMap((one, index) => rowsOf(one, place.at("levels", index)) ?? []);
  return { levels: first, furtherLevels: further };
}

function levelRule(event: BookValues, key: "bid_level" | "ask_level", place: Place): LevelRule {
  const found = event[key] === undefined ? "level" : key;
  const values: LevelValues = event[found] ?? { price: "/0", size: "/1", orders: false };
  const price = sourceOf(values.price, place.at(found, "price"));
  const size = sourceOf(values.size, place.at(found, "size"));
  const id = values.id === undefined ? null : sourceOf(values.id, place.at(found, "id"));
  const { stride } = values;
  const order = orderRule(values, place.at(found));
  if (order !== undefined) return { price: price ?? NOTHING, size: size ?? NOTHING, id, order };
  if (stride === undefined) return { price: price ?? NOTHING, size: size ?? NOTHING, id };
  checkStride(event, values, place.at(found));
  return { price: price ?? NOTHING, size: size ?? NOTHING, id, stride };
}

/** Lowers the keys of single orders; undefined for ordinary levels. */
function orderRule({ id, orders, change, stride }: LevelValues, place: Place): LevelRule["order"] {
  if (!orders) {
    if (change !== undefined) place.at("change").error("`change` without `orders`: set `orders = true`");
    return undefined;
  }
  if (id === undefined) place.at("orders").error("No `id`: `orders` needs the id of each order");
  if (stride !== undefined) place.at("stride").error("`stride` with `orders`: single orders cannot be one flat list");
  return { change: change === undefined ? null : sourceOf(change, place.at("change")) };
}

/** Reports pointers outside of a level of a flat list. */
function checkStride(event: BookValues, { price, size, id, stride }: LevelValues, place: Place): void {
  const isPlace = (text: string) => /^\/(0|[1-9]\d?)$/.test(text) && Number(text.slice(1)) < (stride ?? 0);
  for (const [key, text] of [["price", price], ["size", size]] as const) {
    if (!isPlace(text)) {
      place.at(key).error(
        `Not a place in a level of ${stride} values: ${text}; it is one of /0 to /${(stride ?? 1) - 1}`,
      );
    }
  }
  if (id !== undefined) place.at("id").error("`id` with `stride`: levels of a flat list have no ids");
  if (event.levels !== undefined) {
    place.at("stride").error("`stride` with `levels`: a flat list holds one side; give `bids` and `asks`");
  }
}

/** Replaces an expression that was reported; the plan is then never used. */
const NOTHING: Expression = {
  source: "null",
  tree: { kind: "literal", value: null, isNumber: false, offset: 0, length: 4 },
};
