import { Failure } from "../model/mod.ts";
import type { Clock, Fetcher, FetchRequest, FetchResponse } from "./host.ts";
import { parseRetryAfter } from "./retry_after.ts";

/** HTTP by the platform's `fetch`, bounded in time and size. */
export function httpFetcher(clock: Clock): Fetcher {
  return { fetch: (request, signal) => fetchBounded(clock, request, signal) };
}

async function fetchBounded(clock: Clock, request: FetchRequest, signal?: AbortSignal): Promise<FetchResponse> {
  const shown = `${request.method} ${request.url.split("?", 1)[0]}`;
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
    const response = await fetch(request.url, {
      method: request.method,
      headers: { ...request.headers },
      body: request.body,
      signal: abort.signal,
    });
    const body = await readBounded(response, request.bytesMax);
    if (body === null) throw new Failure("connect", `Answer is larger than ${request.bytesMax} bytes: ${shown}`);
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), clock.nowMs());
    return { status: response.status, body, receivedTs: clock.nowMicros(), retryAfterMs };
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    if (timedOut) throw new Failure("timeout", `Request timed out after ${request.timeoutMs} ms: ${shown}`, { cause });
    if (signal?.aborted) throw new Failure("cancelled", `Request cancelled: ${shown}`, { cause });
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Failure("connect", `Request failed: ${shown}: ${message}`, { cause });
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", cancel);
  }
}

/** The whole body; null where it is larger than allowed, and then the rest is not read. */
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
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
