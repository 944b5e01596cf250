import type { Clock, Files, Random } from "../host/mod.ts";
import {
  type ExchangeList,
  type ExchangePlan,
  INSTRUMENT_PAGES_MAX,
  type InstrumentListPlan,
  INSTRUMENTS_REFRESH_MS_MAX,
  INSTRUMENTS_REFRESH_MS_MIN,
  type InstrumentsStatus,
  type Micros,
  type Observer,
  parseCanonicalSymbol,
  planHash,
  type RankingPlan,
  type RestPlan,
  type RunnableExchange,
} from "../model/mod.ts";
import {
  instrumentsText,
  nextPagePath,
  type RankedInstrument,
  readInstrumentList,
  readRanking,
} from "../normalize/mod.ts";
import { type KeptListFile, keptListFile, keptListPath } from "./kept_list.ts";
import type { RestAnswer, RestClient } from "./rest_client.ts";

/** The exchange's lists by instance. */
export type InstrumentMaps = ReadonlyMap<string, ExchangeList>;

export interface InstrumentListsOptions {
  readonly client: RestClient;
  readonly clock: Clock;
  readonly files: Files;
  readonly random: Random;
  /** Data folder, in which lists are kept for a start without the exchange. Null: nothing is read or kept. */
  readonly dataDir: string | null;
  readonly observe: Observer;
  /** Called when the map of an instance has changed. */
  readonly onChange: (exchange: string) => void;
  /**
   * Called with the pages of a list whose instruments are emitted, if they have changed or are the first of the day.
   */
  readonly onPages: (exchange: string, pages: readonly InstrumentPage[]) => void;
}

/** An answer of an instrument list. */
export interface InstrumentPage {
  /** Name of the list. */
  readonly request: string;
  readonly url: string;
  readonly receivedTs: Micros;
  readonly body: Uint8Array;
}

/** The list of one instance. */
interface Entry {
  readonly exchange: string;
  readonly rest: RestPlan;
  /** Identifies the source of the list: an instance with another source starts over. */
  readonly source: string;
  readonly file: KeptListFile;
  readonly abort: AbortController;
  /** Symbol map of each list; null before it was fetched. */
  readonly lists: (ReadonlyMap<string, string> | null)[];
  /** Further values of each list, by canonical symbol; null before it was fetched. */
  readonly listValues: (ExchangeList["values"] | null)[];
  /** Rows of each ranking; null before it was fetched. Empty if none is requested. */
  rankings: (readonly RankedInstrument[] | null)[];
  /** Configured symbols that need a list. */
  symbols: readonly string[];
  /** Identifies the instruments that are emitted; null if none are. */
  told: string | null;
  /** Interval in ms at which lists are requested again; null: only while they lack configured symbols. */
  refreshMs: number | null;
  /** Hash of each list's content and day when its pages were last handed on; null: they must be handed on. */
  readonly handedOn: (string | null)[];
  /** Canonical to native symbols, from the lists or an earlier run; empty if there is neither. */
  map: ReadonlyMap<string, string>;
  /** Values by canonical symbol, from lists and rankings or an earlier run. */
  values: ExchangeList["values"];
  state: InstrumentsStatus["state"];
  since: Micros;
  error: string | null;
  /** Ends the wait before the exchange's list is requested again. */
  look: AbortController;
}

/**
 * The instrument lists of all instances that need one. Each is requested in the background until it succeeds; until
 * then the list of an earlier run is used. No instance waits for another's list.
 */
export class InstrumentLists {
  readonly #options: InstrumentListsOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: InstrumentListsOptions) {
    this.#options = options;
  }

  /** The present lists, by instance. */
  get maps(): InstrumentMaps {
    return new Map(
      [...this.#entries.values()].flatMap(({ exchange, map: natives, values }) =>
        natives.size > 0 ? [[exchange, { natives, values }] as const] : []
      ),
    );
  }

  /** Returns the status of an instance's list; null if it needs none. */
  status(exchange: string): InstrumentsStatus | null {
    const entry = this.#entries.get(exchange);
    if (entry === undefined) return null;
    const { state, since, error } = entry;
    return { state, since, error, unresolved: unresolvedOf(entry) };
  }

  /**
   * Sets the instances, as loaded without lists. Resolves when kept lists have been read, which needs no exchange;
   * requests go on in the background.
   */
  async want(exchanges: readonly ExchangePlan[]): Promise<void> {
    const wanted = new Set<string>();
    await Promise.all(exchanges.map(async ({ name, enabled, runnable }) => {
      if (!enabled || runnable === null) return;
      const told = toldBy(runnable);
      const refreshMs = refreshOf(runnable);
      if (runnable.unresolved.length === 0 && refreshMs === null) return;
      wanted.add(name);
      const source = sourceOf(runnable);
      const known = this.#entries.get(name);
      if (known?.source === source) {
        const before = unresolvedOf(known).length;
        known.symbols = runnable.unresolved;
        known.refreshMs = refreshMs;
        // A symbol that the list lacks may have been listed since.
        if (unresolvedOf(known).length > before) known.look.abort();
        if (known.told !== told) {
          known.told = told;
          this.tellAgain(name);
        }
        return;
      }
      known?.abort.abort();
      const entry = this.#createEntry(name, runnable.rest, {
        source,
        symbols: runnable.unresolved,
        told,
        refreshMs,
        isRanked: runnable.selection?.isRanked === true,
      });
      this.#entries.set(name, entry);
      await this.#begin(entry);
    }));
    for (const [name, { abort }] of this.#entries) {
      if (wanted.has(name)) continue;
      abort.abort();
      this.#entries.delete(name);
    }
  }

  /** Requests an instance's lists again and hands their pages on. */
  tellAgain(exchange: string): void {
    const entry = this.#entries.get(exchange);
    if (entry === undefined || entry.told === null) return;
    entry.handedOn.fill(null);
    entry.look.abort();
  }

  /** Marks an instance's pages as not accepted: they are handed on again with the next request. */
  tellLater(exchange: string): void {
    this.#entries.get(exchange)?.handedOn.fill(null);
  }

  /** Stops all requests. */
  stop(): void {
    for (const { abort } of this.#entries.values()) abort.abort();
  }

  #createEntry(
    exchange: string,
    rest: RestPlan,
    { source, symbols, told, refreshMs, isRanked }: {
      readonly source: string;
      readonly symbols: readonly string[];
      readonly told: string | null;
      readonly refreshMs: number | null;
      readonly isRanked: boolean;
    },
  ): Entry {
    const { clock, files, dataDir, observe } = this.#options;
    return {
      exchange,
      rest,
      source,
      file: dataDir === null ? NO_FILE : keptListFile({ files, path: keptListPath(dataDir, exchange), observe }),
      abort: new AbortController(),
      lists: rest.instruments.map(() => null),
      listValues: rest.instruments.map(() => null),
      rankings: isRanked ? (rest.rankings ?? []).map(() => null) : [],
      symbols,
      told,
      refreshMs,
      handedOn: rest.instruments.map(() => null),
      map: new Map(),
      values: new Map(),
      state: "waiting",
      since: clock.nowMicros(),
      error: null,
      look: new AbortController(),
    };
  }

  async #begin(entry: Entry): Promise<void> {
    const kept = await entry.file.read();
    if (kept !== null) {
      entry.map = kept.natives;
      entry.values = kept.values;
      this.#enter(entry, "kept", null);
      const { exchange, map } = entry;
      this.#options.observe({ kind: "instruments_loaded", exchange, instruments: map.size, source: "kept list" });
    }
    if (entry.abort.signal.aborted) return;
    // A bug ends the requests of this list alone, and /healthz shows it.
    const failed = (error: unknown) =>
      this.#failed(entry, `a bug of the program: ${error instanceof Error ? error.message : String(error)}`);
    entry.rest.instruments.forEach((_, at) => this.#follow(entry, () => this.#takeList(entry, at)).catch(failed));
    entry.rankings.forEach((_, at) => this.#follow(entry, () => this.#takeRanking(entry, at)).catch(failed));
  }

  /**
   * Fetches one list repeatedly, because lists change; more often while it lacks configured symbols, which may be
   * listed soon. `take` resolves with false if the list is no longer wanted.
   */
  async #follow(entry: Entry, take: () => Promise<boolean>): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = entry.abort;
    for (let looks = 0; !signal.aborted; looks++) {
      if (!await take() || signal.aborted) return;
      // All lists of the instance share this signal.
      if (entry.look.signal.aborted) entry.look = new AbortController();
      const refreshMs = entry.refreshMs ?? INSTRUMENTS_REFRESH_MS_MAX;
      const ceiling = unresolvedOf(entry).length > 0
        ? Math.min(INSTRUMENTS_REFRESH_MS_MIN * 2 ** Math.min(looks, 20), refreshMs)
        : refreshMs;
      const waitMs = ceiling / 2 + random.next() * ceiling / 2;
      do {
        await clock.sleep(waitMs, AbortSignal.any([signal, entry.look.signal]));
      } while (!signal.aborted && entry.refreshMs === null && unresolvedOf(entry).length === 0);
    }
  }

  async #takeList(entry: Entry, at: number): Promise<boolean> {
    const found = await this.#fetch(entry, at);
    if (found === null || entry.abort.signal.aborted) return false;
    entry.lists[at] = found.map;
    entry.listValues[at] = found.values;
    await this.#update(entry);
    this.#handOn(entry, at, found.pages);
    return true;
  }

  async #takeRanking(entry: Entry, at: number): Promise<boolean> {
    const ranking = entry.rest.rankings?.[at];
    if (ranking === undefined) return false;
    let found: readonly RankedInstrument[] = [];
    const isHad = await this.#ask(entry, { list: ranking, name: "rankings", at, page: ranking.path }, (answer) => {
      const rows = readRanking(ranking, answer.body);
      if (rows === null) return `it is not JSON: ${exampleOf(answer)}`;
      if (rows.length === 0) return `it measures no instrument: ${exampleOf(answer)}`;
      found = rows;
      return null;
    });
    if (!isHad || entry.abort.signal.aborted) return false;
    entry.rankings[at] = found;
    await this.#update(entry);
    return true;
  }

  /** Fetches all pages of a list; null if it is no longer wanted. */
  async #fetch(entry: Entry, at: number): Promise<FetchedList | null> {
    const list = entry.rest.instruments[at];
    const map = new Map<string, string>();
    const asked = new Set<string>();
    const pages: InstrumentPage[] = [];
    const values = new Map<string, Readonly<Record<string, string>>>();
    let page: string | null = list.path;
    while (page !== null && asked.size < INSTRUMENT_PAGES_MAX && !asked.has(page)) {
      asked.add(page);
      let next: string | null = null;
      const isHad = await this.#ask(entry, { list, name: "instruments", at, page }, (answer) => {
        const found = readInstrumentList(list, answer.body);
        if (found === null) return `it is not JSON: ${exampleOf(answer)}`;
        if (found.length === 0 && map.size === 0) return `it lists no instrument: ${exampleOf(answer)}`;
        for (const { canonical, native, values: own } of found) {
          map.set(canonical, native);
          if (Object.keys(own).length > 0) values.set(canonical, own);
        }
        const { url, receivedTs, body } = answer;
        if (entry.told !== null) pages.push({ request: list.name, url, receivedTs, body });
        next = nextPagePath(list, answer.body);
        return null;
      });
      if (!isHad) return null;
      page = next;
    }
    return { map, values, pages };
  }

  /** Hands on pages whose emitted instruments have changed, or that are the first of a day. */
  #handOn(entry: Entry, at: number, pages: readonly InstrumentPage[]): void {
    if (entry.told === null || pages.length === 0) return;
    const rule = entry.rest.instruments[at];
    const day = Math.floor(pages[0].receivedTs / DAY_US);
    const said = planHash(`${day} ${pages.map(({ body }) => instrumentsText(rule, body)).join("\n")}`);
    if (entry.handedOn[at] === said) return;
    entry.handedOn[at] = said;
    this.#options.onPages(entry.exchange, pages);
  }

  #ask(
    entry: Entry,
    { list, name, at, page }: {
      readonly list: InstrumentListPlan | RankingPlan;
      readonly name: "instruments" | "rankings";
      readonly at: number;
      readonly page: string;
    },
    accept: (answer: RestAnswer) => string | null,
  ): Promise<boolean> {
    const { baseUrls, headers, caCertPaths, proxy, rateLimit } = entry.rest;
    const request = {
      exchange: entry.exchange,
      name,
      native: "",
      method: list.method,
      baseUrls: list.baseUrls ?? baseUrls,
      path: { source: page, parts: [page] },
      headers,
      body: list.body,
      caCertPaths,
      ...(proxy === undefined ? {} : { proxy }),
      rateLimit,
      scope: `${at} ${page} ${entry.source}`,
      accept,
      onRetry: (reason: string) => this.#failed(entry, reason),
    };
    return this.#options.client.ask(request, "instruments", entry.abort.signal);
  }

  /** Notes a failed attempt; a kept list stays in use. */
  #failed(entry: Entry, reason: string): void {
    const { exchange, map, state } = entry;
    entry.error = reason;
    if (state === "waiting") this.#enter(entry, map.size > 0 ? "kept" : "failed", reason);
    const symbols = unresolvedOf(entry);
    if (symbols.length > 0) this.#options.observe({ kind: "symbols_unresolved", exchange, symbols, reason });
  }

  /** Merges all fetched lists, completed by the kept one while some are missing. */
  async #update(entry: Entry): Promise<void> {
    const { observe, onChange } = this.#options;
    const { exchange, lists, rankings } = entry;
    const before = JSON.stringify([[...entry.map], [...entry.values]]);
    const map = new Map<string, string>();
    for (const list of lists) for (const [canonical, native] of list ?? []) map.set(canonical, native);
    const isWhole = lists.every((list) => list !== null) && rankings.every((ranking) => ranking !== null);
    if (!isWhole) {
      for (const [canonical, native] of entry.map) if (!map.has(canonical)) map.set(canonical, native);
    }
    entry.map = map;
    entry.values = valuesOf(entry, map);
    if (isWhole) {
      if (entry.state !== "fetched") this.#enter(entry, "fetched", null);
      entry.error = null;
      observe({ kind: "instruments_loaded", exchange, instruments: map.size, source: "exchange" });
      const symbols = unresolvedOf(entry);
      const reason = "the exchange does not list them";
      if (symbols.length > 0) observe({ kind: "symbols_unresolved", exchange, symbols, reason });
    }
    if (JSON.stringify([[...map], [...entry.values]]) !== before) onChange(exchange);
    if (isWhole) await entry.file.write({ natives: map, values: entry.values });
  }

  #enter(entry: Entry, state: Entry["state"], error: string | null): void {
    entry.state = state;
    entry.since = this.#options.clock.nowMicros();
    entry.error = error;
  }
}

/** A fetched list, with its pages if they must be handed on. */
interface FetchedList {
  readonly map: ReadonlyMap<string, string>;
  readonly values: ExchangeList["values"];
  readonly pages: readonly InstrumentPage[];
}

/** For lists that are not kept. */
const NO_FILE: KeptListFile = { read: () => Promise.resolve(null), write: () => Promise.resolve() };

const DAY_US = 24 * 3_600_000_000;

/** Returns a text that identifies the instruments that an instance emits; null if it emits none. */
function toldBy({ frames, unresolved }: RunnableExchange): string | null {
  const asked = frames.instruments?.asked;
  return asked == null ? null : JSON.stringify([...Object.keys(asked), ...unresolved]);
}

function unresolvedOf({ symbols, map }: Entry): readonly string[] {
  return symbols.filter((symbol) => !map.has(symbol));
}

/** Returns the values of lists and rankings by canonical symbol, completed by earlier values while some are missing. */
function valuesOf(
  { rest, lists, listValues, rankings, values }: Entry,
  natives: ReadonlyMap<string, string>,
): ExchangeList["values"] {
  const found = new Map<string, Readonly<Record<string, string>>>();
  const rows = rankings.map((ranking) => new Map(ranking?.map((row) => [row.native, row.values])));
  const isWhole = [...lists, ...rankings].every((one) => one !== null);
  for (const [symbol, native] of natives) {
    const family = parseCanonicalSymbol(symbol)?.family ?? null;
    const ranked = rows.flatMap((row, at) => {
      const families = rest.rankings?.[at]?.families ?? null;
      return families === null || (family !== null && families.includes(family)) ? [row.get(native) ?? {}] : [];
    });
    const listed = listValues.map((list) => list?.get(symbol) ?? {});
    const own: Readonly<Record<string, string>> = Object.assign(
      {},
      isWhole ? {} : values.get(symbol),
      ...ranked,
      ...listed,
    );
    if (Object.keys(own).length > 0) found.set(symbol, own);
  }
  return found;
}

/**
 * Returns the interval in ms at which an instance's lists are requested again even if they lack nothing; null: they are
 * not.
 */
function refreshOf(runnable: RunnableExchange): number | null {
  const { rest, selection, instrumentsRefreshMs } = runnable;
  if (rest.instruments.length === 0) return null;
  if (selection !== undefined) return selection.refreshMs;
  const hasValues = rest.instruments.some(({ values }) => Object.keys(values).length > 0);
  return toldBy(runnable) === null && !hasValues ? null : instrumentsRefreshMs;
}

/** Returns a text of everything that lists depend on. */
function sourceOf({ rest: { baseUrls, instruments, rankings }, selection }: RunnableExchange): string {
  const asked = selection?.isRanked === true ? rankings : [];
  return JSON.stringify([baseUrls.map(({ source }) => source), instruments, asked]);
}

function exampleOf({ body }: RestAnswer): string {
  return new TextDecoder().decode(body.subarray(0, 400)).slice(0, 200);
}
