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

/** Keepalive of a connection. */
export interface KeepalivePlan {
  readonly mode: "ping_frame" | "application" | "none";
  readonly intervalMs: number;
  /** Name of the bootstrap value that replaces `intervalMs`, in ms; null if none does. */
  readonly intervalFrom: string | null;
  /** `idle` sends only when nothing was received for the interval. */
  readonly when: "always" | "idle";
  /** Message that mode `application` sends; null in other modes. */
  readonly template: Template | null;
  /**
   * A ping that nothing answered for this long ends the session: a pong frame in mode `ping_frame`; in mode
   * `application` a frame that a `pong` control rule matches, or, where there is no such rule, any frame.
   */
  readonly pongTimeoutMs: number;
  readonly expectsPong: boolean;
}

/** HTTP call before each connect, for a token or an address. */
export interface BootstrapPlan {
  readonly method: "GET" | "POST";
  readonly url: Template;
  readonly body: Template | null;
  readonly headers: Readonly<Record<string, string | Secret>>;
  /** Values by name, each with the expression that reads it from the reply. The connect fails if one is missing. */
  readonly values: readonly { readonly name: string; readonly expression: Expression }[];
}

/** Address of an HTTP proxy, `http://user:password@host:port`; a `Secret` if it holds a secret. */
export type ProxyAddress = string | Secret;

/** One socket. */
export interface ConnectionPlan {
  /**
   * Unique in the instance: the descriptor's connection id, `#2`, `#3` … behind it for further shards, then
   * `~2`, `~3` … for further sockets that show the same streams.
   */
  readonly key: string;
  readonly connectionId: string;
  readonly families: readonly Family[] | null;
  /** Addresses: the first is the primary, the others are failovers. */
  readonly urls: readonly Template[];
  /** Absent: connects directly. */
  readonly proxy?: ProxyAddress;
  /** Subprotocols that the upgrade request offers. Absent: none. */
  readonly subprotocols?: readonly string[];
  readonly headers: Readonly<Record<string, string | Secret>>;
  readonly compression: boolean;
  readonly tls: { readonly enabled: boolean; readonly caCertPath: string | null };
  readonly readTimeoutMs: number;
  /** Time in ms from the request within which a stream must show data, unless its channel is quiet. */
  readonly firstDataTimeoutMs: number;
  readonly quietChannels: readonly Channel[];
  /** Silence in ms after which a stream that had data counts as stalled; 0: never; null: learned from its rhythm. */
  readonly stallAfterMs: number | null;
  readonly keepalive: KeepalivePlan;
  readonly bootstrap: BootstrapPlan | null;
  readonly connectDelayMs: number;
  /** Whether to wait for a `welcome` frame before sending, and for how long. */
  readonly awaitsWelcome: boolean;
  readonly welcomeTimeoutMs: number;
  /** Messages sent after the welcome and before the subscriptions. */
  readonly hello: readonly Template[];
  readonly maxAgeMs: number | null;
  /** Limit of sent frames on one connection, pings included; null if there is none. */
  readonly sendLimit: RateLimit | null;
  /** Limit of connection attempts to one host; null if there is none. */
  readonly openLimit: RateLimit | null;
  /** Most sockets that one address may have open to one host; absent if there is no such limit. */
  readonly socketsMax?: number;
  readonly requests: readonly SubscribeRequest[];
}

/** One message that subscribes to one or more items. */
export interface SubscribeRequest {
  readonly message: Template;
  readonly items: readonly SubscribeItem[];
  readonly ack: AckPlan;
  /** Whether each request replaces the one before, so that the message names everything the socket subscribes to. */
  readonly replaces: boolean;
}

/** Smallest unit that can be subscribed to, acknowledged and rejected on its own. */
export interface SubscribeItem {
  readonly streams: readonly Stream[];
  /** Parts of the item that an ack echoes, joined by ECHO_SEPARATOR; null if acks echo nothing. */
  readonly echo: string | null;
  /** Native names of the item, to find it in a rejection's text; null if the item is not of one symbol. */
  readonly spelling: ItemSpelling | null;
  /** Message that subscribes to this item alone, or to all items if requests replace each other. */
  readonly message: Template;
  /**
   * Message that unsubscribes the item. `none` if subscribing again is enough; null if only a new socket
   * resubscribes.
   */
  readonly unsubscribe: Template | "none" | null;
}

/** Native names of an item. */
export interface ItemSpelling {
  readonly symbol: string;
  /** Null if the item names no channel. */
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
