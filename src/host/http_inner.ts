import { Failure, HTTP_CONNECT_TRIES_MAX, HTTP_REQUEST_BYTES_MAX, HTTP_RETRY_MS } from "../model/mod.ts";
import type { Clock, HttpAnswer } from "./host.ts";
import { httpCall } from "./http_upgrade.ts";

/** Where the inner server listens: a socket in a private folder, or else a local port. */
type Place = { readonly folder: string; readonly path: string } | { readonly port: number };

/**
 * Runs `Deno.serve` where only the gate reaches it. Its accept loop ends for good when the process runs out of file
 * descriptors; it is restarted at the next connection.
 */
export class InnerServer {
  readonly #clock: Clock;
  readonly #answer: HttpAnswer;
  #server: Deno.HttpServer | null = null;
  #place: Place | null = null;
  #starting: Promise<Place> | null = null;
  /** Ports of the gate's own connections: a server on a local port answers no others. */
  readonly #ownPorts = new Set<number>();
  #open = 0;

  constructor(clock: Clock, answer: HttpAnswer) {
    this.#clock = clock;
    this.#answer = answer;
  }

  /** Whether any request is being answered. */
  get isAnswering(): boolean {
    return this.#open > 0;
  }

  /** Returns where it listens, after starting to listen if necessary. Rejects if it cannot. */
  listen(): Promise<Place> {
    if (this.#server !== null && this.#place !== null) return Promise.resolve(this.#place);
    this.#starting ??= this.#listenAnew().finally(() => this.#starting = null);
    return this.#starting;
  }

  /**
   * Connects to it. If that fails, calls `makeRoom` and tries again; rejects with a `Failure` after
   * HTTP_CONNECT_TRIES_MAX tries.
   */
  async connect(makeRoom: () => void): Promise<Deno.Conn> {
    for (let tries = 1;; tries++) {
      try {
        return await this.#connectTo(await this.listen());
      } catch (cause) {
        // The socket's file was removed, or the server has ended without `finished` resolved yet.
        if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.ConnectionRefused) void this.#leave();
        if (tries >= HTTP_CONNECT_TRIES_MAX) {
          throw new Failure("connect", "The HTTP server cannot be reached from its own port", { cause });
        }
        makeRoom();
        await this.#clock.sleep(HTTP_RETRY_MS);
      }
    }
  }

  /** Closes a connection that `connect` returned. */
  close(connection: Deno.Conn): void {
    const { localAddr } = connection;
    if (localAddr.transport === "tcp") this.#ownPorts.delete(localAddr.port);
    closeQuietly(connection);
  }

  /** Closes idle connections at once, and resolves when the others are answered. */
  shutdown(): Promise<void> {
    return this.#leave();
  }

  /** Connects after opening a spare file, to make sure that a descriptor is free for the server's end too. */
  async #connectTo(place: Place): Promise<Deno.Conn> {
    if ("port" in place) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: place.port });
      this.#ownPorts.add(connection.localAddr.port);
      return connection;
    }
    const spare = await Deno.open(place.folder + "/spare", { write: true, create: true });
    try {
      return await Deno.connect({ transport: "unix", path: place.path });
    } finally {
      spare.close();
    }
  }

  async #listenAnew(): Promise<Place> {
    const place = await this.#listenOnSocket() ?? this.#listenOnPort();
    this.#place = place;
    const server = this.#server;
    const gone = () => {
      if (this.#server === server) void this.#leave();
    };
    // How it ended does not matter: the next connection starts another one.
    server?.finished.then(gone, gone);
    return place;
  }

  /** Returns null if the system has no such sockets, or the process may not write files. */
  async #listenOnSocket(): Promise<Place | null> {
    if (Deno.build.os === "windows") return null;
    let folder: string | null = null;
    try {
      folder = await Deno.makeTempDir({ prefix: "collector-http-" });
      const path = `${folder}/socket`;
      this.#server = Deno.serve({ path, ...this.#options() }, (request) => this.#respond(request));
      return { folder, path };
    } catch (cause) {
      if (folder !== null) await removeQuietly(folder);
      if (isOutOfFiles(cause)) throw cause;
      return null;
    }
  }

  #listenOnPort(): Place {
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, ...this.#options() }, (request, { remoteAddr }) => {
      if (!this.#ownPorts.has(remoteAddr.port)) return new Response(null, { status: 403 });
      return this.#respond(request);
    });
    this.#server = server;
    return { port: server.addr.port };
  }

  #options() {
    return { onListen: () => {}, onError: () => new Response(null, { status: 500 }) };
  }

  async #leave(): Promise<void> {
    const [server, place] = [this.#server, this.#place];
    this.#server = null;
    this.#place = null;
    // Open connections survive the removal of the socket's file.
    if (place !== null && "folder" in place) await removeQuietly(place.folder);
    try {
      await server?.shutdown();
    } catch {
      // It had ended already, with the error of `finished`.
    }
  }

  async #respond(request: Request): Promise<Response> {
    this.#open++;
    try {
      const asked = await asSent(request);
      return asked instanceof Response ? asked : await this.#answer(asked, httpCall(request));
    } finally {
      this.#open--;
    }
  }
}

/**
 * Returns the request as the client sent it, with the host name it used; or an error answer if the request is invalid.
 */
async function asSent(request: Request): Promise<Request | Response> {
  const path = /^[^:]+:\/\/[^/]*(.*)$/s.exec(request.url)?.[1] ?? "/";
  const url = `http://${request.headers.get("host") ?? "localhost"}${path}`;
  if (!URL.canParse(url)) return new Response(null, { status: 400 });
  const { method, headers } = request;
  if (request.body === null || method === "GET" || method === "HEAD") {
    return new Request(url, { method, headers });
  }
  const body = await readBody(request.body);
  if (body === null) return new Response(null, { status: 413 });
  return new Request(url, { method, headers, body });
}

/** Returns null if the body is larger than `HTTP_REQUEST_BYTES_MAX`. */
async function readBody(stream: ReadableStream<Uint8Array>): Promise<Blob | null> {
  const chunks: BlobPart[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > HTTP_REQUEST_BYTES_MAX) return null;
    chunks.push(new Uint8Array(chunk));
  }
  return new Blob(chunks);
}

function isOutOfFiles(cause: unknown): boolean {
  return cause instanceof Error && /os error (23|24)\b|too many open files/i.test(cause.message);
}

/** Closes a connection that may be closed already. */
export function closeQuietly(connection: { close(): void }): void {
  try {
    connection.close();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.BadResource)) throw cause;
  }
}

/** Removes a folder; an empty leftover does no harm. */
async function removeQuietly(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
}
