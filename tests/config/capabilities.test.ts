import assert from "node:assert/strict";
import { loadDescriptor } from "../../src/config/mod.ts";
import { type JsonSchema, jsonSchema } from "../../src/config/json_schema.ts";

const REFERENCE = Deno.readTextFileSync(new URL("../../docs/descriptor_reference.md", import.meta.url));
const START = REFERENCE.indexOf("## Capabilities\n");
const TABLE = REFERENCE.slice(START, REFERENCE.indexOf("\n## ", START + 1));

Deno.test("docs/descriptor_reference.md answers every capability of its list, in order", () => {
  const rows = TABLE.split("\n").filter((line) => /^\| \d+/.test(line));
  assert.deepEqual(rows.map((row) => Number(row.split("|")[1])), Array.from({ length: 93 }, (_, i) => i + 1));
  for (const row of rows) {
    const [need, answer] = row.split("|").slice(2, 4).map((cell) => cell.trim());
    assert.ok(need !== "" && answer !== "", row);
  }
});

Deno.test("docs/descriptor_reference.md names in its capabilities only keys that the schema has", () => {
  const keys = new Set<string>();
  collectKeys(jsonSchema("descriptor"), keys);
  const named = [...TABLE.matchAll(/`([a-z_]+) = /g)].map(([, key]) => key);
  assert.ok(named.length > 50);
  // Names that descriptors choose themselves: of a computed text, of an argument.
  const own = new Set(["inst_type", "interval"]);
  assert.deepEqual(named.filter((key) => !keys.has(key) && !own.has(key)), []);
});

function collectKeys(value: unknown, keys: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys((value as JsonSchema).properties ?? {})) keys.add(key);
  for (const child of Object.values(value)) collectKeys(child, keys);
}

Deno.test("docs/descriptor_reference.md gives sources in its capabilities that compile", () => {
  const sources = [
    ...TABLE.matchAll(/`(?:canonical|symbol|size|trade_id|open_ts|bid_price|native) = ("(?:[^"\\]|\\.)*")`/g),
  ]
    .map(([, text]) => text);
  assert.ok(sources.length >= 6);
  const rules = sources.map((text) =>
    `[[events]]\nkind = "trade"\nsymbol = ${text}\nprice = ${text}\nsize = ${text}\n`
  );
  const head = `[meta]\nname = "x"\nversion = "1.4"\n[[ws.connections]]\nid = "a"\nurls = ["wss://a.test"]\n`;
  const { issues } = loadDescriptor({
    file: { path: "x.toml", text: head + rules.join("") },
    readText: () => null,
    environment: () => undefined,
  });
  assert.deepEqual(issues.map(({ message }) => message), []);
});
