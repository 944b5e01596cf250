import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { SocketLog } from "../support/socket_log.ts";

const HOST = "127.0.0.1";

Deno.test("serveHttp() answers requests and its port is free again after stop()", async () => {
  const { listener } = denoHost();
  const first = await listener.serveHttp(
    { host: HOST, port: 0 },
    (request) => new Response(new URL(request.url).pathname),
  );
  assert.equal(await (await fetch(`http://${HOST}:${first.port}/x`)).text(), "/x");
  await first.stop();
  const second = await listener.serveHttp({ host: HOST, port: first.port }, () => new Response("again"));
  assert.equal(second.port, first.port);
  await second.stop();
});

Deno.test("serveHttp() rejects with busy when the port is taken", async () => {
  const { listener } = denoHost();
  const server = await listener.serveHttp({ host: HOST, port: 0 }, () => new Response());
  await assert.rejects(
    listener.serveHttp({ host: HOST, port: server.port }, () => new Response()),
    (error) => error instanceof Failure && error.code === "busy",
  );
  await server.stop();
});

Deno.test("serveSockets() rejects with busy when the port is taken", async () => {
  const { listener } = denoHost();
  const server = await listener.serveHttp({ host: HOST, port: 0 }, () => new Response());
  await assert.rejects(
    listener.serveSockets({
      host: HOST,
      port: server.port,
      answer: () => new Response(),
      accept: () => new SocketLog(),
    }),
    (error) => error instanceof Failure && error.code === "busy",
  );
  await server.stop();
});

Deno.test("serveSockets() answers plain HTTP beside sockets", async () => {
  const host = denoHost();
  const log = new SocketLog();
  const server = await host.listener.serveSockets({
    host: HOST,
    port: 0,
    answer: async (request) =>
      new Response(`${request.method} ${new URL(request.url).search} ${await request.text()}`, {
        status: 418,
        headers: { "X-Thing": request.headers.get("x-thing") ?? "" },
      }),
    accept: () => log,
  });
  const answer = await fetch(`http://${HOST}:${server.port}/a?b=1`, {
    method: "POST",
    body: "text",
    headers: { "X-Thing": "7" },
  });
  assert.deepEqual([answer.status, answer.headers.get("x-thing"), await answer.text()], [418, "7", "POST ?b=1 text"]);
  const client = new SocketLog();
  const connection = await host.dialer.dial({
    url: `ws://${HOST}:${server.port}/`,
    headers: {},
    compression: false,
    caCertPath: null,
    timeoutMs: 10_000,
    frameBytesMax: 1000,
  }, client);
  connection.send("hi");
  assert.equal((await log.nth("frame")).text, "hi");
  await server.stop();
  assert.equal((await client.nth("close")).code, null);
});
