// @ts-types="@types/pg"
import pg from "pg";
import { freePort, isThere, TestServer, TLS_FILES } from "./server_process.ts";

const BIN = ["/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin"].find((dir) =>
  isThere(`${dir}/postgres`)
);

/** Why there is no server to test against; null where there is one. */
export const POSTGRES_ABSENT = BIN === undefined ? "no PostgreSQL is installed" : null;

/** A PostgreSQL of its own with the database `market` and the user `collector`. */
export class PostgresServer extends TestServer {
  readonly port: number;

  private constructor(dir: string, port: number, { isRoot, tls }: { readonly isRoot: boolean; readonly tls: boolean }) {
    const settings = ["listen_addresses=127.0.0.1", "shared_buffers=16MB", "fsync=on", "max_connections=30"];
    if (tls) settings.push("ssl=on", `ssl_cert_file=${dir}/server.pem`, `ssl_key_file=${dir}/server_key.pem`);
    const args = ["-D", `${dir}/data`, "-p", String(port), "-k", dir, ...settings.flatMap((each) => ["-c", each])];
    const [command, ...rest] = asPostgres(isRoot, [`${BIN}/postgres`, ...args]);
    super(dir, { command, args: rest });
    this.port = port;
  }

  static async start({ tls = false } = {}): Promise<PostgresServer> {
    const dir = await Deno.makeTempDir({ prefix: "postgres" });
    const isRoot = Deno.uid() === 0;
    await Deno.chmod(dir, 0o755);
    await Deno.writeTextFile(`${dir}/password`, "admin");
    await Deno.copyFile(TLS_FILES.certificate, `${dir}/server.pem`);
    await Deno.copyFile(TLS_FILES.key, `${dir}/server_key.pem`);
    await Deno.chmod(`${dir}/server_key.pem`, 0o600);
    // It refuses to run as root, and to read a key that others may read.
    if (isRoot) await run(["chown", "-R", "postgres", dir]);
    const init = [`${BIN}/initdb`, "-D", `${dir}/data`, "-U", "postgres", "--auth=scram-sha-256", "-N"];
    await run(asPostgres(isRoot, [...init, `--pwfile=${dir}/password`]));
    const server = new PostgresServer(dir, freePort(), { isRoot, tls });
    await server.start();
    await server.query("create user collector password 'se:c/ret@1'", "postgres");
    await server.query("create database market owner collector", "postgres");
    return server;
  }

  /** The address that a collector uses. */
  url(user = "collector", password = "se:c/ret@1"): string {
    return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${this.port}/market`;
  }

  protected async answers(): Promise<void> {
    await this.query("select 1", "postgres");
  }

  /** Runs a statement as the superuser. */
  async query(text: string, database = "market"): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const client = new pg.Client({ ...this.#login(database), connectionTimeoutMillis: 2000 });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Kills the server and everything that serves a connection, as a power cut would. */
  override async kill(): Promise<void> {
    for (const pid of await this.#pids()) kill(pid, "SIGKILL");
    await super.kill();
  }

  /** Stops every process that serves a connection: the server takes none and answers none. */
  override async suspend(): Promise<void> {
    for (const pid of await this.#pids()) kill(pid, "SIGSTOP");
  }

  override async resume(): Promise<void> {
    for (const pid of await this.#pids()) kill(pid, "SIGCONT");
  }

  /** The postmaster and its children. */
  async #pids(): Promise<readonly number[]> {
    const main = this.pid;
    if (main === null) return [];
    const { stdout } = await new Deno.Command("ps", { args: ["-o", "pid=", "--ppid", String(main)] }).output();
    const children = new TextDecoder().decode(stdout).split("\n").map(Number).filter((pid) => pid > 0);
    return [main, ...children];
  }

  #login(database: string): pg.ClientConfig {
    return { host: "127.0.0.1", port: this.port, user: "postgres", password: "admin", database };
  }
}

function asPostgres(isRoot: boolean, command: readonly string[]): readonly string[] {
  return isRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", ...command] : command;
}

async function run([command, ...args]: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdout: "null" }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
}

function kill(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
