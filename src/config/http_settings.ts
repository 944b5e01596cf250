import { type HttpAccess, OPEN_HTTP, Secret } from "../model/mod.ts";
import type { Locate } from "./position.ts";
import { issueAt } from "./position.ts";
import type { Issue } from "../model/mod.ts";
import { isList } from "./expectation.ts";
import { type CollectorValues, runSchema } from "./schema_collector.ts";
import type { TomlTable, TomlValue } from "./toml_source.ts";

/** Address and access rules of the HTTP server. Null: the address is missing or invalid. */
export interface HttpSettings extends HttpAccess {
  readonly host: string | null;
  readonly port: number | null;
}

/** Settings for an unreadable file: health checks on this machine alone. */
export const NO_HTTP: HttpSettings = { host: null, port: null, ...OPEN_HTTP };

/**
 * Reads each valid HTTP setting of `[run]`, even if the rest of the file is broken. An invalid token locks the API, so that
 * a typing error does not open it.
 */
export function readHttpSettings(table: TomlTable): HttpSettings {
  const run: TomlValue | undefined = table.run;
  if (typeof run !== "object" || isList(run)) return NO_HTTP;
  const { shape } = runSchema;
  const token = shape.http_token.safeParse(run.http_token);
  const [cert, key] = [
    shape.http_tls_cert.safeParse(run.http_tls_cert),
    shape.http_tls_key.safeParse(run.http_tls_key),
  ];
  return {
    host: shape.http_host.safeParse(run.http_host).data ?? null,
    port: shape.http_port.safeParse(run.http_port).data ?? null,
    ...httpAccess({
      http_token: token.data,
      http_open: shape.http_open.safeParse(run.http_open).data ?? true,
      http_hosts: shape.http_hosts.safeParse(run.http_hosts).data,
      http_tls_cert: cert.data,
      http_tls_key: key.data,
      http_clients_max: shape.http_clients_max.safeParse(run.http_clients_max).data ?? OPEN_HTTP.clientsMax,
    }),
    isLocked: !token.success,
  };
}

type RunValues = CollectorValues["run"];

/** Builds the access rules of the server from the checked keys. */
export function httpAccess(
  run: Pick<
    RunValues,
    "http_token" | "http_open" | "http_hosts" | "http_tls_cert" | "http_tls_key" | "http_clients_max"
  >,
): HttpAccess {
  const { http_token: token, http_tls_cert: certPath, http_tls_key: keyPath } = run;
  return {
    token: token === undefined ? null : new Secret("http_token", token),
    isOpen: run.http_open,
    hosts: run.http_hosts ?? [],
    tls: certPath === undefined || keyPath === undefined ? null : { certPath, keyPath },
    clientsMax: run.http_clients_max,
    isLocked: false,
  };
}

/** Reports a certificate without a key, or a key without a certificate. */
export function checkHttp(run: RunValues, locate: Locate): readonly Issue[] {
  const { http_tls_cert: cert, http_tls_key: key } = run;
  if ((cert === undefined) === (key === undefined)) return [];
  const [given, missing] = cert === undefined ? ["http_tls_key", "http_tls_cert"] : ["http_tls_cert", "http_tls_key"];
  const message = `"${given}" without "${missing}": HTTPS needs both`;
  return [issueAt(locate(["run", given]), { message, exchange: null })];
}
