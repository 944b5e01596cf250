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
