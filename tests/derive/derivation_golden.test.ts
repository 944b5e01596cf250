import assert from "node:assert/strict";
import { DERIVATION_VERSION } from "../../src/model/mod.ts";
import { hashesOfToday, readGolden } from "./derivation_golden.ts";

Deno.test("kept records and their plans give the same events while DERIVATION_VERSION is the same", () => {
  const golden = readGolden();
  assert.equal(golden.version, DERIVATION_VERSION, "The version was raised: run deno task golden");
  assert.ok(Object.keys(golden.events).length > 20);
  assert.deepEqual(
    hashesOfToday(),
    golden.events,
    "Journals would be derived to other events: raise DERIVATION_VERSION, or where a fault was mended run " +
      'deno task golden --mended "what was wrong"',
  );
});
