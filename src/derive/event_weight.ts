import { byKind, fieldsOf, type FieldType, type MarketEvent } from "../model/mod.ts";

/** An event with its envelope, its numbers and its short texts, in bytes. */
const EVENT_BYTES = 640;
/** Memory for each unit of the length of fields that have no bound; a level is an array and two short texts. */
const BYTES_PER_ITEM: Readonly<Partial<Record<FieldType, number>>> = { levels: 144, payload: 1 };

/** The fields without a bound, by kind. */
const WEIGHED = byKind((kind) =>
  fieldsOf(kind).flatMap(([name, { type }]) => {
    const itemBytes = BYTES_PER_ITEM[type];
    return itemBytes === undefined ? [] : [{ name, itemBytes }];
  })
);

/** About how much memory an event holds with its envelope, in bytes: what bounds of memory are counted in. */
export function weighEvent(event: MarketEvent): number {
  let bytes = EVENT_BYTES;
  const fields: Readonly<Record<string, unknown>> = event;
  for (const { name, itemBytes } of WEIGHED[event.kind]) {
    const value = fields[name];
    if (typeof value === "string" || Array.isArray(value)) bytes += itemBytes * value.length;
  }
  return bytes;
}
