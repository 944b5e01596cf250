import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import type { Files } from "../../host/mod.ts";
import { Failure } from "../../model/mod.ts";
import { readAuthorities } from "../endpoint_keys.ts";
import { natsFailure } from "./failure.ts";

/** Options of a connection. */
export interface NatsEndpoint {
  /** `nats://user:password@host:port`, or `tls://…`; further servers behind commas. */
  readonly url: string;
  /** PEM file of the authority to check the server's certificate against; null for the platform's own. */
  readonly caPath: string | null;
  /** File with the credentials of a user; null if the address has them. */
  readonly credsPath: string | null;
  /** Longest wait for the connection, and interval of pings, in ms. */
  readonly timeoutMs: number;
  /** Name of the connection in the server's lists. */
  readonly name: string;
}

/** Connects once: a connection that breaks stays broken. Rejects with a `Failure`. */
export async function connectNats(
  endpoint: NatsEndpoint,
  files: Pick<Files, "readText" | "readBytes">,
): Promise<NatsConnection> {
  const { url, caPath, credsPath, timeoutMs, name } = endpoint;
  const ca = await readAuthorities(files, caPath ?? undefined);
  const servers = url.slice(url.indexOf("://") + 3).split(",");
  const { user, host } = splitLogin(servers);
  const login = credsPath === null ? user : { authenticator: credsAuthenticator(await readCreds(files, credsPath)) };
  try {
    return await connect({
      servers: host,
      ...login,
      ...(url.startsWith("tls:") || ca !== null ? { tls: ca === null ? {} : { ca } } : {}),
      name,
      // The caller retries: a client that reconnects by itself reports nothing meanwhile.
      reconnect: false,
      timeout: timeoutMs,
      pingInterval: timeoutMs,
      maxPingOut: 2,
    });
  } catch (cause) {
    throw natsFailure(`connect to NATS at ${host.join(", ")}`, cause);
  }
}

/** Splits user and password from the first server; a user alone is a token. */
function splitLogin(servers: readonly string[]) {
  const at = servers[0].lastIndexOf("@");
  const host = [
    servers[0].slice(at + 1),
    ...servers.slice(1).map((server) => server.slice(server.lastIndexOf("@") + 1)),
  ]
    .map((server) => server.replace(/\/.*$/, ""));
  if (at < 0) return { user: {}, host };
  const [name, ...rest] = servers[0].slice(0, at).split(":");
  const user = rest.length === 0
    ? { token: decodeURIComponent(name) }
    : { user: decodeURIComponent(name), pass: decodeURIComponent(rest.join(":")) };
  return { user, host };
}

async function readCreds(files: Pick<Files, "readBytes">, path: string): Promise<Uint8Array> {
  const bytes = await files.readBytes(path);
  if (bytes === null) {
    throw new Failure("file", `Cannot read the credentials in ${path}: there is no such file`, { retry: false });
  }
  return bytes;
}
