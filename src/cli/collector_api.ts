import { Failure, type HttpAccess } from "../model/mod.ts";
import type { CliContext } from "./context.ts";

/** What a configuration says of the HTTP of a collector. */
export interface CollectorHttp extends Pick<HttpAccess, "token"> {
  readonly host: string | null;
  readonly port: number | null;
}

/** Most bytes of an answer that are read. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const ANSWER_MS_MAX = 10_000;

/** The address of a collector; one that is bound everywhere is asked on this machine. */
export function addressOfHttp({ host: bound, port }: Pick<CollectorHttp, "host" | "port">): string {
  const host = bound ?? "127.0.0.1";
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port ?? 8090}`;
}

/** Asks the API of a running collector. Rejects with a `Failure` where none answers, or no JSON. */
export async function askApi(
  { host: { fetcher } }: CliContext,
  http: CollectorHttp,
  { method, path }: { readonly method: "GET" | "POST"; readonly path: string },
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const url = `${addressOfHttp(http)}/api/v1${path}`;
  const headers: Record<string, string> = http.token === null ? {} : { authorization: `Bearer ${http.token.reveal()}` };
  const request = { method, url, headers, body: null, caCertPaths: [], timeoutMs: ANSWER_MS_MAX } as const;
  const { status, body } = await fetcher.fetch({ ...request, bytesMax: ANSWER_BYTES_MAX });
  let value: unknown = null;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    // Told below, with the address.
  }
  if (typeof value === "object" && value !== null) return { status, body: value as Readonly<Record<string, unknown>> };
  throw new Failure("connect", `What answers at ${addressOfHttp(http)} is no collector`, { retry: false });
}
