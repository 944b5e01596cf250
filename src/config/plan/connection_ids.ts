import type { DescriptorValues } from "../schema_descriptor.ts";
import { listed, type Place } from "./place.ts";

/** The connections that a `connection_id` names, each once. */
export function connectionIdsOf(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : [...new Set(value)];
}

/** Reports connections of a `connection_id` that the descriptor does not have. `place` is that of the value. */
export function checkConnectionIds(
  value: string | readonly string[],
  descriptor: DescriptorValues,
  place: Place,
): void {
  const ids = descriptor.ws.connections.map(({ id }) => id);
  const names = typeof value === "string" ? [value] : value;
  names.forEach((name, index) => {
    if (ids.includes(name)) return;
    const at = typeof value === "string" ? place : place.at(index);
    at.error(`Unknown connection ${name}: the descriptor has ${listed(ids)}`);
  });
}
