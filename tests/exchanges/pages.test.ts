import assert from "node:assert/strict";
import { exchangePages } from "../../tools/docs/exchange_pages.ts";

Deno.test("the pages of the shipped exchanges are current", () => {
  const pages = exchangePages();
  for (const { path, is, want } of pages) {
    assert.ok(is === want, `${path} is stale: run deno task docs`);
  }
  const wanted = new Set(pages.map(({ path }) => path));
  const folder = new URL("../../docs/exchanges", import.meta.url);
  for (const { name } of Deno.readDirSync(folder)) {
    assert.ok(wanted.has(`docs/exchanges/${name}`), `docs/exchanges/${name} is of no shipped exchange`);
  }
});
