import assert from "node:assert/strict";
import { OPERATIONS_FILE, renewOperations } from "../support/operations_doc.ts";

Deno.test("docs/operations.md lists every metric and every log event as they are", () => {
  const text = Deno.readTextFileSync(OPERATIONS_FILE);
  assert.equal(
    text,
    renewOperations(text),
    "Stale tables: run deno run --allow-read --allow-write --allow-env tests/support/operations_doc.ts",
  );
});
