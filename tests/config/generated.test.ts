import assert from "node:assert/strict";
import { jsonSchema } from "../../src/config/json_schema.ts";
import { referenceTables, renewReference } from "../../src/config/reference.ts";
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
