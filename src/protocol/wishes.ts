import { type AckPlan, streamKey, type WireFrame } from "../model/mod.ts";
import type { AskedItem, Catalogue, KnownConnection } from "./catalogue.ts";
import { fits, openValue, topicsIn } from "./message_shape.ts";
import { readByWords } from "./other_words.ts";
import { type Json, parseJson, shallowTexts } from "./words.ts";

/** Meaning of a client's message. */
export interface Heard {
  readonly kind: "subscribe" | "unsubscribe" | "ping" | "unknown";
  /** The items it names. Items that the catalogue lacks have only a topic. */
  readonly items: readonly AskedItem[];
  /** How the request is acknowledged; null if it is no request. */
  readonly ack: AckPlan | null;
  readonly connectionId: string;
  /** The id of the request; undefined if it has none. */
  readonly id: Json | undefined;
  readonly text: string;
}

/**
 * The subscriptions of one client of an exchange: its messages and address are compared with those of the descriptor. A
 * frame that names its topic is wanted if the client subscribed to that topic; any other is wanted if the client
 * subscribed to a stream of its data.
 */
export class Wishes {
  readonly #catalogue: Catalogue;
  readonly #connections: readonly KnownConnection[];
  readonly #target: string;
  readonly #streams = new Set<string>();
  readonly #topics = new Set<string>();
  /** Keys of subscribed items, as acks echo them. */
  readonly #echoes = new Set<string>();
  /** Paths at which frames name their topic, as seen so far. */
  readonly #topicPaths = new Set<string>();
  #hasAsked = false;

  /** `target`: path and query of the client's address. */
  constructor(catalogue: Catalogue, target: string) {
    this.#catalogue = catalogue;
    this.#connections = catalogue.connectionsAt(target);
    this.#target = decoded(target);
    this.#askByAddress();
  }

  get connections(): readonly KnownConnection[] {
    return this.#connections;
  }

  /** Whether the client has subscribed to anything. */
  get hasAsked(): boolean {
    return this.#hasAsked;
  }

  /** Reads a message of the client. */
  hear(text: string): Heard {
    const body = parseJson(text) ?? text;
    const unknown = { items: [], ack: null, connectionId: this.#firstId(), id: undefined, text };
    for (const { id, pings } of this.#connections) {
      const ping = pings.find(({ body: shape }) => fits(shape, body));
      if (ping !== undefined) {
        return { ...unknown, kind: "ping", connectionId: id, id: openValue(ping.body, body) };
      }
    }
    const left = this.#find(body, "unsubscribe");
    if (left !== null) {
      this.forget(left);
      return { ...left, kind: "unsubscribe", text };
    }
    const asked = this.#find(body, "shape");
    if (asked === null) return this.#hearOtherWords(body, text) ?? { ...unknown, kind: "unknown" };
    this.#remember(asked.items);
    return { ...asked, kind: "subscribe", text };
  }

  /** Takes a message that no descriptor writes; null where it asks for nothing that is known. */
  #hearOtherWords(body: Json, text: string): Heard | null {
    const here = this.#catalogue.items.filter((item) =>
      this.#connections.some(({ id }) => id === item.connectionId) && this.#isOfAddress(item)
    );
    const read = readByWords(body, here);
    const [first] = read?.items ?? [];
    if (read === null || first === undefined) return null;
    const { items, id, isLeaving } = read;
    const heard = { items, ack: first.ack, connectionId: first.connectionId, id, text };
    if (isLeaving) {
      this.forget(heard);
      return { ...heard, kind: "unsubscribe" };
    }
    this.#remember(items);
    return { ...heard, kind: "subscribe" };
  }

  /**
   * Whether the client gets a recorded frame. It does not get answers to others' requests, unless later frames name
   * their topic by an id of such an answer.
   */
  wants(frame: WireFrame): boolean {
    if (!this.#hasAsked || !this.#isHere(frame.connectionId)) return false;
    const action = frame.signal?.action ?? null;
    if (action === "ack" && this.#catalogue.hasAliases) return this.#isAsked(frame.signal?.echoes ?? []);
    if (action !== null && action !== "reply" && action !== "ignore" && action !== "history") return false;
    const named = this.#namedBy(frame);
    if (named !== null) return named;
    // Heartbeats, states, and frames that no rule reads.
    if (frame.streams.length === 0) return true;
    return frame.streams.some(({ channel, symbol }) =>
      this.#asksFor(frame.connectionId, streamKey({ channel, symbol })) ||
      this.#asksFor(frame.connectionId, streamKey({ channel, symbol: "" }))
    );
  }

  /** Whether the client may get frames of a connection. One without any subscriptions occurs in old recordings. */
  #isHere(connectionId: string): boolean {
    return this.#connections.some(({ id }) => id === connectionId) || this.#catalogue.isOld(connectionId);
  }

  #asksFor(connectionId: string, stream: string): boolean {
    if (this.#catalogue.offers(connectionId, stream)) return this.#streams.has(keyOf(connectionId, stream));
    // What came over one connection of old, or is not known to belong to one, is asked for on another of the address.
    return this.#connections.some(({ id }) => this.#streams.has(keyOf(id, stream)));
  }

  #isAsked(echoes: readonly string[]): boolean {
    return echoes.some((echo) => this.#echoes.has(echo));
  }

  /** Whether the topic of a frame is subscribed to; null if it names none. */
  #namedBy(frame: WireFrame): boolean | null {
    if (this.#catalogue.topics.size === 0 || frame.text === null) return null;
    const body = parseJson(frame.text);
    if (body === undefined) return null;
    let named: boolean | null = null;
    for (const { path, text } of shallowTexts(body)) {
      if (this.#topics.has(text)) return true;
      if (this.#catalogue.topics.has(text)) this.#topicPaths.add(path);
      if (this.#topicPaths.has(path)) named = false;
    }
    return named;
  }

  #find(body: Json, part: "shape" | "unsubscribe"): Omit<Heard, "kind" | "text"> | null {
    const items: AskedItem[] = [];
    let ack: AckPlan | null = null;
    let connectionId = this.#firstId();
    let id: Json | undefined;
    const isHere = (one: string) => this.#connections.some((connection) => connection.id === one);
    const exact = part === "unsubscribe";
    for (const group of this.#catalogue.groups) {
      const shape = group[part];
      if (shape === null || !isHere(group.connectionId) || !fits(shape.body, body, exact)) continue;
      const topics = new Set(topicsIn(body, group.shape.path));
      const found = [...topics].flatMap((topic) => group.items.get(topic) ?? []);
      for (const item of found) items.push(item);
      const [sample] = group.items.values();
      for (const topic of topics) if (!this.#catalogue.topics.has(topic)) items.push(furtherItem(sample, topic));
      // Several kinds of messages may match: the one that names an item determines its acknowledgement.
      if (ack === null || found.length > 0) {
        [ack, connectionId, id] = [group.ack, group.connectionId, openValue(group.shape.body, body)];
      }
    }
    for (const item of this.#catalogue.untitled) {
      const shape = item[part];
      if (shape === null || !isHere(item.connectionId) || !this.#isOfAddress(item) || !fits(shape.body, body, exact)) {
        continue;
      }
      items.push(item);
      [ack, connectionId, id] = [item.ack, item.connectionId, openValue(item.shape.body, body)];
    }
    return ack === null ? null : { items, ack, connectionId, id };
  }

  #remember(items: readonly AskedItem[]): void {
    this.#hasAsked = true;
    for (const { connectionId, streams, topic, echo } of items) {
      if (topic !== null) this.#topics.add(topic);
      if (echo !== null) this.#echoes.add(echo);
      for (const stream of streams) this.#streams.add(keyOf(connectionId, streamKey(stream)));
    }
  }

  /** Removes the subscriptions that a message unsubscribes. */
  forget({ items }: Pick<Heard, "items">): void {
    for (const { connectionId, streams, topic, echo } of items) {
      if (topic !== null) this.#topics.delete(topic);
      if (echo !== null) this.#echoes.delete(echo);
      for (const stream of streams) this.#streams.delete(keyOf(connectionId, streamKey(stream)));
    }
  }

  /**
   * Whether an item is available at the client's address; one with its own socket is also subscribed to by the address.
   */
  #isOfAddress({ path }: AskedItem): boolean {
    return path === null || this.#target.split("?", 1)[0] === path;
  }

  /** Returns the items that the address alone subscribes to: topics in its path or query. */
  #askByAddress(): void {
    const words = new Set(this.#target.split(/[/?&=,+\s]+/));
    const isHere = (id: string) => this.#connections.some((connection) => connection.id === id);
    const items = this.#catalogue.items.filter(({ topic, connectionId }) =>
      topic !== null && isHere(connectionId) && words.has(topic)
    );
    // Topics of known instruments that the descriptor does not use.
    const [sample] = this.#catalogue.groups.flatMap((group) =>
      isHere(group.connectionId) ? [...group.items.values()] : []
    );
    if (sample !== undefined) {
      const further = [...words].filter((word) =>
        !this.#catalogue.topics.has(word) && this.#catalogue.namesInstrument(word)
      );
      items.push(...further.map((topic) => furtherItem(sample, topic)));
    }
    if (items.length > 0) this.#remember(items);
  }

  #firstId(): string {
    return this.#connections[0]?.id ?? "";
  }
}

/** An item that is subscribed to like others but is not in the descriptor. */
function furtherItem(like: AskedItem, topic: string): AskedItem {
  return { ...like, topic, streams: [], echo: like.echo === like.topic ? topic : null };
}

function keyOf(connectionId: string, stream: string): string {
  return `${connectionId}\n${stream}`;
}

function decoded(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
}
