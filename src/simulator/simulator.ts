import type { ConnectionCallbacks, Host, Timer } from "../host/mod.ts";
import { unreachable } from "../model/mod.ts";
import { BinanceDialect } from "./binance.ts";
import { Delivery } from "./delivery.ts";
import type { Dialect, DialectConnection, DialectOptions } from "./dialect.ts";
import { type FaultPlan, NO_FAULTS } from "./faults.ts";
import { KrakenDialect } from "./kraken.ts";
import { OkxDialect } from "./okx.ts";
import { type SimulatorStatistics, StatisticsBoard } from "./statistics.ts";

/** Names of the dialects. */
export const DIALECTS = ["binance", "okx", "kraken"] as const;
export type DialectName = (typeof DIALECTS)[number];

/** Options of a simulated exchange. */
export interface SimulatorOptions {
  readonly host: Host;
  readonly dialect: DialectName;
  /** 0 picks a free port. */
  readonly port: number;
  /** Address to listen on; the loopback address by default. */
  readonly address?: string;
  /** Equal seeds give equal markets, except for times. Default 1. */
  readonly seed?: number;
  /** Market events per second and symbol, before `speed`. Default 20. */
  readonly rate?: number;
  /** Multiplies the rate. Default 1; with 0 the markets move only by `advance`. */
  readonly speed?: number;
  /** Canonical symbols; each has to be one that the exchange could list. */
  readonly symbols: readonly string[];
  readonly faults?: Partial<FaultPlan>;
  /** Whether the exchange's limits on new connections hold. Default true. */
  readonly limitsConnections?: boolean;
  /** Interval of the markets' steps, in ms. Default 10. */
  readonly tickMs?: number;
}

/** A running simulated exchange. */
export interface Simulator {
  readonly dialect: DialectName;
  readonly port: number;
  /**
   * `ws`: its sockets by purpose (binance: `stream`, `ws`; okx: `public`, `business`; kraken: `public`). `rest`: base
   * URL.
   */
  readonly urls: { readonly ws: Readonly<Record<string, string>>; readonly rest: string };
  statistics(): SimulatorStatistics;
  /** What each open connection is subscribed to, as the exchange keeps it. */
  subscriptions(): readonly (readonly string[])[];
  /** Moves every market by a number of steps at once; timed frames go out at the next tick. */
  advance(steps: number): void;
  /** Stops the markets and all publications; requests, pings and heartbeats go on. */
  freeze(): void;
  stop(): Promise<void>;
}

/** How often markets move and timers are looked at, in ms, where nothing else is said. */
const TICK_MS = 10;
/** Most steps a market takes in one tick; a host that is too slow for the rate gets a slower market. */
const STEPS_PER_TICK_MAX = 5_000;

/** Builds a dialect. Throws a RangeError if a symbol is not one that this exchange could list. */
export function createDialect(name: DialectName, options: DialectOptions): Dialect {
  switch (name) {
    case "binance":
      return new BinanceDialect(options);
    case "okx":
      return new OkxDialect(options);
    case "kraken":
      return new KrakenDialect(options);
    default:
      return unreachable(name);
  }
}

/** Starts a simulated exchange. Rejects with a `Failure` if the port is taken and a RangeError for a wrong symbol. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { host } = options;
  const faults = { ...NO_FAULTS, ...options.faults };
  const dialect = createDialect(options.dialect, {
    symbols: options.symbols,
    seed: options.seed ?? 1,
    rejects: faults.rejectSubscriptions,
    slowAckMs: faults.slowAckMs,
    limitsConnections: options.limitsConnections ?? true,
  });
  const board = new StatisticsBoard();
  const connections = new Set<DialectConnection>();
  const address = options.address ?? "127.0.0.1";
  const server = await host.listener.serveSockets({
    host: address,
    port: options.port,
    answersPings: !faults.ignoresPings,
    answer: (request) => answerPlain(request, { dialect, board, now: host.clock.nowMicros() }),
    accept: (connection, url) => {
      const delivery = new Delivery({ connection, board, faults, nowMs: () => host.clock.monotonicMs() });
      return openConnection({ host, dialect, board, connections, delivery }, url);
    },
  });
  const drive = new Drive({
    host,
    dialect,
    connections,
    ratePerMs: (options.rate ?? 20) * (options.speed ?? 1) / 1000,
    tickMs: options.tickMs ?? TICK_MS,
  });
  const socketBase = `ws://${address}:${server.port}`;
  const ws = Object.fromEntries(Object.entries(dialect.paths).map(([name, path]) => [name, socketBase + path]));
  return {
    dialect: options.dialect,
    port: server.port,
    urls: { ws, rest: `http://${address}:${server.port}` },
    statistics: () => board.read(dialect.name, (native) => dialect.canonical(native)),
    subscriptions: () => [...connections].map((connection) => [...connection.subscriptions()]),
    advance: (steps) => dialect.advance(steps, host.clock.nowMicros()),
    freeze: () => drive.freeze(),
    stop: async () => {
      drive.stop();
      await server.stop();
    },
  };
}

function openConnection(
  { host, dialect, board, connections, delivery }: {
    readonly host: Host;
    readonly dialect: Dialect;
    readonly board: StatisticsBoard;
    readonly connections: Set<DialectConnection>;
    readonly delivery: Delivery;
  },
  url: string,
): ConnectionCallbacks {
  board.totals.connectionsOpened++;
  board.totals.connectionsOpen++;
  const decoder = new TextDecoder();
  // All times come from one clock, also those of the client's frames.
  const { clock } = host;
  const client = dialect.connect(url, delivery, clock.nowMicros());
  connections.add(client);
  return {
    onFrame: (payload) => client.onText(decoder.decode(payload), payload.length, clock.nowMicros()),
    onPing: () => client.onPing(clock.nowMicros()),
    onPong: () => {
      delivery.acceptPong();
      client.onPong(clock.nowMicros());
    },
    onClose: () => {
      board.totals.connectionsOpen--;
      connections.delete(client);
      delivery.end();
      client.onClose();
    },
  };
}

function answerPlain(
  request: Request,
  { dialect, board, now }: { readonly dialect: Dialect; readonly board: StatisticsBoard; readonly now: number },
): Response {
  board.totals.httpAnswers++;
  if (request.method !== "GET") return new Response("Method not allowed", { status: 405 });
  const url = new URL(request.url);
  const answer = dialect.answer(url.pathname + url.search, now);
  if (answer.content !== null) board.count(answer.content, false);
  const headers = { "Content-Type": "application/json", ...answer.headers };
  return new Response(answer.body, { status: answer.status, headers });
}

/** Moves the markets and the timers. */
class Drive {
  readonly #host: Host;
  readonly #dialect: Dialect;
  readonly #connections: ReadonlySet<DialectConnection>;
  readonly #ratePerMs: number;
  readonly #tickMs: number;
  #timer: Timer;
  #lastMs: number;
  #owed = 0;
  #frozen = false;

  constructor(options: {
    readonly host: Host;
    readonly dialect: Dialect;
    readonly connections: ReadonlySet<DialectConnection>;
    readonly ratePerMs: number;
    readonly tickMs: number;
  }) {
    this.#host = options.host;
    this.#dialect = options.dialect;
    this.#connections = options.connections;
    this.#ratePerMs = options.ratePerMs;
    this.#tickMs = options.tickMs;
    this.#lastMs = options.host.clock.monotonicMs();
    this.#timer = options.host.clock.after(this.#tickMs, () => this.#tick());
  }

  freeze(): void {
    this.#frozen = true;
  }

  stop(): void {
    this.#frozen = true;
    this.#timer.cancel();
  }

  #tick(): void {
    const { clock } = this.#host;
    const nowMs = clock.monotonicMs();
    const now = clock.nowMicros();
    if (!this.#frozen) {
      this.#owed = Math.min(this.#owed + (nowMs - this.#lastMs) * this.#ratePerMs, STEPS_PER_TICK_MAX);
      const steps = Math.floor(this.#owed);
      this.#owed -= steps;
      this.#dialect.advance(steps, now);
      this.#dialect.tick(now);
    }
    this.#lastMs = nowMs;
    for (const connection of this.#connections) connection.onTick(now);
    this.#timer = clock.after(this.#tickMs, () => this.#tick());
  }
}
