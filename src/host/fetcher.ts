import {
  Failure,
  type FailureCode,
  FETCH_REDIRECTS_MAX,
  HTTP_CLIENTS_MAX,
  joinBytes,
  revealAll,
} from "../model/mod.ts";
import type { Clock, Fetcher, FetchRequest, FetchResponse, Files } from "./host.ts";
import { parseRetryAfter } from "./retry_after.ts";

/** HTTP by the platform's `fetch`, bounded in time, size and redirects. */
export function httpFetcher(clock: Clock, files: Pick<Files, "readText">): Fetcher {
  const clients = new ClientCache(files);
  return { fetch: (request, signal) => fetchBounded({ clock, clients, request, signal }) };
}

interface Fetching {
  readonly clock: Clock;
  readonly clients: ClientCache;
  readonly request: FetchRequest;
  readonly signal: AbortSignal | undefined;
}

async function fetchBounded({ clock, clients, request, signal }: Fetching): Promise<FetchResponse> {
  const shown = `${request.method} ${shownUrl(request.url)}`;
  if (signal?.aborted) throw new Failure("cancelled", `Request cancelled: ${shown}`);
  const abort = new AbortController();
  let timedOut = false;
  const timer = clock.after(request.timeoutMs, () => {
    timedOut = true;
    abort.abort();
  });
  const cancel = () => abort.abort();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const client = await clients.of(request.caCertPaths, request.proxy);
    const response = await follow(request, { client, signal: abort.signal });
    const body = await readBounded(response, request.bytesMax);
    if (body === null) throw new Failure("connect", `Answer is larger than ${request.bytesMax} bytes: ${shown}`);
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), clock.nowMs());
    const etag = response.headers.get("etag");
    const date = Date.parse(response.headers.get("date") ?? "");
    const dateMs = Number.isNaN(date) ? null : date;
    return { status: response.status, body, receivedTs: clock.nowMicros(), retryAfterMs, etag, dateMs };
  } catch (cause) {
    if (timedOut) throw new Failure("timeout", `Request timed out after ${request.timeoutMs} ms: ${shown}`, { cause });
    if (signal?.aborted) throw new Failure("cancelled", `Request cancelled: ${shown}`, { cause });
    if (cause instanceof Failure) throw cause;
    const { code, text } = causeOf(cause, request.url);
    throw new Failure(code, `Request failed: ${shown}: ${text}`, { cause });
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", cancel);
  }
}

/**
 * Fetches and follows redirects within one origin, or from http to https of the same host. Any other redirect is
 * refused, because headers and body may contain secrets, and limits are counted by host.
 */
async function follow(
  request: FetchRequest,
  { client, signal }: { readonly client: Deno.HttpClient | null; readonly signal: AbortSignal },
): Promise<Response> {
  let url = request.url;
  let { method, body } = request;
  for (let hops = 0; hops <= FETCH_REDIRECTS_MAX; hops++) {
    const init: RequestInit & { client?: Deno.HttpClient } = {
      method,
      headers: revealAll(request.headers),
      // Nobody changes these bytes meanwhile.
      body: body as string | Uint8Array<ArrayBuffer> | null,
      signal,
      redirect: "manual",
    };
    if (client !== null) init.client = client;
    const response = await fetch(url, init);
    const location = response.headers.get("location");
    if (location === null || ![301, 302, 303, 307, 308].includes(response.status)) return response;
    await response.body?.cancel();
    const target = URL.canParse(location, url) ? new URL(location, url) : null;
    if (target === null || !isSameParty(new URL(url), target)) {
      const where = target === null ? "an address that is none" : target.origin;
      throw new Failure(
        "connect",
        `Redirect refused: ${request.method} ${
          shownUrl(request.url)
        } leads to ${where}, and what is sent may hold secrets`,
        { status: response.status },
      );
    }
    // RFC 9110 section 15.4: 303, and by custom 301 and 302 after a POST, are followed by GET.
    if (response.status === 303 || (method === "POST" && response.status < 303)) [method, body] = ["GET", null];
    url = target.href;
  }
  throw new Failure("connect", `Too many redirects: ${request.method} ${shownUrl(request.url)}`);
}

function isSameParty(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true;
  return from.protocol === "http:" && to.protocol === "https:" && from.hostname === to.hostname &&
    from.port === "" && to.port === "";
}

/** Returns why there was no answer, in the words of the lowest layer that failed, without the address. */
function causeOf(error: unknown, url: string): { readonly code: FailureCode; readonly text: string } {
  const [inner, outer] = error instanceof Error && error.cause instanceof Error ? [error.cause, error] : [error, error];
  const message = inner instanceof Error ? inner.message : String(inner);
  // The platform says: "error sending request for url (URL): client error (Connect): tcp connect error: ...".
  const at = message.lastIndexOf("client error (");
  const text = at < 0
    ? message.replaceAll(url, shownUrl(url))
    : message.slice(at).replace(/^client error \(\w+\)(: )?/, "");
  const words = text === "" ? outer instanceof Error ? outer.message : "no answer" : text;
  return { code: /\bcertificate\b|\btls\b|\bssl\b/i.test(words) ? "tls" : "connect", text: words };
}

/** Returns the address without user, query and fragment, which may contain secrets. */
function shownUrl(url: string): string {
  return url.split(/[?#]/, 1)[0].replace(/^(\w+:\/\/)[^/@]*@/, "$1");
}

/** HTTP clients by additional certificate authorities and proxy. */
class ClientCache {
  readonly #files: Pick<Files, "readText">;
  readonly #clients = new Map<string, Deno.HttpClient>();

  constructor(files: Pick<Files, "readText">) {
    this.#files = files;
  }

  /** Returns the client for the present content of the files and the proxy; null if there are neither. */
  async of(paths: readonly string[], proxy: FetchRequest["proxy"]): Promise<Deno.HttpClient | null> {
    if (paths.length === 0 && proxy === undefined) return null;
    const texts: string[] = [];
    for (const path of paths) {
      const text = await this.#files.readText(path);
      if (text === null) throw new Failure("tls", `Cannot read certificate authority: no such file: ${path}`);
      texts.push(text);
    }
    const address = proxy === undefined || typeof proxy === "string" ? proxy : proxy.reveal();
    const key = [...texts, address ?? ""].join("\0");
    let client = this.#clients.get(key);
    if (client === undefined) {
      client = createClient(texts, paths, address);
      this.#clients.set(key, client);
      if (this.#clients.size > HTTP_CLIENTS_MAX) this.#evict();
    }
    return client;
  }

  /** Closes the oldest client. */
  #evict(): void {
    const [key, client] = [...this.#clients][0];
    this.#clients.delete(key);
    client.close();
  }
}

function createClient(caCerts: string[], paths: readonly string[], proxy: string | undefined): Deno.HttpClient {
  try {
    return Deno.createHttpClient({ caCerts, ...(proxy === undefined ? {} : { proxy: proxyOf(new URL(proxy)) }) });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new Failure("tls", `Cannot use certificate authority ${paths.join(", ")}: ${text}`, { cause });
  }
}

/** Returns a proxy in the platform's form: the user apart from the address. */
function proxyOf({ protocol, host, username, password }: URL): Deno.Proxy {
  const basicAuth = { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  return { url: `${protocol}//${host}`, ...(username === "" ? {} : { basicAuth }) };
}

/** Returns the whole body; null, without reading the rest, if it is larger than allowed. */
async function readBounded(response: Response, bytesMax: number): Promise<Uint8Array | null> {
  if (response.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body.getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > bytesMax) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
  return joinBytes(chunks);
}
