// @ts-types="@types/pg"
import pg from "pg";
import { freePort, isThere, ServerProcess } from "./server_process.ts";

const BIN = ["/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin"].find((dir) =>
  isThere(`${dir}/postgres`)
);

/** Why there is no server to test against; null where there is one. */
export const POSTGRES_ABSENT = BIN === undefined ? "no PostgreSQL is installed" : null;

/** A PostgreSQL of its own with the database `market` and the user `collector`. */
export class PostgresServer {
  readonly port: number;
  readonly #dir: string;
  readonly #process: ServerProcess;

  private constructor(dir: string, port: number, isRoot: boolean) {
    this.#dir = dir;
    this.port = port;
    const args = ["-D", `${dir}/data`, "-p", String(port), "-k", dir, "-c", "listen_addresses=127.0.0.1"];
    const quick = ["-c", "shared_buffers=16MB", "-c", "fsync=on", "-c", "max_connections=30"];
    const ready = async () => {
      const client = new pg.Client({ ...this.#login("postgres"), connectionTimeoutMillis: 2000 });
      client.on("error", () => {});
      await client.connect();
      await client.end();
    };
    this.#process = isRoot
      ? new ServerProcess({
        command: "setpriv",
        args: ["--reuid=postgres", "--regid=postgres", "--clear-groups", `${BIN}/postgres`, ...args, ...quick],
        ready,
      })
      : new ServerProcess({ command: `${BIN}/postgres`, args: [...args, ...quick], ready });
  }

  static async start(): Promise<PostgresServer> {
    const dir = await Deno.makeTempDir({ prefix: "postgres" });
    const isRoot = Deno.uid() === 0;
    await Deno.chmod(dir, 0o755);
    if (isRoot) await run("chown", ["postgres", dir]);
    const init = [`${BIN}/initdb`, "-D", `${dir}/data`, "-U", "postgres", "--auth=scram-sha-256", "-N"];
    await Deno.writeTextFile(`${dir}/password`, "admin");
    if (isRoot) await run("chown", ["postgres", `${dir}/password`]);
    init.push(`--pwfile=${dir}/password`);
    if (isRoot) await run("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", ...init]);
    else await run(init[0], init.slice(1));
    const server = new PostgresServer(dir, freePort(), isRoot);
    await server.#process.start();
    await server.query("create user collector password 'se:c/ret@1'", "postgres");
    await server.query("create database market owner collector", "postgres");
    return server;
  }

  /** The address that a collector uses. */
  url(user = "collector", password = "se:c/ret@1"): string {
    return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${this.port}/market`;
  }

  /** Runs a statement as the superuser. */
  async query(text: string, database = "market"): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const client = new pg.Client(this.#login(database));
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Kills the server and everything that serves a connection, as a power cut would. */
  async kill(): Promise<void> {
    for (const pid of await this.#pids()) kill(pid, "SIGKILL");
    await this.#process.kill();
  }

  async start(): Promise<void> {
    await this.#process.start();
  }

  /** Stops every process that serves a connection: the server takes none and answers none. */
  async suspend(): Promise<void> {
    for (const pid of await this.#pids()) kill(pid, "SIGSTOP");
  }

  async resume(): Promise<void> {
    for (const pid of await this.#pids()) kill(pid, "SIGCONT");
  }

  async stop(): Promise<void> {
    await this.kill();
    await Deno.remove(this.#dir, { recursive: true });
  }

  /** The postmaster and its children. */
  async #pids(): Promise<readonly number[]> {
    const main = this.#process.pid;
    if (main === null) return [];
    const { stdout } = await new Deno.Command("ps", { args: ["-o", "pid=", "--ppid", String(main)] }).output();
    const children = new TextDecoder().decode(stdout).split("\n").map(Number).filter((pid) => pid > 0);
    return [main, ...children];
  }

  #login(database: string): pg.ClientConfig {
    return { host: "127.0.0.1", port: this.port, user: "postgres", password: "admin", database };
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args: [...args], stdout: "null" }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
}

function kill(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
