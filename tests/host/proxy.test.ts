import assert from "node:assert/strict";
import { createServer as createTlsServer } from "node:https";
import { fileURLToPath } from "node:url";
// @ts-types="@types/ws"
import { WebSocketServer } from "ws";
import { denoHost, type DialOptions } from "../../src/host/mod.ts";
import { Failure, Secret } from "../../src/model/mod.ts";
import { serveConnectProxy } from "../support/connect_proxy.ts";
import { SocketLog } from "../support/socket_log.ts";

const CA = fileURLToPath(new URL("./fixtures/ca.pem", import.meta.url));
const fixture = (name: string) => Deno.readTextFileSync(new URL(`./fixtures/${name}`, import.meta.url));

function dialOptions(url: string, changes: Partial<DialOptions>): DialOptions {
  return { url, headers: {}, compression: false, caCertPath: null, timeoutMs: 10_000, frameBytesMax: 1024, ...changes };
}

/** A server of sockets that greets with the name and the subprotocol that it was asked by. */
async function serveSockets() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: (offered) => [...offered][1] });
  server.on("connection", (socket, request) => socket.send(`${request.headers["user-agent"]} ${socket.protocol}`));
  await new Promise<void>((resolve) => server.once("listening", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return { port: address.port, close: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

async function firstFrame(options: DialOptions): Promise<string> {
  const log = new SocketLog();
  const connection = await denoHost().dialer.dial(options, log);
  const { text } = await log.nth("frame");
  connection.close(1000, "");
  await log.nth("close");
  return String(text);
}

async function failureOf(options: DialOptions): Promise<Failure> {
  const failure: unknown = await denoHost().dialer.dial(options, new SocketLog()).then(() => null, (error) => error);
  assert.ok(failure instanceof Failure, String(failure));
  return failure;
}

Deno.test("dial() goes through a proxy, offers subprotocols and says its name", async () => {
  await using proxy = await serveConnectProxy();
  const server = await serveSockets();
  const url = `ws://127.0.0.1:${server.port}/`;
  const secret = new Secret("proxy", proxy.url.replace("//", "//us%40er:pass@"));
  assert.equal(
    await firstFrame(dialOptions(url, { proxy: secret, subprotocols: ["v1", "v2"] })),
    "crypto-collector v2",
  );
  assert.equal(await firstFrame(dialOptions(url, { proxy: proxy.url, headers: { "user-agent": "me" } })), "me ");
  assert.deepEqual(proxy.asked, [
    `CONNECT 127.0.0.1:${server.port} HTTP/1.1 Basic ${btoa("us@er:pass")}`,
    `CONNECT 127.0.0.1:${server.port} HTTP/1.1`,
  ]);
  await server.close();
});

Deno.test("dial() speaks TLS with the host behind the proxy, and checks whom it meets", async () => {
  await using proxy = await serveConnectProxy();
  const server = createTlsServer({ cert: fixture("server.pem"), key: fixture("server_key.pem") });
  server.on("tlsClientError", () => {});
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.send("safe"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  const url = `wss://localhost:${address.port}/`;
  assert.equal(await firstFrame(dialOptions(url, { proxy: proxy.url, caCertPath: CA })), "safe");
  assert.equal(proxy.asked[0], `CONNECT localhost:${address.port} HTTP/1.1`);
  assert.equal((await failureOf(dialOptions(url, { proxy: proxy.url }))).code, "tls");
  sockets.close();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
});

Deno.test("dial() says what a proxy answered that does not connect", async () => {
  for (
    const [answer, words] of [
      ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "Proxy refused to connect: status 407"],
      ["SSH-2.0\r\n\r\n", "Proxy does not answer as one: its first line has no status"],
      ["", "Proxy closed the connection"],
      ["x".repeat(20_000), "Proxy does not answer as one: its head has no end"],
    ] as const
  ) {
    await using proxy = await serveConnectProxy(answer);
    const { message } = await failureOf(dialOptions("ws://127.0.0.1:9/", { proxy: proxy.url }));
    assert.ok(message.endsWith(words), message);
  }
  const { message } = await failureOf(dialOptions("ws://127.0.0.1:9/", { proxy: "http://127.0.0.1:1" }));
  assert.match(message, /Proxy cannot be reached/);
});

Deno.test("fetch() goes through a proxy that it is given", async () => {
  await using proxy = await serveConnectProxy("HTTP/1.1 418 Teapot\r\nContent-Length: 2\r\n\r\nhi");
  const answer = await denoHost().fetcher.fetch({
    method: "GET",
    url: "http://example.test/a",
    headers: {},
    body: null,
    caCertPaths: [],
    proxy: proxy.url,
    timeoutMs: 10_000,
    bytesMax: 1024,
  });
  assert.equal(answer.status, 418);
  assert.match(proxy.asked[0], /^GET http:\/\/example\.test\/a HTTP/);
});
