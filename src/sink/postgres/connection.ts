// @ts-types="@types/pg"
import pg from "pg";
import type { Host } from "../../host/mod.ts";
import { readAuthorities } from "../endpoint_keys.ts";
import { postgresFailure } from "./failure.ts";

/** Options of a connection. */
export interface PostgresEndpoint {
  readonly url: string;
  /** PEM file of the authority that the server's certificate is checked against; null: the platform's own. */
  readonly caPath: string | null;
}

/** How long to wait for a connection, and for one statement, in ms. A server that hangs says nothing. */
const CONNECT_MS = 5_000;
const STATEMENT_MS = 20_000;

/** One connection, for one life of the sink: after any failure it is discarded. */
export class PostgresConnection {
  readonly #client: pg.Client;
  readonly #host: Host;
  #failure: unknown = null;
  #isOpen = false;

  private constructor(client: pg.Client, host: Host) {
    this.#client = client;
    this.#host = host;
    // Without a listener, the end of an idle connection would be an uncaught error.
    client.on("error", (error) => this.#failure ??= error);
  }

  /** Connects. Rejects with a `Failure`. */
  static async open(endpoint: PostgresEndpoint, host: Host, signal: AbortSignal): Promise<PostgresConnection> {
    const client = new pg.Client({
      ...await addressOf(endpoint, host),
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: STATEMENT_MS,
      statement_timeout: STATEMENT_MS,
      idle_in_transaction_session_timeout: 2 * STATEMENT_MS,
      keepAlive: true,
      application_name: "crypto-collector",
    });
    const connection = new PostgresConnection(client, host);
    await connection.#guarded("connect", signal, () => client.connect());
    connection.#isOpen = true;
    return connection;
  }

  /** Runs one statement; `name` prepares it once. Cuts the connection if the signal aborts. */
  async query(
    text: string,
    { values = [], name, signal }: {
      readonly values?: readonly unknown[];
      readonly name?: string;
      readonly signal: AbortSignal;
    },
  ): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[]; readonly count: number }> {
    const query = { text, values: [...values], ...(name === undefined ? {} : { name }) };
    const { rows, rowCount } = await this.#guarded("write", signal, () => this.#client.query(query));
    return { rows, count: rowCount ?? 0 };
  }

  /** Ends the session, but gives up on a server that hangs. */
  async close(): Promise<void> {
    if (!this.#isOpen || this.#failure !== null) return this.#cut();
    this.#isOpen = false;
    const late = Promise.withResolvers<void>();
    const timer = this.#host.clock.after(1_000, late.resolve);
    // Errors of the goodbye change nothing: the connection is cut after it.
    await Promise.race([this.#client.end().catch(() => {}), late.promise]);
    timer.cancel();
    this.#cut();
  }

  #cut(): void {
    this.#isOpen = false;
    streamOf(this.#client)?.destroy();
  }

  async #guarded<T>(what: "connect" | "write", signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#failure !== null) throw postgresFailure(what, this.#failure);
    const cut = () => this.#cut();
    signal.addEventListener("abort", cut, { once: true });
    try {
      return await call();
    } catch (cause) {
      this.#failure ??= cause;
      throw postgresFailure(what, cause);
    } finally {
      signal.removeEventListener("abort", cut);
    }
  }
}

/** The parts of the address as the client takes them, so that it reads nothing from the environment but defaults. */
async function addressOf({ url, caPath }: PostgresEndpoint, host: Host): Promise<pg.ClientConfig> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const ca = await readAuthorities(host.files, caPath);
  const mode = searchParams.get("sslmode") ?? (ca === null ? "disable" : "verify-full");
  return {
    host: decodeURIComponent(hostname).replace(/^\[|\]$/g, ""),
    port: port === "" ? 5432 : Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)) || decodeURIComponent(username),
    ssl: mode === "disable" ? false : { ...(ca === null ? {} : { ca }), rejectUnauthorized: true },
  };
}

/** The client's socket, which only cutting it can free from a server that does not answer. */
function streamOf(client: pg.Client): { destroy(): void } | null {
  const { connection } = client as unknown as { readonly connection?: { readonly stream?: { destroy(): void } } };
  return connection?.stream ?? null;
}
