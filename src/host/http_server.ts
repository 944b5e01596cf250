import {
  Failure,
  HTTP_CONNECTIONS_MAX,
  HTTP_IDLE_MS_MAX,
  HTTP_LOOK_MS,
  HTTP_REQUEST_MS_MAX,
  HTTP_RETRY_MS,
} from "../model/mod.ts";
import { callFile } from "./file_failure.ts";
import type { Clock, HttpAnswer, HttpOptions, HttpServer, Timer } from "./host.ts";
import { closeQuietly, InnerServer } from "./http_inner.ts";
import { Relay } from "./http_relay.ts";
import { listenFailure } from "./listen_failure.ts";

/** How long open requests may take to finish after `stop`, in ms; then they are cut. */
const STOP_MS_MAX = 1_000;

type ClientListener = Deno.TcpListener | Deno.TlsListener;

/**
 * Serves HTTP robustly: `Deno.serve` parses and answers, behind a gate that accepts connections. The gate keeps a
 * bounded number of connections: a new one closes the longest idle one, and idle ones are closed after a while. If no
 * file descriptor is left for a new connection, it retries until there is one.
 */
export async function serveHttp(clock: Clock, options: HttpOptions, answer: HttpAnswer): Promise<HttpServer> {
  const inner = new InnerServer(clock, answer);
  const listener = await listenFor(options);
  try {
    await inner.listen();
    return new Gate(clock, options, listener, inner);
  } catch (cause) {
    listener.close();
    throw listenFailure(options, cause);
  }
}

async function listenFor(options: HttpOptions): Promise<ClientListener> {
  const address = { hostname: options.host, port: options.port };
  const { tls = null } = options;
  const pem = (path: string) => callFile(path, "read", () => Deno.readTextFile(path));
  const keys = tls === null ? null : { cert: await pem(tls.certPath), key: await pem(tls.keyPath) };
  try {
    return keys === null ? Deno.listen(address) : Deno.listenTls({ ...address, ...keys });
  } catch (cause) {
    if (tls !== null && !(cause instanceof Deno.errors.AddrInUse)) {
      const message = `Cannot serve HTTPS with ${tls.certPath} and ${tls.keyPath}: ${
        cause instanceof Error ? cause.message : String(cause)
      }`;
      throw new Failure("tls", message, { cause, retry: false });
    }
    throw listenFailure(options, cause);
  }
}

class Gate implements HttpServer {
  readonly host: string;
  readonly port: number;
  readonly #clock: Clock;
  readonly #listener: ClientListener;
  readonly #clientsMax: number;
  readonly #inner: InnerServer;
  /** Ordered by when bytes were last relayed. */
  readonly #relays = new Set<Relay>();
  /** The loop that accepts, and the ends of all connections. */
  readonly #running = new Set<Promise<void>>();
  #look: Timer | null = null;
  #stopping = false;
  #stopped: Promise<void> | null = null;

  constructor(clock: Clock, { host, clientsMax }: HttpOptions, listener: ClientListener, inner: InnerServer) {
    this.host = host;
    this.#clientsMax = clientsMax ?? HTTP_CONNECTIONS_MAX;
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
    // A handler may never end; it then holds no connection any more.
    await Promise.race([this.#inner.shutdown(), late]);
    await Promise.all(this.#running);
    cut.cancel();
  }

  async #acceptAll(): Promise<void> {
    while (!this.#stopping) {
      try {
        this.#admit(await this.#listener.accept());
      } catch {
        // Most likely no descriptor is left; the client waits in the system's queue until there is one.
        if (this.#stopping) return;
        this.#makeRoom(null);
        await this.#clock.sleep(HTTP_RETRY_MS);
      }
    }
  }

  #admit(client: Deno.Conn): void {
    if (this.#stopping) return closeQuietly(client);
    if (this.#relays.size >= this.#clientsMax && !this.#makeRoom(null)) this.#close([...this.#relays][0]);
    const relay = new Relay(this.#clock, client, this.#inner);
    this.#relays.add(relay);
    const moved = () => {
      // A closed relay is not added again.
      if (this.#relays.delete(relay)) this.#relays.add(relay);
    };
    this.#track(relay.run(moved, () => this.#makeRoom(relay)).finally(() => this.#relays.delete(relay)));
  }

  /** Closes the longest idle connection other than `except`. False if all are busy. */
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
        const isIdle = nowMs - relay.sinceMs >= HTTP_IDLE_MS_MAX || relay.awaitedMs(nowMs) >= HTTP_REQUEST_MS_MAX;
        if (!relay.isBusy && isIdle) this.#close(relay);
      }
      this.#lookLater();
    });
  }

  #track(running: Promise<void>): void {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }
}
