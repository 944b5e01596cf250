import type { Clock } from "../host/mod.ts";
import { SegmentGone } from "./batch_writer.ts";
import type { CollectorNames } from "./collector_names.ts";
import { FORMAT_VERSION } from "./format.ts";
import type { JournalFolder } from "./journal_folder.ts";
import { lostRecord } from "./mend.ts";
import { plainName } from "./names.ts";
import { type Segment, segmentName } from "./segment.ts";

/** The journal whose files may be gone. */
export interface GoneFilesOptions {
  /** Identity of the journal. */
  readonly journal: string;
  readonly dir: string;
  readonly clock: Clock;
  readonly folder: JournalFolder;
  readonly names: CollectorNames;
  /** Segments of the journal, the one being written last; stand-ins are put into this list. */
  readonly segments: Segment[];
  /** Called when a stand-in has replaced a segment. */
  readonly onReplaced: () => void;
  /** Called when a reader finds that the segment being written is gone, so that the writer checks it. */
  readonly onActiveGone: () => void;
  /** Called with a text that names the lost records. */
  readonly onLost: (text: string) => void;
}

/** Restores missing files of a journal's folder while the journal is in use. */
export class GoneFiles {
  readonly #options: GoneFilesOptions;
  /** Whether a reader found that the segment being written is gone. */
  #isActiveSuspected = false;
  /** Whether files must be restored before anything is written. */
  #mustRestore = false;
  /** The segment whose file vanished while it was being written; null if there is none. */
  #lost: Segment | null = null;
  #replacing: Promise<void> = Promise.resolve();

  constructor(options: GoneFilesOptions) {
    this.#options = options;
  }

  /** Notes that the segment being written is gone, before the next one is begun. */
  noteLost(active: Segment): void {
    this.#isActiveSuspected = false;
    this.#lost = active;
    this.#mustRestore = true;
  }

  /** Puts back what is gone, before anything is written. Rejects with `SegmentGone` where the segment being written is. */
  async restore(): Promise<void> {
    const { journal, folder, names, segments } = this.#options;
    if (this.#isActiveSuspected) throw this.#gone(segments[segments.length - 1]);
    await folder.check();
    if (!this.#mustRestore) return;
    await folder.restore(journal, names);
    if (this.#lost !== null) await folder.moveAway(this.#lost);
    this.#lost = null;
    for (const segment of segments.slice(0, -1)) await this.replace(segment);
    this.#mustRestore = false;
  }

  /**
   * Replaces a missing segment by a stand-in with a dropped record. For the segment being written it rejects, to be
   * retried after the writer has noticed.
   */
  replace(segment: Segment): Promise<void> {
    return this.exclusively(() => this.#replaceIfGone(segment));
  }

  /** Runs work during which no segment may be replaced, one after another. */
  exclusively(work: () => Promise<void>): Promise<void> {
    const done = this.#replacing.then(work);
    this.#replacing = done.catch(() => {});
    return done;
  }

  async #replaceIfGone(segment: Segment): Promise<void> {
    const { journal, clock, folder, segments } = this.#options;
    if (!segments.includes(segment) || await folder.holds(segment)) return;
    if (segment === segments[segments.length - 1]) {
      if (segment.syncedBytes === 0) return;
      this.#isActiveSuspected = true;
      this.#options.onActiveGone();
      throw this.#gone(segment);
    }
    const toOffset = segments[segments.indexOf(segment) + 1].firstOffset;
    const { firstOffset: offset, createdAt: fromTs } = segment;
    const reason = `segment ${segmentName(segment)} was gone from its folder`;
    const record = lostRecord({ offset, toOffset, fromTs, toTs: clock.nowMicros(), reason });
    const standIn = await folder.writeStandIn({ ...segment, version: FORMAT_VERSION, journal }, record);
    segments[segments.indexOf(segment)] = standIn;
    this.#options.onReplaced();
    this.#options.onLost(`Records ${offset} to ${toOffset} are lost: ${reason}; a gap tells it`);
  }

  #gone(segment: Segment): SegmentGone {
    return new SegmentGone(`${this.#options.dir}/${plainName(segment.firstOffset)}`);
  }
}
