import assert from "node:assert/strict";
import { POSTGRES_ABSENT } from "../support/postgres_server.ts";
import { GROUP_ENGINES } from "./group_engines.ts";
import { runGroupOutage } from "./group_outage.ts";

// A short run of `deno task group-outage`.
const [nats] = GROUP_ENGINES;
const absent = nats.absent ?? POSTGRES_ABSENT;

Deno.test({
  name: "a collector of a group is killed, another takes over, and the archive has every trade of the exchange once" +
    (absent === null ? "" : ` (ignored: ${absent})`),
  ignore: absent !== null,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const { traded, trades, duplicates, missing, untold } = await runGroupOutage({
      ...{
        engine: nats,
        replicas: 1,
        rate: 20,
        ttlMs: 1_500,
        members: ["m1", "m2"],
        failing: ["m1"],
        faults: ["kill"],
      },
      ...{ faultMs: 0, loadMs: 200, engineMs: 0 },
    });
    assert.ok(traded > 0);
    assert.deepEqual({ trades, duplicates, missing, untold }, { trades: traded, duplicates: 0, missing: 0, untold: 0 });
  },
});
