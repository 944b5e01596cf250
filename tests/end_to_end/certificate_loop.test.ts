import assert from "node:assert/strict";
import { judgeCertificates } from "./certificate_loop.ts";

Deno.test("every loss of an exchange that does all wrong lies in a certified gap, and nothing covered lacks anything", async () => {
  const { dropped, ended, losses, stretches } = await judgeCertificates({ dropped: 24, seed: 7 });
  assert.ok(dropped >= 24 && ended >= 3, `${dropped} frames, ${ended} sockets`);
  assert.ok(losses >= 10 && stretches > losses, `${losses} losses, ${stretches} stretches`);
});
