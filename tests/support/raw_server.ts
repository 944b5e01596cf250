import { createServer, type Server, type Socket } from "node:net";

/** A TCP server whose far end a test writes byte by byte. */
export interface RawServer {
  readonly port: number;
  /** Stops listening and cuts all connections. */
  stop(): void;
}

/** Serves TCP on a free loopback port and does with each connection what it is told. */
export async function serveRaw(accept: (socket: Socket) => void): Promise<RawServer> {
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => open.delete(socket));
    socket.on("close", () => open.delete(socket));
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port was given");
  return {
    port: address.port,
    stop: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** Answers the WebSocket upgrade on a raw connection (RFC 6455 section 4.2.2), then hands the connection over. */
export function upgradeRaw(socket: Socket, then: (socket: Socket) => void): void {
  socket.once("data", async (request: Uint8Array) => {
    const key = /sec-websocket-key: (.+)\r\n/i.exec(new TextDecoder().decode(request))?.[1] ?? "";
    const text = new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    const hash = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-1", text))));
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${hash}\r\n\r\n`,
    );
    then(socket);
  });
}
