import type { Channel, Micros, Offset, OpenedRecord, SessionId, Stream } from "../model/mod.ts";
import { FrameMemory, readAddress } from "../normalize/mod.ts";
import { SessionBooks } from "./books.ts";
import type { CompiledDerivation } from "./plan_store.ts";
import type { SiblingGroup } from "./sibling_group.ts";

/** The fields of a session's `opened` record. */
export interface SessionOrigin {
  readonly exchange: string;
  /** Key of the connection, shard included. */
  readonly connection: string;
  readonly planHash: string | null;
  readonly descriptorHash: string;
}

/** An open gap of a whole session. */
export interface SessionGap {
  readonly id: string;
  readonly from: Micros;
}

/** The memory of one session, from its opening to its end. */
export class SessionMemory {
  readonly id: SessionId;
  readonly connectionId: string;
  #origin: SessionOrigin;
  #derivation: CompiledDerivation | null;
  readonly frames = new FrameMemory();
  /** Null if the plan keeps no books. */
  readonly books: SessionBooks | null;
  /**
   * Symbol → channel → receive time of the last data. Negative: the time of the opening, if there was no data yet.
   * Null: the stream has left; what still arrives was sent before the exchange unsubscribed it.
   */
  readonly streams = new Map<string, Map<Channel, Micros | null>>();
  /** Receive time of the last frame; null before the first. */
  lastTs: Micros | null = null;
  /** The sockets that show the same streams, this one included; null if another session has the same connection key. */
  siblings: SiblingGroup | null = null;
  /** The gap of the whole session, because its plan is unknown; null if it is known. */
  gap: SessionGap | null = null;

  constructor(id: SessionId, origin: SessionOrigin, derivation: CompiledDerivation | null) {
    this.id = id;
    this.#origin = origin;
    this.connectionId = connectionIdOf(origin.connection);
    this.#derivation = derivation;
    const rules = derivation?.bookRules ?? null;
    this.books = rules === null ? null : new SessionBooks(rules);
  }

  get origin(): SessionOrigin {
    return this.#origin;
  }

  /** Null if the session's plan is unknown. */
  get derivation(): CompiledDerivation | null {
    return this.#derivation;
  }

  get exchange(): string {
    return this.#origin.exchange;
  }

  /** Adopts another plan, which differs only in the wanted channels. */
  follow(planHash: string, derivation: CompiledDerivation): void {
    this.#origin = { ...this.#origin, planHash };
    this.#derivation = derivation;
  }

  /** Notes subscribed streams, without data so far. */
  expect(streams: readonly Stream[], at: Micros): void {
    for (const { channel, symbol } of streams) this.note(channel, symbol, -at);
  }

  /** Sets the entry of a stream in `streams`. */
  note(channel: Channel, symbol: string, at: Micros | null): void {
    let channels = this.streams.get(symbol);
    if (channels === undefined) this.streams.set(symbol, channels = new Map());
    channels.set(channel, at);
  }

  /** Notes that a stream has data; false, and notes nothing, if it has left. */
  sawData(channel: Channel, symbol: string, at: Micros): boolean {
    if (this.hasLeft(channel, symbol)) return false;
    this.note(channel, symbol, at);
    return true;
  }

  /** Notes that a stream has left. Returns its entry in `streams`; null if there was none. */
  leave(channel: Channel, symbol: string): Micros | null {
    const at = this.streams.get(symbol)?.get(channel) ?? null;
    this.note(channel, symbol, null);
    return at;
  }

  /** Whether a stream was unsubscribed and not subscribed to again since. */
  hasLeft(channel: Channel, symbol: string): boolean {
    return this.streams.get(symbol)?.get(channel) === null;
  }

  /** Whether a stream has had data in this session. */
  hasData(channel: Channel, symbol: string): boolean {
    return (this.streams.get(symbol)?.get(channel) ?? -1) >= 0;
  }

  /** Returns the native spelling of a canonical symbol, or the symbol itself. */
  nativeOf(symbol: string): string {
    return this.derivation?.natives.get(symbol) ?? symbol;
  }
}

/** Returns the memory of a session at its `opened` record. */
export function openSession(id: Offset, record: OpenedRecord, derivation: CompiledDerivation | null): SessionMemory {
  const { exchange, connection: key, planHash, descriptorHash } = record;
  const memory = new SessionMemory(id, { exchange, connection: key, planHash, descriptorHash }, derivation);
  const connection = derivation?.frames.connections.find(({ id }) => id === memory.connectionId);
  if (connection !== undefined) memory.frames.openedAt(readAddress(connection, record.url));
  memory.expect(record.streams, record.at);
  return memory;
}

/**
 * Returns the descriptor's connection id of a key, without the `#2`, `#3` … of shards and the `~2`, `~3` … of further
 * sockets.
 */
export function connectionIdOf(key: string): string {
  const at = key.search(/[#~]/);
  return at < 0 ? key : key.slice(0, at);
}

/** Returns the gap detail of a session whose `opened` record is unknown. */
export function unknownSession(session: SessionId): string {
  return `the opening of session ${session} is unknown`;
}

/** Returns the gap detail of a session whose plan is unknown. */
export function unknownPlan(origin: SessionOrigin): string {
  const { exchange, planHash, descriptorHash } = origin;
  if (planHash !== null) return `plan ${planHash} is unknown`;
  return `no plan of ${exchange} fits the descriptor ${descriptorHash === "" ? "of the session" : descriptorHash}`;
}
