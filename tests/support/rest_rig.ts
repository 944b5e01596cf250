import type { Fetcher, FetchRequest, FetchResponse } from "../../src/host/mod.ts";
import { Failure, type Observation, type RestPlan, type RestRequestPlan } from "../../src/model/mod.ts";
import { HostLimits, RestClient } from "../../src/rest/mod.ts";
import { SimulatedHost } from "./simulated_host.ts";

/** What the exchange says to a request; null: nothing, ever. */
export type Reply =
  | { readonly status?: number; readonly body?: string; readonly retryAfterMs?: number }
  | Failure
  | null;

/** A request as the exchange saw it. */
export interface Asked {
  readonly url: string;
  readonly request: FetchRequest;
  readonly atMs: number;
}

/** Builds a rest client whose exchange is the test, in simulated time. */
export function restRig(reply: (url: string, count: number) => Reply) {
  const host = new SimulatedHost();
  const asked: Asked[] = [];
  const seen: Observation[] = [];
  const fetcher: Fetcher = {
    fetch: (request: FetchRequest, signal?: AbortSignal) => {
      asked.push({ url: request.url, request, atMs: host.clock.monotonicMs() });
      const answer = reply(request.url, asked.filter(({ url }) => url === request.url).length);
      return new Promise<FetchResponse>((resolve, reject) => {
        const timer = host.clock.after(request.timeoutMs, () => reject(new Failure("timeout", "Timed out")));
        signal?.addEventListener("abort", () => {
          timer.cancel();
          reject(new Failure("cancelled", "Cancelled"));
        });
        if (answer === null) return;
        timer.cancel();
        if (answer instanceof Failure) return reject(answer);
        resolve({
          status: answer.status ?? 200,
          body: new TextEncoder().encode(answer.body ?? "{}"),
          receivedTs: host.clock.nowMicros(),
          retryAfterMs: answer.retryAfterMs ?? null,
        });
      });
    },
  };
  const limits = new HostLimits(host.clock);
  const client = new RestClient({
    host: { clock: host.clock, random: host.random, fetcher, secrets: host.secrets },
    limits,
    observe: (one) => seen.push(one),
  });
  return { ...host, client, limits, asked, seen };
}

/** A plan with the given requests at one or more addresses. */
export function restPlan(requests: readonly RestRequestPlan[], changes: Partial<RestPlan> = {}): RestPlan {
  return {
    baseUrls: [text("https://api.example.com")],
    headers: {},
    caCertPaths: [],
    rateLimit: null,
    requests,
    instruments: [],
    backfills: [],
    ...changes,
  };
}

/** A request for each symbol, or one that covers all where there are none. */
export function restRequest(name: string, symbols: readonly string[], everyMs: number | null = null): RestRequestPlan {
  const targets = symbols.map((symbol) => ({ native: symbol, symbol, path: text(`/${name}?symbol=${symbol}`) }));
  return {
    name,
    channel: everyMs === null ? "book" : "derivative",
    connectionId: "public",
    targets: symbols.length === 0 ? [{ native: "", symbol: "", path: text(`/${name}`) }] : targets,
    everyMs,
    match: { pathPrefix: `/${name}`, symbolParameter: "symbol" },
  };
}

/** A template without holes. */
export function text(source: string) {
  return { source, parts: [source] };
}
