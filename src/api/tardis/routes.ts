import type { Context } from "hono";
import type { Clock } from "../../host/mod.ts";
import { Failure, TARDIS_REPLAYS_MAX } from "../../model/mod.ts";
import type { ApiEnv } from "../env.ts";
import type { LiveFacts } from "../facts.ts";
import type { LiveClient } from "../live/client.ts";
import type { LiveFeed } from "../live/feed.ts";
import { LiveSocket } from "../live/live_socket.ts";
import { ReplaySocket } from "./replay_socket.ts";
import type { FlatEvent } from "./messages.ts";
import { NormalizedMessages } from "./normalized.ts";
import { kindsOf, readTardisOptions, readTimes, type TardisOption } from "./options.ts";
import { readRawOption } from "./raw_options.ts";
import { planNamed, rawLines } from "./raw_replay.ts";
import { RawSessions } from "./raw_sessions.ts";

/** Options of the routes. */
export interface TardisRouteOptions {
  readonly clock: Clock;
  readonly feed: LiveFeed;
  readonly facts: Pick<LiveFacts, "replay" | "wire" | "exchanges">;
}

/** Serves paths of tardis-machine, for its clients. */
export class TardisRoutes {
  readonly #options: TardisRouteOptions;
  readonly #sessions: RawSessions;
  #replays = 0;

  constructor(options: TardisRouteOptions) {
    this.#options = options;
    this.#sessions = new RawSessions({ ...options, begin: () => this.#begin(), end: () => this.#replays-- });
  }

  readonly paths: readonly (readonly [path: string, route: (context: Context<ApiEnv>) => Response])[] = [
    ["/ws-stream-normalized", (context) => this.#stream(context)],
    ["/replay-normalized", (context) => this.#replay(context)],
    ["/ws-replay-normalized", (context) => this.#replaySocket(context)],
    ["/replay", (context) => this.#rawReplay(context)],
    ["/ws-replay", (context) => this.#rawSocket(context)],
    ["/ws-replay/:exchange/:from/:to/*", (context) => this.#rawSocketAt(context)],
  ];

  /** Serves live normalised messages. */
  #stream(context: Context<ApiEnv>): Response {
    const options = readTardisOptions(context.req.query("options") ?? null, false);
    if (typeof options === "string") return context.json({ error: options }, 400);
    const unknown = this.#unknownOf(options);
    if (unknown !== null) return context.json({ error: unknown }, 400);
    const { feed, clock } = this.#options;
    const client = feed.join();
    if (client === null) return context.json({ error: "Too many clients" }, 503);
    const messages = new NormalizedMessages(options);
    const convert = (json: string) => messages.linesOf(JSON.parse(json) as FlatEvent);
    const response = LiveSocket.accept(context.env.call, { feed, client, clock, convert });
    if (response === null) {
      leave(feed, client);
      return context.json({ error: "This path speaks WebSocket" }, 426, { upgrade: "websocket" });
    }
    for (const [index, option] of options.entries()) {
      const symbols = option.symbols ?? undefined;
      feed.subscribe(client, String(index), {
        kinds: kindsOf(option),
        exchanges: [option.exchange],
        symbols,
        snapshots: true,
      });
    }
    return response;
  }

  /** Serves normalised messages from the journal, as lines of JSON. */
  #replay(context: Context<ApiEnv>): Response {
    const options = readTardisOptions(context.req.query("options") ?? null, true);
    if (typeof options === "string") return context.json({ error: options }, 400);
    const unknown = this.#unknownOf(options);
    if (unknown !== null) return context.json({ error: unknown }, 400);
    return this.#streamed(context, (signal) => this.#linesOf(options, signal));
  }

  /** Serves frames from the journal with their times, as lines of JSON. */
  #rawReplay(context: Context<ApiEnv>): Response {
    const option = readRawOption(context.req.query("options") ?? null);
    if (typeof option === "string") return context.json({ error: option }, 400);
    const unknown = this.#unknownOf([option]);
    if (unknown !== null) return context.json({ error: unknown }, 400);
    return this.#streamed(context, (signal) => rawLines(this.#options.facts, option, signal));
  }

  /** Serves the exchange as it was: a client subscribes in the exchange's protocol and gets the recorded frames. */
  #rawSocket(context: Context<ApiEnv>): Response {
    const { exchange, from, to, session } = context.req.query();
    const target = new URL(context.req.url).searchParams.get("target") ?? "/";
    return this.#join(context, { exchange, from, to, target, session });
  }

  /** Serves the same to clients that append the exchange's path to the address. */
  #rawSocketAt(context: Context<ApiEnv>): Response {
    const { exchange, from, to } = context.req.param() as Readonly<Record<string, string | undefined>>;
    const { pathname, search } = new URL(context.req.url);
    const target = `/${pathname.split("/").slice(5).join("/")}${search}`;
    return this.#join(context, { exchange, from, to, target, session: undefined });
  }

  #join(
    context: Context<ApiEnv>,
    { exchange, from, to, target, session }:
      & Readonly<Record<"exchange" | "from" | "to" | "session", string | undefined>>
      & {
        readonly target: string;
      },
  ): Response {
    if (exchange === undefined) {
      return context.json({ error: "Give the parameter exchange: the name of an instance" }, 400);
    }
    const runnable = planNamed(this.#options.facts, exchange)?.runnable ?? null;
    if (runnable === null) return context.json({ error: `No exchange ${exchange} runs here` }, 400);
    const times = readTimes(from, to);
    if (typeof times === "string") return context.json({ error: times }, 400);
    if (this.#replays >= TARDIS_REPLAYS_MAX) return tooMany(context);
    const response = this.#sessions.join(context.env.call, { exchange, runnable, target, ...times }, session ?? null);
    return response ?? context.json({ error: "This path speaks WebSocket" }, 426, { upgrade: "websocket" });
  }

  #begin(): boolean {
    if (this.#replays >= TARDIS_REPLAYS_MAX) return false;
    this.#replays++;
    return true;
  }

  /** Names the first exchange that is not configured; null if all are. */
  #unknownOf(options: readonly { readonly exchange: string }[]): string | null {
    const { facts } = this.#options;
    const unknown = options.find(({ exchange }) => planNamed(facts, exchange) === null);
    if (unknown === undefined) return null;
    const names = facts.exchanges().map(({ name }) => name);
    return `No exchange ${unknown.exchange} in the configuration: there are ${names.join(", ") || "none"}`;
  }

  /** Returns a response of a replay's lines, made as fast as they are read. The replay counts from here to its end. */
  #streamed(
    context: Context<ApiEnv>,
    make: (signal: AbortSignal) => AsyncIterable<readonly string[]>,
  ): Response {
    const headers = { "content-type": "application/x-json-stream", "cache-control": "no-store" };
    if (context.req.raw.method === "HEAD") return new Response(null, { headers });
    if (!this.#begin()) return tooMany(context);
    let isOver = false;
    const end = () => {
      if (!isOver) this.#replays--;
      isOver = true;
    };
    const encoder = new TextEncoder();
    const over = new AbortController();
    const lines = make(over.signal)[Symbol.asyncIterator]();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { done, value } = await lines.next();
          if (done !== true) return controller.enqueue(encoder.encode(`${value.join("\n")}\n`));
        } catch (error) {
          end();
          throw error;
        }
        end();
        controller.close();
      },
      async cancel() {
        over.abort();
        try {
          await lines.return?.();
        } finally {
          end();
        }
      },
    }, { highWaterMark: 1 });
    return new Response(body, { headers });
  }

  #replaySocket(context: Context<ApiEnv>): Response {
    const options = readTardisOptions(context.req.query("options") ?? null, true);
    if (typeof options === "string") return context.json({ error: options }, 400);
    const unknown = this.#unknownOf(options);
    if (unknown !== null) return context.json({ error: unknown }, 400);
    if (this.#replays >= TARDIS_REPLAYS_MAX) return tooMany(context);
    const { clock } = this.#options;
    const response = ReplaySocket.accept(context.env.call, clock, (signal) => this.#counted(options, signal));
    return response ?? context.json({ error: "This path speaks WebSocket" }, 426, { upgrade: "websocket" });
  }

  /** Yields the lines of a replay that counts from its first line to its end. Throws a `Failure` if too many run. */
  async *#counted(options: readonly TardisOption[], signal: AbortSignal): AsyncIterable<readonly string[]> {
    if (!this.#begin()) throw new Failure("busy", TOO_MANY);
    try {
      yield* this.#linesOf(options, signal);
    } finally {
      this.#replays--;
    }
  }

  /** Yields the lines of a replay, in lists. */
  async *#linesOf(options: readonly TardisOption[], signal: AbortSignal): AsyncIterable<readonly string[]> {
    const messages = new NormalizedMessages(options);
    const from = Math.min(...options.map((option) => option.from ?? 0));
    const to = Math.max(...options.map((option) => option.to ?? 0));
    for await (const batch of this.#options.facts.replay({ from, to, signal })) {
      const lines = [...messages.linesOfBatch(batch)];
      if (lines.length > 0) yield lines;
    }
  }
}

const TOO_MANY = `${TARDIS_REPLAYS_MAX} replays run: try again when one has ended`;

function tooMany(context: Context<ApiEnv>): Response {
  return context.json({ error: TOO_MANY }, 503, { "retry-after": "5" });
}

function leave(feed: LiveFeed, client: LiveClient): void {
  client.finish("the client has gone");
  feed.leave(client);
}
