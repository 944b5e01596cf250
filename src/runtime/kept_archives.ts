import {
  type ArchiveFormat,
  type CertifiedFolder,
  certifyArchive,
  type ComparisonNote,
  noteComparisons,
  notePlans,
  type PlanNote,
  proofsOf,
  readSigningKey,
} from "../certificate/mod.ts";
import type { Host } from "../host/mod.ts";
import type { KeptArchive } from "../lake/mod.ts";
import { CERTIFICATE_DAYS_BACK, Failure, type FramePlan, type Micros, type Plan, type SinkPlan } from "../model/mod.ts";
import { sinkTypeOf } from "../sink/mod.ts";

/** Types of sinks whose days are certified. */
const CERTIFIED: ReadonlySet<string> = new Set<ArchiveFormat>(["parquet", "ndjson", "csv"]);
const DAY_MS = 86_400_000;

/** The plans that instances have run by since the start, as certificates name them. */
export class PlanNotes {
  #notes: readonly Omit<PlanNote, "tellsGaps">[] = [];

  note(
    exchange: string,
    { hash, frames, at }: { readonly hash: string; readonly frames: FramePlan; readonly at: Micros },
  ) {
    const last = this.#notes.findLast((note) => note.exchange === exchange);
    if (last?.hash === hash) return;
    const notes = [...this.#notes, { at, exchange, hash, proofs: proofsOf(frames) }];
    // A plan that ended before the days that are certified stays only in the archives, which were told of it.
    const sinceUs = at - (CERTIFICATE_DAYS_BACK + 1) * DAY_MS * 1000;
    const endOf = new Map<string, Micros>();
    const isKept = (note: Omit<PlanNote, "tellsGaps">) => {
      const end = endOf.get(note.exchange) ?? Infinity;
      endOf.set(note.exchange, note.at);
      return end >= sinceUs;
    };
    this.#notes = notes.toReversed().filter(isKept).toReversed();
  }

  /** Returns the notes for a sink's archive, with whether the sink receives gaps. */
  for({ kinds }: SinkPlan): readonly PlanNote[] {
    return this.#notes.map((note) => ({ ...note, tellsGaps: kinds === null || kinds.includes("gap") }));
  }
}

/** What comparing books with the exchanges' own snapshots came to since the start, by instance, day and symbol. */
export class Comparisons {
  readonly #totals = new Map<string, ComparisonNote>();
  /** What each archive has been told, by its folder: it stays over a reload, which makes the archives anew. */
  readonly #told = new Map<string, ReadonlyMap<string, ComparisonNote>>();

  note(exchange: string, symbol: string, { isSame, at }: { readonly isSame: boolean; readonly at: Micros }): void {
    const date = new Date(at / 1000).toISOString().slice(0, 10);
    const key = JSON.stringify([exchange, date, symbol]);
    const { same = 0, different = 0 } = this.#totals.get(key) ?? {};
    const counts = { same: same + (isSame ? 1 : 0), different: different + (isSame ? 0 : 1) };
    this.#totals.set(key, { exchange, date, symbol, ...counts });
    // What lies days back was written long ago.
    for (const [old, note] of this.#totals) {
      if (Date.parse(note.date) >= Date.parse(date) - 3 * DAY_MS) break;
      this.#totals.delete(old);
    }
  }

  /** Tells the archive of a folder what has come since it was told last. What cannot be written is told again. */
  async tell(dir: string, write: (news: readonly ComparisonNote[]) => Promise<void>): Promise<void> {
    const told = this.#told.get(dir);
    const totals = [...this.#totals];
    await write(totals.flatMap(([key, note]) => {
      const { same = 0, different = 0 } = told?.get(key) ?? {};
      const news = { ...note, same: note.same - same, different: note.different - different };
      return news.same + news.different === 0 ? [] : [news];
    }));
    this.#told.set(dir, new Map(totals));
  }
}

/** Returns the archives to maintain while the collector runs: merged, and certified day by day. */
export function keptArchives(
  host: Host,
  plan: Plan,
  { notes, comparisons }: { readonly notes: PlanNotes; readonly comparisons: Comparisons },
): readonly KeptArchive[] {
  return plan.sinks.flatMap((sink): readonly KeptArchive[] => {
    const type = sinkTypeOf(sink);
    const merged = type.archive(sink);
    const dir = type.folder(sink);
    if (dir === null || (merged === null && !(plan.run.certificates && CERTIFIED.has(sink.type)))) return [];
    const archive = { sink: sink.name, dir, compacts: merged !== null };
    if (!plan.run.certificates || !CERTIFIED.has(sink.type)) return [archive];
    const target = { sink, dir, notes, comparisons };
    return [{ ...archive, afterwards: certifier(host, plan, target), atEnd: () => writeNotes(host, target) }];
  });
}

/** Returns the sinks' folders that may hold certificates, even if the sinks write none today. */
export function certifiedFolders(sinks: readonly SinkPlan[]): readonly CertifiedFolder[] {
  return sinks.flatMap((sink): readonly CertifiedFolder[] => {
    const dir = CERTIFIED.has(sink.type) ? sinkTypeOf(sink).folder(sink) : null;
    return dir === null ? [] : [{ sink: sink.name, dir }];
  });
}

interface Target {
  readonly sink: SinkPlan;
  readonly dir: string;
  readonly notes: PlanNotes;
  readonly comparisons: Comparisons;
}

/** Writes the plan notes, unless the sink has not made its folder yet. */
async function writeNotes({ files }: Host, { sink, dir, notes, comparisons }: Target): Promise<void> {
  if (await files.stat(`${dir}/_owner.json`) === null) return;
  await notePlans(files, dir, notes.for(sink));
  await comparisons.tell(dir, (news) => noteComparisons(files, dir, news));
}

function certifier(
  host: Host,
  { run }: Plan,
  target: Target,
): NonNullable<KeptArchive["afterwards"]> {
  const { sink, dir } = target;
  return async (work) => {
    await writeNotes(host, target);
    if (await host.files.stat(`${dir}/_owner.json`) === null) return;
    const since = new Date(host.clock.nowMs() - CERTIFICATE_DAYS_BACK * DAY_MS).toISOString().slice(0, 10);
    await certifyArchive({
      host,
      dir,
      key: run.certificateKeyPath === null ? null : await readKey(host, run.certificateKeyPath),
      journalDir: `${run.dataDir}/journal`,
      tellsGaps: sink.kinds === null || sink.kinds.includes("gap"),
      wants: (_exchange, date) => date >= since,
      onlyNews: true,
      onlySafe: true,
      ...work,
    });
  };
}

async function readKey(host: Host, path: string) {
  const text = await host.files.readText(path);
  if (text === null) throw new Failure("file", `Cannot sign certificates: there is no key ${path}`, { retry: false });
  return await readSigningKey(text, path);
}
