import assert from "node:assert/strict";
import { runOutages } from "./outage.ts";
import { OUTAGE_DESTINATIONS } from "./outage_destinations.ts";

/** Those whose servers start in a moment; `deno task outage` tries all of them, for longer. */
const QUICK = OUTAGE_DESTINATIONS.filter(({ name }) => name === "nats" || name === "redis");

for (const destination of QUICK) {
  const { name, absent } = destination;
  Deno.test({
    name: `a collector loses nothing and doubles nothing in ${name}, whoever of both fails` +
      (absent === null ? "" : ` (ignored: ${absent})`),
    ignore: absent !== null,
    fn: async () => {
      const seed = 1;
      const result = await runOutages({
        ...{ destination, seed, rate: 150, awayMs: 300, hangMs: 500, loadMs: 200, timeoutMs: 500 },
        outages: name === "nats" ? ["hang", "both"] : ["purge"],
      });
      const { missing, twice, outOfOrder } = result;
      assert.deepEqual({ missing, twice, outOfOrder }, { missing: 0, twice: 0, outOfOrder: 0 });
      assert.ok(result.events > 200, `${result.events} events are a load`);
    },
  });
}
