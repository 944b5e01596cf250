import { Failure, HTTP_CONNECT_TRIES_MAX, HTTP_REQUEST_BYTES_MAX, HTTP_RETRY_MS } from "../model/mod.ts";
import type { Clock, HttpAnswer } from "./host.ts";
import { httpCall } from "./http_upgrade.ts";

/** Where the inner server listens: a socket in a folder that is this user's alone, else a port of this machine. */
type Place = { readonly folder: string; readonly path: string } | { readonly port: number };

/**
 * `Deno.serve` where the gate alone reaches it. Its loop that accepts connections ends for good where the process has no
 * file left: then it is begun anew with the next connection.
 */
export class InnerServer {
  readonly #clock: Clock;
  readonly #answer: HttpAnswer;
  #server: Deno.HttpServer | null = null;
  #place: Place | null = null;
  #starting: Promise<Place> | null = null;
  /** Ports of the gate's own connections: on a port of this machine, no one else is answered. */
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

  /** Where it listens; begins to, where it does not. Rejects where there is no place to listen. */
  listen(): Promise<Place> {
    if (this.#server !== null && this.#place !== null) return Promise.resolve(this.#place);
    this.#starting ??= this.#listenAnew().finally(() => this.#starting = null);
    return this.#starting;
  }

  /**
   * A connection to it. Where there is none to be had, `makeRoom` is called and it is tried again; after a number of
   * tries rejects with a `Failure`.
   */
  async connect(makeRoom: () => void): Promise<Deno.Conn> {
    for (let tries = 1;; tries++) {
      try {
        return await this.#connectTo(await this.listen());
      } catch (cause) {
        // The socket's file has been removed, or the server has ended and has not said so yet.
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

  /** Ends idle connections at once, and resolves when the others are answered. */
  shutdown(): Promise<void> {
    return this.#leave();
  }

  /** One file more than the connection takes is known to be free before: the server's end needs it. */
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
    // How it ended does not matter: the next connection begins another one.
    server?.finished.then(gone, gone);
    return place;
  }

  /** Null where the system has no such sockets, or the process may not write files. */
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
    // Connections that are there outlive the socket's file.
    if (place !== null && "folder" in place) await removeQuietly(place.folder);
    try {
      await server?.shutdown();
    } catch {
      // It had ended already, with the error that `finished` told.
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

/** The request as the client sent it, with the name it called the server by; or the answer to one that is not to be had. */
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

/** Null where it is larger than `HTTP_REQUEST_BYTES_MAX`. */
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

/** A folder that stays holds nothing and costs nothing. */
async function removeQuietly(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
}
