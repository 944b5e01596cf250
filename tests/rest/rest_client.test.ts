import assert from "node:assert/strict";
import { Failure, Secret } from "../../src/model/mod.ts";
import type { RestRequest } from "../../src/rest/mod.ts";
import { restRig, text } from "../support/rest_rig.ts";

const forever = new AbortController().signal;

function request(changes: Partial<RestRequest> = {}): RestRequest {
  return {
    exchange: "one",
    name: "depth",
    native: "BTCUSDT",
    method: "GET",
    baseUrls: [text("https://api.example.com")],
    path: text(`/depth?symbol=${changes.native ?? "BTCUSDT"}`),
    headers: {},
    body: null,
    caCertPaths: [],
    rateLimit: null,
    scope: "",
    accept: () => null,
    ...changes,
  };
}

Deno.test("ask() asks again with growing delays until the answer is accepted, and tells each that was not", async () => {
  const rig = restRig((_, count) => ({ body: count < 5 ? '{"code":-1003}' : '{"bids":[]}' }));
  let done: boolean | null = null;
  rig.client.ask(
    request({
      accept: ({ body }) => new TextDecoder().decode(body).includes("bids") ? null : "missing_field bids: {code}",
    }),
    "snapshot",
    forever,
  ).then((accepted) => done = accepted);
  await rig.clock.advance(1);
  const [failing] = rig.client.failing;
  assert.deepEqual(
    [failing.exchange, failing.request, failing.native, failing.attempts, failing.reason],
    ["one", "depth", "BTCUSDT", 1, "missing_field bids: {code}"],
  );
  await rig.clock.advance(60_000);
  assert.equal(done, true);
  assert.deepEqual(rig.client.failing, []);
  const delays = rig.asked.slice(1).map(({ atMs }, i) => atMs - rig.asked[i].atMs);
  assert.deepEqual(delays, [375, 750, 1500, 3000]);
  assert.equal(rig.seen.filter(({ kind }) => kind === "answer_unusable").length, 4);
});

Deno.test("ask() never gives up on refusals and failures, however long they last", async () => {
  const rig = restRig((_, count) =>
    count % 3 === 0 ? new Failure("connect", "Request failed: refused") : { status: count % 3 === 1 ? 429 : 503 }
  );
  rig.client.ask(request(), "snapshot", forever);
  await rig.clock.advance(3_600_000);
  assert.ok(rig.asked.length > 50, `${rig.asked.length} attempts in an hour`);
  const tail = rig.asked.slice(-10);
  for (let i = 1; i < tail.length; i++) assert.ok(tail[i].atMs - tail[i - 1].atMs >= 30_000);
});

Deno.test("ask() names the body of an answer that is none", async () => {
  const rig = restRig(() => ({ status: 403, body: '{"msg":"Your address is not welcome"}' }));
  rig.client.ask(request(), "snapshot", forever);
  await rig.clock.advance(1);
  const [seen] = rig.seen.filter((one) => one.kind === "http_request");
  assert.deepEqual([seen.status, seen.error], [403, 'status 403: {"msg":"Your address is not welcome"}']);
});

Deno.test("ask() sends a request that is under way or waits to be repeated once", async () => {
  const rig = restRig((_, count) => count === 1 ? { status: 500 } : {});
  const ends: boolean[] = [];
  for (let i = 0; i < 50; i++) rig.client.ask(request(), "snapshot", forever).then((end) => ends.push(end));
  await rig.clock.advance(100);
  for (let i = 0; i < 50; i++) rig.client.ask(request(), "snapshot", forever).then((end) => ends.push(end));
  await rig.clock.advance(10_000);
  assert.equal(rig.asked.length, 2);
  assert.deepEqual(ends, Array(100).fill(true));
});

Deno.test("ask() lets what an answer sets off ask anew", async () => {
  const rig = restRig(() => ({}));
  let again: Promise<boolean> | null = null;
  rig.client.ask(
    request({
      accept: () => {
        again = rig.client.ask(request(), "snapshot", forever);
        return null;
      },
    }),
    "snapshot",
    forever,
  );
  await rig.clock.advance(100);
  assert.equal(await again, true);
  assert.equal(rig.asked.length, 2);
});

Deno.test("ask() survives whatever accepting an answer throws, and asks again", async () => {
  const rig = restRig(() => ({}));
  let calls = 0;
  let done = false;
  rig.client.ask(
    request({
      accept: () => {
        if (++calls === 1) throw new TypeError("a bug");
        if (calls === 2) throw new Failure("busy", "Journal takes nothing");
        return null;
      },
    }),
    "snapshot",
    forever,
  ).then(() => done = true);
  await rig.clock.advance(10_000);
  assert.ok(done);
  const reasons = rig.seen.flatMap((one) => one.kind === "answer_unusable" ? [one.reason] : []);
  assert.deepEqual(reasons, ["a bug", "Journal takes nothing"]);
});

Deno.test("ask() outlives a request that cannot be made, tells it and goes on", async () => {
  const rig = restRig(() => ({}));
  const path = { source: "/{capture}", parts: ["/", { kind: "capture", key: null, value: null, inString: false }] };
  let done = false;
  rig.client.ask(request({ native: "BROKEN", path: path as RestRequest["path"] }), "snapshot", forever).then(() =>
    done = true
  );
  rig.client.ask(request(), "snapshot", forever);
  await rig.clock.advance(10_000);
  assert.equal(done, false);
  assert.equal(rig.asked.length, 1);
  assert.ok(rig.seen.some((one) => one.kind === "answer_unusable" && one.reason.startsWith("a bug of the program")));
});

Deno.test("ask() of a request that hangs delays no other, also on the same host", async () => {
  const rig = restRig((url) => url.includes("HANGS") ? null : {});
  const answered: string[] = [];
  for (const native of ["HANGS1", "HANGS2", "HANGS3", "A", "B", "C"]) {
    rig.client.ask(request({ native }), "snapshot", forever).then(() => answered.push(native));
  }
  await rig.clock.advance(1);
  assert.deepEqual(answered, ["A", "B", "C"]);
});

Deno.test("ask() sends what is urgent first where a host makes requests wait", async () => {
  const rig = restRig(() => ({}));
  const rateLimit = { kind: "requests_per_minute", requestsPerMinute: 1 } as const;
  const order: string[] = [];
  const ask = (native: string, purpose: "poll" | "snapshot" | "instruments" | "backfill") =>
    rig.client.ask(request({ native, rateLimit }), purpose, forever).then(() => order.push(native));
  ask("first", "poll");
  ask("backfill", "backfill");
  ask("poll", "poll");
  ask("list", "instruments");
  ask("snapshot", "snapshot");
  await rig.clock.advance(600_000);
  assert.deepEqual(order, ["first", "snapshot", "list", "poll", "backfill"]);
});

Deno.test("ask() leaves room for snapshots beside polls that hang", async () => {
  const rig = restRig((url) => url.includes("HANGS") ? null : {});
  for (let i = 0; i < 200; i++) rig.client.ask(request({ native: `HANGS${i}` }), "poll", forever);
  let answered = false;
  rig.client.ask(request({ native: "A" }), "snapshot", forever).then(() => answered = true);
  await rig.clock.advance(1);
  assert.ok(answered);
  assert.ok(rig.asked.length < 20, `${rig.asked.length} requests under way to one host`);
});

Deno.test("ask() goes to the next address where one fails, and stays with the one that answers", async () => {
  const rig = restRig((url) => url.startsWith("https://bad") ? { status: 502 } : {});
  const baseUrls = [text("https://bad.example.com"), text("https://good.example.com")];
  for (const native of ["A", "B", "C"]) {
    rig.client.ask(request({ native, baseUrls }), "snapshot", forever);
    await rig.clock.advance(5_000);
  }
  assert.deepEqual(rig.asked.map(({ url }) => new URL(url).host), [
    "bad.example.com",
    "good.example.com",
    "good.example.com",
    "good.example.com",
  ]);
});

Deno.test("ask() keeps away from the address that asked for it, and from no other", async () => {
  const rig = restRig((url) => url.startsWith("https://busy") ? { status: 418, retryAfterMs: 120_000 } : {});
  const baseUrls = [text("https://busy.example.com"), text("https://free.example.com")];
  let done = 0;
  for (const native of ["A", "B", "C", "D"]) {
    rig.client.ask(request({ native, baseUrls }), "snapshot", forever).then(() => done++);
    await rig.clock.advance(10);
  }
  await rig.clock.advance(1_000);
  assert.equal(done, 4);
  assert.equal(rig.asked.filter(({ url }) => url.startsWith("https://busy")).length, 1);
  assert.deepEqual(rig.limits.blocks.map(({ host }) => host), ["busy.example.com"]);
});

Deno.test("ask() of two instances keeps one host's block", async () => {
  const rig = restRig((_, count) => count === 1 ? { status: 429, retryAfterMs: 30_000 } : {});
  rig.client.ask(request(), "snapshot", forever);
  await rig.clock.advance(10);
  rig.client.ask(request({ exchange: "two" }), "snapshot", forever);
  await rig.clock.advance(29_000);
  assert.equal(rig.asked.length, 1);
  await rig.clock.advance(2_000);
  assert.equal(rig.asked.length, 3);
});

Deno.test("ask() ends with false when the signal aborts: while it waits, while it is under way, before a repeat", async () => {
  const rig = restRig((url) => url.includes("HANGS") ? null : { status: 500 });
  const abort = new AbortController();
  const ends: boolean[] = [];
  const limited = { kind: "requests_per_minute", requestsPerMinute: 1 } as const;
  for (const native of ["HANGS", "FAILS"]) {
    rig.client.ask(request({ native }), "snapshot", abort.signal).then((end) => ends.push(end));
  }
  rig.client.ask(request({ native: "WAITS", rateLimit: limited }), "snapshot", abort.signal).then((end) =>
    ends.push(end)
  );
  await rig.clock.advance(1);
  abort.abort();
  await rig.clock.advance(1);
  assert.deepEqual(ends, [false, false, false]);
  assert.deepEqual(rig.client.failing, []);
  assert.equal(rig.clock.pending, 0, "nothing keeps the process alive");
  const asked = rig.asked.length;
  await rig.clock.advance(600_000);
  assert.equal(rig.asked.length, asked);
});

Deno.test("fetcher() keeps the limits and blocks of its host and gives failures to its caller", async () => {
  const rig = restRig((_, count) => count === 1 ? { status: 429, retryAfterMs: 30_000 } : new Failure("tls", "bad"));
  const fetcher = rig.client.fetcher("one", "bootstrap");
  const asked = {
    method: "GET",
    url: "https://api.example.com/token",
    headers: {},
    body: null,
    caCertPaths: [],
    timeoutMs: 10_000,
    bytesMax: 1_000,
  } as const;
  assert.equal((await fetcher.fetch(asked)).status, 429);
  let failure: unknown = null;
  fetcher.fetch(asked).catch((error) => failure = error);
  await rig.clock.advance(29_000);
  assert.equal(rig.asked.length, 1);
  await rig.clock.advance(2_000);
  assert.ok(failure instanceof Failure && failure.code === "tls");
});

Deno.test("ask() shows no secret of an address or a header, in an answer's record as in what an exchange echoes", async () => {
  const [short, long] = [new Secret("PIN", "7x"), new Secret("TOKEN", "s3cret-token")];
  const hole = (value: Secret) => ({ kind: "env", key: value.name, value, inString: false }) as const;
  const rig = restRig((_, count) =>
    count === 1
      ? { status: 403, body: '{"msg":"no such key s3cret%2Dtoken"}' }
      : count === 2
      ? new Failure("connect", "Request failed: GET https://api.example.com/s3cret-token: refused")
      : {}
  );
  rig.secrets.addFrom([short, long]);
  const shown: string[] = [];
  const base = { source: "", parts: ["https://api.example.com/", hole(long)] };
  const path = { source: "", parts: ["/depth?pin=", hole(short)] };
  const accept = ({ url }: { readonly url: string }) => (shown.push(url), null);
  rig.client.ask(request({ baseUrls: [base], path, headers: { "X-Key": long }, accept }), "snapshot", forever);
  await rig.clock.advance(10_000);
  assert.equal(rig.asked.length, 3);
  assert.deepEqual(shown, ["https://api.example.com/{env:TOKEN}/depth?pin={env:PIN}"]);
  const told = JSON.stringify(rig.seen);
  assert.ok(!told.includes("s3cret") && told.includes("{env:TOKEN}"), told);
});

Deno.test("ask() goes on to the next host of a request's own list, whatever hosts other requests have", async () => {
  const rig = restRig((url) => url.startsWith("https://bad") ? { status: 500 } : {});
  const data = [text("https://bad.example.com"), text("https://good.example.com")];
  const lists = [text("https://first.example.com"), text("https://second.example.com")];
  rig.client.ask(request({ native: "A", baseUrls: data }), "snapshot", forever);
  await rig.clock.advance(10_000);
  rig.client.ask(request({ native: "B", baseUrls: lists }), "snapshot", forever);
  await rig.clock.advance(10_000);
  assert.deepEqual(rig.asked.map(({ url }) => new URL(url).host), [
    "bad.example.com",
    "good.example.com",
    "first.example.com",
  ]);
});

Deno.test("ask() renders the body anew for every attempt, and asks through the proxy of the request", async () => {
  const rig = restRig((_, count) => ({ body: count < 2 ? "no" : "yes" }));
  const body = { source: "{now_ms}", parts: [{ kind: "now_ms", key: null, value: null, inString: false } as const] };
  rig.client.ask(
    request({
      method: "POST",
      body,
      proxy: "http://proxy.test:1",
      accept: (answer) => new TextDecoder().decode(answer.body) === "yes" ? null : "not yet",
    }),
    "poll",
    forever,
  );
  await rig.clock.advance(10_000);
  const bodies = rig.asked.map(({ request }) => request.body);
  assert.equal(bodies.length, 2);
  assert.ok(bodies.every((text) => typeof text === "string" && /^\d+$/.test(text)) && bodies[0] !== bodies[1]);
  assert.deepEqual(rig.asked.map(({ request }) => request.proxy), ["http://proxy.test:1", "http://proxy.test:1"]);
});
