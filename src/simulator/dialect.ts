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

/** One client's connection, for a dialect. Each call gets the time. */
export interface DialectConnection {
  /** A text or binary message; `bytes` is its length. */
  onText(text: string, bytes: number, now: Micros): void;
  onPing(now: Micros): void;
  onPong(now: Micros): void;
  /** Called every few milliseconds. */
  onTick(now: Micros): void;
  /** The subscriptions of the connection, as the exchange knows them. */
  subscriptions(): Iterable<string>;
  /** Notes that the connection has ended: nothing is sent any more. */
  onClose(): void;
}

/** Options of every dialect. */
export interface DialectOptions {
  /** Canonical symbols. */
  readonly symbols: readonly string[];
  readonly seed: number;
  /** Canonical or native symbols to refuse. */
  readonly rejects: readonly string[];
  /** Delay of answers to requests, in ms. */
  readonly slowAckMs: number;
  /** Whether the exchange's limits on new connections are enforced. */
  readonly limitsConnections: boolean;
}

/**
 * An exchange's protocol over its simulated markets. Has no side effects beyond its state: each call brings the time,
 * frames go out through peers.
 */
export interface Dialect {
  readonly name: string;
  /** Paths of its sockets by purpose: `public`, `business`, `stream`. */
  readonly paths: Readonly<Record<string, string>>;
  /** Accepts a client at `target` (path and query). May greet it, and may close at once. */
  connect(target: string, peer: Peer, now: Micros): DialectConnection;
  /** Answers a GET of `target` (path and query). */
  answer(target: string, now: Micros): HttpAnswer;
  /** Moves every market by `steps` steps and notifies the subscribers. */
  advance(steps: number, now: Micros): void;
  /** Publishes timed frames and checks deadlines. */
  tick(now: Micros): void;
  /** Returns the canonical symbol of a native one; the native one if it is no instrument here. */
  canonical(native: string): string;
}

/** JSON over HTTP without market data. */
export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return { status, headers, body: JSON.stringify(body), content: null };
}
