import assert from "node:assert/strict";
import { jsonSchema } from "../../src/config/json_schema.ts";
import { referenceTables, renewReference } from "../../src/config/reference.ts";
import { EVENT_KINDS, fieldsOf } from "../../src/model/mod.ts";
import { EVENTS_FILE, renewEvents } from "../../tools/docs/events_doc.ts";
import { generatedFiles, REFERENCE_FILES, SCHEMA_FILES } from "../../tools/docs/update_docs.ts";

Deno.test("generated schemas and reference tables are current", () => {
  for (const { path, is, want } of generatedFiles()) {
    assert.equal(is, want, `${path} is stale: run deno task docs`);
  }
});

Deno.test("documents with a reference have its markers", () => {
  for (const path of Object.keys(REFERENCE_FILES)) {
    const text = Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
    assert.notEqual(renewReference(text, REFERENCE_FILES[path]), null, path);
  }
});

Deno.test("the document of files lists every kind of event and its fields", () => {
  const text = Deno.readTextFileSync(new URL(`../../${EVENTS_FILE}`, import.meta.url));
  assert.equal(renewEvents(text), text);
  for (const kind of EVENT_KINDS) {
    assert.ok(text.includes(`**\`${kind}\`**`), kind);
    for (const [name] of fieldsOf(kind)) assert.ok(text.includes(`| \`${name}\` |`), `${kind}.${name}`);
  }
});

Deno.test("the README is right about the lengths of shipped descriptors", () => {
  const text = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));
  const [, least, most] = /_descriptor_ of (\d+) to (\d+) lines/.exec(text) ?? assert.fail("it names no lengths");
  const dir = new URL("../../config/exchanges/", import.meta.url);
  for (const { name } of Deno.readDirSync(dir)) {
    if (!name.endsWith(".toml")) continue;
    const lines = Deno.readTextFileSync(new URL(name, dir)).trimEnd().split("\n").length;
    assert.ok(lines >= Number(least) && lines <= Number(most), `${name} has ${lines} lines`);
  }
});

Deno.test("jsonSchema() is draft 7, refuses unknown keys and describes every key", () => {
  for (const name of Object.values(SCHEMA_FILES)) {
    const schema = jsonSchema(name);
    assert.equal(schema.$schema, "http://json-schema.org/draft-07/schema#");
    assert.equal(schema.additionalProperties, false);
    let keys = 0;
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null) return;
      if ("properties" in value && typeof value.properties === "object" && value.properties !== null) {
        for (const [key, property] of Object.entries(value.properties)) {
          keys++;
          assert.ok(typeof property.description === "string" && property.description !== "", `${path}.${key}`);
        }
      }
      for (const [key, child] of Object.entries(value)) walk(child, `${path}.${key}`);
    };
    walk(schema, name);
    assert.ok(keys > 20);
  }
});

Deno.test("referenceTables() names every table and key with its default", () => {
  const text = referenceTables("config");
  assert.ok(text.includes("### `[run]`"));
  assert.ok(text.includes("| `http_port` | integer 1 to 65535 | **required** |"));
  assert.ok(text.includes('### `[[sink]]` with `type = "parquet"`'));
  const descriptor = referenceTables("descriptor");
  for (const title of ["`[[ws.connections]]`", '`[[events]]` with `kind = "book"`', "Field values as a table"]) {
    assert.ok(descriptor.includes(`### ${title}`), title);
  }
});
