import type { Channel, Micros, Offset, OpenedRecord, SessionId, Stream } from "../model/mod.ts";
import { FrameMemory, readAddress } from "../normalize/mod.ts";
import { SessionBooks } from "./books.ts";
import type { CompiledDerivation } from "./plan_store.ts";
import type { SiblingGroup } from "./sibling_group.ts";

/** What a session's record of opening says of it. */
export interface SessionOrigin {
  readonly exchange: string;
  /** Key of the connection, shard included. */
  readonly connection: string;
  readonly planHash: string | null;
  readonly descriptorHash: string;
}

/** A gap of a whole session that has not ended. */
export interface SessionGap {
  readonly id: string;
  readonly from: Micros;
}

/** All that is remembered of one session: begun when it is opened, dropped when it is closed. */
export class SessionMemory {
  readonly id: SessionId;
  readonly connectionId: string;
  #origin: SessionOrigin;
  #derivation: CompiledDerivation | null;
  readonly frames = new FrameMemory();
  /** Null where the plan keeps no books. */
  readonly books: SessionBooks | null;
  /**
   * Symbol → channel → time of its last data; where none came the negative time of the opening, and null where the stream
   * has left: what still comes of it was sent before the exchange took it back.
   */
  readonly streams = new Map<string, Map<Channel, Micros | null>>();
  /** Receive time of the last frame; null before the first. */
  lastTs: Micros | null = null;
  /** The sockets that show the same streams, this one among them; null where it shares its key with another. */
  siblings: SiblingGroup | null = null;
  /** The gap that the whole session is in because its plan is unknown; null where it is known. */
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

  /** Null where the session's plan is unknown. */
  get derivation(): CompiledDerivation | null {
    return this.#derivation;
  }

  get exchange(): string {
    return this.#origin.exchange;
  }

  /** Goes on with another plan, which differs in the channels that are wanted alone. */
  follow(planHash: string, derivation: CompiledDerivation): void {
    this.#origin = { ...this.#origin, planHash };
    this.#derivation = derivation;
  }

  /** Notes what the session subscribes to, from the opening on. */
  expect(streams: readonly Stream[], at: Micros): void {
    for (const { channel, symbol } of streams) this.note(channel, symbol, -at);
  }

  /** Sets what `streams` says of a stream. */
  note(channel: Channel, symbol: string, at: Micros | null): void {
    let channels = this.streams.get(symbol);
    if (channels === undefined) this.streams.set(symbol, channels = new Map());
    channels.set(channel, at);
  }

  /** Notes when a stream last had data; false, and nothing is noted, where it has left. */
  sawData(channel: Channel, symbol: string, at: Micros): boolean {
    if (this.hasLeft(channel, symbol)) return false;
    this.note(channel, symbol, at);
    return true;
  }

  /** Notes that a stream has left. Returns what `streams` said of it; null where it was not known. */
  leave(channel: Channel, symbol: string): Micros | null {
    const at = this.streams.get(symbol)?.get(channel) ?? null;
    this.note(channel, symbol, null);
    return at;
  }

  /** Whether a stream was taken back, and not asked for again since. */
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

/** Returns the memory of a session as its record of opening begins it. */
export function openSession(id: Offset, record: OpenedRecord, derivation: CompiledDerivation | null): SessionMemory {
  const { exchange, connection: key, planHash, descriptorHash } = record;
  const memory = new SessionMemory(id, { exchange, connection: key, planHash, descriptorHash }, derivation);
  const connection = derivation?.frames.connections.find(({ id }) => id === memory.connectionId);
  if (connection !== undefined) memory.frames.openedAt(readAddress(connection, record.url));
  memory.expect(record.streams, record.at);
  return memory;
}

/** Returns the descriptor's connection id behind a key: shards carry `#2`, `#3` … after it, further sockets `~2`, `~3` …. */
export function connectionIdOf(key: string): string {
  const at = key.search(/[#~]/);
  return at < 0 ? key : key.slice(0, at);
}

/** Says that nothing is known of a session's opening. */
export function unknownSession(session: SessionId): string {
  return `the opening of session ${session} is unknown`;
}

/** Says which plan of a session is unknown. */
export function unknownPlan(origin: SessionOrigin): string {
  const { exchange, planHash, descriptorHash } = origin;
  if (planHash !== null) return `plan ${planHash} is unknown`;
  return `no plan of ${exchange} fits the descriptor ${descriptorHash === "" ? "of the session" : descriptorHash}`;
}
