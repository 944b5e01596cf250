import type {
  Clock,
  Connection,
  ConnectionCallbacks,
  Dialer,
  DialOptions,
  Fetcher,
  FetchRequest,
  FetchResponse,
  HttpAnswer,
  HttpOptions,
  HttpServer,
  Listener,
  SocketServer,
} from "../host/mod.ts";
import { Failure, revealAll } from "../model/mod.ts";

/** The route to a port, with its current faults. */
export class Link {
  /** One way, in ms. */
  latencyMs = 1;
  /** The name is not found. */
  unknown = false;
  #cut = false;
  /** What open connections are to bring once something comes through again. */
  #held: (() => void)[] = [];

  /** Nothing comes through, without an error; what was sent meanwhile arrives afterwards, as over TCP. */
  get cut(): boolean {
    return this.#cut;
  }

  set cut(cut: boolean) {
    this.#cut = cut;
    if (cut) return;
    const held = this.#held;
    this.#held = [];
    for (const deliver of held) deliver();
  }

  /** Delivers now, or when something comes through again. */
  pass(deliver: () => void): void {
    if (this.#cut) this.#held.push(deliver);
    else deliver();
  }
}

type SocketOptions = Parameters<Listener["serveSockets"]>[0];

interface Service {
  readonly answer: HttpAnswer | ((request: Request) => Response | Promise<Response>);
  readonly sockets: SocketOptions | null;
}

/** A process whose sockets end with it. */
interface Owner {
  readonly lives: boolean;
}

/** As of the real host: an unanswered close is cut after this, in ms. */
const CLOSE_CUT_MS = 1_000;
const FIRST_PORT = 20_000;

/** Sockets and HTTP between processes of one world, by port, whatever the host's name is. */
export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #services = new Map<number, Service>();
  readonly #links = new Map<number, Link>();
  readonly #pairs = new Set<Pair>();
  #nextPort = FIRST_PORT;

  /** The clock outlives every process. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the route to a port, for faults. */
  link(port: number): Link {
    let link = this.#links.get(port);
    if (link === undefined) this.#links.set(port, link = new Link());
    return link;
  }

  /** Open connections to a port. */
  open(port: number): number {
    return [...this.#pairs].filter((pair) => pair.port === port).length;
  }

  /** Resets all connections to a port, or those of a process. */
  reset(which: { readonly port?: number; readonly owner?: Owner }): void {
    for (const pair of [...this.#pairs]) {
      if (which.port !== undefined && pair.port !== which.port) continue;
      if (which.owner !== undefined && pair.owner !== which.owner) continue;
      pair.reset();
    }
  }

  /** Ends what a process serves. */
  forget(ports: Iterable<number>): void {
    for (const port of ports) this.#services.delete(port);
  }

  /** What one process listens with. `ports` gets every port that it takes. */
  listenerOf(ports: Set<number>): Listener {
    const take = (wanted: number, service: Service) => {
      const port = wanted === 0 ? this.#nextPort++ : wanted;
      if (this.#services.has(port)) {
        throw new Failure("busy", `Cannot listen on port ${port}: it is taken`, { retry: false });
      }
      this.#services.set(port, service);
      ports.add(port);
      return port;
    };
    const free = (port: number) => {
      this.#services.delete(port);
      ports.delete(port);
      return Promise.resolve();
    };
    return {
      serveHttp: ({ host, port }: HttpOptions, answer): Promise<HttpServer> => {
        const taken = take(port, { answer, sockets: null });
        return Promise.resolve({ host, port: taken, stop: () => free(taken) });
      },
      serveSockets: (options): Promise<SocketServer> => {
        const taken = take(options.port, { answer: options.answer, sockets: options });
        return Promise.resolve({
          port: taken,
          stop: () => {
            this.reset({ port: taken });
            return free(taken);
          },
        });
      },
    };
  }

  /** What one process dials with. */
  dialerOf(owner: Owner): Dialer {
    return { dial: (options, callbacks, signal) => this.#dial(options, callbacks, { signal, owner }) };
  }

  /** What one process fetches with. */
  fetcherOf(owner: Owner): Fetcher {
    return { fetch: (request, signal) => this.#fetch(request, { signal, owner }) };
  }

  async #dial(
    { url, timeoutMs }: DialOptions,
    callbacks: ConnectionCallbacks,
    { signal, owner }: { readonly signal: AbortSignal | undefined; readonly owner: Owner },
  ): Promise<Connection> {
    const { port, pathname, search } = new URL(url);
    const shown = url.split("?", 1)[0];
    await this.#reach({ port: Number(port), timeoutMs, what: `dial ${shown}` }, signal);
    const sockets = this.#services.get(Number(port))?.sockets ?? null;
    if (sockets === null) throw new Failure("connect", `Cannot dial ${shown}: connection refused`);
    if (!owner.lives) await new Promise<never>(() => {});
    const pair = new Pair({
      clock: this.#clock,
      link: this.link(Number(port)),
      port: Number(port),
      owner,
      onEnd: () => this.#pairs.delete(pair),
    });
    this.#pairs.add(pair);
    return pair.begin({ sockets, path: `${pathname}${search}`, client: callbacks });
  }

  async #fetch(
    request: FetchRequest,
    { signal, owner }: { readonly signal: AbortSignal | undefined; readonly owner: Owner },
  ): Promise<FetchResponse> {
    const { port } = new URL(request.url);
    const shown = `${request.method} ${request.url.split(/[?#]/, 1)[0]}`;
    const { timeoutMs } = request;
    const beganMs = this.#clock.monotonicMs();
    await this.#reach({ port: Number(port), timeoutMs, what: shown }, signal);
    const service = this.#services.get(Number(port));
    if (service === undefined) throw new Failure("connect", `Request failed: ${shown}: connection refused`);
    const body = request.body instanceof Uint8Array ? new Uint8Array(request.body) : request.body;
    const response = await service.answer(
      new Request(request.url, { method: request.method, headers: revealAll(request.headers), body }),
      { upgrade: () => null },
    );
    const bytes = new Uint8Array(await response.arrayBuffer());
    const left = Math.max(0, timeoutMs - (this.#clock.monotonicMs() - beganMs));
    await this.#reach({ port: Number(port), timeoutMs: left, what: shown }, signal);
    if (!owner.lives) await new Promise<never>(() => {});
    if (bytes.length > request.bytesMax) {
      throw new Failure("connect", `Answer is larger than ${request.bytesMax} bytes: ${shown}`);
    }
    const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
    return {
      status: response.status,
      body: bytes,
      receivedTs: this.#clock.nowMicros(),
      retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : null,
      etag: response.headers.get("etag"),
    };
  }

  /** Resolves when something has come through one way. */
  async #reach(
    { port, timeoutMs, what }: { readonly port: number; readonly timeoutMs: number; readonly what: string },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const link = this.link(port);
    if (link.unknown) throw new Failure("connect", `Cannot ${what}: the name is not known`);
    const waitMs = link.cut ? timeoutMs : link.latencyMs;
    await this.#clock.sleep(Math.min(waitMs, timeoutMs), signal);
    if (signal?.aborted === true) throw new Failure("cancelled", `Cancelled: ${what}`);
    if (link.cut || waitMs > timeoutMs) {
      throw new Failure("timeout", `Cannot ${what}: no answer within ${timeoutMs} ms`);
    }
  }
}

/** What travels to one end. */
type Parcel = (to: ConnectionCallbacks) => void;

/** The two ends of a WebSocket. */
class Pair {
  readonly port: number;
  readonly owner: Owner;
  readonly #clock: Clock;
  readonly #link: Link;
  readonly #onEnd: () => void;
  readonly #client: End;
  readonly #server: End;
  #ended = false;

  constructor(options: {
    readonly clock: Clock;
    readonly link: Link;
    readonly port: number;
    readonly owner: Owner;
    readonly onEnd: () => void;
  }) {
    this.port = options.port;
    this.owner = options.owner;
    this.#clock = options.clock;
    this.#link = options.link;
    this.#onEnd = options.onEnd;
    const deliver = (end: End) => (parcel: Parcel) => this.#travel(end, parcel);
    this.#client = new End(options.clock, this, (parcel) => deliver(this.#server)(parcel));
    this.#server = new End(options.clock, this, (parcel) => deliver(this.#client)(parcel));
  }

  begin(options: {
    readonly sockets: SocketOptions;
    readonly path: string;
    readonly client: ConnectionCallbacks;
  }): Connection {
    const { sockets, path, client } = options;
    const accepted: { callbacks: ConnectionCallbacks | null } = { callbacks: null };
    this.#client.callbacks = {
      ...bound(client),
      onFrame: (payload, binary, at) => {
        if (this.owner.lives) client.onFrame(payload, binary, at);
      },
    };
    this.#server.answersPings = sockets.answersPings ?? true;
    // The server's greeting leaves before the client has the connection in hand, and arrives later.
    accepted.callbacks = sockets.accept(this.#server, path);
    this.#server.callbacks = accepted.callbacks;
    return this.#client;
  }

  /** Both ends see the connection break, at once. */
  reset(): void {
    this.end(null, "", null);
  }

  /** Tells both ends, each once. `by`: the end that has closed in order. */
  end(code: number | null, reason: string, by: End | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    for (const end of [this.#client, this.#server]) {
      if (end === this.#client && !this.owner.lives) continue;
      end.finish(code, by === end ? "" : reason);
    }
  }

  #travel(to: End, parcel: Parcel): void {
    this.#link.pass(() => {
      if (!this.#ended) to.expect(this.#clock.monotonicMs() + this.#link.latencyMs, parcel);
    });
  }
}

/** One end: a connection to whoever holds it. */
class End {
  callbacks: ConnectionCallbacks | null = null;
  answersPings = true;
  readonly bufferedBytes = 0;
  readonly #clock: Clock;
  readonly #pair: Pair;
  readonly #send: (parcel: Parcel) => void;
  readonly #coming: { readonly dueMs: number; readonly parcel: Parcel }[] = [];
  #paused = false;
  #armed = false;
  #closing = false;
  #finished = false;

  constructor(clock: Clock, pair: Pair, send: (parcel: Parcel) => void) {
    this.#clock = clock;
    this.#pair = pair;
    this.#send = send;
  }

  send(text: string): void {
    this.sendBytes(new TextEncoder().encode(text), false);
  }

  sendBinary(bytes: Uint8Array): void {
    this.sendBytes(bytes.slice(), true);
  }

  sendBytes(payload: Uint8Array, binary: boolean): void {
    if (this.#closing || this.#finished) return;
    this.#send((to) => to.onFrame(payload, binary, this.#clock.nowMicros()));
  }

  ping(): void {
    if (this.#closing || this.#finished) return;
    this.#send((to) => to.onPing(this.#clock.nowMicros()));
  }

  close(code: number, reason: string): void {
    if (this.#closing || this.#finished) return;
    this.#closing = true;
    this.#send(() => this.#pair.end(code, reason, this));
    this.#clock.after(CLOSE_CUT_MS, () => this.#pair.end(null, "", null));
  }

  terminate(): void {
    this.#pair.reset();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#arm();
  }

  /** Something arrives at a moment, behind what was sent before it. */
  expect(dueMs: number, parcel: Parcel): void {
    this.#coming.push({ dueMs: Math.max(dueMs, this.#coming.at(-1)?.dueMs ?? 0), parcel });
    this.#arm();
  }

  finish(code: number | null, reason: string): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#coming.length = 0;
    this.callbacks?.onClose(code, reason);
  }

  #arm(): void {
    const next = this.#coming[0];
    if (this.#armed || this.#paused || this.#finished || next === undefined) return;
    this.#armed = true;
    this.#clock.after(Math.max(0, next.dueMs - this.#clock.monotonicMs()), () => {
      this.#armed = false;
      this.#take();
      this.#arm();
    });
  }

  #take(): void {
    while (!this.#paused && !this.#finished && this.callbacks !== null) {
      const next = this.#coming[0];
      if (next === undefined || next.dueMs > this.#clock.monotonicMs()) return;
      this.#coming.shift();
      next.parcel(this.#answering(this.callbacks));
    }
  }

  /** Pings are answered by the socket itself, as RFC 6455 section 5.5.2 wants. */
  #answering(callbacks: ConnectionCallbacks): ConnectionCallbacks {
    return {
      ...bound(callbacks),
      onPing: (at) => {
        if (this.answersPings) this.#send((to) => to.onPong(this.#clock.nowMicros()));
        callbacks.onPing(at);
      },
    };
  }
}

function bound(callbacks: ConnectionCallbacks): ConnectionCallbacks {
  return {
    onFrame: (payload, binary, at) => callbacks.onFrame(payload, binary, at),
    onPing: (at) => callbacks.onPing(at),
    onPong: (at) => callbacks.onPong(at),
    onClose: (code, reason) => callbacks.onClose(code, reason),
  };
}
