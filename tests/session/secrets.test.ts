import assert from "node:assert/strict";
import { Failure, Secret } from "../../src/model/mod.ts";
import { source } from "../support/frame_plan.ts";
import { connectionPlan, item, request, SessionHarness, template } from "../support/session_harness.ts";

/** Everything that a session tells anybody, as text. */
function told(harness: SessionHarness): string {
  return JSON.stringify([harness.records, harness.observations, harness.session.status]);
}

const KEY = "secret-KEY";
const TOKEN = "t0ken/with odd+signs";
const ECHOES = [KEY, encodeURIComponent(KEY), TOKEN, encodeURIComponent(TOKEN), encodeURI(TOKEN), "odd+signs"];

function assertHidden(harness: SessionHarness): void {
  const text = told(harness);
  for (const secret of [KEY, "hidden-header", "t0ken", "odd+signs"]) assert.ok(!text.includes(secret), text);
}

function secretPlan(url: string, bootUrl: string) {
  return connectionPlan({
    urls: [template(url)],
    headers: { Authorization: new Secret("AUTH", "Bearer hidden-header") },
    bootstrap: {
      method: "POST",
      url: template(bootUrl),
      body: null,
      headers: {},
      values: [{ name: "token", expression: source("/token") }],
    },
    requests: [request([item("A")])],
  });
}

const URLS = [
  "wss://one.test/ws?token={boot:token}&key={env:KEY}",
  "wss://one.test/{boot:token}/{env:KEY}",
  "wss://{env:KEY}@one.test/ws",
  "wss://{boot:token}@one.test/ws",
];
const BOOT_URLS = ["https://boot.test/{env:KEY}", "https://u:{env:KEY}@boot.test/", "https://boot.test/?k={env:KEY}"];

Deno.test("Session shows no secret that its peer echoes in a close, a rejection, a notice or a failed dial", async () => {
  for (const url of URLS) {
    for (const echo of ECHOES) {
      const harness = new SessionHarness(secretPlan(url, BOOT_URLS[0]));
      harness.host.fetcher.answer = () => ({ status: 200, body: JSON.stringify({ token: TOKEN }) });
      const socket = await harness.open();
      assertHidden(harness);
      harness.signal("reject", { reason: `no such key ${echo} or hidden-header` });
      harness.signal("reject", { correlation: "1", reason: `denied for ${echo}!` });
      socket.end(1008, `policy: ${echo}`);
      const second = await harness.reopen();
      harness.signal("reconnect", { reason: `bye ${echo}` });
      await harness.host.clock.advance(1);
      assert.equal(second.ended, true);
      await harness.host.clock.advance(1000);
      while (harness.host.dialer.last.settled) await harness.host.clock.advance(1000);
      await harness.host.dialer.last.fail(new Failure("http_status", `Cannot dial wss://x/${echo}: status 401`));
      assertHidden(harness);
      assert.equal(harness.of("closed").length, 2);
      assert.equal(harness.of("rejected").length, 1);
      assert.equal(harness.observed("connect_failed").length, 1);
    }
  }
});

Deno.test("Session shows no secret of the bootstrap's address where the call fails", async () => {
  for (const bootUrl of BOOT_URLS) {
    for (const words of [KEY, encodeURIComponent(KEY), bootUrl.replace("{env:KEY}", KEY)]) {
      const harness = new SessionHarness(secretPlan(URLS[0], bootUrl));
      harness.host.fetcher.answer = () => new Failure("connect", `Request failed: POST ${words}: refused`);
      harness.session.start();
      await harness.host.clock.advance(0);
      assert.equal(harness.observed("connect_failed").length, 1);
      assertHidden(harness);
    }
  }
});

Deno.test("Session hides a secret that the peer's words were cut in", async () => {
  const harness = new SessionHarness(secretPlan(URLS[0], BOOT_URLS[0]));
  harness.host.fetcher.answer = () => ({ status: 200, body: JSON.stringify({ token: "abcdefghijklmnop" }) });
  const socket = await harness.open();
  socket.end(1008, "unknown token abcdefghij");
  assert.equal(harness.of("closed")[0].reason, "unknown token {boot:token}");
});

Deno.test("Session shows the address that the bootstrap gave, without the login and the query in it", async () => {
  const plan = connectionPlan({
    urls: [template("{boot:endpoint}")],
    bootstrap: {
      method: "POST",
      url: template("https://boot.test/"),
      body: null,
      headers: {},
      values: [{ name: "endpoint", expression: source("/endpoint") }],
    },
  });
  const harness = new SessionHarness(plan);
  const endpoint = "wss://reader:pass-word@boot.test/ws?token=abcd1234";
  harness.host.fetcher.answer = () => ({ status: 200, body: JSON.stringify({ endpoint }) });
  await harness.open();
  assert.equal(harness.host.dialer.last.options.url, endpoint);
  assert.equal(harness.session.status.url, "wss://{boot:endpoint}:{boot:endpoint}@boot.test/ws?token={boot:endpoint}");
});
