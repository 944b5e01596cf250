import type { EventBatch } from "../model/mod.ts";
import type { CompiledEvent } from "../program/mod.ts";
import type { ReadContext } from "./context.ts";
import { FieldReader } from "./field.ts";

/**
 * Opens the event of the current row in a batch and appends all its fields. Returns the index of its kind in
 * EVENT_KINDS. Returns NO_EVENT and appends nothing if a field has a fault or the row has no field of this kind.
 */
export type EventMaker = (context: ReadContext, batch: EventBatch) => number;

/** Result for a row without an event. */
export const NO_EVENT = -1;

/** Returns the reader of an event field; null if the rule does not name it. */
export function optionalField(rule: CompiledEvent, name: string): FieldReader | null {
  const field = rule.fields.get(name);
  return field === undefined ? null : new FieldReader(field, `${rule.name}.${name}`);
}

/** Returns the reader of a required field. Throws if the rule does not name it: that is a bug of the plan. */
export function requiredField(rule: CompiledEvent, name: string): FieldReader {
  const field = rule.fields.get(name);
  if (field === undefined) throw new Error(`Cannot compile rule ${rule.name}: field ${name} is not named`);
  return new FieldReader(field, `${rule.name}.${name}`, true);
}
