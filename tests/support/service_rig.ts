import { Service } from "../../src/service/mod.ts";
import { denoHost, type Host } from "../../src/host/mod.ts";
import type { Simulator } from "../../src/simulator/mod.ts";
import { createLog, type MetricName } from "../../src/telemetry/mod.ts";
import { listFiles } from "./stored_events.ts";

const SHIPPED_DIR = new URL("../../config", import.meta.url).pathname;
/** How long is looked before it counts as never, in ms. */
const GIVE_UP_MS = 120_000;
const LOOK_MS = 20;

/** A connection in the body of /healthz. */
export interface ConnectionBody {
  readonly connection: string;
  readonly url: string;
  readonly state: string;
  readonly detail: string | null;
  readonly reconnects: number;
  readonly streams: Readonly<Record<"live" | "acked" | "pending" | "rejected" | "stale", number>>;
  readonly rejected: readonly { readonly stream: string; readonly reason: string }[];
}

/** The body of /healthz. */
export interface HealthBody {
  readonly status: string;
  readonly config_loaded: boolean;
  readonly config_error: string | null;
  readonly config_needs_restart: readonly string[];
  readonly problems: readonly {
    readonly scope: string;
    readonly name: string;
    readonly code: string;
    readonly text: string;
  }[];
  readonly descriptors_loaded_count: number;
  readonly instances: readonly {
    readonly name: string;
    readonly state: string;
    readonly validation_status: string;
    readonly errors: readonly string[];
    readonly warnings: readonly string[];
    readonly books: { readonly valid: number };
    readonly connections: readonly ConnectionBody[];
  }[];
}

/** A line of an NDJSON sink. */
export type EventLine = Readonly<Record<string, unknown>> & {
  readonly kind: string;
  readonly symbol: string;
  readonly received_ts: number;
  readonly session: number;
  readonly offset: number;
};

/** What a rig is started with. */
export interface ServiceRigOptions {
  /** TOML after `[run]`: exchanges, and what else a test wants. */
  readonly config: string;
  /** Lines of `[run]` beside its port and folder. */
  readonly run?: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Changes the host that the program gets. */
  readonly wrapHost?: (host: Host) => Host;
  /** Files beside the configuration, by relative path. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * The program in this process, as `run` starts it, on a temporary folder and with an NDJSON sink: everything that it
 * shows and writes can be read back. A reconnect waits for nothing, because the jitter is always 0.
 */
export class ServiceRig {
  readonly host: Host;
  readonly dir: string;
  readonly log: readonly string[];
  readonly #service: Service;
  /** Where its HTTP is. */
  readonly address: string;
  #stopped = false;

  private constructor(options: { host: Host; dir: string; service: Service; log: string[] }) {
    this.host = options.host;
    this.dir = options.dir;
    this.log = options.log;
    this.#service = options.service;
    const { address } = options.service;
    this.address = `http://${address?.host}:${address?.port}`;
  }

  /** Writes the files and starts. */
  static async start(options: ServiceRigOptions): Promise<ServiceRig> {
    const host = denoHost();
    const dir = await Deno.makeTempDir({ prefix: "collector-service-" });
    for (const [path, text] of Object.entries(options.files ?? {})) await writeText(`${dir}/${path}`, text);
    await Deno.writeTextFile(`${dir}/collector.toml`, configOf(dir, options.config, options.run));
    const used = { ...host, random: { ...host.random, next: () => 0 } };
    const log: string[] = [];
    const service = await Service.start({
      context: {
        host: options.wrapHost?.(used) ?? used,
        version: "0.0.0-test",
        shippedDir: SHIPPED_DIR,
      },
      configPath: `${dir}/collector.toml`,
      variables: options.variables,
      httpPort: 0,
      createObserver: () =>
        createLog({
          level: "trace",
          format: "json",
          color: false,
          write: (line) => log.push(line),
          secrets: host.secrets,
          nowMs: () => host.clock.monotonicMs(),
        }),
    });
    return new ServiceRig({ host, dir, service, log });
  }

  /** Rewrites the configuration and lets the program read it again, as SIGHUP does. */
  async reload(config: string): Promise<void> {
    await Deno.writeTextFile(`${this.dir}/collector.toml`, configOf(this.dir, config));
    await this.#service.reload();
  }

  async get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(this.address + path);
    return { status: response.status, text: await response.text() };
  }

  async health(): Promise<HealthBody> {
    return JSON.parse((await this.get("/healthz")).text);
  }

  /** The connection of an instance, in /healthz. */
  async connection(exchange: string, key = "public"): Promise<ConnectionBody> {
    const health = await this.health();
    const found = health.instances.find(({ name }) => name === exchange)?.connections
      .find(({ connection }) => connection === key);
    if (found === undefined) throw new Error(`No connection ${exchange} ${key} in ${JSON.stringify(health)}`);
    return found;
  }

  /** A sample of /metrics; 0 where there is none. */
  async metric(name: MetricName, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const shown = Object.entries(labels).map(([key, value]) => `${key}="${value}"`).join(",");
    const sample = `${name}${shown === "" ? "" : `{${shown}}`} `;
    const { text } = await this.get("/metrics");
    const line = text.split("\n").find((each) => each.startsWith(sample));
    return line === undefined ? 0 : Number(line.slice(sample.length));
  }

  /** Looks until the condition holds; rejects with what /healthz says where it never does. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const { clock } = this.host;
    const giveUp = clock.monotonicMs() + GIVE_UP_MS;
    while (!await holds()) {
      if (clock.monotonicMs() > giveUp) {
        throw new Error(
          `Never ${what}: ${JSON.stringify(await this.health(), null, 1)}\n${this.log.slice(-20).join("\n")}`,
        );
      }
      await clock.sleep(LOOK_MS);
    }
  }

  /** Resolves when a connection is live with this many live streams. */
  async untilLive(exchange: string, streams: number, key = "public"): Promise<void> {
    await this.until(`${exchange} live with ${streams} streams`, async () => {
      const connection = await this.connection(exchange, key);
      return connection.state === "live" && connection.streams.live === streams;
    });
  }

  /** Stops in order, as SIGTERM does. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#service.stop();
  }

  /** What the sink holds, in the order of the journal. */
  async events(): Promise<readonly EventLine[]> {
    const lines: EventLine[] = [];
    for (const path of await listFiles(this.host.files, `${this.dir}/data/ndjson`)) {
      if (!path.endsWith(".ndjson")) continue;
      const text = await Deno.readTextFile(path);
      for (const line of text.trimEnd().split("\n")) lines.push(JSON.parse(line));
    }
    // The stop itself opens a gap of every stream, which the next run would close.
    const isOfStop = ({ kind, state, detail }: EventLine) =>
      kind === "gap" && state === "opened" && String(detail).startsWith("shutdown");
    return lines.filter((line) => !isOfStop(line)).sort((a, b) =>
      a.offset - b.offset || Number(a.index) - Number(b.index)
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.dir, { recursive: true });
  }
}

function configOf(dir: string, rest: string, run = ""): string {
  return `[run]
http_port = 8090
data_dir = "${dir}/data"
${run === "" ? "" : `${run}\n`}${rest}
[[sink]]
name = "lines"
type = "ndjson"
`;
}

async function writeText(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
}

/** The text of a shipped descriptor with pieces replaced, each of which has to be there. */
export async function deriveDescriptor(name: string, changes: Readonly<Record<string, string>>): Promise<string> {
  let text = await Deno.readTextFile(`${SHIPPED_DIR}/exchanges/${name}.toml`);
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`The descriptor of ${name} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text.replaceAll('symbol_map_file = "maps/', `symbol_map_file = "${SHIPPED_DIR}/maps/`);
}

/** A `[[exchange]]` of a simulator's dialect that connects to it; `descriptor` is the shipped one where not given. */
export function instanceOf(
  simulator: Simulator,
  options: {
    readonly symbols: readonly string[];
    readonly channels: readonly string[];
    readonly name?: string;
    readonly descriptor?: string;
    /** More lines of `[exchange.overrides]`. */
    readonly overrides?: string;
    /** Addresses to be tried before the simulator's own. */
    readonly urlsBefore?: readonly string[];
  },
): string {
  const { dialect, urls } = simulator;
  const list = (url: string) => JSON.stringify([...options.urlsBefore ?? [], url]);
  const sockets = dialect === "okx"
    ? `{ public = ${list(urls.ws.public)}, derivatives = ${list(urls.ws.public)}, business = ${
      list(urls.ws.business)
    } }`
    : list(dialect === "binance" ? urls.ws.stream : urls.ws.public);
  return `
[[exchange]]
name = "${options.name ?? dialect}"
descriptor_path = "${options.descriptor ?? `builtin:${dialect}`}"
symbols = ${JSON.stringify(options.symbols)}
channels = ${JSON.stringify(options.channels)}
[exchange.overrides]
urls = ${sockets}
base_urls = ["${urls.rest}"]
${options.overrides ?? ""}
`;
}
