import {
  EVENT_KINDS,
  EVENT_SPECS,
  type EventRule,
  type FieldRule,
  fieldsOf,
  type FieldSpec as EventFieldSpec,
  type FieldType as EventFieldType,
  type RuleKind,
  SIDES,
  type TimeUnit,
  unreachable,
} from "../../model/mod.ts";
import type { EventValues, FieldValues } from "../schema_descriptor.ts";
import { sourceOf, sourcesOf } from "./compile.ts";
import { listed, type Place } from "./place.ts";

/** Type of an event's field; `text` is emitted unchanged. */
type FieldType = "text" | "time" | "side" | "flag" | "book_side";

interface FieldSpec {
  readonly type: FieldType;
  readonly required: boolean;
}

/** Rule type of each field type of `EVENT_SPECS`; all others are texts. */
const RULE_TYPES: Readonly<Partial<Record<EventFieldType, FieldType>>> = {
  micros: "time",
  side: "side",
  boolean: "flag",
};

/** Fields of each kind of rule. A side is never required: without one the event has the side `unknown`. */
function kindFields(kind: RuleKind): Readonly<Record<string, FieldSpec>> {
  if (kind === "checksum") return { checksum: { type: "text", required: true } };
  const fields = EVENT_KINDS.filter((event) => event === kind || EVENT_SPECS[event].rule === kind).flatMap(fieldsOf);
  return Object.fromEntries(fields.flatMap(([name, { type, nullable }]) => {
    if (type === "levels") return [];
    return [[name, { type: RULE_TYPES[type] ?? "text", required: !nullable && type !== "side" }] as const];
  }));
}

/** Values that a `map` may give, by type of field; other types take any. */
const MAP_VALUES: Readonly<Partial<Record<FieldType, readonly string[]>>> = {
  side: SIDES,
  book_side: ["bid", "ask"],
  flag: ["true", "false"],
};

/** How the fields of an event rule are found, by name; fields that the rule does not name are left out. */
export function eventFields(event: EventValues, place: Place, unit: TimeUnit): EventRule["fields"] {
  const specs = kindFields(event.kind);
  return Object.fromEntries(
    Object.entries(event).flatMap(([name, value]) => {
      if (!Object.hasOwn(specs, name) || !isFieldValues(value)) return [];
      return [[name, optionalRule(event, fieldRule(value, place.at(name), { ...specs[name], unit }))] as const];
    }),
  );
}

/** How a field of an event of the type given is found. */
export function eventField(
  value: FieldValues,
  place: Place,
  { type, nullable, unit }: Pick<EventFieldSpec, "type" | "nullable"> & { readonly unit: TimeUnit },
): FieldRule {
  return fieldRule(value, place, { type: RULE_TYPES[type] ?? "text", required: !nullable, unit });
}

/** Adds the rule's `absent` to an optional field without its own. */
function optionalRule({ absent }: EventValues, rule: FieldRule): FieldRule {
  return rule.required || rule.absent !== null || absent === undefined ? rule : { ...rule, absent };
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
