import { type Definition, type Definitions, readDefinition } from "../../lang/mod.ts";
import type { DescriptorValues } from "../schema_descriptor.ts";
import type { Place } from "./place.ts";

/** Reads `[functions]`, each with those before it; what is wrong is reported and left out. */
export function buildDefinitions(descriptor: DescriptorValues, place: Place): Definitions {
  const definitions = new Map<string, Definition>();
  for (const [signature, body] of Object.entries(descriptor.functions)) {
    const at = place.at("functions", signature);
    const read = readDefinition(signature, body, definitions);
    if (read.ok) definitions.set(read.name, read.definition);
    else {for (const { message, offset, length } of read.errors) {
        at.error(message, read.in === "body" ? { offset, length } : undefined);
      }}
  }
  return definitions;
}
