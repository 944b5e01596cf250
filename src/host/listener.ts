import type { Clock, HttpServer, Listener } from "./host.ts";
import { Failure } from "../model/mod.ts";
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

/** A port that cannot be listened on: `busy` where another program has it. */
export function listenFailure(options: { readonly host: string; readonly port: number }, cause: unknown): Failure {
  const inUse = cause instanceof Deno.errors.AddrInUse ||
    cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Failure(inUse ? "busy" : "connect", `Cannot listen on ${options.host}:${options.port}: ${message}`, {
    cause,
    retry: false,
  });
}
