import assert from "node:assert/strict";
import { OPERATIONS_FILE, renewOperations } from "../../tools/docs/operations_doc.ts";

Deno.test("docs/operations.md lists every metric and every log event as they are", () => {
  const text = Deno.readTextFileSync(OPERATIONS_FILE);
  assert.equal(
    text,
    renewOperations(text),
    "Stale tables: run deno task docs",
  );
});

Deno.test("docs/operations.md names every code of a problem in the row of its scope", () => {
  const text = Deno.readTextFileSync(OPERATIONS_FILE);
  const source = Deno.readTextFileSync(new URL("../../src/service/problems.ts", import.meta.url));
  const codes = [...source.matchAll(/\bcode: "(\w+)"/g)].map(([, code]) => code);
  assert.ok(codes.length > 20, `${codes.length} codes were found`);
  const rows = text.split("\n").filter((line) => line.startsWith("| `")).join("\n");
  for (const code of [...codes, "not_connected", "faulted"]) {
    assert.ok(rows.includes(`\`${code}\``), `${code} is missing`);
  }
});
