import { type Offset, SINK_MESSAGE_BATCH_BYTES_MAX } from "../../model/mod.ts";
import { rowsOf, type Sink, type SinkBatch } from "../sink.ts";
import type { Message, MessageMaker, Place } from "./messages.ts";

/** A connection to a destination of messages, for one life. Every call rejects with a `Failure`. */
export interface Broker {
  /**
   * Connects, makes missing streams or topics, and resolves with the position stored at the destination; null if there
   * is none.
   */
  open(signal: AbortSignal): Promise<Place | null>;
  /** Most bytes of a message's body; known once it is open. */
  readonly bodyBytesMax: number;
  /** Stores messages and the position after them atomically; `messages` may be empty. */
  commit(messages: readonly Message[], next: Place, signal: AbortSignal): Promise<void>;
  /** Closes the connection at once. May be called twice. */
  close(): Promise<void>;
}

/**
 * Writes events as messages, in batches stored together with the position after them. The destination's position names
 * the next missing event, so that repeated events are skipped. A batch may end within a record.
 */
export class BrokerSink implements Sink {
  readonly files = null;
  readonly wantsFlush = false;
  readonly #broker: Broker;
  readonly #maker: MessageMaker;
  readonly #batchMessages: number;
  #place: Place = { offset: 0, index: 0 };
  #pending: Message[] = [];
  #pendingBytes = 0;

  constructor(broker: Broker, options: { readonly maker: MessageMaker; readonly batchMessages: number }) {
    this.#broker = broker;
    this.#maker = options.maker;
    this.#batchMessages = options.batchMessages;
  }

  async open(_committed: Offset, signal: AbortSignal): Promise<Offset> {
    // An abandoned call must not change anything any more.
    signal.addEventListener("abort", () => void this.#broker.close(), { once: true });
    this.#place = await this.#broker.open(signal) ?? { offset: 0, index: 0 };
    return this.#place.offset;
  }

  async write(batch: SinkBatch, signal: AbortSignal): Promise<void> {
    const { offset, index } = this.#place;
    const messages: Message[] = [];
    rowsOf(batch).each((rows, event) => {
      const at = rows.offsets.values[event];
      if (at < offset || (at === offset && rows.indexes.values[event] < index)) return;
      messages.push(...this.#maker.make(rows, event, this.#broker.bodyBytesMax));
    });
    for (let at = 0; at < messages.length;) {
      let end = at + 1;
      while (end < messages.length && messages[end].part > 0) end++;
      const event = messages.slice(at, end);
      const bytes = event.reduce((sum, { body }) => sum + body.length, 0);
      const isFull = this.#pending.length + event.length > this.#batchMessages ||
        this.#pendingBytes + bytes > SINK_MESSAGE_BATCH_BYTES_MAX;
      if (isFull && this.#pending.length > 0) await this.#commit(placeAfter(this.#pending), signal);
      this.#pending.push(...event);
      this.#pendingBytes += bytes;
      at = end;
    }
  }

  async flush(next: Offset, signal: AbortSignal): Promise<void> {
    if (this.#pending.length > 0 || next > this.#place.offset) await this.#commit({ offset: next, index: 0 }, signal);
  }

  async close(): Promise<void> {
    this.#pending = [];
    this.#pendingBytes = 0;
    await this.#broker.close();
  }

  async #commit(next: Place, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#broker.commit(this.#pending, next, signal);
    this.#place = next;
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}

function placeAfter(messages: readonly Message[]): Place {
  const { offset, index } = messages[messages.length - 1];
  return { offset, index: index + 1 };
}

/** Formats a position for a destination: `offset.index`. */
export function placeText({ offset, index }: Place): string {
  return `${offset}.${index}`;
}

/** Parses a position; null if the text is none. */
export function readPlace(text: string): Place | null {
  const [, offset, index] = /^(\d{1,16})\.(\d{1,9})$/.exec(text) ?? [];
  if (offset === undefined || !Number.isSafeInteger(Number(offset))) return null;
  return { offset: Number(offset), index: Number(index) };
}
