import type { FetchRequest, FetchResponse, Host } from "../host/mod.ts";
import { Failure, Secret } from "../model/mod.ts";
import { readAuthorities } from "./endpoint_keys.ts";

/** A server to write to over HTTP. */
export interface HttpEndpoint {
  /** Address with or without user and password, which are sent as a header and never shown. */
  readonly url: string;
  /** PEM file of the authority to check the server's certificate against; null for the platform's own. */
  readonly caPath: string | null;
}

export interface HttpCall {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null for a GET request. */
  readonly body: string | null;
  readonly signal: AbortSignal;
}

/** Longest time of a request, in ms. */
const REQUEST_MS = 20_000;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Sends requests to one server, with its login. */
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
 * Sends a request, and checks the server's certificate against the authority of a file, if there is one. Rejects with a
 * `Failure`: without retry for an untrusted certificate, which needs a person; with retry for an interrupted handshake.
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
 * Returns the failure of an error status: without retry if the request is wrong or not allowed, which needs a person;
 * with retry if the server is overloaded, starting or broken.
 */
export function statusFailure(text: string, status: number): Failure {
  const retry = status >= 500 || status === 408 || status === 429;
  return new Failure("http_status", text, { status, retry });
}

/** Returns the address without user, password and query. */
export function shownAddress(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, "$1").split(/[?#]/, 1)[0].replace(/\/$/, "");
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
