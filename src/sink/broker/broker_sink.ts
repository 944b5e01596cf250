import { type Offset, SINK_BATCH_HALVINGS_MAX, SINK_MESSAGE_BATCH_BYTES_MAX } from "../../model/mod.ts";
import { rowsOf, type Sink, type SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";
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

/** A full batch stored within this part of the timeout lets the next one be twice as large. */
const GROWTH_PART = 1 / 4;

/** Options of a sink of messages. */
export interface BrokerSinkOptions {
  readonly maker: MessageMaker;
  /** Most messages that are stored at once. */
  readonly batchMessages: number;
  /** Longest time that the destination may take for an answer, in ms. */
  readonly timeoutMs: number;
  readonly context: Pick<SinkContext, "host" | "timeouts">;
}

/**
 * Writes events as messages, in batches stored together with the position after them. The destination's position names
 * the next missing event, so that repeated events are skipped. A batch may end within a record. Batches are halved for
 * each call of earlier lives that timed out, and grow again while the destination stores full ones quickly.
 */
export class BrokerSink implements Sink {
  readonly files = null;
  readonly wantsFlush = false;
  readonly #broker: Broker;
  readonly #options: BrokerSinkOptions;
  /** Part of the bounds of a batch that is used. */
  #share: number;
  #place: Place = { offset: 0, index: 0 };
  #pending: Message[] = [];
  #pendingBytes = 0;

  constructor(broker: Broker, options: BrokerSinkOptions) {
    this.#broker = broker;
    this.#options = options;
    this.#share = 0.5 ** Math.min(options.context.timeouts ?? 0, SINK_BATCH_HALVINGS_MAX);
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
      messages.push(...this.#options.maker.make(rows, event, this.#broker.bodyBytesMax));
    });
    for (let at = 0; at < messages.length;) {
      let end = at + 1;
      while (end < messages.length && messages[end].part > 0) end++;
      const event = messages.slice(at, end);
      const bytes = event.reduce((sum, { body }) => sum + body.length, 0);
      const isFull = this.#pending.length + event.length > this.#options.batchMessages * this.#share ||
        this.#pendingBytes + bytes > SINK_MESSAGE_BATCH_BYTES_MAX * this.#share;
      if (isFull && this.#pending.length > 0) await this.#commitFull(signal);
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

  async #commitFull(signal: AbortSignal): Promise<void> {
    const { timeoutMs, context: { host: { clock } } } = this.#options;
    const beganMs = clock.monotonicMs();
    await this.#commit(placeAfter(this.#pending), signal);
    if (clock.monotonicMs() - beganMs < timeoutMs * GROWTH_PART) this.#share = Math.min(1, this.#share * 2);
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
