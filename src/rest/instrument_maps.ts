import type { Host } from "../host/mod.ts";
import {
  type ExchangePlan,
  Failure,
  FRAME_BYTES_MAX,
  INSTRUMENT_PAGES_MAX,
  type InstrumentListPlan,
  type Observer,
  renderTemplate,
  type RunnableExchange,
} from "../model/mod.ts";
import { nextPagePath, readInstrumentList } from "../normalize/mod.ts";

/** By instance: what the exchange's own list of instruments says, canonical to native. */
export type InstrumentMaps = ReadonlyMap<string, ReadonlyMap<string, string>>;

const REQUEST_TIMEOUT_MS = 10_000;

export interface InstrumentMapOptions {
  readonly host: Host;
  readonly exchanges: readonly ExchangePlan[];
  /** Folder where fetched lists are kept for a start without the exchange. */
  readonly cacheDir: string;
  readonly observe: Observer;
  /** Gives up waiting for lists. */
  readonly signal?: AbortSignal;
}

/**
 * Fetches the instrument lists of instances that are configured for symbols which their map lacks. A list that cannot be
 * had is taken from the last time; where there is none either, the symbols keep their spelling, which the caller reports.
 */
export async function fetchInstrumentMaps(options: InstrumentMapOptions): Promise<InstrumentMaps> {
  const wanting = options.exchanges.flatMap((exchange) =>
    exchange.enabled && exchange.runnable !== null && lacksMap(exchange.runnable)
      ? [{ name: exchange.name, runnable: exchange.runnable }]
      : []
  );
  const maps = await Promise.all(
    wanting.map(async ({ name, runnable }) => [name, await instanceMap(name, runnable, options)] as const),
  );
  return new Map(maps.filter(([, map]) => map.size > 0));
}

/** Whether a canonical symbol is spelled the same natively for want of a map, and a list could tell. */
function lacksMap(runnable: RunnableExchange): boolean {
  return runnable.rest.instruments.length > 0 &&
    runnable.instruments.some(({ symbol, native, family }) => family !== null && symbol === native);
}

async function instanceMap(
  name: string,
  runnable: RunnableExchange,
  { host, cacheDir, observe, signal }: InstrumentMapOptions,
): Promise<ReadonlyMap<string, string>> {
  const path = `${cacheDir}/${name}.json`;
  const map = new Map<string, string>();
  for (const list of runnable.rest.instruments) {
    let page: string | null = list.path;
    for (let pages = 0; page !== null && pages < INSTRUMENT_PAGES_MAX; pages++) {
      const asked: InstrumentListPlan = { ...list, path: page };
      const body = await fetchList(asked, name, { host, runnable, observe, signal });
      const instruments = body === null ? null : readInstrumentList(list, body);
      if (body === null || instruments === null) return await cached(host, path);
      for (const { canonical, native } of instruments) map.set(canonical, native);
      page = nextPagePath(list, body);
    }
  }
  await host.files.makeDir(cacheDir);
  await host.files.writeAtomic(path, new TextEncoder().encode(JSON.stringify(Object.fromEntries(map))));
  return map;
}

async function fetchList(
  list: InstrumentListPlan,
  exchange: string,
  { host, runnable, observe, signal }: {
    readonly host: Host;
    readonly runnable: RunnableExchange;
    readonly observe: Observer;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Uint8Array | null> {
  for (const base of runnable.rest.baseUrls) {
    if (signal?.aborted) return null;
    const began = host.clock.monotonicMs();
    const seen = { kind: "http_request", exchange, request: "instruments" } as const;
    try {
      const { status, body } = await host.fetcher.fetch({
        method: list.method,
        url: renderTemplate(base, {}) + list.path,
        headers: runnable.rest.headers,
        body: list.body,
        caCertPaths: runnable.rest.caCertPaths,
        timeoutMs: REQUEST_TIMEOUT_MS,
        bytesMax: FRAME_BYTES_MAX,
      }, signal);
      observe({ ...seen, status, durationMs: host.clock.monotonicMs() - began, error: null });
      if (status === 200) return body;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      observe({
        ...seen,
        status: error.status,
        durationMs: host.clock.monotonicMs() - began,
        error: host.secrets.hide(error.message),
      });
    }
  }
  return null;
}

async function cached(host: Host, path: string): Promise<ReadonlyMap<string, string>> {
  const text = await host.files.readText(path);
  if (text === null) return new Map();
  const entries: unknown = JSON.parse(text);
  if (typeof entries !== "object" || entries === null) return new Map();
  return new Map(Object.entries(entries).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}
