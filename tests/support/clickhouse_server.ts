import { freePort, isThere, ServerProcess, SERVERS_DIR } from "./server_process.ts";

const CHDB = `${SERVERS_DIR}/chdb`;
const SCRIPT = new URL("./clickhouse_server.py", import.meta.url).pathname;
const [USER, PASSWORD] = ["collector", "secret-of-clickhouse"];

/** Why there is no server to test against; null where there is one. */
export const CLICKHOUSE_ABSENT = isThere(`${CHDB}/chdb`) ? null : "no ClickHouse engine is installed";

/** ClickHouse's engine of its own, behind its HTTP interface. */
export class ClickhouseServer {
  readonly port: number;
  readonly #dir: string;
  readonly #process: ServerProcess;

  private constructor(dir: string, port: number) {
    this.#dir = dir;
    this.port = port;
    this.#process = new ServerProcess({
      command: "python3",
      args: [SCRIPT, String(port), `${dir}/data`, `${USER}:${PASSWORD}`],
      env: { PYTHONPATH: CHDB },
      ready: async () => {
        await this.query("select 1");
      },
    });
  }

  static async start(): Promise<ClickhouseServer> {
    const server = new ClickhouseServer(await Deno.makeTempDir({ prefix: "clickhouse" }), freePort());
    await server.start();
    return server;
  }

  url(password = PASSWORD): string {
    return `http://${USER}:${password}@127.0.0.1:${this.port}`;
  }

  /** Runs a statement; returns its answer as text. */
  async query(text: string): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${USER}:${PASSWORD}`)}` },
      body: text,
      signal: AbortSignal.timeout(20_000),
    });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${text}: ${body}`);
    return body;
  }

  start(): Promise<void> {
    return this.#process.start();
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  suspend(): void {
    this.#process.suspend();
  }

  resume(): void {
    this.#process.resume();
  }

  async stop(): Promise<void> {
    await this.kill();
    await Deno.remove(this.#dir, { recursive: true });
  }
}
