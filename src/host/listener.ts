import type { Clock, Listener } from "./host.ts";
import { serveHttp } from "./http_server.ts";
import { serveSockets } from "./socket_listener.ts";

/** Servers on this machine. */
export function systemListener(clock: Clock): Listener {
  return {
    serveHttp: (options, answer) => serveHttp(clock, options, answer),
    serveSockets: (options) => serveSockets(clock, options),
  };
}
