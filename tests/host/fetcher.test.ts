import assert from "node:assert/strict";
import { denoHost, type FetchRequest } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";

function request(url: string, changes: Partial<FetchRequest> = {}): FetchRequest {
  return { method: "GET", url, headers: {}, body: null, timeoutMs: 10_000, bytesMax: 1024, ...changes };
}

async function withServer(
  answer: (request: Request) => Response | Promise<Response>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = await denoHost().listener.serveHttp({ host: "127.0.0.1", port: 0 }, answer);
  await use(`http://127.0.0.1:${server.port}`);
  await server.stop();
}

async function fetchFailure(asked: FetchRequest, signal?: AbortSignal): Promise<Failure> {
  const failure: unknown = await denoHost().fetcher.fetch(asked, signal).then(() => null, (error: unknown) => error);
  assert.ok(failure instanceof Failure, String(failure));
  return failure;
}

Deno.test("fetch() sends method, headers and body and gives body, status and receive time", async () => {
  await withServer(
    async (asked) => new Response(`${asked.method} ${asked.headers.get("x-thing")} ${await asked.text()}`),
    async (url) => {
      const host = denoHost();
      const before = host.clock.nowMicros();
      const answer = await host.fetcher.fetch(
        request(`${url}/a`, { method: "POST", headers: { "X-Thing": "1" }, body: "héllo" }),
      );
      assert.equal(new TextDecoder().decode(answer.body), "POST 1 héllo");
      assert.deepEqual([answer.status, answer.retryAfterMs], [200, null]);
      assert.ok(answer.receivedTs >= before);
    },
  );
});

Deno.test("fetch() resolves with any status and its Retry-After in both forms", async () => {
  const date = new Date(Date.now() + 3_600_000).toUTCString();
  await withServer(
    (asked) =>
      new Response("busy", { status: 429, headers: { "Retry-After": asked.url.endsWith("/date") ? date : "5" } }),
    async (url) => {
      const seconds = await denoHost().fetcher.fetch(request(`${url}/seconds`));
      assert.deepEqual([seconds.status, seconds.retryAfterMs], [429, 5000]);
      const dated = await denoHost().fetcher.fetch(request(`${url}/date`));
      assert.ok(dated.retryAfterMs !== null && dated.retryAfterMs > 3_000_000 && dated.retryAfterMs <= 3_600_000);
    },
  );
});

Deno.test("fetch() rejects an answer that is larger than allowed and takes one that just fits", async () => {
  await withServer(() => new Response("x".repeat(1024)), async (url) => {
    assert.equal((await denoHost().fetcher.fetch(request(url))).body.length, 1024);
    assert.equal((await fetchFailure(request(url, { bytesMax: 1023 }))).code, "connect");
  });
});

Deno.test("fetch() rejects with timeout when no answer comes", async () => {
  const held = Promise.withResolvers<Response>();
  await withServer(() => held.promise, async (url) => {
    const failure = await fetchFailure(request(`${url}/?key=secret`, { timeoutMs: 20 }));
    assert.equal(failure.code, "timeout");
    assert.ok(!failure.message.includes("secret"));
    held.resolve(new Response("late"));
  });
});

Deno.test("fetch() rejects with cancelled when the signal aborts", async () => {
  const abort = new AbortController();
  const held = Promise.withResolvers<Response>();
  await withServer(() => {
    abort.abort();
    return held.promise;
  }, async (url) => {
    assert.equal((await fetchFailure(request(url), abort.signal)).code, "cancelled");
    assert.equal((await fetchFailure(request(url), abort.signal)).code, "cancelled");
    held.resolve(new Response("late"));
  });
});

Deno.test("fetch() rejects with connect when nobody listens", async () => {
  let gone = "";
  await withServer(() => new Response(), (url) => {
    gone = url;
    return Promise.resolve();
  });
  assert.equal((await fetchFailure(request(gone))).code, "connect");
});
