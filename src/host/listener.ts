import type { Clock, HttpServer, Listener } from "./host.ts";
import { listenFailure } from "./listen_failure.ts";
import { serveSockets } from "./socket_listener.ts";

/** How long open requests may take to finish after `stop`, in ms; then they are cut. */
const STOP_MS_MAX = 1_000;

/** Servers on this machine. */
export function systemListener(clock: Clock): Listener {
  return {
    serveHttp: (options, answer) => serveHttp(clock, options, answer),
    serveSockets: (options) => serveSockets(clock, options),
  };
}

// deno-lint-ignore require-await -- a port that is taken is a rejection, not an exception
async function serveHttp(
  clock: Clock,
  options: { readonly host: string; readonly port: number },
  answer: (request: Request) => Response | Promise<Response>,
): Promise<HttpServer> {
  const abort = new AbortController();
  let server;
  try {
    server = Deno.serve(
      { hostname: options.host, port: options.port, signal: abort.signal, onListen: () => {} },
      (request) => answer(request),
    );
  } catch (cause) {
    throw listenFailure(options, cause);
  }
  const running = server;
  return {
    host: running.addr.hostname,
    port: running.addr.port,
    stop: async () => {
      const timer = clock.after(STOP_MS_MAX, () => abort.abort());
      await running.shutdown();
      timer.cancel();
    },
  };
}
