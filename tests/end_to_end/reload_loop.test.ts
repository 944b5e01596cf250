import assert from "node:assert/strict";
import { runReloadLoop } from "./reload_loop.ts";

Deno.test("reloads at random ask for the difference on the socket that lives, and untouched streams see nothing", async () => {
  const { reloads, subscribed, unsubscribed, keptTrades } = await runReloadLoop({ reloads: 5, seed: 11 });
  assert.ok(reloads === 5 && subscribed > 0 && unsubscribed > 0 && keptTrades > 0);
});
