import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { Failure } from "../model/mod.ts";
import type { Clock, Listener, SocketServer } from "./host.ts";
import { listenFailure } from "./listen_failure.ts";
import { attachSocket, deflateOptions } from "./socket_connection.ts";

/** Largest request body that is read, in bytes; a larger one is answered with 413. */
const REQUEST_BYTES_MAX = 1024 * 1024;
/** Largest frame that clients may send, in bytes; a larger one ends the connection. */
const CLIENT_FRAME_BYTES_MAX = 1024 * 1024;

type ServeOptions = Parameters<Listener["serveSockets"]>[0];

/** WebSockets by `ws` and plain HTTP on one port. */
export async function serveSockets(clock: Clock, options: ServeOptions): Promise<SocketServer> {
  const sockets = new WebSocketServer({
    noServer: true,
    autoPong: options.answersPings ?? true,
    maxPayload: CLIENT_FRAME_BYTES_MAX,
    perMessageDeflate: deflateOptions(true),
  });
  const server = createServer((request, response) => {
    answerPlain(request, response, options.answer).catch((cause: unknown) => {
      response.destroy(cause instanceof Error ? cause : new Error(String(cause)));
    });
  });
  server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    sockets.handleUpgrade(request, stream, head, (socket: WebSocket) => accept(socket, request.url ?? "/"));
  });
  const accept = (socket: WebSocket, url: string) => {
    // The owner's callbacks are known only after it has the connection; until then nothing is read.
    const late: { callbacks: ReturnType<ServeOptions["accept"]> | null } = { callbacks: null };
    const connection = attachSocket(socket, {
      onFrame: (payload, binary, receivedTs) => late.callbacks?.onFrame(payload, binary, receivedTs),
      onPing: (receivedTs) => late.callbacks?.onPing(receivedTs),
      onPong: (receivedTs) => late.callbacks?.onPong(receivedTs),
      onClose: (code, reason) => late.callbacks?.onClose(code, reason),
    }, clock);
    late.callbacks = options.accept(connection, url);
  };
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: Error) => reject(listenFailure(options, cause)));
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Failure("connect", "Cannot tell the port listened on");
  return {
    port: address.port,
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

async function answerPlain(
  request: IncomingMessage,
  response: ServerResponse,
  answer: ServeOptions["answer"],
): Promise<void> {
  const method = request.method ?? "GET";
  const bodiless = method === "GET" || method === "HEAD";
  // Deno 2.6 never ends the body of a request that has none.
  const body = bodiless ? Buffer.alloc(0) : await readBody(request);
  if (body === null) {
    response.writeHead(413).end();
    return;
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  const url = `http://${request.headers.host ?? "localhost"}${request.url ?? "/"}`;
  const reply = await answer(new Request(url, { method, headers, ...(bodiless ? {} : { body }) }));
  const bytes = new Uint8Array(await reply.arrayBuffer());
  response.writeHead(reply.status, Object.fromEntries(reply.headers));
  response.end(bytes);
}

async function readBody(request: IncomingMessage): Promise<Buffer<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > REQUEST_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
