import { freePort, isThere, SERVERS_DIR, TestServer } from "./server_process.ts";

const CHDB = `${SERVERS_DIR}/chdb`;
const SCRIPT = new URL("./clickhouse_server.py", import.meta.url).pathname;
const [USER, PASSWORD] = ["collector", "secret-of-clickhouse"];

/** Why there is no server to test against; null where there is one. */
export const CLICKHOUSE_ABSENT = isThere(`${CHDB}/chdb`) ? null : "no ClickHouse engine is installed";

/** ClickHouse's engine of its own, behind its HTTP interface. */
export class ClickhouseServer extends TestServer {
  readonly port: number;

  private constructor(dir: string, port: number) {
    super(dir, {
      command: "python3",
      args: [SCRIPT, String(port), `${dir}/data`, `${USER}:${PASSWORD}`],
      env: { PYTHONPATH: CHDB },
    });
    this.port = port;
  }

  static async start(): Promise<ClickhouseServer> {
    const server = new ClickhouseServer(await Deno.makeTempDir({ prefix: "clickhouse" }), freePort());
    await server.start();
    return server;
  }

  url(password = PASSWORD): string {
    return `http://${USER}:${password}@127.0.0.1:${this.port}`;
  }

  protected async answers(): Promise<void> {
    await this.query("select 1");
  }

  /** Runs a statement; returns its answer as text. */
  async query(text: string): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${USER}:${PASSWORD}`)}` },
      body: text,
      signal: AbortSignal.timeout(120_000),
    });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${text}: ${body}`);
    return body;
  }
}
