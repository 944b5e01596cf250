import assert from "node:assert/strict";
import { createServer as createTlsServer } from "node:https";
import { fileURLToPath } from "node:url";
// @ts-types="@types/ws"
import { WebSocketServer } from "ws";
import { type Connection, type ConnectionCallbacks, denoHost, type DialOptions } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { serveRaw, upgradeRaw } from "../support/raw_server.ts";
import { SocketLog } from "../support/socket_log.ts";

type Served = Parameters<Parameters<ReturnType<typeof denoHost>["listener"]["serveSockets"]>[0]["accept"]>[0];

const HOST = "127.0.0.1";
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

function dialOptions(url: string, changes: Partial<DialOptions> = {}): DialOptions {
  return {
    url,
    headers: {},
    compression: false,
    caCertPath: null,
    timeoutMs: 10_000,
    frameBytesMax: 1024 * 1024,
    ...changes,
  };
}

/** Serves sockets with one log for all of them. */
async function serve(options: { answersPings?: boolean; greet?: (connection: Served) => void } = {}) {
  const log = new SocketLog();
  const urls: string[] = [];
  const connections: Served[] = [];
  const server = await denoHost().listener.serveSockets({
    host: HOST,
    port: 0,
    answer: () => new Response("plain"),
    accept: (connection, url) => {
      urls.push(url);
      connections.push(connection);
      options.greet?.(connection);
      return log;
    },
    ...(options.answersPings === undefined ? {} : { answersPings: options.answersPings }),
  });
  return { log, urls, connections, server, url: `ws://${HOST}:${server.port}` };
}

async function dialFailure(options: DialOptions, signal?: AbortSignal): Promise<Failure> {
  const failure: unknown = await denoHost().dialer.dial(options, new SocketLog(), signal).then(
    () => null,
    (error: unknown) => error,
  );
  assert.ok(failure instanceof Failure, String(failure));
  return failure;
}

Deno.test("dial() delivers text and binary frames in order as plain bytes with their receive time", async () => {
  const served = await serve({
    greet: (connection) => {
      connection.send("héllo");
      connection.sendBinary(new Uint8Array([1, 2, 3]));
    },
  });
  const log = new SocketLog();
  const kept: Uint8Array[] = [];
  const callbacks: ConnectionCallbacks = {
    onFrame: (payload, binary, receivedTs) => {
      kept.push(payload);
      log.onFrame(payload, binary, receivedTs);
    },
    onPing: (at) => log.onPing(at),
    onPong: (at) => log.onPong(at),
    onClose: (code, reason) => log.onClose(code, reason),
  };
  const host = denoHost();
  const before = host.clock.nowMicros();
  const connection = await host.dialer.dial(dialOptions(`${served.url}/path?x=1`), callbacks);
  assert.equal(log.events.length, 0, "no frame before the owner has the connection");
  const second = await log.nth("frame", 2);
  const [first] = log.of("frame");
  assert.deepEqual([first.text, first.binary, second.binary], ["héllo", false, true]);
  assert.equal(Object.getPrototypeOf(kept[0]), Uint8Array.prototype);
  assert.deepEqual(kept[1], new Uint8Array([1, 2, 3]));
  assert.ok(before <= first.receivedTs && first.receivedTs <= second.receivedTs);
  assert.deepEqual(served.urls, ["/path?x=1"]);
  connection.send("back");
  assert.equal((await served.log.nth("frame")).text, "back");
  connection.close(1000, "done");
  assert.deepEqual(await served.log.nth("close"), { kind: "close", code: 1000, reason: "done" });
  assert.deepEqual(await log.nth("close"), { kind: "close", code: 1000, reason: "done" });
  await served.server.stop();
});

Deno.test("dial() leaves kept payloads untouched while many more frames come", async () => {
  const texts = Array.from({ length: 3000 }, (_, i) => `${i}`.repeat(1 + i % 97));
  const served = await serve({ greet: (connection) => texts.forEach((text) => connection.send(text)) });
  const kept: Uint8Array[] = [];
  const log = new SocketLog();
  const connection = await denoHost().dialer.dial(dialOptions(served.url), {
    onFrame: (payload, binary, at) => {
      kept.push(payload);
      log.onFrame(payload, binary, at);
    },
    onPing: () => {},
    onPong: () => {},
    onClose: (code, reason) => log.onClose(code, reason),
  });
  await log.nth("frame", texts.length);
  assert.deepEqual(kept.map((payload) => new TextDecoder().decode(payload)), texts);
  connection.close(1000, "");
  await log.nth("close");
  await served.server.stop();
});

Deno.test("dial() speaks permessage-deflate when asked to", async () => {
  const long = "compress me ".repeat(1000);
  for (const compression of [true, false]) {
    const served = await serve({ greet: (connection) => connection.send(long) });
    const log = new SocketLog();
    const connection = await denoHost().dialer.dial(dialOptions(served.url, { compression }), log);
    assert.equal((await log.nth("frame")).text, long);
    connection.send(long);
    assert.equal((await served.log.nth("frame")).text, long);
    connection.close(1000, "");
    await log.nth("close");
    await served.server.stop();
  }
});

Deno.test("ping() is answered by a pong, and a server's ping is told to the owner", async () => {
  const served = await serve({ greet: (connection) => connection.ping() });
  const log = new SocketLog();
  const connection = await denoHost().dialer.dial(dialOptions(served.url), log);
  connection.ping();
  assert.ok((await log.nth("pong")).receivedTs > 0);
  await log.nth("ping");
  await served.log.nth("pong");
  connection.close(1000, "");
  await log.nth("close");
  await served.server.stop();
});

Deno.test("ping() is never answered by a server that answers no pings", async () => {
  const served = await serve({ answersPings: false });
  const log = new SocketLog();
  const connection = await denoHost().dialer.dial(dialOptions(served.url), log);
  connection.ping();
  await served.log.nth("ping");
  served.connections[0].send("after the ping");
  await log.nth("frame");
  assert.equal(log.of("pong").length, 0);
  connection.close(1000, "");
  await log.nth("close");
  await served.server.stop();
});

Deno.test("onClose() is called once with null when the peer breaks the connection", async () => {
  const served = await serve({ greet: (connection) => connection.terminate() });
  const log = new SocketLog();
  const connection = await denoHost().dialer.dial(dialOptions(served.url), log);
  assert.equal((await log.nth("close")).code, null);
  connection.send("into the void");
  connection.ping();
  connection.pause();
  connection.resume();
  connection.close(1000, "again");
  assert.equal(log.of("close").length, 1);
  await served.server.stop();
});

Deno.test("onClose() tells the peer's close code and words", async () => {
  const served = await serve({ greet: (connection) => connection.close(4008, "go away") });
  const log = new SocketLog();
  await denoHost().dialer.dial(dialOptions(served.url), log);
  assert.deepEqual(await log.nth("close"), { kind: "close", code: 4008, reason: "go away" });
  await served.server.stop();
});

Deno.test("close() cuts the connection when the peer does not answer", async () => {
  const server = await serveRaw((socket) => upgradeRaw(socket, () => {}));
  const log = new SocketLog();
  const connection = await denoHost().dialer.dial(dialOptions(`ws://${HOST}:${server.port}`), log);
  connection.close(1000, "x".repeat(500));
  assert.equal((await log.nth("close")).code, null);
  server.stop();
});

Deno.test("onClose() follows when the peer sends garbage instead of frames", async () => {
  const server = await serveRaw((socket) =>
    upgradeRaw(socket, () => socket.write(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])))
  );
  const log = new SocketLog();
  await denoHost().dialer.dial(dialOptions(`ws://${HOST}:${server.port}`), log);
  const close = await log.nth("close");
  assert.equal(close.code, null);
  assert.match(close.reason, /frame/);
  assert.equal(log.of("close").length, 1);
  server.stop();
});

Deno.test("onClose() follows when a frame is larger than allowed", async () => {
  const served = await serve({ greet: (connection) => connection.send("x".repeat(5000)) });
  const log = new SocketLog();
  await denoHost().dialer.dial(dialOptions(served.url, { frameBytesMax: 1000 }), log);
  await log.nth("close");
  assert.equal(log.of("frame").length, 0);
  await served.server.stop();
});

Deno.test("pause() holds frames back until resume()", async () => {
  const served = await serve();
  const log = new SocketLog();
  const connection = await denoHost().dialer.dial(dialOptions(served.url), log);
  connection.send("ready");
  await served.log.nth("frame");
  connection.pause();
  served.connections[0].send("held");
  const other = await denoHost().dialer.dial(dialOptions(served.url), new SocketLog());
  other.send("a round trip later");
  await served.log.nth("frame", 2);
  assert.equal(log.of("frame").length, 0);
  connection.resume();
  assert.equal((await log.nth("frame")).text, "held");
  connection.close(1000, "");
  other.close(1000, "");
  await log.nth("close");
  await served.server.stop();
});

Deno.test("dial() rejects with status and Retry-After when the upgrade is refused", async () => {
  for (const [status, retryAfter, expected] of [[429, "3", 3000], [503, null, null], [403, "soon", null]] as const) {
    const server = await serveRaw((socket) =>
      socket.once("data", () => {
        const header = retryAfter === null ? "" : `Retry-After: ${retryAfter}\r\n`;
        socket.end(`HTTP/1.1 ${status} Refused\r\n${header}Content-Length: 2\r\n\r\nno`);
      })
    );
    const failure = await dialFailure(dialOptions(`ws://${HOST}:${server.port}/`));
    assert.deepEqual([failure.code, failure.status, failure.retryAfterMs], ["http_status", status, expected]);
    server.stop();
  }
});

Deno.test("dial() rejects with timeout when the upgrade is never answered", async () => {
  const server = await serveRaw(() => {});
  const failure = await dialFailure(dialOptions(`ws://${HOST}:${server.port}/?token=secret`, { timeoutMs: 20 }));
  assert.equal(failure.code, "timeout");
  assert.ok(!failure.message.includes("secret"));
  server.stop();
});

Deno.test("dial() rejects with cancelled when the signal aborts", async () => {
  const abort = new AbortController();
  const server = await serveRaw(() => abort.abort());
  const options = dialOptions(`ws://${HOST}:${server.port}/`);
  assert.equal((await dialFailure(options, abort.signal)).code, "cancelled");
  assert.equal((await dialFailure(options, abort.signal)).code, "cancelled");
  server.stop();
});

Deno.test("dial() rejects with connect when nobody listens, the peer hangs up, or it is no HTTP", async () => {
  const gone = await serveRaw(() => {});
  gone.stop();
  assert.equal((await dialFailure(dialOptions(`ws://${HOST}:${gone.port}/`))).code, "connect");
  const hangUp = await serveRaw((socket) => socket.destroy());
  // Deno 2.6 does not notice before the time is up.
  const { code } = await dialFailure(dialOptions(`ws://${HOST}:${hangUp.port}/`, { timeoutMs: 2000 }));
  assert.ok(code === "connect" || code === "timeout");
  hangUp.stop();
  const garbage = await serveRaw((socket) => socket.once("data", () => socket.end("not HTTP at all\r\n\r\n")));
  assert.equal((await dialFailure(dialOptions(`ws://${HOST}:${garbage.port}/`))).code, "connect");
  garbage.stop();
  assert.equal((await dialFailure(dialOptions("no address"))).code, "connect");
});

Deno.test("dial() trusts a custom authority and rejects with tls without it", async () => {
  const server = createTlsServer({
    key: await Deno.readTextFile(fixture("server_key.pem")),
    cert: await Deno.readTextFile(fixture("server.pem")),
  });
  server.on("tlsClientError", () => {});
  const sockets = new WebSocketServer({ server });
  const headers: (string | undefined)[] = [];
  sockets.on("connection", (socket: { send(text: string): void }, request: { headers: Record<string, string> }) => {
    headers.push(request.headers["x-thing"]);
    socket.send("safe");
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, () => resolve()));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const url = `wss://localhost:${address.port}/`;
  const log = new SocketLog();
  const options = dialOptions(url, { caCertPath: fixture("ca.pem"), headers: { "X-Thing": "1" } });
  const connection: Connection = await denoHost().dialer.dial(options, log);
  assert.equal((await log.nth("frame")).text, "safe");
  assert.deepEqual(headers, ["1"]);
  connection.close(1000, "");
  await log.nth("close");
  assert.equal((await dialFailure(dialOptions(url))).code, "tls");
  assert.equal((await dialFailure(dialOptions(url, { caCertPath: fixture("absent.pem") }))).code, "tls");
  sockets.close();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
});

Deno.test("dialer gives a text frame that is not UTF-8 as it came, and the connection lives on", async () => {
  const server = await serveRaw((socket) =>
    upgradeRaw(socket, () => socket.write(new Uint8Array([0x81, 2, 0xff, 0xfe, 0x81, 2, 0x7b, 0x7d])))
  );
  const payloads: Uint8Array[] = [];
  const both = Promise.withResolvers<void>();
  const connection = await denoHost().dialer.dial(dialOptions(`ws://${HOST}:${server.port}`), {
    onFrame: (payload, binary) => {
      assert.equal(binary, false);
      payloads.push(payload.slice());
      if (payloads.length === 2) both.resolve();
    },
    onPing: () => {},
    onPong: () => {},
    onClose: () => both.reject(new Error("The connection was closed")),
  });
  await both.promise;
  assert.deepEqual(payloads, [new Uint8Array([0xff, 0xfe]), new Uint8Array([0x7b, 0x7d])]);
  connection.close(1000, "");
  await server.stop();
});
