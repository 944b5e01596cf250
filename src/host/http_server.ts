import { HTTP_CONNECTIONS_MAX, HTTP_IDLE_MS_MAX, HTTP_LOOK_MS, HTTP_RETRY_MS } from "../model/mod.ts";
import type { Clock, HttpServer, Timer } from "./host.ts";
import { type Answer, closeQuietly, InnerServer } from "./http_inner.ts";
import { Relay } from "./http_relay.ts";
import { listenFailure } from "./listen_failure.ts";

/** How long open requests may take to finish after `stop`, in ms; then they are cut. */
const STOP_MS_MAX = 1_000;

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * An HTTP server that outlives its clients: `Deno.serve` parses and answers, behind a gate that accepts. The gate keeps a
 * bounded number of connections: a new one takes the place of the one that has been idle longest, and idle ones are
 * closed after a while. Where the process has no file left for a new connection, it tries again until there is one.
 */
export async function serveHttp(clock: Clock, address: Address, answer: Answer): Promise<HttpServer> {
  const inner = new InnerServer(clock, answer);
  let listener: Deno.TcpListener | null = null;
  try {
    listener = Deno.listen({ hostname: address.host, port: address.port });
    await inner.listen();
    return new Gate(clock, address.host, listener, inner);
  } catch (cause) {
    listener?.close();
    throw listenFailure(address, cause);
  }
}

class Gate implements HttpServer {
  readonly host: string;
  readonly port: number;
  readonly #clock: Clock;
  readonly #listener: Deno.TcpListener;
  readonly #inner: InnerServer;
  /** In the order in which bytes last went through them. */
  readonly #relays = new Set<Relay>();
  /** The loop that accepts, and the ends of all connections. */
  readonly #running = new Set<Promise<void>>();
  #look: Timer | null = null;
  #stopping = false;
  #stopped: Promise<void> | null = null;

  constructor(clock: Clock, host: string, listener: Deno.TcpListener, inner: InnerServer) {
    this.host = host;
    this.port = listener.addr.port;
    this.#clock = clock;
    this.#listener = listener;
    this.#inner = inner;
    this.#track(this.#acceptAll());
    this.#lookLater();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    this.#look?.cancel();
    closeQuietly(this.#listener);
    for (const relay of [...this.#relays]) if (!relay.isAwaited) this.#close(relay);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cut = this.#clock.after(STOP_MS_MAX, () => {
      for (const relay of [...this.#relays]) this.#close(relay);
      resolve();
    });
    // A handler may never end; what is left of it holds no connection.
    await Promise.race([this.#inner.shutdown(), late]);
    await Promise.all(this.#running);
    cut.cancel();
  }

  async #acceptAll(): Promise<void> {
    while (!this.#stopping) {
      try {
        this.#admit(await this.#listener.accept());
      } catch {
        // Most likely there is no file left; the client waits in the system's queue until there is one.
        if (this.#stopping) return;
        this.#makeRoom(null);
        await this.#clock.sleep(HTTP_RETRY_MS);
      }
    }
  }

  #admit(client: Deno.TcpConn): void {
    if (this.#stopping) return closeQuietly(client);
    if (this.#relays.size >= HTTP_CONNECTIONS_MAX && !this.#makeRoom(null)) this.#close([...this.#relays][0]);
    const relay = new Relay(this.#clock, client, this.#inner);
    this.#relays.add(relay);
    const moved = () => {
      // One that has been closed does not come back.
      if (this.#relays.delete(relay)) this.#relays.add(relay);
    };
    this.#track(relay.run(moved, () => this.#makeRoom(relay)).finally(() => this.#relays.delete(relay)));
  }

  /** Closes the connection that has been idle longest, but not `except`. False where all are busy. */
  #makeRoom(except: Relay | null): boolean {
    for (const relay of this.#relays) {
      if (relay === except || relay.isBusy) continue;
      this.#close(relay);
      return true;
    }
    return false;
  }

  #close(relay: Relay): void {
    this.#relays.delete(relay);
    relay.close();
  }

  #lookLater(): void {
    if (this.#stopping) return;
    this.#look = this.#clock.after(HTTP_LOOK_MS, () => {
      const nowMs = this.#clock.monotonicMs();
      for (const relay of [...this.#relays]) {
        if (!relay.isBusy && nowMs - relay.sinceMs >= HTTP_IDLE_MS_MAX) this.#close(relay);
      }
      this.#lookLater();
    });
  }

  #track(running: Promise<void>): void {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }
}
