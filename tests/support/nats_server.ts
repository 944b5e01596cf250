import { connect, type NatsConnection } from "@nats-io/transport-node";
import { freePort, isThere, SERVERS_DIR, TestServer, TLS_FILES } from "./server_process.ts";

const BIN = `${SERVERS_DIR}/bin/nats-server`;

/** Why there is no server to test against; null where there is one. */
export const NATS_ABSENT = isThere(BIN) ? null : "no nats-server is installed";

const [USER, PASSWORD] = ["collector", "nats-secret"];

// The client leaves its socket without a listener while it closes; an error that comes then would end the tests, as it
// would end the program, which tells it and goes on.
addEventListener("error", (event) => {
  const { error } = event;
  if (error instanceof Error && "syscall" in error && "code" in error && error.code === "ECONNRESET") {
    event.preventDefault();
  }
});

/** A NATS server of its own with JetStream. */
export class NatsServer extends TestServer {
  readonly port: number;
  readonly #tls: boolean;

  private constructor(dir: string, port: number, tls: boolean) {
    const args = ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", dir, "--user", USER, "--pass", PASSWORD];
    const secured = tls ? ["--tls", "--tlscert", TLS_FILES.certificate, "--tlskey", TLS_FILES.key] : [];
    super(dir, { command: BIN, args: [...args, ...secured] });
    this.port = port;
    this.#tls = tls;
  }

  static async start({ tls = false } = {}): Promise<NatsServer> {
    const server = new NatsServer(await Deno.makeTempDir({ prefix: "nats" }), freePort(), tls);
    await server.start();
    return server;
  }

  url(password = PASSWORD): string {
    return `nats://${USER}:${password}@127.0.0.1:${this.port}`;
  }

  protected answers(): Promise<void> {
    return this.#use(async (connection) => void await connection.request("$JS.API.INFO", "", { timeout: 500 }));
  }

  /** Calls the API of JetStream. */
  api(call: string, body: unknown = {}): Promise<Readonly<Record<string, unknown>>> {
    return this.#use(async (connection) =>
      (await connection.request(`$JS.API.${call}`, JSON.stringify(body), { timeout: 5000 })).json()
    );
  }

  /** All messages of a stream whose subject is none of a position, in order; of an absent one none. */
  read(stream: string): Promise<readonly { readonly name: string; readonly body: string }[]> {
    return this.#use(async (connection) => {
      const held: { name: string; body: string }[] = [];
      for (let seq = 1;;) {
        const request = JSON.stringify({ seq, next_by_subj: ">" });
        const answer = await connection.request(`$JS.API.STREAM.MSG.GET.${stream}`, request, { timeout: 5000 });
        const { message } = answer.json<{ message?: { subject: string; seq: number; data?: string } }>();
        if (message === undefined) return held;
        seq = message.seq + 1;
        const body = new TextDecoder().decode(Uint8Array.fromBase64(message.data ?? ""));
        if (!message.subject.includes("._position.")) held.push({ name: message.subject, body });
      }
    });
  }

  async #use<T>(body: (connection: NatsConnection) => Promise<T>): Promise<T> {
    const login = { user: USER, pass: PASSWORD, ...(this.#tls ? { tls: { caFile: TLS_FILES.ca } } : {}) };
    const connection = await connect({ servers: `127.0.0.1:${this.port}`, ...login, reconnect: false, timeout: 1000 });
    try {
      return await body(connection);
    } finally {
      await connection.close();
    }
  }
}
