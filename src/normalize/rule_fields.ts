import type { EventBatch } from "../model/mod.ts";
import type { CompiledEvent } from "../program/mod.ts";
import type { ReadContext } from "./context.ts";
import { FieldReader } from "./field.ts";

/**
 * Begins the event of the current row in a batch and adds all its fields. Returns the index of its kind in EVENT_KINDS;
 * NO_EVENT, and nothing is added, where a field is at fault or the row says nothing of this kind.
 */
export type EventMaker = (context: ReadContext, batch: EventBatch) => number;

/** A row without an event. */
export const NO_EVENT = -1;

/** Returns the reader of an event field; null where the rule does not name it. */
export function optionalField(rule: CompiledEvent, name: string): FieldReader | null {
  const field = rule.fields.get(name);
  return field === undefined ? null : new FieldReader(field, `${rule.name}.${name}`);
}

/** Returns the reader of a field without which there is no event. A rule that does not name it is a bug of the plan. */
export function requiredField(rule: CompiledEvent, name: string): FieldReader {
  const field = rule.fields.get(name);
  if (field === undefined) throw new Error(`Cannot compile rule ${rule.name}: field ${name} is not named`);
  return new FieldReader(field, `${rule.name}.${name}`, true);
}
