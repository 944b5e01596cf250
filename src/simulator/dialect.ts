import type { Micros } from "../model/mod.ts";
import type { Peer } from "./peer.ts";
import type { FrameContent } from "./statistics.ts";

/** An answer to a plain HTTP request. `content` is set where it carries market data. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly content: FrameContent | null;
}

/** One client's connection as a dialect sees it. Each call gets the time. */
export interface DialectConnection {
  /** A text or binary message; `bytes` is its length. */
  onText(text: string, bytes: number, now: Micros): void;
  onPing(now: Micros): void;
  onPong(now: Micros): void;
  /** Called every few milliseconds. */
  onTick(now: Micros): void;
  /** What the connection is subscribed to, as the exchange keeps it in its books. */
  subscriptions(): Iterable<string>;
  /** The connection has ended: nothing is sent any more. */
  onClose(): void;
}

/** What every dialect is built from. */
export interface DialectOptions {
  /** Canonical symbols. */
  readonly symbols: readonly string[];
  readonly seed: number;
  /** Canonical or native symbols to refuse. */
  readonly rejects: readonly string[];
  /** How much later requests are answered, in ms. */
  readonly slowAckMs: number;
  /** Whether the exchange's limits on new connections hold. */
  readonly limitsConnections: boolean;
}

/**
 * An exchange's protocol over its simulated markets. Pure but for its own state: time comes in with each call, frames go
 * out through peers.
 */
export interface Dialect {
  readonly name: string;
  /** Paths of its sockets by what they are for: `public`, `business`, `stream`. */
  readonly paths: Readonly<Record<string, string>>;
  /** A client has connected to `target` (path and query). May greet it, and may close at once. */
  connect(target: string, peer: Peer, now: Micros): DialectConnection;
  /** Answers a GET of `target` (path and query). */
  answer(target: string, now: Micros): HttpAnswer;
  /** Lets every market take `steps` steps and tells the subscribers. */
  advance(steps: number, now: Micros): void;
  /** Publishes what goes out on a timer, watches deadlines. */
  tick(now: Micros): void;
  /** Canonical symbol of a native spelling; the native spelling where it is none of its instruments. */
  canonical(native: string): string;
}

/** JSON over HTTP without market data. */
export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return { status, headers, body: JSON.stringify(body), content: null };
}
