import type { Context } from "hono";
import type { Clock } from "../../host/mod.ts";
import type { ApiEnv } from "../env.ts";
import type { LiveClient } from "./client.ts";
import { EVENT_STREAM_HEADERS, eventStream } from "./event_stream.ts";
import type { LiveFeed } from "./feed.ts";
import { LiveSocket } from "./live_socket.ts";
import { readSubscription } from "./subscription.ts";

/** Options of the routes. */
interface LiveRouteOptions {
  readonly clock: Clock;
  readonly feed: LiveFeed;
}

type Route = (context: Context<ApiEnv>, options: LiveRouteOptions) => Response;

const LISTS = ["kinds", "exchanges", "symbols"];

/** Routes of the live events. */
export const LIVE_ROUTES: readonly (readonly [path: string, route: Route])[] = [
  ["/api/v1/events", events],
  ["/ws", socket],
];

/** Serves server-sent events. Lists are comma-separated parameters: `?kinds=trade,gap&symbols=BTC/*`. */
function events(context: Context<ApiEnv>, { clock, feed }: LiveRouteOptions): Response {
  const query = new URL(context.req.url).searchParams;
  const unknown = [...query.keys()].find((name) => !LISTS.includes(name) && name !== "snapshots");
  if (unknown !== undefined) {
    return context.json({ error: `No parameter ${unknown}: there are ${LISTS.join(", ")}, snapshots` }, 400);
  }
  const lists = LISTS.map((name) => [name, query.get(name)?.split(",")] as const);
  const snapshots = query.get("snapshots");
  const subscription = readSubscription({
    ...Object.fromEntries(lists),
    snapshots: snapshots === null ? undefined : snapshots === "true" ? true : snapshots === "false" ? false : snapshots,
  });
  if (typeof subscription === "string") return context.json({ error: subscription }, 400);
  // An answer to HEAD has no body.
  if (context.req.raw.method === "HEAD") return new Response(null, { headers: EVENT_STREAM_HEADERS });
  const client = feed.join();
  if (client === null) return tooMany(context);
  feed.subscribe(client, "", subscription);
  return eventStream(client, clock, () => leave(feed, client));
}

function socket(context: Context<ApiEnv>, { clock, feed }: LiveRouteOptions): Response {
  const client = feed.join();
  if (client === null) return tooMany(context);
  const response = LiveSocket.accept(context.env.call, { feed, client, clock });
  if (response !== null) return response;
  leave(feed, client);
  return context.json({ error: "This path speaks WebSocket: connect with ws:// and version 13" }, 426, {
    upgrade: "websocket",
  });
}

function tooMany(context: Context<ApiEnv>): Response {
  return context.json({ error: "Too many clients" }, 503, { "retry-after": "5" });
}

function leave(feed: LiveFeed, client: LiveClient): void {
  client.finish("the client has gone");
  feed.leave(client);
}
