import type { Clock, Timer } from "../../host/mod.ts";
import { PAGE_CLIENTS_MAX, PAGE_EVERY_MS } from "../../model/mod.ts";
import type { LiveMessage } from "../live/client.ts";
import type { Outlet } from "../live/event_stream.ts";

/** An open page. Of unread messages only the latest is kept. */
class PageClient implements Outlet {
  #waiting: LiveMessage | null = null;
  #end: string | null = null;
  #onReady: () => void = () => {};

  get end(): string | null {
    return this.#end;
  }

  whenReady(call: () => void): void {
    this.#onReady = call;
  }

  put(message: LiveMessage): void {
    this.#waiting = message;
    this.#onReady();
  }

  drain(): readonly LiveMessage[] {
    const waiting = this.#waiting;
    this.#waiting = null;
    return waiting === null ? [] : [waiting];
  }

  finish(reason: string): void {
    this.#end ??= reason;
    this.#onReady();
  }
}

/** Sends the overview to open pages every second. It is made once for all, and not at all while none is open. */
export class OverviewFeed {
  readonly #clock: Clock;
  readonly #make: () => string;
  readonly #clients = new Set<PageClient>();
  #timer: Timer | null = null;

  /** `make` returns the overview as one line of JSON. */
  constructor(clock: Clock, make: () => string) {
    this.#clock = clock;
    this.#make = make;
  }

  get hasClients(): boolean {
    return this.#clients.size > 0;
  }

  /** Adds a page and sends it the overview at once; null if there are too many. */
  join(): PageClient | null {
    if (this.#clients.size >= PAGE_CLIENTS_MAX) return null;
    const client = new PageClient();
    this.#clients.add(client);
    client.put(this.#message());
    this.#timer ??= this.#later();
    return client;
  }

  leave(client: PageClient): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Ends all pages. */
  stop(reason: string): void {
    for (const client of [...this.#clients]) {
      client.finish(reason);
      this.leave(client);
    }
  }

  #later(): Timer {
    return this.#clock.after(PAGE_EVERY_MS, () => {
      this.#timer = this.#later();
      const message = this.#message();
      for (const client of this.#clients) client.put(message);
    });
  }

  #message(): LiveMessage {
    return { name: "overview", id: null, json: this.#make() };
  }
}
