import { createServer, type IncomingMessage } from "node:http";
import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { Failure } from "../model/mod.ts";
import type { Clock, Listener, SocketServer } from "./host.ts";
import { answerRequest } from "./http_answer.ts";
import { listenFailure } from "./listen_failure.ts";
import { attachSocket, deflateOptions } from "./socket_connection.ts";

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
    answerRequest(request, response, options.answer).catch((cause: unknown) => {
      response.destroy(cause instanceof Error ? cause : new Error(String(cause)));
    });
  });
  server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    sockets.handleUpgrade(request, stream, head, (socket: WebSocket) => accept(socket, request.url ?? "/"));
  });
  const accept = (socket: WebSocket, url: string) => {
    // The owner returns its callbacks only after it gets the connection; until then nothing is read.
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
