import assert from "node:assert/strict";
import { denoHost, type FetchRequest } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";

function request(url: string, changes: Partial<FetchRequest> = {}): FetchRequest {
  return {
    method: "GET",
    url,
    headers: {},
    body: null,
    caCertPaths: [],
    timeoutMs: 10_000,
    bytesMax: 1024,
    ...changes,
  };
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
  const failure = await fetchFailure(request(`${gone}/path?token=secret`));
  assert.equal(failure.code, "connect");
  assert.match(failure.message, /^Request failed: GET http:\/\/127\.0\.0\.1:\d+\/path: .*Connection refused/);
});

Deno.test("fetch() says which layer failed, without what the address holds", async () => {
  const unknown = await fetchFailure(request("http://user:secret@no-such-host.invalid/path?token=secret"));
  assert.equal(unknown.code, "connect");
  assert.match(unknown.message, /^Request failed: GET http:\/\/no-such-host\.invalid\/path: dns error: /);
  await withRawServer("this is no HTTP\r\n\r\n", async (url) => {
    const failure = await fetchFailure(request(`${url}/path?token=secret`));
    assert.equal(failure.code, "connect");
    assert.match(failure.message, /\/path: invalid HTTP version/);
  });
  await withRawServer("", async (url) => {
    const failure = await fetchFailure(request(`${url}/path?token=secret`));
    assert.match(failure.message, /\/path: connection (closed|error)/);
    const overTls = await fetchFailure(request(`${url.replace("http:", "https:")}/path?token=secret`));
    assert.equal(overTls.code, "tls");
    assert.ok(!overTls.message.includes("secret"), overTls.message);
  });
  await withRawServer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", async (url) => {
    const failure = await fetchFailure(request(`${url}/path`));
    assert.match(failure.message, /\/path: error reading a body/);
  });
});

Deno.test("fetch() trusts the authorities it is given, and says what is wrong with one", async () => {
  const fixture = (name: string) => new URL(`./fixtures/${name}`, import.meta.url).pathname;
  const server = Deno.serve(
    {
      port: 0,
      hostname: "127.0.0.1",
      cert: await Deno.readTextFile(fixture("server.pem")),
      key: await Deno.readTextFile(fixture("server_key.pem")),
      onListen: () => {},
    },
    () => new Response("safe"),
  );
  const url = `https://localhost:${server.addr.port}`;
  const answer = await denoHost().fetcher.fetch(request(url, { caCertPaths: [fixture("ca.pem")] }));
  assert.equal(new TextDecoder().decode(answer.body), "safe");
  const untrusted = await fetchFailure(request(url));
  assert.equal(untrusted.code, "tls");
  assert.match(untrusted.message, /certificate/);
  const missing = await fetchFailure(request(url, { caCertPaths: ["/nowhere/ca.pem"] }));
  assert.deepEqual([missing.code, missing.message.includes("/nowhere/ca.pem")], ["tls", true]);
  const broken = await fetchFailure(request(url, { caCertPaths: [fixture("../fetcher.test.ts")] }));
  assert.equal(broken.code, "tls");
  await server.shutdown();
});

Deno.test("fetch() follows redirects within an origin with its headers, and no further than a bound", async () => {
  const seen: string[] = [];
  await withServer((asked) => {
    const { pathname } = new URL(asked.url);
    seen.push(`${asked.method} ${pathname} ${asked.headers.get("x-key")}`);
    if (pathname === "/loop") return new Response(null, { status: 302, headers: { Location: "/loop" } });
    return pathname === "/old"
      ? new Response(null, { status: 301, headers: { Location: "/new" } })
      : new Response("found");
  }, async (url) => {
    const answer = await denoHost().fetcher.fetch(request(`${url}/old`, { headers: { "X-Key": "secret" } }));
    assert.equal(new TextDecoder().decode(answer.body), "found");
    assert.deepEqual(seen, ["GET /old secret", "GET /new secret"]);
    assert.match((await fetchFailure(request(`${url}/loop`))).message, /^Too many redirects/);
  });
});

Deno.test("fetch() refuses a redirect to another origin and sends it nothing", async () => {
  const stolen: string[] = [];
  await withServer((asked) => {
    stolen.push(asked.headers.get("x-key") ?? "");
    return new Response("thief");
  }, async (thief) => {
    for (const status of [301, 302, 303, 307, 308]) {
      await withServer(
        () => new Response(null, { status, headers: { Location: `${thief}/?echo=token` } }),
        async (url) => {
          const failure = await fetchFailure(
            request(`${url}/path?token=secret`, { method: "POST", body: "secret", headers: { "X-Key": "secret" } }),
          );
          assert.equal(failure.status, status);
          assert.match(failure.message, /^Redirect refused: POST http:\S+\/path leads to http:\/\/127\.0\.0\.1:\d+, /);
        },
      );
    }
  });
  assert.deepEqual(stolen, []);
});

/** A server that answers each connection with the same bytes and closes it. */
async function withRawServer(answer: string, use: (url: string) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      if (answer !== "") await connection.write(new TextEncoder().encode(answer));
      connection.close();
    }
  })();
  await use(`http://127.0.0.1:${listener.addr.port}`);
  listener.close();
  await serving;
}
