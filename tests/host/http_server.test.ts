import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { HTTP_CONNECTIONS_MAX, HTTP_REQUEST_BYTES_MAX } from "../../src/model/mod.ts";

const HOST = "127.0.0.1";

async function isClosed(connection: Deno.Conn): Promise<boolean> {
  const over = Promise.withResolvers<false>();
  const timer = setTimeout(() => over.resolve(false), 60_000);
  const read = connection.read(new Uint8Array(1)).then((count) => count === null, () => true);
  const closed = await Promise.race([read, over.promise]);
  clearTimeout(timer);
  return closed;
}

Deno.test("serveHttp() answers however many idle connections there are: the longest idle make room", async () => {
  const { listener } = denoHost();
  const server = await listener.serveHttp({ host: HOST, port: 0 }, () => new Response("here"));
  const connections: Deno.Conn[] = [];
  for (let i = 0; i < HTTP_CONNECTIONS_MAX + 40; i++) {
    connections.push(await Deno.connect({ hostname: HOST, port: server.port }));
  }
  assert.equal(await (await fetch(`http://${HOST}:${server.port}/`)).text(), "here");
  assert.equal(await isClosed(connections[0]), true, "the first one was closed");
  for (const connection of connections) connection.close();
  await server.stop();
});

Deno.test("serveHttp() answers HEAD without a body, a broken request with an error, and goes on after a handler throws", async () => {
  const { listener } = denoHost();
  const server = await listener.serveHttp({ host: HOST, port: 0 }, (request) => {
    if (request.url.endsWith("/throws")) throw new Error("a bug");
    return new Response("body");
  });
  const url = `http://${HOST}:${server.port}`;
  const head = await fetch(url, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "4", ""]);
  const thrown = await fetch(`${url}/throws`);
  assert.deepEqual([thrown.status, await thrown.text()], [500, ""]);
  const raw = await Deno.connect({ hostname: HOST, port: server.port });
  await raw.write(new TextEncoder().encode("nonsense\r\n\r\n"));
  assert.equal(await (await fetch(url)).text(), "body");
  raw.close();
  await server.stop();
});

/** Everything that comes until the connection ends. */
async function readAll(connection: Deno.Conn): Promise<string> {
  return await new Response(connection.readable).text();
}

async function send(port: number, text: string): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: HOST, port });
  await connection.write(new TextEncoder().encode(text));
  return connection;
}

Deno.test("serveHttp() gives handlers the URL, the headers and the body that the client sent", async () => {
  const { listener } = denoHost();
  const server = await listener.serveHttp({ host: HOST, port: 0 }, async (request) => {
    return Response.json([request.method, request.url, request.headers.get("x-thing"), (await request.text()).length]);
  });
  const url = `http://${HOST}:${server.port}/a/b?c=%20d`;
  const headers = { "x-thing": "7" };
  assert.deepEqual(await (await fetch(url, { headers })).json(), ["GET", url, "7", 0]);
  const body = "x".repeat(300_000);
  assert.deepEqual(await (await fetch(url, { method: "POST", body, headers })).json(), ["POST", url, "7", 300_000]);
  const large = await fetch(url, { method: "POST", body: "x".repeat(HTTP_REQUEST_BYTES_MAX + 1) });
  assert.deepEqual([large.status, await large.text()], [413, ""]);
  const nameless = await send(server.port, "GET /x HTTP/1.0\r\n\r\n");
  assert.match(await readAll(nameless), /\["GET","http:\/\/localhost\/x",null,0\]$/);
  const wrong = await send(server.port, "GET /x HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n");
  assert.match(await readAll(wrong), /^HTTP\/1.1 400 /);
  await server.stop();
});

Deno.test("serveHttp() answers many requests on one connection, and one whose client has closed its own direction", async () => {
  const { clock, listener } = denoHost();
  const server = await listener.serveHttp({ host: HOST, port: 0 }, async (request) => {
    if (request.url.endsWith("/slow")) await clock.sleep(1_500);
    return new Response("y".repeat(100_000));
  });
  const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
  const kept = await send(server.port, get("/") + get("/") + get("/", "Connection: close\r\n"));
  assert.equal((await readAll(kept)).split("HTTP/1.1 200 OK").length, 4);
  const half = await send(server.port, get("/slow"));
  await half.closeWrite();
  const answer = await readAll(half);
  assert.ok(answer.startsWith("HTTP/1.1 200 OK") && answer.endsWith("y".repeat(100_000)));
  await server.stop();
});

Deno.test("serveHttp() answers more requests at once than it keeps connections, one after the other", async () => {
  const { listener } = denoHost();
  const server = await listener.serveHttp({ host: HOST, port: 0 }, () => new Response("z".repeat(50_000)));
  const texts = await Promise.all(Array.from({ length: HTTP_CONNECTIONS_MAX }, async () => {
    return await (await fetch(`http://${HOST}:${server.port}/`)).text();
  }));
  assert.equal(texts.filter((text) => text.length === 50_000).length, HTTP_CONNECTIONS_MAX);
  await server.stop();
});

Deno.test("serveHttp() keeps no more of an answer than its client takes", async () => {
  const { clock, listener } = denoHost();
  let taken = 0;
  const server = await listener.serveHttp({ host: HOST, port: 0 }, () => {
    return new Response(
      new ReadableStream({
        pull: (controller) => {
          taken++;
          controller.enqueue(new Uint8Array(64 * 1024));
        },
      }),
    );
  });
  const connection = await send(server.port, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  for (let before = -1, still = 0; still < 3;) {
    await clock.sleep(100);
    still = taken > 0 && taken === before ? still + 1 : 0;
    before = taken;
    assert.ok(taken < 1_000, "nothing is read that the client has no room for");
  }
  // An answer without an end does not hold it up.
  await server.stop();
  connection.close();
});

Deno.test("serveHttp() stops in time while a request is half sent and another is never answered", async () => {
  const { clock, listener } = denoHost();
  const server = await listener.serveHttp({ host: HOST, port: 0 }, () => new Promise<Response>(() => {}));
  const connections = [
    await send(server.port, "GET / HT"),
    await send(server.port, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
  ];
  await clock.sleep(100);
  await server.stop();
  for (const connection of connections) connection.close();
});
