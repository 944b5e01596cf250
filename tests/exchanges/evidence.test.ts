import assert from "node:assert/strict";
import { ruleWords, testDescriptor } from "../../src/evidence/mod.ts";
import { denoHost } from "../../src/host/mod.ts";

const CONFIG = new URL("../../config", import.meta.url);
const CONTEXT = { host: denoHost(), version: "0", shippedDir: decodeURIComponent(CONFIG.pathname), finish: () => {} };

/** Names of the shipped descriptors. */
function shippedNames(): readonly string[] {
  return [...Deno.readDirSync(new URL("config/exchanges", `${CONFIG}/../`))].map(({ name }) => name)
    .filter((name) => name.endsWith(".toml")).map((name) => name.slice(0, -5)).sort();
}

for (const name of shippedNames()) {
  Deno.test(`the evidence of ${name} holds and exercises every rule`, async () => {
    const { evidence, issues, run } = await testDescriptor(CONTEXT, name);
    assert.ok(evidence !== null, `config/exchanges/evidence/${name}.jsonl is missing`);
    assert.deepEqual(issues.map(({ file, line, message }) => `${file}:${line}: ${message}`), []);
    assert.ok(run !== null);
    const failures = run.failures.map(({ line, differences }) => ({ line, differences }));
    assert.deepEqual(failures, []);
    assert.deepEqual(run.unexercised.map(ruleWords), [], "rules that no frame exercises");
    assert.ok(run.frames > 0);
  });
}
