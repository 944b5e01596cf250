import type { Clock, Files } from "../host/mod.ts";
import { digestOf, readChain } from "../journal/mod.ts";
import type { Pause } from "../lake/mod.ts";
import { Failure, LAKE_CLOSED_AFTER_MS, type Micros, UNKNOWN_EXCHANGE } from "../model/mod.ts";
import { partsOfManifest } from "../sink/mod.ts";
import { type ArchiveFormat, archiveFormat, type DayFile, listDayFiles, ownerJournal } from "./archive_days.ts";
import { buildCertificate, type NextEvent } from "./build_certificate.ts";
import { boundsOfDay, type Certificate, type CertifiedFile, dayAfter } from "./certificate.ts";
import { chainWithin } from "./chain_stretch.ts";
import { DayFacts, type StreamFacts } from "./day_facts.ts";
import { readParquetFile } from "./parquet_events.ts";
import { type ComparisonNote, readComparisons } from "./comparison_notes.ts";
import { type PlanNote, plansWithin, readPlanNotes } from "./plan_notes.ts";
import { sign, type SigningKey } from "./signature.ts";
import { listCertificates, readCertificate, writeCertificate } from "./stored.ts";
import { readCsvFile, readNdjsonFile } from "./text_events.ts";

export interface CertifyOptions {
  readonly host: { readonly files: Files; readonly clock: Clock };
  /** The archive: the folder of a parquet, ndjson or csv sink. */
  readonly dir: string;
  /** Key to sign with; null if certificates are not signed. */
  readonly key: SigningKey | null;
  /** Folder of the journal whose hash chain goes into the certificates; null if none does. */
  readonly journalDir: string | null;
  /** Plans known beside those noted in the archive. */
  readonly plans?: readonly PlanNote[];
  /** Whether the archive's sink receives gaps. Absent: assumed if the archive holds any. */
  readonly tellsGaps?: boolean;
  /** Selects the days. Absent: all. */
  readonly wants?: (exchange: string, date: string) => boolean;
  /** Whether to certify only closed days that are new or have changed. */
  readonly onlyNews: boolean;
  /** Whether to skip days with files that a sink may take back. */
  readonly onlySafe: boolean;
  /** Called after each few ms of work; rejects if the work is given up. */
  readonly pause: Pause;
  /** Reports files that cannot be read; their day gets no certificate. */
  readonly tell: (text: string) => void;
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

export interface CertifyResult {
  readonly written: number;
  readonly days: readonly { readonly exchange: string; readonly date: string }[];
  /** Days that could not be certified. */
  readonly failed: number;
}

/** An exchange and day to certify. */
interface Wanted {
  readonly exchange: string;
  readonly date: string;
  readonly files: readonly DayFile[];
}

/**
 * Writes the certificates of an archive, day by day. Rejects with a `Failure` if the archive, its plans or its journal
 * cannot be read; reports a day whose files cannot be read, and leaves it out.
 */
export async function certifyArchive(options: CertifyOptions): Promise<CertifyResult> {
  return await new Certifier(options, await archiveFormat(options.host.files, options.dir)).run();
}

class Certifier {
  readonly #options: CertifyOptions;
  readonly #files: Files;
  readonly #dir: string;
  readonly #format: ArchiveFormat;
  #journal = "";
  #comparisons: readonly ComparisonNote[] = [];
  #doneBytes = 0;
  #totalBytes = 0;

  constructor(options: CertifyOptions, format: ArchiveFormat) {
    this.#options = options;
    this.#files = options.host.files;
    this.#dir = options.dir;
    this.#format = format;
  }

  async run(): Promise<CertifyResult> {
    const { plans = [] } = this.#options;
    this.#journal = await ownerJournal(this.#files, this.#dir);
    const noted = await readPlanNotes(this.#files, this.#dir);
    this.#comparisons = await readComparisons(this.#files, this.#dir);
    const tellsGaps = await this.#tellsGaps(noted);
    // The plans noted in the archive are in the journal, too.
    const notes = plans.length > 0 ? plans : noted;
    const chain = this.#options.journalDir === null ? [] : await readChain(this.#files, this.#options.journalDir);
    const byDate = Map.groupBy(await this.#wanted(), ({ date }) => date);
    const dates = [...byDate.keys()].sort();
    for (const group of byDate.values()) {
      for (const path of new Set(group.flatMap(({ files }) => files.map((file) => file.path)))) {
        this.#totalBytes += (await this.#files.stat(`${this.#dir}/${path}`))?.bytes ?? 0;
      }
    }
    this.#options.onProgress?.({ doneBytes: 0, totalBytes: this.#totalBytes });
    const days: { exchange: string; date: string }[] = [];
    let failed = 0;
    for (const date of dates) {
      const wanted = byDate.get(date) ?? [];
      try {
        for (const certificate of await this.#certifyDay(date, { wanted, notes, tellsGaps, chain })) {
          const { key } = this.#options;
          await writeCertificate(this.#files, this.#dir, key === null ? certificate : await sign(certificate, key));
          days.push({ exchange: certificate.exchange, date });
        }
      } catch (error) {
        if (!(error instanceof Failure) || error.code === "cancelled") throw error;
        failed += wanted.length;
        this.#options.tell(`${date} is not certified: ${error.message}`);
      }
    }
    return { written: days.length, days, failed };
  }

  /** Time before which a day must have ended to be closed. */
  get #now(): Micros {
    return this.#options.host.clock.nowMicros() - LAKE_CLOSED_AFTER_MS * 1000;
  }

  async #tellsGaps(notes: readonly PlanNote[]): Promise<boolean> {
    const told = this.#options.tellsGaps ?? notes.at(-1)?.tellsGaps;
    if (told !== undefined) return told;
    const path = { parquet: "kind=gap", ndjson: "gap", csv: "gaps" }[this.#format];
    if ((await this.#files.list(`${this.#dir}/${path}`) ?? []).length > 0) return true;
    this.#options.tell(`${this.#dir} holds no gap at all: nothing says what is missing, so nothing counts as covered`);
    return false;
  }

  async #wanted(): Promise<readonly Wanted[]> {
    const { wants = () => true, onlyNews, onlySafe } = this.#options;
    const isOver = (date: string) => boundsOfDay(date)[1] <= this.#now;
    const all = await listDayFiles(this.#files, this.#dir, {
      format: this.#format,
      wants: (date) => !onlyNews || isOver(date),
    });
    const byDay = Map.groupBy(all, ({ date }) => date);
    const unsafe = new Set(onlySafe ? await partsOfManifest(this.#files, this.#dir) : []);
    const found: Wanted[] = [];
    for (const [date, files] of byDay) {
      const exchanges = this.#format === "ndjson"
        ? await this.#exchangesIn(date)
        : [...new Set(files.map(({ exchange }) => exchange ?? ""))];
      for (const exchange of exchanges) {
        if (isAnywhere(exchange) || (exchange !== "" && !wants(exchange, date))) continue;
        const own = files.filter((file) => file.exchange === null || file.exchange === exchange);
        if (own.some(({ path }) => unsafe.has(path))) continue;
        if (onlyNews && await this.#isCurrent(exchange, date, own)) continue;
        found.push({ exchange, date, files: own });
      }
    }
    return found;
  }

  /** Exchanges of a day's lines are known when they are read: those that were certified, and all others as one. */
  async #exchangesIn(date: string): Promise<readonly string[]> {
    const known = (await listCertificates(this.#files, this.#dir)).filter((each) => each.date === date);
    return known.length === 0 ? [""] : known.map(({ exchange }) => exchange);
  }

  /** Whether there is a certificate that another one would say nothing beyond. */
  async #isCurrent(exchange: string, date: string, files: readonly DayFile[]): Promise<boolean> {
    if (exchange === "" && this.#format === "ndjson") return false;
    let known: Certificate | null;
    try {
      known = await readCertificate(this.#files, this.#dir, { exchange, date });
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "corrupt") throw error;
      return false;
    }
    if (known === null || !known.is_closed) return false;
    if (known.signature?.public_key !== this.#options.key?.publicKey) return false;
    if (!known.is_settled && boundsOfDay(dayAfter(date))[1] <= this.#now) return false;
    if (known.files.length !== files.length) return false;
    const bytes = new Map(known.files.map((file) => [file.path, file.bytes]));
    for (const { path } of files) {
      if ((await this.#files.stat(`${this.#dir}/${path}`))?.bytes !== bytes.get(path)) return false;
    }
    return true;
  }

  async #certifyDay(
    date: string,
    { wanted, notes, tellsGaps, chain }: {
      readonly wanted: readonly Wanted[];
      readonly notes: readonly PlanNote[];
      readonly tellsGaps: boolean;
      readonly chain: Awaited<ReturnType<typeof readChain>>;
    },
  ): Promise<readonly Certificate[]> {
    const names = new Set(wanted.map(({ exchange }) => exchange));
    const isWanted = (exchange: string | null) => exchange === null || names.has(exchange);
    const dayFiles = await listDayFiles(this.#files, this.#dir, { format: this.#format, wants: (day) => day === date });
    const facts = new DayFacts();
    const digests = new Map<DayFile, CertifiedFile>();
    for (const file of dayFiles) {
      if (!isWanted(file.exchange) && !isAnywhere(file.exchange)) continue;
      const digest = await this.#digest(file);
      digests.set(file, digest);
      await this.#read(file, facts, digest.bytes);
    }
    const following = await this.#following(date, { facts, isWanted });
    const { wants = () => true } = this.#options;
    const exchanges = this.#format === "ndjson"
      ? facts.exchanges.filter((name) => name !== "" && !isAnywhere(name) && wants(name, date))
      : [...names];
    const anywhere = [UNKNOWN_EXCHANGE, NO_EXCHANGE, ""].flatMap((exchange) => facts.of(exchange).gaps);
    const certificates: Certificate[] = [];
    for (const exchange of exchanges) {
      const bounds = boundsOfDay(date);
      const own = facts.of(exchange);
      certificates.push(buildCertificate({
        exchange,
        date,
        archive: this.#format,
        writtenTs: this.#options.host.clock.nowMicros(),
        isClosed: bounds[1] <= this.#now,
        isSettled: boundsOfDay(dayAfter(date))[1] <= this.#now,
        tellsGaps,
        facts: own,
        anywhere: isAnywhere(exchange) ? [] : anywhere,
        before: await this.#before(exchange, date),
        next: (stream) => following.get(exchange, stream),
        plans: plansWithin(notes, exchange, bounds),
        comparisons: this.#comparisons,
        chain: chainWithin(chain, bounds).filter(({ journal }) => own.journals.has(journal)),
        files: [...digests].filter(([file]) =>
          file.exchange === null || file.exchange === exchange || isAnywhere(file.exchange)
        ).map(([, digest]) => digest),
      }));
    }
    return certificates;
  }

  async #before(exchange: string, date: string): Promise<Certificate | null> {
    try {
      return await readCertificate(this.#files, this.#dir, { exchange, date: dayAfter(date, -1) });
    } catch (error) {
      // It is written anew when its turn comes; until then the day begins with its first event.
      if (error instanceof Failure && error.code === "corrupt") return null;
      throw error;
    }
  }

  /** Reads the next day's gaps, and finds the first event of each stream in it. */
  async #following(
    date: string,
    { facts, isWanted }: {
      readonly facts: DayFacts;
      readonly isWanted: (exchange: string | null) => boolean;
    },
  ): Promise<{ get(exchange: string, stream: StreamFacts): NextEvent | null }> {
    const nextDay = dayAfter(date);
    const files = await listDayFiles(this.#files, this.#dir, {
      format: this.#format,
      wants: (day) => day === nextDay,
    });
    const next = new DayFacts();
    const known = new Set(facts.exchanges);
    for (const file of files) {
      if (!isWanted(file.exchange) && !isAnywhere(file.exchange)) continue;
      // What cannot be read of the next day says nothing of this one.
      try {
        await this.#read(file, next, null);
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== "corrupt") throw error;
        this.#options.tell(`${error.message}; ${date} is certified without it`);
      }
    }
    for (const exchange of next.exchanges) {
      if (!known.has(exchange)) continue;
      next.of(exchange).eachGap((gap) => facts.of(exchange).gap(gap));
    }
    return {
      get: (exchange, { channel, symbol }) => {
        const own = next.of(exchange);
        if (!own.has(channel, symbol)) return null;
        const [first] = [...own.streamOf(channel, symbol).evidence].toSorted(([, a], [, b]) => a.first - b.first);
        return first === undefined ? null : { ts: first[1].first, journal: first[0] };
      },
    };
  }

  async #digest(file: DayFile): Promise<CertifiedFile> {
    const { pause } = this.#options;
    const { bytes, sha256 } = await digestOf(this.#files, `${this.#dir}/${file.path}`, pause);
    this.#doneBytes += bytes;
    this.#options.onProgress?.({ doneBytes: this.#doneBytes, totalBytes: this.#totalBytes });
    return { path: file.path, bytes, sha256 };
  }

  /** `bytes`: what the digest is of; null: all that there is. */
  async #read(file: DayFile, facts: DayFacts, bytes: number | null): Promise<void> {
    const { pause } = this.#options;
    if (this.#format === "parquet") {
      return await readParquetFile(this.#files, this.#dir, { file, facts: facts.of(file.exchange ?? ""), pause });
    }
    const length = bytes ?? (await this.#files.stat(`${this.#dir}/${file.path}`))?.bytes ?? 0;
    const read = this.#format === "ndjson" ? readNdjsonFile : readCsvFile;
    await read(this.#files, this.#dir, { file, bytes: length, facts, journal: this.#journal, pause });
  }
}

/** Folder of events without an exchange. */
const NO_EXCHANGE = "__HIVE_DEFAULT_PARTITION__";

/** Whether events name no known exchange: their gaps may concern any. */
export function isAnywhere(exchange: string | null): boolean {
  return exchange === UNKNOWN_EXCHANGE || exchange === NO_EXCHANGE;
}
