import type { Micros } from "../model/mod.ts";
import type { Dialect, DialectConnection, DialectOptions, HttpAnswer } from "./dialect.ts";
import { ExchangeFloor } from "./exchange_floor.ts";
import { Agenda, type Feed, RollingWindow } from "./feed.ts";
import { findOkxFeeds, OKX_PRIVATE, OKX_TIERED, type OkxEndpoint } from "./okx_channels.ts";
import type { OkxArg } from "./okx_feeds.ts";
import { type OkxRequest, parseOkxRequest } from "./okx_request.ts";
import { okxInstruments, OkxRest } from "./okx_rest.ts";
import type { Peer } from "./peer.ts";
import type { FrameContent } from "./statistics.ts";

const IDLE_MICROS = 30_000_000;
/** Types of instruments; those without an instrument here are accepted and stay silent. */
const OKX_TYPES: ReadonlySet<string> = new Set(["SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"]);
const REQUESTS_MAX = 480;
const HOUR_MS = 3_600_000;

/**
 * The v5 exchange: channels spread over a public and a business socket, an acknowledgement for each argument that
 * echoes it, errors that carry only text, a bare-text ping, pushed book snapshots and deltas chained by `prevSeqId`.
 */
export class OkxDialect implements Dialect {
  readonly name = "okx";
  readonly paths = { public: "/ws/v5/public", business: "/ws/v5/business" };
  readonly #floor: ExchangeFloor;
  readonly #rest: OkxRest;
  readonly #opens: RollingWindow | null;
  readonly #slowAckMs: number;
  #connections = 0;

  /** Throws a RangeError if a symbol is not spot or a perpetual. */
  constructor(options: DialectOptions) {
    this.#floor = new ExchangeFloor({
      ...options,
      spotSizeDecimals: 8,
      spell: ({ kind, base, quote }) => kind === "spot" ? `${base}-${quote}` : `${base}-${quote}-SWAP`,
    });
    this.#rest = new OkxRest(this.#floor);
    this.#opens = options.limitsConnections ? new RollingWindow({ max: 3, spanMs: 1_000 }) : null;
    this.#slowAckMs = options.slowAckMs;
  }

  get floor(): ExchangeFloor {
    return this.#floor;
  }

  connect(target: string, peer: Peer, now: Micros): DialectConnection {
    const { pathname } = new URL(target, "http://localhost");
    const endpoint: OkxEndpoint = pathname === this.paths.business ? "business" : "public";
    if (this.#opens?.admit(now) === false) peer.close(1008, "Too many connection attempts");
    else if (pathname !== this.paths[endpoint]) peer.close(1008, "Invalid path");
    const id = (0xa4d3_0000 + ++this.#connections).toString(16);
    return new OkxConnection({ floor: this.#floor, peer, endpoint, slowAckMs: this.#slowAckMs, id, now });
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

class OkxConnection implements DialectConnection {
  readonly #floor: ExchangeFloor;
  readonly #peer: Peer;
  readonly #endpoint: OkxEndpoint;
  readonly #slowAckMs: number;
  readonly #id: string;
  readonly #requests = new RollingWindow({ max: REQUESTS_MAX, spanMs: HOUR_MS });
  readonly #agenda = new Agenda();
  readonly #feeds = new Map<string, readonly Feed[]>();
  #now: Micros;
  #activeAt: Micros;

  constructor(options: {
    readonly floor: ExchangeFloor;
    readonly peer: Peer;
    readonly endpoint: OkxEndpoint;
    readonly slowAckMs: number;
    readonly id: string;
    readonly now: Micros;
  }) {
    this.#floor = options.floor;
    this.#endpoint = options.endpoint;
    this.#slowAckMs = options.slowAckMs;
    this.#id = options.id;
    this.#now = options.now;
    this.#activeAt = options.now;
    this.#peer = this.#watched(options.peer);
  }

  onText(text: string, bytes: number, now: Micros): void {
    this.#now = now;
    this.#activeAt = now;
    if (text === "ping") {
      this.#peer.sendControl("pong");
      return;
    }
    const request = parseOkxRequest(text, bytes);
    if (!this.#requests.admit(now)) {
      this.#refuse("60014", "Requests too frequent", request.id);
      return;
    }
    this.#agenda.after(this.#slowAckMs, now, (at) => this.#serve(request, at));
  }

  onPing(): void {}

  onPong(): void {}

  onTick(now: Micros): void {
    this.#now = now;
    this.#agenda.onTick(now);
    if (now - this.#activeAt >= IDLE_MICROS) {
      this.#peer.close(4004, "No data received in 30s");
    }
  }

  subscriptions(): Iterable<string> {
    return this.#feeds.keys();
  }

  onClose(): void {
    this.#agenda.clear();
    for (const feeds of this.#feeds.values()) for (const feed of feeds) feed.leave(this.#peer);
    this.#feeds.clear();
  }

  /** The same peer, but pushed data counts as activity. */
  #watched(peer: Peer): Peer {
    return {
      sendControl: (text) => peer.sendControl(text),
      sendData: (text: string, content: FrameContent) => {
        this.#activeAt = this.#now;
        peer.sendData(text, content);
      },
      ping: () => peer.ping(),
      close: (code, reason) => peer.close(code, reason),
    };
  }

  #serve(request: OkxRequest, now: Micros): void {
    this.#now = now;
    switch (request.op) {
      case "refused":
        this.#refuse(request.code, request.msg, request.id);
        return;
      case "subscribe":
        for (const arg of request.args) this.#subscribe(arg, request.id, now);
        return;
      case "unsubscribe":
        for (const arg of request.args) this.#unsubscribe(arg, request.id);
    }
  }

  #subscribe(arg: OkxArg, id: string | null, now: Micros): void {
    if (OKX_PRIVATE.has(arg.channel)) return this.#refuse("60011", "Please log in", id);
    if (OKX_TIERED.has(arg.channel)) return this.#refuse("64003", "Your trading fee tier is too low", id);
    const key = JSON.stringify(arg);
    const byType = this.#endpoint === "public" && OKX_TYPES.has(arg.instType ?? "");
    const isList = byType && arg.channel === "instruments";
    const feeds = findOkxFeeds(this.#floor, this.#endpoint, arg);
    if (
      (feeds.length === 0 && !isList && !(byType && arg.channel === "liquidation-orders")) ||
      this.#floor.isRejected(arg.instId ?? "")
    ) {
      this.#refuse(
        "60018",
        `Wrong URL or ${describeArg(arg)} doesn't exist. Please use the correct URL, channel and ` +
          "parameters referring to API document.",
        id,
      );
      return;
    }
    this.#acknowledge("subscribe", arg, id);
    if (isList) {
      this.#peer.sendControl(JSON.stringify({ arg, data: okxInstruments(this.#floor, arg.instType) }));
    } else if (!this.#feeds.has(key)) {
      this.#feeds.set(key, feeds);
      for (const feed of feeds) feed.join(this.#peer, 0, now);
    }
  }

  #unsubscribe(arg: OkxArg, id: string | null): void {
    const key = JSON.stringify(arg);
    for (const feed of this.#feeds.get(key) ?? []) feed.leave(this.#peer);
    this.#feeds.delete(key);
    this.#acknowledge("unsubscribe", arg, id);
  }

  #acknowledge(event: "subscribe" | "unsubscribe", arg: OkxArg, id: string | null): void {
    this.#peer.sendControl(JSON.stringify({ ...(id === null ? {} : { id }), event, arg, connId: this.#id }));
  }

  #refuse(code: string, msg: string, id: string | null): void {
    this.#peer.sendControl(
      JSON.stringify({ ...(id === null ? {} : { id }), event: "error", code, msg, connId: this.#id }),
    );
  }
}

/** `channel:trades,instId:BTC-USDT`. */
function describeArg(arg: OkxArg): string {
  return Object.entries(arg).map(([key, value]) => `${key}:${value}`).join(",");
}
