import assert from "node:assert/strict";
import { Secret } from "../../src/model/mod.ts";
import { startApi } from "../support/api_rig.ts";

const TOKEN = "0123456789abcdef-token";
const token = new Secret("http_token", TOKEN);
const STATUS = "/api/v1/status";

Deno.test("serveApi() on loopback answers without a token, and only to its own names and pages", async () => {
  await using rig = await startApi({ access: { hosts: ["Collector.example"] } });
  const own = `http://127.0.0.1:${rig.port}`;
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{}, 200],
    [{ host: `localhost:${rig.port}` }, 200],
    [{ host: "[::1]:1234" }, 200],
    [{ host: "collector.example" }, 200],
    [{ origin: own }, 200],
    [{ host: "attacker.example" }, 403],
    [{ host: "127.0.0.1.attacker.example" }, 403],
    [{ host: "" }, 403],
    [{ origin: "http://attacker.example" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: `http://127.0.0.1:${rig.port + 1}` }, 403],
  ];
  for (const [headers, status] of cases) {
    assert.equal((await rig.ask(STATUS, headers)).status, status, JSON.stringify(headers));
  }
  assert.equal((await rig.ask("/healthz", { host: "prometheus.example" })).status, 200);
});

Deno.test("serveApi() bound elsewhere answers health alone without a token, and the API to whoever sends it", async () => {
  await using bare = await startApi({ host: "0.0.0.0" });
  assert.equal((await bare.ask("/healthz")).status, 200);
  const refused = await bare.ask(STATUS);
  assert.equal(refused.status, 403);
  assert.match(refused.body, /http_token/);
  await using rig = await startApi({ host: "0.0.0.0", access: { token } });
  const without = await rig.ask(STATUS);
  assert.equal(without.status, 401);
  assert.match(without.head, /www-authenticate: Bearer/i);
  for (const wrong of ["Bearer wrong", `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, TOKEN]) {
    assert.equal((await rig.ask(STATUS, { authorization: wrong })).status, 401, wrong);
  }
  assert.equal((await rig.ask(STATUS, { authorization: `Bearer ${TOKEN}` })).status, 200);
  assert.equal((await rig.ask(STATUS, { authorization: `bearer ${TOKEN}` })).status, 200);
  assert.equal((await rig.ask("/metrics")).status, 200);
  assert.equal((await rig.ask("/nothing")).status, 401);
});

Deno.test("serveApi() asks for the token on loopback too where there is one, and for health where it is not open", async () => {
  await using rig = await startApi({ access: { token, isOpen: false } });
  for (const path of [STATUS, "/healthz", "/readyz", "/metrics"]) {
    assert.equal((await rig.ask(path)).status, 401, path);
    assert.equal((await rig.ask(path, { authorization: `Bearer ${TOKEN}` })).status, 200, path);
  }
});

Deno.test("serveApi() lets nobody in where the token that is written is wrong", async () => {
  await using rig = await startApi({ access: { isLocked: true } });
  assert.equal((await rig.ask(STATUS)).status, 403);
  assert.equal((await rig.ask("/healthz")).status, 200);
});

Deno.test("serveApi() speaks TLS with the files given, and says which ones cannot be used", async () => {
  const fixture = (name: string) => new URL(`../host/fixtures/${name}`, import.meta.url).pathname;
  const tls = { certPath: fixture("server.pem"), keyPath: fixture("server_key.pem") };
  await using rig = await startApi({ access: { tls } });
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(fixture("ca.pem"))] });
  const answer = await fetch(`https://localhost:${rig.port}${STATUS}`, { client });
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
  const missing = startApi({ access: { tls: { ...tls, keyPath: "/nowhere/key.pem" } } });
  await assert.rejects(missing, { name: "Failure", message: /Cannot read \/nowhere\/key\.pem/ });
  const swapped = startApi({ access: { tls: { certPath: tls.keyPath, keyPath: tls.certPath } } });
  await assert.rejects(swapped, { name: "Failure", code: "tls", message: /Cannot serve HTTPS/ });
});
