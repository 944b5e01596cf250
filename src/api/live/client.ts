import { type EventBatch, LIVE_QUEUE_CHARS_MAX } from "../../model/mod.ts";

/** A message to a client: one event, or a note about the connection itself. */
export interface LiveMessage {
  /** Kind of the event, or name of the note. */
  readonly name: string;
  /** `<offset>-<index>` of an event; null if it is not in the journal. */
  readonly id: string | null;
  readonly json: string;
}

/** A book of which a client waits for the snapshot. */
export interface BookPlace {
  readonly exchange: string;
  readonly native: string;
}

/**
 * Bounded queue of one client, drained at the client's pace. A client too slow for its subscriptions is ended; nothing
 * waits for it. Snapshots of books are made when there is room for them; deltas of a book before its snapshot are
 * skipped, because the snapshot contains them.
 */
export class LiveClient {
  readonly #makeBook: (place: BookPlace) => readonly LiveMessage[];
  #queue: LiveMessage[] = [];
  #chars = 0;
  readonly #books = new Map<string, BookPlace>();
  #end: string | null = null;
  /** The last event offered: an event that several subscriptions want is queued once. */
  #last = { offset: -1, index: -1 };
  #onReady: () => void = () => {};

  constructor(makeBook: (place: BookPlace) => readonly LiveMessage[]) {
    this.#makeBook = makeBook;
  }

  /** Why the client was ended; null while it lives. */
  get end(): string | null {
    return this.#end;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#books.size === 0;
  }

  /** Calls back when there is something to send, or when the client was ended. */
  whenReady(call: () => void): void {
    this.#onReady = call;
  }

  /** Adds a message. */
  put(message: LiveMessage): void {
    if (this.#end !== null) return;
    this.#queue.push(message);
    this.#chars += message.json.length;
    if (this.#chars > LIVE_QUEUE_CHARS_MAX) this.finish("slow: what waited for this client was more than its room");
    else this.#onReady();
  }

  /** Queues an event of a batch, unless a pending snapshot contains it. `make` returns its message. */
  offer(batch: EventBatch, event: number, make: () => LiveMessage): void {
    const [offset, index] = [batch.offsets.values[event], batch.indexes.values[event]];
    if (offset === this.#last.offset && index === this.#last.index) return;
    this.#last = { offset, index };
    if (this.#books.size > 0) {
      const kind = batch.kindAt(event);
      const key = bookKey({ exchange: batch.exchanges[event], native: batch.nativeSymbols[event] });
      if (kind === "book_snapshot") this.#books.delete(key);
      else if (kind === "book_delta" && this.#books.has(key)) return;
    }
    this.put(make());
  }

  /** Queues the snapshot of a book, to be sent before its deltas. */
  awaitBook(place: BookPlace): void {
    this.#books.set(bookKey(place), place);
    this.#onReady();
  }

  /** Removes and returns queued messages, up to about this many characters. */
  drain(charsMax: number): readonly LiveMessage[] {
    const taken: LiveMessage[] = [];
    let chars = 0;
    while (chars < charsMax) {
      const message = this.#queue.shift();
      if (message === undefined) {
        if (!this.#addBook()) break;
        continue;
      }
      taken.push(message);
      chars += message.json.length;
      this.#chars -= message.json.length;
    }
    return taken;
  }

  /** Ends the client: drops the queue; the reason is the last message. */
  finish(reason: string): void {
    if (this.#end !== null) return;
    this.#end = reason;
    this.#queue = [];
    this.#books.clear();
    this.#chars = 0;
    this.#onReady();
  }

  /** Makes the next snapshot; false if none is due. */
  #addBook(): boolean {
    for (const [key, place] of this.#books) {
      this.#books.delete(key);
      // A snapshot may exceed the limit: it is one message, made when its turn comes.
      for (const message of this.#makeBook(place)) {
        this.#queue.push(message);
        this.#chars += message.json.length;
      }
      return true;
    }
    return false;
  }
}

function bookKey({ exchange, native }: BookPlace): string {
  return `${exchange}\n${native}`;
}
