import { GapBoard, type LiveFacts, LiveFeed, LogTail, RateBoard, serveApi } from "../../src/api/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { type HttpAccess, OPEN_HTTP, Secrets, type ServiceStatus } from "../../src/model/mod.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/mod.ts";
import { snapshot } from "../telemetry/builders.ts";

/** What a server of the API is started with in a test; all of it has a default. */
export interface ApiRigOptions {
  readonly current?: () => ServiceStatus;
  readonly facts?: Partial<LiveFacts>;
  readonly access?: Partial<HttpAccess>;
  readonly host?: string;
  readonly port?: number;
  readonly metrics?: Metrics;
  readonly secrets?: Secrets;
}

/** The HTTP server of the program alone, with facts that a test gives. */
export async function startApi(options: ApiRigOptions = {}): Promise<ApiRig> {
  const current = options.current ?? snapshot;
  const { listener, clock, files } = denoHost();
  const books = options.facts?.books ?? (() => []);
  const feed = new LiveFeed({ now: () => clock.nowMicros(), exchanges: options.facts?.exchanges ?? (() => []), books });
  const server = await serveApi({
    listener,
    clock,
    feed,
    page: { files, dir: new URL("../../page", import.meta.url).pathname },
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    access: { ...OPEN_HTTP, ...options.access },
    version: "1.2.3",
    snapshot: current,
    metrics: options.metrics ?? createMetrics(),
    secrets: options.secrets ?? new Secrets(),
    facts: {
      status: current,
      plan: () => ({ http: "here" }),
      exchanges: () => [],
      streams: () => [],
      books: () => [],
      instrument: () => null,
      gaps: new GapBoard(),
      coverage: (days) => Promise.resolve({ days, rows: [], unreadable: [] }),
      backfill: { begin: () => null, status: () => null },
      reload: () => Promise.resolve(),
      async *replay() {},
      async *wire() {},
      rates: new RateBoard(() => clock.monotonicMs()),
      log: new LogTail(() => clock.nowMicros()),
      journalCap: () => 10_000,
      ...options.facts,
    },
  });
  return new ApiRig(server.port, { feed, stop: () => server.stop() });
}

export class ApiRig {
  readonly port: number;
  readonly base: string;
  readonly feed: LiveFeed;
  readonly #stop: () => Promise<void>;

  constructor(port: number, { feed, stop }: { readonly feed: LiveFeed; readonly stop: () => Promise<void> }) {
    this.port = port;
    this.feed = feed;
    this.base = `http://127.0.0.1:${port}`;
    this.#stop = stop;
  }

  /** Asks with headers of its own, also those that `fetch` does not allow. Returns the status and the body. */
  async ask(
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly head: string; readonly body: string }> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const lines = Object.entries({ host: `127.0.0.1:${this.port}`, connection: "close", ...headers });
    const text = `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
    await connection.write(new TextEncoder().encode(text));
    const [head, body = ""] = (await new Response(connection.readable).text()).split("\r\n\r\n", 2);
    return { status: Number(head.split(" ")[1]), head, body };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}
