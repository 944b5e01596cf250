import type { Clock, HttpCall, HttpSocket, Timer } from "../../host/mod.ts";
import {
  LIVE_CHUNK_CHARS,
  LIVE_REQUEST_CHARS_MAX,
  LIVE_REQUESTS_PER_S,
  LIVE_SOCKET_BYTES_MAX,
  LIVE_SUBSCRIPTIONS_MAX,
} from "../../model/mod.ts";
import type { LiveClient } from "./client.ts";
import type { LiveFeed } from "./feed.ts";
import { readSubscription } from "./subscription.ts";

/** Close codes: client too slow; client broke the rules (RFC 6455, section 7.4.1); collector stops. */
const SLOW = 4008;
const POLICY = 1008;
const GOING = 1001;
/** Interval of checks whether the client has read what was sent, in ms. */
const LOOK_MS = 25;

/**
 * Serves a client on a WebSocket. It subscribes and unsubscribes with JSON texts and gets each event as one text, in
 * the form of an NDJSON line. Notes about the connection have a `type` instead of a `kind`.
 */
export class LiveSocket {
  readonly #feed: LiveFeed;
  readonly #client: LiveClient;
  readonly #clock: Clock;
  readonly #socket: HttpSocket;
  #timer: Timer | null = null;
  #isOpen = false;
  #requests = { sinceMs: 0, count: 0 };

  readonly #convert: ((json: string) => readonly string[]) | null;

  private constructor(
    options: {
      readonly feed: LiveFeed;
      readonly client: LiveClient;
      readonly clock: Clock;
      readonly socket: HttpSocket;
      readonly convert?: (json: string) => readonly string[];
    },
  ) {
    this.#convert = options.convert ?? null;
    this.#feed = options.feed;
    this.#client = options.client;
    this.#clock = options.clock;
    this.#socket = options.socket;
    this.#client.whenReady(() => this.#pump());
  }

  /** Accepts a WebSocket request; null if the request is none. */
  static accept(call: HttpCall, options: {
    readonly feed: LiveFeed;
    readonly client: LiveClient;
    readonly clock: Clock;
    /** Converts an event's line into the texts to send. Such a client sends no requests. */
    readonly convert?: (json: string) => readonly string[];
  }): Response | null {
    const late: { live: LiveSocket | null } = { live: null };
    const upgraded = call.upgrade({
      open: () => late.live?.opened(),
      message: (message) => late.live?.asked(message),
      closed: () => late.live?.closed(),
    });
    if (upgraded === null) return null;
    late.live = new LiveSocket({ ...options, socket: upgraded.socket });
    return upgraded.response;
  }

  opened(): void {
    this.#isOpen = true;
    this.#pump();
  }

  closed(): void {
    this.#isOpen = false;
    this.#timer?.cancel();
    this.#client.finish("the client has gone");
    this.#feed.leave(this.#client);
  }

  /** Handles a request of the client. */
  asked(message: string | ArrayBuffer): void {
    if (this.#client.end !== null || this.#convert !== null) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#requests.sinceMs >= 1_000) this.#requests = { sinceMs: nowMs, count: 0 };
    if (++this.#requests.count > LIVE_REQUESTS_PER_S) return this.#refuse("more requests a second than are answered");
    if (typeof message !== "string" || message.length > LIVE_REQUEST_CHARS_MAX) {
      return this.#refuse(`a request has to be a text of at most ${LIVE_REQUEST_CHARS_MAX} characters`);
    }
    const reply = this.#replyTo(message);
    this.#client.put({ name: "reply", id: null, json: JSON.stringify(reply) });
  }

  #replyTo(message: string): unknown {
    let request: unknown;
    try {
      request = JSON.parse(message);
    } catch {
      return wrong(null, "The request is not JSON");
    }
    if (typeof request !== "object" || request === null || Array.isArray(request)) {
      return wrong(null, 'The request is not an object: {"op": "subscribe", …}');
    }
    const { op, id = "", ...rest } = request as Readonly<Record<string, unknown>>;
    if (typeof id !== "string" || id.length > 100) return wrong(null, "id has to be a text of at most 100 characters");
    if (op === "ping") return { type: "pong", id };
    if (op === "unsubscribe") {
      return this.#feed.unsubscribe(this.#client, id)
        ? { type: "unsubscribed", id }
        : wrong(id, "No such subscription");
    }
    if (op !== "subscribe") return wrong(id, "op has to be subscribe, unsubscribe or ping");
    const unknown = Object.keys(rest).find((key) => !["kinds", "exchanges", "symbols", "snapshots"].includes(key));
    if (unknown !== undefined) return wrong(id, `No key ${unknown}: there are kinds, exchanges, symbols, snapshots`);
    if (this.#feed.countOf(this.#client) >= LIVE_SUBSCRIPTIONS_MAX) {
      return wrong(id, `More than ${LIVE_SUBSCRIPTIONS_MAX} subscriptions`);
    }
    const subscription = readSubscription(rest);
    if (typeof subscription === "string") return wrong(id, subscription);
    this.#feed.subscribe(this.#client, id, subscription);
    return { type: "subscribed", id };
  }

  #refuse(reason: string): void {
    this.#client.finish(reason);
  }

  /** Sends while the client keeps up. */
  #pump(): void {
    if (!this.#isOpen || this.#timer !== null) return;
    while (this.#socket.bufferedBytes < LIVE_SOCKET_BYTES_MAX) {
      const messages = this.#client.drain(LIVE_CHUNK_CHARS);
      if (messages.length === 0) break;
      for (const { json } of messages) {
        for (const text of this.#convert?.(json) ?? [json]) this.#socket.send(text);
      }
    }
    const { end } = this.#client;
    if (end !== null) return this.#finish(end);
    if (this.#client.isEmpty) return;
    this.#timer = this.#clock.after(LOOK_MS, () => {
      this.#timer = null;
      this.#pump();
    });
  }

  #finish(reason: string): void {
    this.#isOpen = false;
    this.#feed.leave(this.#client);
    if (this.#convert === null) this.#socket.send(JSON.stringify({ type: "end", reason }));
    const code = reason.startsWith("slow") ? SLOW : reason.startsWith("the collector") ? GOING : POLICY;
    this.#socket.close(code, reason);
  }
}

function wrong(id: string | null, error: string): unknown {
  return { type: "error", id, error };
}
