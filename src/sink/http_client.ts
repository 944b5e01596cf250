import type { FetchRequest, FetchResponse, Host } from "../host/mod.ts";
import { Failure, Secret } from "../model/mod.ts";
import { readAuthorities } from "./endpoint_keys.ts";

/** A server that is written to over HTTP. */
export interface HttpEndpoint {
  /** Address with or without user and password, which leave as a header and are never shown. */
  readonly url: string;
  /** PEM file of the authority that the server's certificate is checked against; null: the platform's own. */
  readonly caPath: string | null;
}

export interface HttpCall {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: GET. */
  readonly body: string | null;
  readonly signal: AbortSignal;
}

/** How long one request may take, in ms: a server that hangs says nothing. */
const REQUEST_MS = 20_000;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Requests to one server, with its login. */
export class SinkHttp {
  readonly #host: Host;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string | Secret>>;
  readonly #caPath: string | null;

  constructor({ url, caPath }: HttpEndpoint, host: Host) {
    this.#host = host;
    const address = new URL(url);
    const login = `${decodeURIComponent(address.username)}:${decodeURIComponent(address.password)}`;
    this.#headers = login === ":" ? {} : { authorization: new Secret("login", `Basic ${base64(login)}`) };
    this.#base = `${address.protocol}//${address.host}${address.pathname.replace(/\/$/, "")}`;
    this.#caPath = caPath;
  }

  /** Returns the answer of any status. Rejects with a `Failure` if there is none. */
  async call({ path, query = {}, headers = {}, body, signal }: HttpCall): Promise<FetchResponse> {
    const search = new URLSearchParams(query).toString();
    return await fetchSecured(this.#host, this.#caPath, {
      method: body === null ? "GET" : "POST",
      url: `${this.#base}${path}${search === "" ? "" : `?${search}`}`,
      headers: { ...this.#headers, ...headers },
      body,
      timeoutMs: REQUEST_MS,
      bytesMax: ANSWER_BYTES_MAX,
    }, signal);
  }
}

/**
 * Asks a server whose certificate is checked against the authority in a file too, where one is given. Rejects with a
 * `Failure`: a certificate that is not trusted stays so until a person acts; a handshake that was cut off may succeed.
 */
export async function fetchSecured(
  { fetcher, files }: Pick<Host, "fetcher" | "files">,
  caPath: string | null,
  request: Omit<FetchRequest, "caCertPaths">,
  signal: AbortSignal,
): Promise<FetchResponse> {
  await readAuthorities(files, caPath);
  try {
    return await fetcher.fetch({ ...request, caCertPaths: caPath === null ? [] : [caPath] }, signal);
  } catch (error) {
    const isRefused = error instanceof Failure && error.code === "tls" && /certificate/i.test(error.message);
    if (isRefused) throw new Failure("tls", error.message, { retry: false, cause: error });
    throw error;
  }
}

/**
 * The failure that an answer with an error status is: a request that is wrong, or not allowed, stays so until a person
 * acts; a server that is overloaded, starting or broken may recover.
 */
export function statusFailure(text: string, status: number): Failure {
  const retry = status >= 500 || status === 408 || status === 429;
  return new Failure("http_status", text, { status, retry });
}

/** The address without user, password and query. */
export function shownAddress(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, "$1").split(/[?#]/, 1)[0].replace(/\/$/, "");
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
