import { type EventBatch, LIVE_QUEUE_CHARS_MAX } from "../../model/mod.ts";

/** What goes to a client: the line of one event, or a word about the connection itself. */
export interface LiveMessage {
  /** Kind of the event, or the name of the word. */
  readonly name: string;
  /** `<offset>-<index>` of an event; null for what is not in the journal. */
  readonly id: string | null;
  readonly json: string;
}

/** A book whose whole state a client waits for. */
export interface BookPlace {
  readonly exchange: string;
  readonly native: string;
}

/**
 * What waits for one client, in bounds. Whoever sends takes from it at the client's pace; a client that is too slow for
 * what it asked for is ended, and nobody waits for it. Whole books are made when there is room for them, and changes of a
 * book before are left out: they are in it.
 */
export class LiveClient {
  readonly #makeBook: (place: BookPlace) => readonly LiveMessage[];
  #queue: LiveMessage[] = [];
  #chars = 0;
  readonly #books = new Map<string, BookPlace>();
  #end: string | null = null;
  /** The event that was taken last: one that several subscriptions want is taken once. */
  #last = { offset: -1, index: -1 };
  #onReady: () => void = () => {};

  constructor(makeBook: (place: BookPlace) => readonly LiveMessage[]) {
    this.#makeBook = makeBook;
  }

  /** Why it has ended; null while it lives. */
  get end(): string | null {
    return this.#end;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#books.size === 0;
  }

  /** Calls back when there is something to send, or the end. */
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

  /** Adds an event of a batch, unless it is in a book that is yet to be sent; `make` gives its line. */
  take(batch: EventBatch, event: number, make: () => LiveMessage): void {
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

  /** Waits for the whole state of a book, ahead of its changes. */
  awaitBook(place: BookPlace): void {
    this.#books.set(bookKey(place), place);
    this.#onReady();
  }

  /** Takes what waits, up to about so many characters. */
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

  /** Ends it: what waits is let go, and the reason is the last that is sent. */
  finish(reason: string): void {
    if (this.#end !== null) return;
    this.#end = reason;
    this.#queue = [];
    this.#books.clear();
    this.#chars = 0;
    this.#onReady();
  }

  /** Makes the next whole book; false where none waits. */
  #addBook(): boolean {
    for (const [key, place] of this.#books) {
      this.#books.delete(key);
      // However large it is, it is one message, and it is made when it is its turn.
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
