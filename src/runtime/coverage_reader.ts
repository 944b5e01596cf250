import { CertifiedDays } from "../certificate/mod.ts";
import type { Files } from "../host/mod.ts";
import type { Coverage, SinkPlan } from "../model/mod.ts";
import { certifiedFolders } from "./kept_archives.ts";

/** Reads the coverage of days. Concurrent requests for the same days share one answer. */
export class CoverageReader {
  readonly #days: CertifiedDays;
  readonly #reading = new Map<string, Promise<Coverage>>();
  /** Reads run one after the other, to leave the disk to the journal and the sinks. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(files: Files) {
    this.#days = new CertifiedDays(files);
  }

  /** Returns what the certificates in the sinks' folders say of the days. */
  read(sinks: readonly SinkPlan[], days: readonly string[]): Promise<Coverage> {
    const folders = certifiedFolders(sinks);
    const key = JSON.stringify([folders, days]);
    const known = this.#reading.get(key);
    if (known !== undefined) return known;
    const reading = this.#last.then(() => this.#days.read(folders, days)).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    this.#last = reading.catch(() => {});
    return reading;
  }
}
