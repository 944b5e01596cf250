import assert from "node:assert/strict";
import { fuzzDecimals } from "./fuzz_decimals.ts";

Deno.test("decimals in all spellings go through a column unchanged, as exact arithmetic has them", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const numbers = fuzzDecimals({ seed, count: 5_000 });
  assert.ok(numbers > 2_000, `${numbers} numbers, seed ${seed}`);
});
