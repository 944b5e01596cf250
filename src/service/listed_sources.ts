import { type ExchangeList, type ExchangePlan, Failure } from "../model/mod.ts";
import { InstrumentLists, keptListPath, parseKeptList, readHostLimits, RestClient } from "../rest/mod.ts";
import type { ServiceContext } from "./context.ts";
import { hasErrors, loadFromFiles, type LoadSettings, type ReadConfig } from "./sources.ts";

/** The instrument list by which an instance was planned, outside a run. */
export interface ListSource {
  /** `kept`: of an earlier run, in the data folder. `none`: its patterns select nothing yet. */
  readonly from: "exchange" | "kept" | "none";
  /** Instruments of the list. */
  readonly instruments: number;
  /** Age of a kept list in ms; null for others. */
  readonly ageMs: number | null;
  /** Why the exchange's current list is not used; null if it is, or was not requested. */
  readonly reason: string | null;
}

/** A configuration with the lists of its instances; instances that need none are absent. */
export type ListedConfig = ReadConfig & { readonly lists: ReadonlyMap<string, ListSource> };

/** Options of requesting the lists. */
export interface ListQuestion {
  /** The instance to request a list for; null for every one that needs a list. */
  readonly exchange: string | null;
  /** Longest wait for all lists together, in ms. */
  readonly timeoutMs: number;
  /** Called with the exchanges before they are asked. */
  readonly onAsk: (exchanges: readonly string[]) => void;
}

/** Loads as `loadFromFiles`, with the instrument lists that an earlier run kept in the data folder. */
export function loadWithKeptLists(context: ServiceContext, path: string, settings: LoadSettings = {}): ReadConfig {
  const loaded = loadFromFiles(context, path, settings);
  return loadAgain(context, path, { settings, loaded, instrumentMaps: keptLists(context, loaded) });
}

/**
 * Loads as `loadWithKeptLists`, with the exchanges' current lists: requests each within the limits of its descriptor
 * and of a collector on the same folder. Uses the kept list if an exchange does not answer in time. Requests nothing if
 * `question` is null or the configuration has errors. Writes nothing.
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

/** Result of requesting a list. */
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

/** Returns the instances whose symbols need their exchange's list. */
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

/** Reads a kept list; null if there is none that can be read. The collector sets a damaged one aside. */
function readKeptList({ host }: ServiceContext, path: string): ExchangeList | null {
  try {
    const text = host.files.readTextSync(path);
    return text === null ? null : parseKeptList(text);
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

/** Returns the age of a kept list in ms; null if its file is gone. */
async function ageOf({ host }: ServiceContext, { plan }: ReadConfig, exchange: string): Promise<number | null> {
  const stat = plan === null ? null : await host.files.stat(keptListPath(plan.run.dataDir, exchange));
  return stat === null ? null : Math.max(0, host.clock.nowMicros() / 1000 - stat.modifiedMs);
}

/** Requests the needed lists from all exchanges at once, until all have come or the time is over. */
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
