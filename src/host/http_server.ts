import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { Failure, HTTP_CONNECTIONS_MAX, HTTP_IDLE_MS_MAX, HTTP_LOOK_MS } from "../model/mod.ts";
import type { Clock, HttpServer, Timer } from "./host.ts";
import { answerRequest } from "./http_answer.ts";
import { listenFailure } from "./listen_failure.ts";

/** How long open requests may take to finish after `stop`, in ms; then they are cut. */
const STOP_MS_MAX = 1_000;
/** How long the server may take to see a connection of its own, in ms; longer, and it no longer accepts any. */
const ACCEPT_MS_MAX = 2_000;

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * An HTTP server that outlives its clients. It keeps a bounded number of connections: a new one takes the place of the
 * one that has been idle longest, and idle ones are closed after a while. Where the process has no file left for a new
 * connection, the platform's server stops to accept and says nothing: it is noticed and begun again.
 */
export async function serveHttp(
  clock: Clock,
  address: Address,
  answer: (request: Request) => Response | Promise<Response>,
): Promise<HttpServer> {
  const server = new BoundedServer(clock, answer);
  await server.listen(address);
  return server;
}

/** What is known of a client's connection. */
interface Client {
  /** Requests that are being answered. */
  open: number;
  /** When it was last busy, in monotonic ms. */
  sinceMs: number;
}

class BoundedServer implements HttpServer {
  readonly #clock: Clock;
  readonly #answer: (request: Request) => Response | Promise<Response>;
  /** In the order in which they were last busy. */
  readonly #clients = new Map<Socket, Client>();
  #server: Server | null = null;
  #address: Address = { host: "", port: 0 };
  #accepted = 0;
  #look: Timer | null = null;
  #stopping = false;

  constructor(clock: Clock, answer: (request: Request) => Response | Promise<Response>) {
    this.#clock = clock;
    this.#answer = answer;
  }

  get host(): string {
    return this.#address.host;
  }

  get port(): number {
    return this.#address.port;
  }

  async listen(address: Address): Promise<void> {
    const server = createServer((request, response) => {
      const { socket } = request;
      this.#setBusy(socket, 1);
      response.once("close", () => this.#setBusy(socket, -1));
      answerRequest(request, response, this.#answer).catch((cause: unknown) => {
        response.destroy(cause instanceof Error ? cause : new Error(String(cause)));
      });
    });
    server.on("connection", (socket: Socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause: Error) => reject(listenFailure(address, cause)));
      server.listen(address.port, address.host, resolve);
    });
    // What goes wrong with one client touches no other; a server that has gone deaf is noticed by looking.
    server.on("error", () => {});
    const bound = server.address();
    if (bound === null || typeof bound === "string") throw new Failure("connect", "Cannot tell the port listened on");
    this.#server = server;
    this.#address = { host: address.host, port: bound.port };
    this.#lookLater();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#look?.cancel();
    const server = this.#server;
    if (server === null) return;
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const [socket, { open }] of this.#clients) if (open === 0) socket.destroy();
    const cut = this.#clock.after(STOP_MS_MAX, () => {
      for (const socket of this.#clients.keys()) socket.destroy();
    });
    await ended;
    cut.cancel();
  }

  #accept(socket: Socket): void {
    this.#accepted++;
    if (this.#clients.size >= HTTP_CONNECTIONS_MAX) this.#evict();
    this.#clients.set(socket, { open: 0, sinceMs: this.#clock.monotonicMs() });
    socket.once("close", () => this.#clients.delete(socket));
    // A client that breaks its connection is no error of ours.
    socket.on("error", () => socket.destroy());
  }

  /** Closes the connection that has been idle longest; where all are busy, the one that has been busy longest. */
  #evict(): void {
    let chosen: Socket | undefined;
    for (const [socket, { open }] of this.#clients) {
      if (open > 0) continue;
      chosen = socket;
      break;
    }
    chosen ??= this.#clients.keys().next().value;
    if (chosen === undefined) return;
    this.#clients.delete(chosen);
    chosen.destroy();
  }

  #setBusy(socket: Socket, by: number): void {
    const client = this.#clients.get(socket);
    if (client === undefined) return;
    client.open += by;
    client.sinceMs = this.#clock.monotonicMs();
    this.#clients.delete(socket);
    this.#clients.set(socket, client);
  }

  #lookLater(): void {
    if (this.#stopping) return;
    this.#look = this.#clock.after(HTTP_LOOK_MS, () => void this.#lookAround());
  }

  async #lookAround(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    for (const [socket, { open, sinceMs }] of this.#clients) {
      if (open === 0 && nowMs - sinceMs >= HTTP_IDLE_MS_MAX) socket.destroy();
    }
    if (await this.#isDeaf() && !this.#stopping) await this.#listenAgain();
    this.#lookLater();
  }

  /** Whether a connection of our own is not seen. One that cannot be made proves nothing. */
  async #isDeaf(): Promise<boolean> {
    const { host, port } = this.#address;
    const hostname = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
    const before = this.#accepted;
    let connection: Deno.Conn | null = null;
    try {
      connection = await Deno.connect({ hostname, port });
      const until = this.#clock.monotonicMs() + ACCEPT_MS_MAX;
      while (this.#accepted === before && this.#clock.monotonicMs() < until && !this.#stopping) {
        await this.#clock.sleep(20);
      }
      return this.#accepted === before;
    } catch (cause) {
      return cause instanceof Deno.errors.ConnectionRefused;
    } finally {
      connection?.close();
    }
  }

  async #listenAgain(): Promise<void> {
    this.#server?.close();
    for (const socket of this.#clients.keys()) socket.destroy();
    try {
      await this.listen(this.#address);
    } catch (cause) {
      // The port is still held, or there is still no file for it: the next look tries again.
      if (!(cause instanceof Failure)) throw cause;
    }
  }
}
