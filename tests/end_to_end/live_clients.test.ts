import assert from "node:assert/strict";
import { runClients } from "./live_clients.ts";

Deno.test("fast, slow and hostile clients of the API cost the collection no frame", async () => {
  const { received, framesLost, gaps, lagMax } = await runClients({ clients: 24, ms: 2_000, rate: 100 });
  assert.ok(received > 500, `${received} events were received`);
  assert.deepEqual({ framesLost, gaps }, { framesLost: 0, gaps: 0 });
  assert.ok(lagMax < 5_000, `the sink was ${lagMax} records behind`);
});
