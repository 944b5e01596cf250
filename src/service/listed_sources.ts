import { type ExchangeList, type ExchangePlan, Failure } from "../model/mod.ts";
import { InstrumentLists, keptListPath, parseKeptList, readHostLimits, RestClient } from "../rest/mod.ts";
import type { ServiceContext } from "./context.ts";
import { hasErrors, loadFromFiles, type LoadSettings, type ReadConfig } from "./sources.ts";

/** Which instrument list an instance was planned by, outside a run. */
export interface ListSource {
  /** `kept`: by an earlier run, in the folder of the data. `none`: its patterns mean nothing yet. */
  readonly from: "exchange" | "kept" | "none";
  /** Instruments of the list. */
  readonly instruments: number;
  /** Age of a kept list in ms; null of others. */
  readonly ageMs: number | null;
  /** Why the exchange's list is not the one; null if it is, or where it was not asked for. */
  readonly reason: string | null;
}

/** A configuration with the lists that its instances were planned by; those that need none are absent. */
export type ListedConfig = ReadConfig & { readonly lists: ReadonlyMap<string, ListSource> };

/** How the exchanges are asked. */
export interface ListQuestion {
  /** The one instance that is asked for; null: every one that needs its list. */
  readonly exchange: string | null;
  /** Longest wait for all lists together, in ms. */
  readonly timeoutMs: number;
  /** Told whom is asked, before it is. */
  readonly onAsk: (exchanges: readonly string[]) => void;
}

/** As `loadFromFiles`, with the exchanges' lists that an earlier run kept in the folder of the data. */
export function loadWithKeptLists(context: ServiceContext, path: string, settings: LoadSettings = {}): ReadConfig {
  const loaded = loadFromFiles(context, path, settings);
  return loadAgain(context, path, { settings, loaded, instrumentMaps: keptLists(context, loaded) });
}

/**
 * As `loadWithKeptLists`, with the lists as the exchanges give them now: each is asked within the limits of its
 * descriptor and those that a collector on the same folder has met. Where one does not answer in time the kept list
 * stands for it. `question` null, or a
 * configuration with errors: nobody is asked. Writes nothing.
 */
export async function loadWithAskedLists(
  context: ServiceContext,
  path: string,
  question: ListQuestion | null,
): Promise<ListedConfig> {
  const loaded = loadFromFiles(context, path);
  const isAsked = question !== null && !hasErrors(loaded.issues);
  const asked = isAsked ? await askLists(context, loaded, question) : new Map<string, Answer>();
  const kept = keptLists(context, loaded);
  const instrumentMaps = new Map<string, ExchangeList>();
  const lists = new Map<string, ListSource>();
  for (const { name } of needingLists(loaded)) {
    const answer = asked.get(name) ?? { list: null, reason: null };
    const list = answer.list ?? kept.get(name) ?? null;
    if (list !== null) instrumentMaps.set(name, list);
    const from = answer.list !== null ? "exchange" : list === null ? "none" : "kept";
    const ageMs = from === "kept" ? await ageOf(context, loaded, name) : null;
    lists.set(name, { from, instruments: list?.natives.size ?? 0, ageMs, reason: answer.reason });
  }
  return { ...loadAgain(context, path, { settings: {}, loaded, instrumentMaps }), lists };
}

/** What asking for a list came to. */
interface Answer {
  readonly list: ExchangeList | null;
  readonly reason: string | null;
}

function loadAgain(
  context: ServiceContext,
  path: string,
  { settings, loaded, instrumentMaps }: {
    readonly settings: LoadSettings;
    readonly loaded: ReadConfig;
    readonly instrumentMaps: ReadonlyMap<string, ExchangeList>;
  },
): ReadConfig {
  if (instrumentMaps.size === 0) return loaded;
  const { text, files } = loaded;
  return loadFromFiles(context, path, { ...settings, instrumentMaps, text, files });
}

/** The instances whose symbols need their exchange's list. */
function needingLists({ exchanges }: ReadConfig): readonly ExchangePlan[] {
  return exchanges.filter(({ enabled, runnable }) =>
    enabled && runnable !== null && (runnable.unresolved.length > 0 || runnable.selection?.isKnown === false)
  );
}

function keptLists(context: ServiceContext, loaded: ReadConfig): ReadonlyMap<string, ExchangeList> {
  const dataDir = loaded.plan?.run.dataDir;
  if (dataDir === undefined) return new Map();
  return new Map(
    needingLists(loaded).flatMap(({ name }) => {
      const list = readKeptList(context, keptListPath(dataDir, name));
      return list === null ? [] : [[name, list] as const];
    }),
  );
}

/** A kept list; null if there is none, or none that can be read: the collector sets a damaged one aside. */
function readKeptList({ host }: ServiceContext, path: string): ExchangeList | null {
  try {
    const text = host.files.readTextSync(path);
    return text === null ? null : parseKeptList(text);
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

/** How long ago a list was kept, in ms; null if its file has gone since. */
async function ageOf({ host }: ServiceContext, { plan }: ReadConfig, exchange: string): Promise<number | null> {
  const stat = plan === null ? null : await host.files.stat(keptListPath(plan.run.dataDir, exchange));
  return stat === null ? null : Math.max(0, host.clock.nowMicros() / 1000 - stat.modifiedMs);
}

/** Asks the exchanges for the lists that their instances need, all at once, until all are had or the time is over. */
async function askLists(
  { host }: ServiceContext,
  loaded: ReadConfig,
  { exchange, timeoutMs, onAsk }: ListQuestion,
): Promise<ReadonlyMap<string, Answer>> {
  const dataDir = loaded.plan?.run.dataDir;
  const wanted = needingLists(loaded).filter(({ name, runnable }) =>
    (exchange === null || name === exchange) && (runnable?.rest.instruments.length ?? 0) > 0
  );
  if (dataDir === undefined || wanted.length === 0) return new Map();
  onAsk(wanted.map(({ name }) => name));
  const observe = () => {};
  const limits = await readHostLimits({ ...host, path: `${dataDir}/limits.json` });
  const isHad = (name: string) => lists.status(name)?.state === "fetched";
  const over = new AbortController();
  const lists = new InstrumentLists({
    ...host,
    client: new RestClient({ host, limits, observe }),
    dataDir: null,
    observe,
    onChange: () => {
      if (wanted.every(({ name }) => isHad(name))) over.abort();
    },
    onPages: () => {},
  });
  await lists.want(wanted);
  await host.clock.sleep(timeoutMs, over.signal);
  lists.stop();
  const { maps } = lists;
  return new Map(wanted.map(({ name }): [string, Answer] => {
    if (isHad(name)) return [name, { list: maps.get(name) ?? null, reason: null }];
    const error = lists.status(name)?.error ?? null;
    const reason = `no list within ${timeoutMs / 1000} s${error === null ? "" : `: ${error}`}`;
    return [name, { list: null, reason }];
  }));
}
