import {
  type AckPlan,
  type ConnectionPlan,
  type ItemSpelling,
  type RunnableExchange,
  type Stream,
  streamKey,
} from "../model/mod.ts";
import { type MessageShape, openTopic, shapeOf, type TopicShape } from "./message_shape.ts";

/** An item that can be subscribed to on its own. */
export interface AskedItem {
  readonly connectionId: string;
  readonly streams: readonly Stream[];
  readonly shape: MessageShape;
  /** The message that unsubscribes it; null if there is none. */
  readonly unsubscribe: MessageShape | null;
  /** The text that names it, in messages and often in frames; null if several texts do so together. */
  readonly topic: string | null;
  /** The path of its address, if each symbol has its own socket; null otherwise. */
  readonly path: string | null;
  /** As `SubscribeItem.echo`. */
  readonly echo: string | null;
  /** As `SubscribeItem.spelling`. */
  readonly spelling: ItemSpelling | null;
  readonly ack: AckPlan;
}

/** Items whose messages differ only in the topic. */
export interface TopicGroup {
  readonly connectionId: string;
  readonly shape: TopicShape;
  readonly unsubscribe: MessageShape | null;
  readonly ack: AckPlan;
  readonly items: Map<string, AskedItem>;
}

/** A connection of the descriptor, over all its sockets. */
export interface KnownConnection {
  readonly id: string;
  /** Paths of its addresses. */
  readonly paths: readonly string[];
  /** Messages of the client's keepalive. */
  readonly pings: readonly MessageShape[];
  readonly awaitsWelcome: boolean;
}

/** Everything that can be subscribed to at an instance, in the messages of its descriptor. */
export class Catalogue {
  readonly items: readonly AskedItem[];
  /** Items without a topic, which are compared one by one. */
  readonly untitled: readonly AskedItem[];
  readonly groups: readonly TopicGroup[];
  readonly connections: readonly KnownConnection[];
  readonly topics: ReadonlySet<string>;
  /** Whether frames name their topic by an id that an ack assigns. */
  readonly hasAliases: boolean;
  readonly #natives: ReadonlySet<string>;
  /** Streams that can be asked for, by connection. */
  readonly #streams: ReadonlySet<string>;

  constructor({ connections, frames }: Pick<RunnableExchange, "connections" | "frames">) {
    const groups = new Map<string, TopicGroup>();
    const items: AskedItem[] = [];
    const alone = new Set(frames.connections.flatMap(({ id, perSymbol }) => perSymbol === true ? [id] : []));
    for (const { connectionId, requests, urls } of connections) {
      const path = alone.has(connectionId) && urls.length > 0 ? pathOf(urls[0]) : null;
      for (const { items: asked, ack } of requests) {
        for (const { message, unsubscribe, streams, echo, spelling } of asked) {
          const shape = shapeOf(message);
          const left = unsubscribe === null || unsubscribe === "none" ? null : shapeOf(unsubscribe);
          const open = spelling === null || path !== null ? null : openTopic(shape, spelling.symbol);
          const topic = open?.topic ?? null;
          const item = { connectionId, streams, shape, unsubscribe: left, topic, path, echo, spelling, ack };
          items.push(item);
          if (open === null) continue;
          const key = JSON.stringify([connectionId, open.body]);
          const openLeft = left === null || spelling === null ? null : openTopic(left, spelling.symbol);
          const group = groups.get(key) ??
            { connectionId, shape: open, unsubscribe: openLeft, ack, items: new Map<string, AskedItem>() };
          group.items.set(open.topic, item);
          groups.set(key, group);
        }
      }
    }
    this.items = items;
    this.untitled = items.filter(({ topic }) => topic === null);
    this.groups = [...groups.values()];
    this.topics = new Set(this.groups.flatMap(({ items }) => [...items.keys()]));
    this.connections = knownConnections(connections);
    const spellings = connections.flatMap(({ requests }) => requests.flatMap(({ items }) => items));
    this.#natives = new Set(spellings.flatMap(({ spelling }) => spelling?.symbol.toLowerCase() ?? []));
    this.#streams = new Set(
      items.flatMap(({ connectionId, streams }) => streams.map((stream) => `${connectionId}\n${streamKey(stream)}`)),
    );
    this.hasAliases = frames.aliasKey !== null;
  }

  /** Whether a stream can be asked for on a connection. */
  offers(connectionId: string, stream: string): boolean {
    return this.#streams.has(`${connectionId}\n${stream}`);
  }

  /** Whether nothing is subscribed on a connection, so that only older recordings have frames of it. */
  isOld(connectionId: string): boolean {
    return !this.connections.some(({ id }) => id === connectionId);
  }

  /** Whether a word contains the native symbol of an instrument, and more. */
  namesInstrument(word: string): boolean {
    const text = word.toLowerCase();
    for (const native of this.#natives) {
      if (native !== "" && text.length > native.length && text.includes(native)) return true;
    }
    return false;
  }

  /**
   * Returns the connections that a client's address may mean: those with its path, or else those whose path ends like
   * it, or else all. `target` is path and query.
   */
  connectionsAt(target: string): readonly KnownConnection[] {
    const [path] = target.split("?", 1);
    const same = this.connections.filter(({ paths }) => paths.includes(path));
    if (same.length > 0) return same;
    const like = this.connections.filter(({ paths }) =>
      paths.some((one) => one.length > 1 && (path.endsWith(one) || one.endsWith(path) && path.length > 1))
    );
    return like.length > 0 ? like : this.connections;
  }
}

function knownConnections(plans: readonly ConnectionPlan[]): readonly KnownConnection[] {
  const byId = new Map<string, ConnectionPlan[]>();
  for (const plan of plans) byId.set(plan.connectionId, [...byId.get(plan.connectionId) ?? [], plan]);
  return [...byId].map(([id, sockets]) => ({
    id,
    paths: [...new Set(sockets.flatMap(({ urls }) => urls.map((url) => pathOf(url))))],
    pings: sockets.slice(0, 1).flatMap(({ keepalive: { template } }) => template === null ? [] : [shapeOf(template)]),
    awaitsWelcome: sockets.some(({ awaitsWelcome }) => awaitsWelcome),
  }));
}

/** Returns the path of an address; `/` if it is known only when connecting. */
function pathOf({ parts }: ConnectionPlan["urls"][number]): string {
  const text = parts.map((part) => typeof part === "string" ? part : "").join("");
  return /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(text)?.[1] || "/";
}
