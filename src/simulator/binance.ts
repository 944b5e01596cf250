import type { Micros } from "../model/mod.ts";
import { COMBINED, MICROSECONDS } from "./binance_feeds.ts";
import { BINANCE_STREAMS_MAX, binanceError, type BinanceRequest, parseBinanceRequest } from "./binance_request.ts";
import { BinanceRest } from "./binance_rest.ts";
import { findBinanceFeed } from "./binance_streams.ts";
import type { Dialect, DialectConnection, DialectOptions, HttpAnswer } from "./dialect.ts";
import { ExchangeFloor } from "./exchange_floor.ts";
import { Agenda, type Feed, RollingWindow } from "./feed.ts";
import type { Peer } from "./peer.ts";

/** Size limit of a request, in bytes. */
const REQUEST_BYTES_LIMIT = 4096;
const PING_EVERY_MICROS = 20_000_000;
const PONG_WITHIN_MICROS = 60_000_000;
const LIFETIME_MICROS = 86_400_000_000;

/**
 * The spot exchange with requests of `method` and `params`: one acknowledgement per request by its id, streams chained
 * by update numbers, book snapshots over REST. Times in ms unless the URL asks for microseconds.
 */
export class BinanceDialect implements Dialect {
  readonly name = "binance";
  readonly paths = { stream: "/stream", ws: "/ws" };
  readonly #floor: ExchangeFloor;
  readonly #rest: BinanceRest;
  readonly #opens: RollingWindow | null;
  readonly #slowAckMs: number;

  /** Throws a RangeError if a symbol is not a spot instrument. */
  constructor(options: DialectOptions) {
    this.#floor = new ExchangeFloor({
      ...options,
      spotSizeDecimals: 5,
      spell: ({ kind, base, quote }) => kind === "spot" ? `${base}${quote}`.toUpperCase() : null,
    });
    this.#rest = new BinanceRest(this.#floor);
    this.#opens = options.limitsConnections ? new RollingWindow({ max: 300, spanMs: 300_000 }) : null;
    this.#slowAckMs = options.slowAckMs;
  }

  get floor(): ExchangeFloor {
    return this.#floor;
  }

  connect(target: string, peer: Peer, now: Micros): DialectConnection {
    const url = new URL(target, "http://localhost");
    const unit = url.searchParams.get("timeUnit")?.toLowerCase() === "microsecond" ? MICROSECONDS : 0;
    const combined = url.pathname === "/stream";
    const connection = new BinanceConnection({
      floor: this.#floor,
      peer,
      slowAckMs: this.#slowAckMs,
      variant: unit | (combined ? COMBINED : 0),
      now,
    });
    if (this.#opens?.admit(now) === false) peer.close(1008, "Too many connection attempts");
    else if (combined) connection.begin(splitStreams(url.searchParams.get("streams") ?? ""), now);
    else if (url.pathname === "/ws") connection.begin([], now);
    else if (url.pathname.startsWith("/ws/")) {
      connection.begin(splitStreams(decodeURIComponent(url.pathname.slice("/ws/".length))), now);
    } else peer.close(1008, "Invalid path");
    return connection;
  }

  answer(target: string, now: Micros): HttpAnswer {
    return this.#rest.answer(target, now);
  }

  advance(steps: number, now: Micros): void {
    this.#floor.advance(steps, now);
  }

  tick(now: Micros): void {
    this.#floor.tick(now);
  }

  canonical(native: string): string {
    return this.#floor.canonical(native);
  }
}

function splitStreams(text: string): readonly string[] {
  return text.split("/").filter((stream) => stream !== "");
}

class BinanceConnection implements DialectConnection {
  readonly #floor: ExchangeFloor;
  readonly #peer: Peer;
  readonly #variant: number;
  readonly #slowAckMs: number;
  /** Every message counts, PING and PONG frames too. */
  readonly #inbound = new RollingWindow({ max: 5, spanMs: 1_000 });
  readonly #agenda = new Agenda();
  /** Streams asked for, with null for those that do not exist. */
  readonly #streams = new Map<string, Feed | null>();
  readonly #openedAt: Micros;
  #pingAt: Micros;
  #pongAt: Micros;

  constructor(options: {
    readonly floor: ExchangeFloor;
    readonly peer: Peer;
    readonly variant: number;
    readonly slowAckMs: number;
    readonly now: Micros;
  }) {
    this.#floor = options.floor;
    this.#peer = options.peer;
    this.#variant = options.variant;
    this.#slowAckMs = options.slowAckMs;
    this.#openedAt = options.now;
    this.#pingAt = options.now;
    this.#pongAt = options.now;
  }

  /** Subscribes to the streams named in the URL. */
  begin(streams: readonly string[], now: Micros): void {
    if (streams.length > BINANCE_STREAMS_MAX) this.#peer.close(1008, "Too many streams");
    else for (const stream of streams) this.#subscribe(stream, now);
  }

  onText(text: string, bytes: number, now: Micros): void {
    if (!this.#admit(now)) return;
    if (bytes >= REQUEST_BYTES_LIMIT) {
      this.#peer.close(3001, "illegal request");
      return;
    }
    const request = parseBinanceRequest(text);
    this.#agenda.after(this.#slowAckMs, now, (at) => this.#serve(request, at));
  }

  onPing(now: Micros): void {
    this.#admit(now);
  }

  onPong(now: Micros): void {
    this.#pongAt = now;
    this.#admit(now);
  }

  onTick(now: Micros): void {
    this.#agenda.onTick(now);
    if (now - this.#pingAt >= PING_EVERY_MICROS) {
      this.#pingAt = now;
      this.#peer.ping();
    }
    if (now - this.#pongAt >= PING_EVERY_MICROS + PONG_WITHIN_MICROS) this.#peer.close(1008, "Pong timeout");
    if (now - this.#openedAt >= LIFETIME_MICROS) this.#retire(now);
  }

  subscriptions(): Iterable<string> {
    return this.#streams.keys();
  }

  onClose(): void {
    this.#agenda.clear();
    for (const feed of this.#streams.values()) feed?.leave(this.#peer);
    this.#streams.clear();
  }

  #admit(now: Micros): boolean {
    if (this.#inbound.admit(now)) return true;
    this.#peer.close(1008, "Too many requests");
    return false;
  }

  #serve(request: BinanceRequest, now: Micros): void {
    switch (request.method) {
      case "refused":
        this.#peer.sendControl(request.answer);
        return;
      case "LIST_SUBSCRIPTIONS":
        this.#peer.sendControl(`{"result":${JSON.stringify([...this.#streams.keys()])},"id":${request.id}}`);
        return;
      case "SUBSCRIBE":
        this.#serveSubscribe(request, now);
        return;
      case "UNSUBSCRIBE":
        for (const stream of request.params) {
          this.#streams.get(stream)?.leave(this.#peer);
          this.#streams.delete(stream);
        }
        this.#peer.sendControl(`{"result":null,"id":${request.id}}`);
    }
  }

  #serveSubscribe({ params, id }: { readonly params: readonly string[]; readonly id: string }, now: Micros): void {
    if (new Set([...this.#streams.keys(), ...params]).size > BINANCE_STREAMS_MAX) {
      this.#peer.sendControl(binanceError(2, "Invalid request: too many streams on this connection", id));
      return;
    }
    const refused = params.find((stream) => this.#floor.isRejected(stream.split("@")[0].toUpperCase()));
    if (refused !== undefined) {
      this.#peer.sendControl(binanceError(2, `Invalid request: stream ${refused} is not available`, id));
      return;
    }
    this.#peer.sendControl(`{"result":null,"id":${id}}`);
    for (const stream of params) this.#subscribe(stream, now);
  }

  #subscribe(stream: string, now: Micros): void {
    if (this.#streams.has(stream)) return;
    const feed = findBinanceFeed(this.#floor, stream);
    this.#streams.set(stream, feed);
    feed?.join(this.#peer, this.#variant, now);
  }

  /** Announces the end of the connection's life and ends it. */
  #retire(now: Micros): void {
    const notice = { e: "serverShutdown", E: Math.floor(now / 1000) };
    const combined = (this.#variant & COMBINED) !== 0;
    this.#peer.sendControl(JSON.stringify(combined ? { stream: "!serverShutdown", data: notice } : notice));
    this.#peer.close(1001, "Connection has reached its lifetime");
  }
}
