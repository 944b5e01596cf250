import { connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import { TLS_FILES } from "./server_process.ts";

/** The same server behind TLS, as a proxy before it would offer it. */
export interface TlsFront extends AsyncDisposable {
  readonly port: number;
}

/** Takes TLS connections with the certificate of the tests and hands what they hold to a port of this machine. */
export async function startTlsFront(to: number): Promise<TlsFront> {
  const [key, cert] = await Promise.all([TLS_FILES.key, TLS_FILES.certificate].map((path) => Deno.readTextFile(path)));
  const sockets = new Set<Socket>();
  const server = createServer({ key, cert }, (client) => {
    const target = connect(to, "127.0.0.1");
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    client.pipe(target).pipe(client);
  });
  // A client that does not trust the certificate says so and leaves.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The front has no port");
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
