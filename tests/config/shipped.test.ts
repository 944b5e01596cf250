import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/mod.ts";
import { issueLines } from "./support.ts";

const ROOT = new URL("../../", import.meta.url);

function readShipped(path: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(path, ROOT));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

for (const path of ["config/collector.toml", "config/demo.toml"]) {
  Deno.test(`${path} is right as it is shipped, and completes in editors`, () => {
    const { plan, issues, exchanges } = loadConfig({
      path,
      readText: readShipped,
      environment: () => undefined,
      builtin: (name) => {
        const file = `config/exchanges/${name}.toml`;
        const text = readShipped(file);
        return text === null ? null : { path: file, text };
      },
    });
    assert.deepEqual(issueLines(issues), []);
    assert.notEqual(plan, null);
    assert.deepEqual(exchanges.filter((exchange) => exchange.runnable === null).map((exchange) => exchange.name), []);
    assert.match(readShipped(path) ?? "", /^#:schema schema\/config\.schema\.json\n/);
  });
}

Deno.test("shipped descriptors and maps begin with the address of their schema", () => {
  for (const entry of Deno.readDirSync(new URL("config/exchanges", ROOT))) {
    if (!entry.isFile) continue;
    const text = readShipped(`config/exchanges/${entry.name}`) ?? "";
    assert.match(text, /^#:schema \.\.\/schema\/descriptor\.schema\.json\n/, entry.name);
  }
});
