import { isoFromMicros, type Micros } from "../model/mod.ts";
import { type Dialect, type DialectConnection, type DialectOptions, type HttpAnswer, jsonAnswer } from "./dialect.ts";
import { ExchangeFloor } from "./exchange_floor.ts";
import { Agenda, type Feed, RollingWindow } from "./feed.ts";
import {
  findKrakenFeed,
  type KrakenChannel,
  krakenInstruments,
  krakenStreamName,
  readKrakenChannel,
} from "./kraken_channels.ts";
import type { Peer } from "./peer.ts";

const HEARTBEAT_MICROS = 1_000_000;
const INACTIVE_MICROS = 60_000_000;
/** Connection ids begin past 2^63, as on the real exchange. */
const FIRST_CONNECTION_ID = 13_834_774_380_200_032_777n;

/**
 * The v2 spot exchange: a status frame first, one acknowledgement per symbol with the request's `req_id`, heartbeats
 * while nothing else is sent, book updates with checksums instead of sequences, numbers as JSON numbers.
 */
export class KrakenDialect implements Dialect {
  readonly name = "kraken";
  readonly paths = { public: "/v2" };
  readonly #floor: ExchangeFloor;
  readonly #opens: RollingWindow | null;
  readonly #slowAckMs: number;
  #connections = 0n;

  /** Throws a RangeError if a symbol is not a spot instrument. */
  constructor(options: DialectOptions) {
    this.#floor = new ExchangeFloor({
      ...options,
      spotSizeDecimals: 8,
      spell: ({ kind, symbol }) => kind === "spot" ? symbol : null,
    });
    this.#opens = options.limitsConnections ? new RollingWindow({ max: 150, spanMs: 600_000 }) : null;
    this.#slowAckMs = options.slowAckMs;
  }

  get floor(): ExchangeFloor {
    return this.#floor;
  }

  connect(target: string, peer: Peer, now: Micros): DialectConnection {
    const { pathname } = new URL(target, "http://localhost");
    const connection = new KrakenConnection({ floor: this.#floor, peer, slowAckMs: this.#slowAckMs, now });
    if (this.#opens?.admit(now) === false) peer.close(1008, "Too many connection attempts");
    else if (pathname !== this.paths.public) peer.close(1008, "Invalid path");
    else connection.greet(FIRST_CONNECTION_ID + this.#connections++);
    return connection;
  }

  answer(target: string): HttpAnswer {
    const { pathname } = new URL(target, "http://localhost");
    if (pathname !== "/0/public/AssetPairs") return jsonAnswer(404, { error: ["EGeneral:Unknown method"] });
    const pairs = this.#floor.markets.map(({ market }) => {
      const { base, quote, priceDecimals, sizeDecimals } = market.instrument;
      const [oldBase, oldQuote] = [base, quote].map((code) => code === "BTC" ? "XBT" : code);
      return [`${oldBase}${oldQuote}`, {
        altname: `${oldBase}${oldQuote}`,
        wsname: `${oldBase}/${oldQuote}`,
        base: oldBase,
        quote: oldQuote,
        pair_decimals: priceDecimals,
        lot_decimals: sizeDecimals,
        status: "online",
      }];
    });
    return jsonAnswer(200, { error: [], result: Object.fromEntries(pairs) });
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

interface Request {
  readonly method: "subscribe" | "unsubscribe";
  readonly params: ReadonlyMap<string, unknown>;
  /** Number as text, or null if the request had none. */
  readonly reqId: string | null;
  readonly receivedAt: Micros;
}

class KrakenConnection implements DialectConnection {
  readonly #floor: ExchangeFloor;
  readonly #peer: Peer;
  readonly #slowAckMs: number;
  readonly #agenda = new Agenda();
  readonly #feeds = new Map<string, Feed | null>();
  #now: Micros;
  #spokeAt: Micros;
  #heardAt: Micros;

  constructor(options: {
    readonly floor: ExchangeFloor;
    readonly peer: Peer;
    readonly slowAckMs: number;
    readonly now: Micros;
  }) {
    this.#floor = options.floor;
    this.#slowAckMs = options.slowAckMs;
    this.#now = options.now;
    this.#spokeAt = options.now;
    this.#heardAt = options.now;
    this.#peer = this.#watched(options.peer);
  }

  /** Sends the status frame that every connection begins with. */
  greet(connectionId: bigint): void {
    this.#peer.sendControl(
      `{"channel":"status","type":"update","data":[{"api_version":"v2","connection_id":${connectionId},` +
        `"system":"online","version":"2.0.0"}]}`,
    );
  }

  onText(text: string, _bytes: number, now: Micros): void {
    this.#now = now;
    this.#heardAt = now;
    const body = parseObject(text);
    if (body === null) return this.#refuse("Malformed request", { method: null, reqId: null, receivedAt: now }, null);
    const method = body.get("method");
    const id = body.get("req_id");
    const asked = { method: typeof method === "string" ? method : null, reqId: null, receivedAt: now };
    if (id !== undefined && (typeof id !== "number" || !Number.isSafeInteger(id))) {
      return this.#refuse("req_id must be an integer", asked, null);
    }
    const reqId = id === undefined ? null : String(id);
    if (method === "ping") return this.#pong(reqId, now);
    if (method !== "subscribe" && method !== "unsubscribe") {
      return this.#refuse("Unsupported method", { ...asked, reqId }, null);
    }
    const params = body.get("params");
    if (!isObject(params)) return this.#refuse("Params missing", { ...asked, reqId }, null);
    const request = { method, params: new Map(Object.entries(params)), reqId, receivedAt: now } as const;
    this.#agenda.after(this.#slowAckMs, now, (at) => this.#serve(request, at));
  }

  onPing(now: Micros): void {
    this.#heardAt = now;
  }

  onPong(now: Micros): void {
    this.#heardAt = now;
  }

  onTick(now: Micros): void {
    this.#now = now;
    this.#agenda.onTick(now);
    if (this.#feeds.size === 0) {
      if (now - this.#heardAt >= INACTIVE_MICROS) this.#peer.close(1000, "Inactive");
    } else if (now - this.#spokeAt >= HEARTBEAT_MICROS) this.#peer.sendControl(`{"channel":"heartbeat"}`);
  }

  subscriptions(): Iterable<string> {
    return this.#feeds.keys();
  }

  onClose(): void {
    this.#agenda.clear();
    for (const feed of this.#feeds.values()) feed?.leave(this.#peer);
    this.#feeds.clear();
  }

  /** The same peer, but whatever is sent puts the next heartbeat off. */
  #watched(peer: Peer): Peer {
    return {
      sendControl: (text) => {
        this.#spokeAt = this.#now;
        peer.sendControl(text);
      },
      sendData: (text, content) => {
        this.#spokeAt = this.#now;
        peer.sendData(text, content);
      },
      ping: () => peer.ping(),
      close: (code, reason) => peer.close(code, reason),
    };
  }

  #pong(reqId: string | null, now: Micros): void {
    const id = reqId === null ? "" : `"req_id":${reqId},`;
    const time = isoFromMicros(now);
    this.#peer.sendControl(`{"method":"pong",${id}"time_in":"${time}","time_out":"${time}"}`);
  }

  #serve(request: Request, now: Micros): void {
    this.#now = now;
    const result = readKrakenChannel(request.params);
    if (!result.ok) return this.#refuse(result.error, request, null);
    const { channel } = result;
    if (channel.name === "instrument") return this.#serveInstruments(channel, request);
    const symbols: unknown = request.params.get("symbol");
    if (!Array.isArray(symbols) || symbols.length === 0 || !symbols.every((symbol) => typeof symbol === "string")) {
      return this.#refuse("Symbol(s) missing", request, null);
    }
    for (const symbol of symbols) {
      if (request.method === "subscribe") this.#subscribe(channel, symbol, { request, now });
      else this.#unsubscribe(channel, symbol, request);
    }
  }

  #serveInstruments(channel: KrakenChannel, request: Request): void {
    this.#acknowledge(channel, null, request);
    if (request.method === "unsubscribe") this.#feeds.delete("instrument");
    else {
      this.#feeds.set("instrument", null);
      if (channel.options.snapshot === true) this.#peer.sendControl(krakenInstruments(this.#floor));
    }
  }

  #subscribe(
    channel: KrakenChannel,
    symbol: string,
    { request, now }: { readonly request: Request; readonly now: Micros },
  ): void {
    const listed = this.#floor.find(symbol);
    const name = krakenStreamName(channel, symbol);
    if (listed === null || this.#floor.isRejected(symbol)) {
      return this.#refuse(`Currency pair not supported ${symbol}`, request, symbol);
    }
    if (this.#feeds.has(name)) return this.#refuse("Already subscribed", request, symbol);
    const feed = findKrakenFeed(this.#floor, listed, channel);
    this.#feeds.set(name, feed);
    this.#acknowledge(channel, symbol, request);
    feed?.join(this.#peer, 0, now);
  }

  #unsubscribe(channel: KrakenChannel, symbol: string, request: Request): void {
    const name = krakenStreamName(channel, symbol);
    if (!this.#feeds.has(name)) return this.#refuse("Subscription not found", request, symbol);
    this.#feeds.get(name)?.leave(this.#peer);
    this.#feeds.delete(name);
    this.#acknowledge(channel, symbol, request);
  }

  #acknowledge(channel: KrakenChannel, symbol: string | null, request: Request): void {
    const result = { channel: channel.name, ...channel.options, ...(symbol === null ? {} : { symbol }) };
    this.#peer.sendControl(
      `{"method":"${request.method}","result":${JSON.stringify(result)},"success":true,${this.#tail(request)}}`,
    );
  }

  #refuse(
    error: string,
    request: { readonly method: string | null; readonly reqId: string | null; readonly receivedAt: Micros },
    symbol: string | null,
  ): void {
    const method = request.method === null ? "" : `"method":${JSON.stringify(request.method)},`;
    const named = symbol === null ? "" : `"symbol":${JSON.stringify(symbol)},`;
    this.#peer.sendControl(
      `{"error":${JSON.stringify(error)},${method}"success":false,${named}${this.#tail(request)}}`,
    );
  }

  #tail(request: { readonly reqId: string | null; readonly receivedAt: Micros }): string {
    const id = request.reqId === null ? "" : `,"req_id":${request.reqId}`;
    return `"time_in":"${isoFromMicros(request.receivedAt)}","time_out":"${isoFromMicros(this.#now)}"${id}`;
  }
}

function parseObject(text: string): ReadonlyMap<string, unknown> | null {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? new Map(Object.entries(body)) : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
