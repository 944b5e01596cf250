import { type EventRule, type FieldRule, type RuleKind, SIDES, type TimeUnit, unreachable } from "../../model/mod.ts";
import type { EventValues, FieldValues } from "../schema_descriptor.ts";
import { sourceOf, sourcesOf } from "./compile.ts";
import { listed, type Place } from "./place.ts";

/** Type of an event's field; `text` is passed on as it is. */
type FieldType = "text" | "time" | "side" | "flag" | "book_side";

interface FieldSpec {
  readonly type: FieldType;
  readonly required: boolean;
}

const TEXT: FieldSpec = { type: "text", required: false };
const NEEDED: FieldSpec = { type: "text", required: true };
const TIME: FieldSpec = { type: "time", required: false };
const SIDE: FieldSpec = { type: "side", required: false };

/** The fields of each kind of rule. */
const KIND_FIELDS: Readonly<Record<RuleKind, Readonly<Record<string, FieldSpec>>>> = {
  trade: { trade_id: TEXT, price: NEEDED, size: NEEDED, side: SIDE },
  book: { sequence: TEXT, first_sequence: TEXT, last_sequence: TEXT, previous_sequence: TEXT },
  quote: { bid_price: TEXT, bid_size: TEXT, ask_price: TEXT, ask_size: TEXT },
  ticker: { last: TEXT, open: TEXT, high: TEXT, low: TEXT, volume: TEXT, quote_volume: TEXT },
  candle: {
    interval: TEXT,
    open_ts: TIME,
    open: NEEDED,
    high: NEEDED,
    low: NEEDED,
    close: NEEDED,
    volume: TEXT,
    trades: TEXT,
    closed: { type: "flag", required: false },
  },
  derivative_ticker: {
    last_price: TEXT,
    mark_price: TEXT,
    index_price: TEXT,
    funding_rate: TEXT,
    next_funding_ts: TIME,
    predicted_funding_rate: TEXT,
    open_interest: TEXT,
  },
  liquidation: { id: TEXT, price: NEEDED, size: NEEDED, side: SIDE },
  checksum: { checksum: NEEDED },
};

/** Values that a `map` may give, by type of field; other types take any. */
const MAP_VALUES: Readonly<Partial<Record<FieldType, readonly string[]>>> = {
  side: SIDES,
  book_side: ["bid", "ask"],
  flag: ["true", "false"],
};

/** How the fields of an event rule are found, by name; fields that the rule does not name are left out. */
export function eventFields(event: EventValues, place: Place, unit: TimeUnit): EventRule["fields"] {
  const specs = KIND_FIELDS[event.kind];
  return Object.fromEntries(
    Object.entries(event).flatMap(([name, value]) => {
      if (!Object.hasOwn(specs, name) || !isFieldValues(value)) return [];
      return [[name, fieldRule(value, place.at(name), { ...specs[name], unit })] as const];
    }),
  );
}

/** How one value is found. Sources that are wrong are reported and left out. */
export function fieldRule(
  value: FieldValues,
  place: Place,
  options: { readonly type: FieldType; readonly required: boolean; readonly unit: TimeUnit },
): FieldRule {
  const table = typeof value === "string" ? { at: value } : value;
  const at = typeof value === "string" ? place : place.at("at");
  const sources = typeof table.at === "string" ? [sourceOf(table.at, at)] : sourcesOf(table.at, at);
  checkMapValues(table, place, options.type);
  if (options.type !== "time" && table.unit !== undefined) {
    place.at("unit").error("Unit of a value that is not a time: leave it out");
  }
  return {
    sources: sources.filter((source) => source !== null),
    absent: table.absent ?? null,
    map: table.map ?? defaultMap(options.type),
    other: table.other ?? null,
    unit: options.type === "time" ? table.unit ?? options.unit : null,
    required: options.required || table.required === true,
  };
}

function checkMapValues(table: Exclude<FieldValues, string>, place: Place, type: FieldType): void {
  const allowed = MAP_VALUES[type];
  if (allowed === undefined) return;
  for (const [key, mapped] of Object.entries(table.map ?? {})) {
    if (!allowed.includes(mapped)) {
      place.at("map", key).error(`Unknown value ${mapped}: it is one of ${listed(allowed)}`);
    }
  }
  if (table.other !== undefined && !allowed.includes(table.other)) {
    place.at("other").error(`Unknown value ${table.other}: it is one of ${listed(allowed)}`);
  }
}

function defaultMap(type: FieldType): FieldRule["map"] {
  switch (type) {
    case "side":
      return sideMap({ buy: ["buy", "bid"], sell: ["sell", "ask"], unknown: ["unknown"] });
    case "book_side":
      return sideMap({ bid: ["bid", "buy"], ask: ["ask", "sell", "offer"] });
    case "text":
    case "time":
    case "flag":
      return null;
    default:
      return unreachable(type);
  }
}

/** Every spelling in lower case, upper case and with a capital. */
function sideMap(words: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, string>> {
  const map: Record<string, string> = {};
  for (const [side, spellings] of Object.entries(words)) {
    for (const word of spellings) {
      for (const spelling of [word, word.toUpperCase(), word[0].toUpperCase() + word.slice(1)]) map[spelling] = side;
    }
  }
  return map;
}

function isFieldValues(value: unknown): value is FieldValues {
  return typeof value === "string" || (typeof value === "object" && value !== null && "at" in value);
}
