import { CertifiedDays } from "../certificate/mod.ts";
import type { Files } from "../host/mod.ts";
import type { Coverage, SinkPlan } from "../model/mod.ts";
import { certifiedFolders } from "./kept_archives.ts";

/** Reads the coverage of days for whoever asks: those that ask for the same days meanwhile get the same answer. */
export class CoverageReader {
  readonly #days: CertifiedDays;
  readonly #reading = new Map<string, Promise<Coverage>>();
  /** One after the other: the disk belongs to what is collected. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(files: Files) {
    this.#days = new CertifiedDays(files);
  }

  /** What the certificates in the folders of sinks say of days. */
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
