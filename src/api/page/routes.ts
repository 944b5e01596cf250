import type { Context } from "hono";
import type { Clock } from "../../host/mod.ts";
import type { Secrets } from "../../model/mod.ts";
import type { ApiEnv } from "../env.ts";
import { EVENT_STREAM_HEADERS, eventStream } from "../live/event_stream.ts";
import { Overview, type OverviewFacts } from "./overview.ts";
import { OverviewFeed } from "./overview_feed.ts";

/** Serves the page's overview: once, or every second. */
export class OverviewRoutes {
  readonly #clock: Clock;
  readonly #overview: Overview;
  readonly #secrets: Secrets;
  readonly #feed: OverviewFeed;

  constructor(options: { readonly clock: Clock; readonly facts: OverviewFacts; readonly secrets: Secrets }) {
    this.#clock = options.clock;
    this.#secrets = options.secrets;
    this.#overview = new Overview(options.facts);
    this.#feed = new OverviewFeed(options.clock, () => this.#text());
  }

  /** Whether a page is open. */
  get hasClients(): boolean {
    return this.#feed.hasClients;
  }

  once(context: Context<ApiEnv>): Response {
    return context.body(this.#text(), 200, { "content-type": "application/json", "cache-control": "no-store" });
  }

  events(context: Context<ApiEnv>): Response {
    if (context.req.raw.method === "HEAD") return new Response(null, { headers: EVENT_STREAM_HEADERS });
    const client = this.#feed.join();
    if (client === null) return context.json({ error: "Too many pages are open" }, 503);
    return eventStream(client, this.#clock, () => this.#feed.leave(client));
  }

  stop(reason: string): void {
    this.#feed.stop(reason);
  }

  /** Hides secrets in the whole text at once, which is much cheaper than in each value. */
  #text(): string {
    return this.#secrets.hide(JSON.stringify(this.#overview.body()));
  }
}
