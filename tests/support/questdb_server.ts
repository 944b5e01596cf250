import { freePort, isThere, SERVERS_DIR, TestServer } from "./server_process.ts";

const JAR = `${SERVERS_DIR}/questdb/questdb-9.3.4.jar`;

/** Why there is no server to test against; null where there is one. */
export const QUESTDB_ABSENT = isThere(JAR) ? null : "no QuestDB is installed";

const [USER, PASSWORD] = ["collector", "secret-of-questdb"];

/** A QuestDB of its own. */
export class QuestdbServer extends TestServer {
  readonly port: number;

  private constructor(dir: string, port: number) {
    super(dir, {
      command: "java",
      args: ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-p", JAR]
        .concat(["-m", "io.questdb/io.questdb.ServerMain", "-d", dir, "-n"]),
      env: {
        QDB_HTTP_BIND_TO: `127.0.0.1:${port}`,
        QDB_HTTP_USER: USER,
        QDB_HTTP_PASSWORD: PASSWORD,
        QDB_HTTP_MIN_ENABLED: "false",
        QDB_PG_ENABLED: "false",
        QDB_LINE_TCP_ENABLED: "false",
        QDB_TELEMETRY_ENABLED: "false",
        QDB_SHARED_WORKER_COUNT: "2",
      },
    });
    this.port = port;
  }

  static async start(): Promise<QuestdbServer> {
    const server = new QuestdbServer(await Deno.makeTempDir({ prefix: "questdb" }), freePort());
    await server.start();
    return server;
  }

  url(password = PASSWORD): string {
    return `http://${USER}:${password}@127.0.0.1:${this.port}`;
  }

  protected async answers(): Promise<void> {
    await this.query("select 1");
  }

  /** Runs a statement; returns its rows, each an array. */
  async query(text: string): Promise<readonly (readonly unknown[])[]> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/exec?query=${encodeURIComponent(text)}`, {
      headers: { authorization: `Basic ${btoa(`${USER}:${PASSWORD}`)}` },
      signal: AbortSignal.timeout(120_000),
    });
    const body: { readonly dataset?: readonly (readonly unknown[])[]; readonly error?: string } = JSON.parse(
      // It writes control characters as they are.
      Array.from(await answer.text(), (c) => c < " " ? JSON.stringify(c).slice(1, -1) : c).join(""),
    );
    if (!answer.ok) throw new Error(`${text}: ${body.error}`);
    return body.dataset ?? [];
  }

  /** Resolves when everything that was acknowledged can be read. */
  async applied(): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      const behind = await this.query("select name from wal_tables() where writerTxn < sequencerTxn");
      if (behind.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error("The write-ahead log is not applied");
  }
}
