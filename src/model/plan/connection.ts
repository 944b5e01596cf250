import type { Channel, Stream } from "../channel.ts";
import type { Expression } from "../expression.ts";
import type { Family } from "../instrument.ts";
import type { Secret } from "../secret.ts";
import type { Template } from "../template.ts";

/** At most `count` in any window of `perMs`. */
export interface RateLimit {
  readonly count: number;
  readonly perMs: number;
}

/** Keeping a connection alive. */
export interface KeepalivePlan {
  readonly mode: "ping_frame" | "application" | "none";
  readonly intervalMs: number;
  /** `bootstrap` value that replaces `intervalMs`, in ms; null where none does. */
  readonly intervalFrom: string | null;
  /** `idle`: only when nothing was received for the interval. */
  readonly when: "always" | "idle";
  /** What application mode sends. */
  readonly template: Template | null;
  /**
   * A ping that nothing answered for this long ends the session: a pong frame in mode `ping_frame`; in mode
   * `application` a frame that a `pong` control rule matches, or, where there is no such rule, any frame.
   */
  readonly pongTimeoutMs: number;
  readonly expectsPong: boolean;
}

/** A call made before each connect, for a token or an address. */
export interface BootstrapPlan {
  readonly method: "GET" | "POST";
  readonly url: Template;
  readonly body: Template | null;
  readonly headers: Readonly<Record<string, string | Secret>>;
  /** Name of a value, and where the reply holds it. A missing one fails the connect. */
  readonly values: readonly { readonly name: string; readonly expression: Expression }[];
}

/** One socket. */
export interface ConnectionPlan {
  /** Unique in the instance: the descriptor's connection id, `#2`, `#3` … behind it for further shards. */
  readonly key: string;
  readonly connectionId: string;
  readonly families: readonly Family[] | null;
  /** First is primary, the rest failover. */
  readonly urls: readonly Template[];
  readonly headers: Readonly<Record<string, string | Secret>>;
  readonly compression: boolean;
  readonly tls: { readonly enabled: boolean; readonly caCertPath: string | null };
  readonly readTimeoutMs: number;
  /** A stream of a channel that is not quiet has to show data within this time of being asked for. */
  readonly firstDataTimeoutMs: number;
  readonly quietChannels: readonly Channel[];
  readonly keepalive: KeepalivePlan;
  readonly bootstrap: BootstrapPlan | null;
  readonly connectDelayMs: number;
  /** Whether to wait for a `welcome` frame before sending, and for how long. */
  readonly awaitsWelcome: boolean;
  readonly welcomeTimeoutMs: number;
  /** Sent after the welcome, before the subscriptions. */
  readonly hello: readonly Template[];
  readonly maxAgeMs: number | null;
  /** Frames that we send, pings included, on one connection. */
  readonly sendLimit: RateLimit | null;
  /** Connection attempts, over all connections of the instance to one host. */
  readonly openLimit: RateLimit | null;
  readonly requests: readonly SubscribeRequest[];
}

/** One frame that subscribes to one or more items. */
export interface SubscribeRequest {
  readonly message: Template;
  readonly items: readonly SubscribeItem[];
  readonly ack: AckPlan;
  /** It holds everything that is asked for on the socket, because each request replaces the one before. */
  readonly replaces: boolean;
}

/** The smallest thing that can be subscribed to, acknowledged and rejected on its own. */
export interface SubscribeItem {
  readonly streams: readonly Stream[];
  /** What an acknowledgement echoes of this item, parts joined by ECHO_SEPARATOR; null where acks echo nothing. */
  readonly echo: string | null;
  /** How the exchange spells what the item asks for, for rejections in words; null where it is not one symbol's. */
  readonly spelling: ItemSpelling | null;
  /** The frame that subscribes to this item alone; where subscriptions replace each other, the one that holds all. */
  readonly message: Template;
  /** Ends the item, so that asking again gives it anew. `none`: asking again is enough. Null: only a new socket helps. */
  readonly unsubscribe: Template | "none" | null;
}

/** Native names of what an item asks for. */
export interface ItemSpelling {
  readonly symbol: string;
  /** Null where the item names no channel. */
  readonly channel: string | null;
}

/** How a request is acknowledged. */
export interface AckPlan {
  /**
   * `request`: one ack confirms all items of the request it names by id (or the oldest one waiting, where acks carry no
   * id). `item`: an ack confirms the items it echoes and no others. `none`: the first data confirms.
   */
  readonly mode: "request" | "item" | "none";
  readonly timeoutMs: number;
  /** Whether requests carry an id that acks repeat. */
  readonly correlated: boolean;
}
