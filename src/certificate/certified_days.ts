import type { Files, FileStat } from "../host/mod.ts";
import {
  type Coverage,
  COVERAGE_CERTIFICATE_BYTES_MAX,
  COVERAGE_KEPT_MAX,
  COVERAGE_UNREADABLE_MAX,
  type CoverageDay,
  type CoverageRow,
  Failure,
} from "../model/mod.ts";
import { CERTIFICATES_FOLDER } from "./archive_days.ts";
import { boundsOfDay, type Certificate } from "./certificate.ts";
import { certificatePath, readCertificate } from "./stored.ts";

/** A folder with certificates, and the sink that writes into it. */
export interface CertifiedFolder {
  readonly sink: string;
  readonly dir: string;
}

/** The streams of a certificate. */
type Entries = readonly (Pick<CoverageRow, "channel" | "symbol"> & CoverageDay)[];

interface Kept {
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly entries: Entries;
}

/** Reads the coverage of days from certificates. Caches each certificate until its file changes. */
export class CertifiedDays {
  readonly #files: Files;
  readonly #kept = new Map<string, Kept>();

  constructor(files: Files) {
    this.#files = files;
  }

  /** Reads the coverage of days. Never rejects with a `Failure`: the result lists unreadable certificates. */
  async read(folders: readonly CertifiedFolder[], days: readonly string[]): Promise<Coverage> {
    const rows = new Map<string, CoverageRow & { readonly days: (CoverageDay | null)[] }>();
    const unreadable: string[] = [];
    const tell = (error: unknown) => {
      if (!(error instanceof Failure)) throw error;
      if (unreadable.length < COVERAGE_UNREADABLE_MAX) unreadable.push(error.message);
    };
    for (const { sink, dir } of folders) {
      const exchanges = await this.#exchanges(dir).catch(tell) ?? [];
      for (const exchange of exchanges) {
        for (const [at, date] of days.entries()) {
          const entries = await this.#entries(dir, { exchange, date }).catch(tell) ?? [];
          for (const { channel, symbol, ...day } of entries) {
            const key = JSON.stringify([sink, exchange, channel, symbol]);
            let row = rows.get(key);
            if (row === undefined) {
              row = { sink, exchange, channel, symbol, days: days.map(() => null) };
              rows.set(key, row);
            }
            row.days[at] = day;
          }
        }
      }
    }
    return { days, rows: [...rows].sort(([a], [b]) => a < b ? -1 : 1).map(([, row]) => row), unreadable };
  }

  async #exchanges(dir: string): Promise<readonly string[]> {
    const found = await this.#files.list(`${dir}/${CERTIFICATES_FOLDER}`) ?? [];
    return found.filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  }

  async #entries(dir: string, day: { readonly exchange: string; readonly date: string }): Promise<Entries> {
    const path = `${dir}/${certificatePath(day.exchange, day.date)}`;
    const stat = await this.#files.stat(path);
    if (stat === null) {
      this.#kept.delete(path);
      return [];
    }
    const kept = this.#kept.get(path);
    if (kept !== undefined && kept.bytes === stat.bytes && kept.modifiedMs === stat.modifiedMs) return kept.entries;
    return await this.#readAnew(dir, day, { path, stat });
  }

  async #readAnew(
    dir: string,
    day: { readonly exchange: string; readonly date: string },
    { path, stat: { bytes, modifiedMs } }: { readonly path: string; readonly stat: FileStat },
  ): Promise<Entries> {
    if (bytes > COVERAGE_CERTIFICATE_BYTES_MAX) {
      throw new Failure("corrupt", `${path} has ${bytes} bytes, more than are read while data is collected`);
    }
    const certificate = await readCertificate(this.#files, dir, day);
    const entries = certificate === null ? [] : entriesOf(certificate);
    this.#kept.delete(path);
    // Evicts the oldest.
    for (const eldest of this.#kept.keys()) {
      if (this.#kept.size < COVERAGE_KEPT_MAX) break;
      this.#kept.delete(eldest);
    }
    this.#kept.set(path, { bytes, modifiedMs, entries });
    return entries;
  }
}

function entriesOf({ date, streams, is_settled }: Certificate): Entries {
  const [from, to] = boundsOfDay(date);
  return streams.map(({ channel, symbol, covered_us, gaps }) => ({
    channel,
    symbol,
    share: Math.min(1, Math.max(0, covered_us / (to - from))),
    gaps: gaps.length,
    isSettled: is_settled,
  }));
}
