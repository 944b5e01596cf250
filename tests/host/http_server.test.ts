import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { HTTP_CONNECTIONS_MAX } from "../../src/model/mod.ts";

const HOST = "127.0.0.1";

async function isClosed(connection: Deno.Conn): Promise<boolean> {
  const over = Promise.withResolvers<false>();
  const timer = setTimeout(() => over.resolve(false), 5_000);
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
  await assert.rejects(fetch(`${url}/throws`));
  const raw = await Deno.connect({ hostname: HOST, port: server.port });
  await raw.write(new TextEncoder().encode("nonsense\r\n\r\n"));
  assert.equal(await (await fetch(url)).text(), "body");
  raw.close();
  await server.stop();
});
