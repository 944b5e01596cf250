import { type Envelope, type EventBatch, Failure, type Level, type Micros, type Offset } from "../../model/mod.ts";
import { contentId } from "../content_id.ts";
import { eventJson } from "../event_json.ts";
import { writeEventJson } from "../event_text.ts";
import type { NameTemplate } from "../name_template.ts";
import { TextBuffer } from "../text_buffer.ts";

/** Position of the next event that a destination lacks. */
export interface Place {
  readonly offset: Offset;
  readonly index: number;
}

/** An event, or a part of one, for a broker. */
export interface Message extends Place {
  /** Name of its subject, topic or stream. */
  readonly name: string;
  readonly exchange: string;
  readonly symbol: string;
  readonly receivedTs: Micros;
  /** Index among the parts of its event, from 0. */
  readonly part: number;
  /** Content id, which two collectors give to the same event; null if the event has none, or none is wanted. */
  readonly contentId: string | null;
  /** The event as NDJSON has it, without a line break. */
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface MessageOptions {
  readonly collector: string | null;
  readonly names: NameTemplate;
  /** Whether messages have a content id. */
  readonly withContentId: boolean;
}

const ENCODER = new TextEncoder();

/** Turns events into messages. */
export class MessageMaker {
  readonly #options: MessageOptions;
  readonly #buffer = new TextBuffer();

  constructor(options: MessageOptions) {
    this.#options = options;
  }

  /**
   * Returns the messages of an event, one where it fits into `bytesMax`. A larger book is split by levels and any other
   * event by its longest text: each part is an event of the same kind that holds a stretch of it, in order, and says
   * `part` from 0 and `parts`. Throws a `Failure` if that does not help.
   */
  make(batch: EventBatch, event: number, bytesMax: number): readonly Message[] {
    const { collector } = this.#options;
    const buffer = this.#buffer;
    buffer.clear();
    writeEventJson(buffer, batch, event, collector);
    if (buffer.length <= bytesMax) return [this.#message(batch, event, 0, buffer.bytes.slice())];
    const envelope = batch.envelope(event);
    for (let parts = Math.ceil(buffer.length / bytesMax) + 1; parts <= buffer.length; parts *= 2) {
      const bodies = splitEvent(envelope, parts).map((part, at) =>
        ENCODER.encode(partJson(part, { collector, at, parts }))
      );
      if (bodies.every(({ length }) => length <= bytesMax)) {
        return bodies.map((body, at) => this.#message(batch, event, at, body));
      }
    }
    const { offset, index } = envelope;
    const text = `Cannot send event ${offset}.${index}: its ${buffer.length} bytes are above the limit of ${bytesMax}`;
    throw new Failure("sink", text, { retry: false });
  }

  #message(batch: EventBatch, event: number, part: number, body: Uint8Array<ArrayBuffer>): Message {
    const { names, withContentId } = this.#options;
    const id = withContentId ? contentId(batch.envelope(event)) : null;
    return {
      name: names.nameAt(batch, event),
      exchange: batch.exchanges[event],
      symbol: batch.symbols[event],
      receivedTs: batch.receivedTs.values[event],
      offset: batch.offsets.values[event],
      index: batch.indexes.values[event],
      part,
      contentId: id === null || part === 0 ? id : `${id}.${part}`,
      body,
    };
  }
}

function partJson(
  envelope: Envelope,
  { collector, at, parts }: { readonly collector: string | null; readonly at: number; readonly parts: number },
): string {
  return `${eventJson(envelope, collector).slice(0, -1)},"part":${at},"parts":${parts}}`;
}

/** Splits an event into `parts`; in order they contain the whole event. */
function splitEvent(envelope: Envelope, parts: number): readonly Envelope[] {
  const { event } = envelope;
  const fields: Readonly<Record<string, unknown>> = event;
  if ("bids" in event) {
    const count = event.bids.length;
    const all = [...event.bids, ...event.asks];
    return stretches(all.length, parts).map(([from, to]) => {
      const side = (list: readonly Level[], start: number) =>
        list.slice(Math.max(0, from - start), Math.max(0, to - start));
      return { ...envelope, event: { ...event, bids: side(event.bids, 0), asks: side(event.asks, count) } };
    });
  }
  const [longest] = Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === "string")
    .sort(([, a], [, b]) => b.length - a.length);
  const characters = [...longest[1]];
  return stretches(characters.length, parts).map(([from, to]) => ({
    ...envelope,
    event: { ...event, [longest[0]]: characters.slice(from, to).join("") },
  }));
}

function stretches(length: number, parts: number): readonly (readonly [from: number, to: number])[] {
  const size = Math.ceil(length / parts);
  return Array.from({ length: parts }, (_, at) => [Math.min(length, at * size), Math.min(length, (at + 1) * size)]);
}
