import { connect, createServer, type Socket } from "node:net";

/** An HTTP proxy that does nothing but CONNECT, and what it was asked. */
export interface ConnectProxy extends AsyncDisposable {
  readonly url: string;
  /** The first line and the authorization of each request. */
  readonly asked: readonly string[];
}

/** Starts a proxy. `answer`: what it says instead of connecting. */
export async function serveConnectProxy(answer: string | null = null): Promise<ConnectProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => client.destroy());
    client.once("data", (bytes) => {
      const head = String(bytes);
      const [, host, port] = /^CONNECT (?:\[?)([^\s\]]+?)\]?:(\d+) HTTP\/1\.1\r\n/.exec(head) ?? [];
      asked.push([head.split("\r\n")[0], /proxy-authorization: (.*)\r\n/i.exec(head)?.[1]].filter(Boolean).join(" "));
      if (answer !== null) return client.end(answer);
      const target = connect(Number(port), host);
      sockets.add(target);
      target.on("error", () => client.destroy());
      target.once("connect", () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        client.pipe(target).pipe(client);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
