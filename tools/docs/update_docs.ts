import { jsonSchemaText, type SchemaName } from "../../src/config/json_schema.ts";
import { renewReference } from "../../src/config/reference.ts";
import { EVENTS_FILE, renewEvents } from "./events_doc.ts";
import { exchangePages } from "./exchange_pages.ts";
import { OPERATIONS_FILE, renewOperations } from "./operations_doc.ts";

/**
 * Rewrites what is generated: `config/schema/*.json` and the reference parts of the documents from the schemas, the events of
 * `docs/files.md` from their table, the tables
 * of `docs/operations.md` from metrics and log events, `docs/exchanges/` and the overview in the README from the shipped
 * descriptors. Run it after one of these has changed: `deno task docs`.
 */

/** Generated JSON Schemas, by path from the repository's root. */
export const SCHEMA_FILES: Readonly<Record<string, SchemaName>> = {
  "config/schema/config.schema.json": "config",
  "config/schema/descriptor.schema.json": "descriptor",
};

/** Documents with a generated reference, by path from the repository's root. */
export const REFERENCE_FILES: Readonly<Record<string, SchemaName>> = {
  "docs/configuration.md": "config",
  "docs/descriptor_reference.md": "descriptor",
};

/** Path, present text and wanted text of everything that is generated; a document without markers is wanted as it is. */
export function generatedFiles(): readonly {
  readonly path: string;
  readonly is: string | null;
  readonly want: string;
}[] {
  const schemas = Object.entries(SCHEMA_FILES).map(([path, name]) => ({
    path,
    is: readOrNull(path),
    want: jsonSchemaText(name),
  }));
  const documents = Object.entries(REFERENCE_FILES).flatMap(([path, name]) => {
    const is = readOrNull(path);
    return is === null ? [] : [{ path, is, want: renewReference(is, name) ?? is }];
  });
  const events = readOrNull(EVENTS_FILE);
  if (events !== null) documents.push({ path: EVENTS_FILE, is: events, want: renewEvents(events) ?? events });
  return [...schemas, ...documents];
}

function readOrNull(path: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

if (import.meta.main) {
  for (const { path, is, want } of [...generatedFiles(), ...exchangePages()]) {
    if (is === want) continue;
    Deno.mkdirSync(new URL(`../../${path}/..`, import.meta.url), { recursive: true });
    Deno.writeTextFileSync(new URL(`../../${path}`, import.meta.url), want);
    console.log(`Rewrote ${path}`);
  }
  const operations = Deno.readTextFileSync(OPERATIONS_FILE);
  const renewed = renewOperations(operations);
  if (renewed !== operations) {
    Deno.writeTextFileSync(OPERATIONS_FILE, renewed);
    console.log("Rewrote docs/operations.md");
  }
}
