import { type Connection, denoHost, type Host } from "../../src/host/mod.ts";
import { ManualClock } from "./manual_clock.ts";
import { SocketLog } from "./socket_log.ts";

/** A host with real sockets, whose time stands still for what is started on it. */
export function steppedHost(): { readonly host: Host; readonly clock: ManualClock; readonly real: Host } {
  const real = denoHost();
  const clock = new ManualClock();
  return { host: { ...real, clock }, clock, real };
}

/** A client with its log, on real time. */
export interface Client {
  readonly log: SocketLog;
  readonly connection: Connection;
}

/** Connects a client to a URL. */
export async function dialClient(host: Host, url: string): Promise<Client> {
  const log = new SocketLog();
  const options = {
    url,
    headers: {},
    compression: false,
    caCertPath: null,
    timeoutMs: 5_000,
    frameBytesMax: 64 * 1024 * 1024,
  };
  return { log, connection: await host.dialer.dial(options, log) };
}

/** Resolves when the peer has handled all that was sent and everything it answered has arrived: a ping and its pong. */
export async function settle({ log, connection }: Client): Promise<void> {
  const before = log.of("pong").length;
  connection.ping();
  await log.nth("pong", before + 1);
}

/** Closes and waits for the end. */
export async function hangUp({ log, connection }: Client): Promise<void> {
  connection.close(1000, "");
  await log.nth("close");
}
