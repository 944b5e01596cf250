import { Failure, type Micros, type Offset } from "../model/mod.ts";
import type { Cursors } from "./cursors.ts";
import type { JournalOptions } from "./journal.ts";
import { HashChain } from "./hash_chain.ts";
import { plainName, sealedName } from "./names.ts";
import { archiveSegment } from "./raw_archive.ts";
import { sealSegment } from "./seal.ts";
import { type Segment, segmentName } from "./segment.ts";

const ARCHIVE_RETRY_MS = 60_000;
const MICROS_PER_HOUR = 3_600_000_000;

/** Manages segments that are no longer written: compresses, archives and deletes them. */
export class Retention {
  readonly #options: JournalOptions;
  /** Shared with the journal; the last one is being written. */
  readonly #segments: Segment[];
  readonly #cursors: Cursors;
  /** Whether the journal has reached its limit. */
  readonly #isFull: () => boolean;
  /** Called when the bytes on disk have decreased. */
  readonly #onChanged: () => void;
  /** Replaces a segment whose file is gone. */
  readonly #onGone: (segment: Segment) => Promise<void>;
  /** Returns by how much the clock was set since the record at an offset. */
  readonly #stepsSince: (offset: Offset) => Micros;
  /** Runs work during which no segment may be replaced. */
  readonly #exclusively: (work: () => Promise<void>) => Promise<void>;
  /** Removed segments whose files are being deleted, oldest first. */
  readonly #leaving: Segment[] = [];
  readonly #journal: string;
  readonly #chain: HashChain;
  readonly #stop = new AbortController();
  #olderBytes = 0;
  /** When archiving may be tried again after a failure, in monotonic ms. */
  #archiveAtMs = 0;
  #sealing: Promise<void> | null = null;
  #sealingSegment: Segment | null = null;
  #removing: Promise<void> = Promise.resolve();

  constructor(
    options: JournalOptions,
    shared: {
      readonly segments: Segment[];
      /** The journal's id. */
      readonly journal: string;
      readonly cursors: Cursors;
      readonly isFull: () => boolean;
      readonly onChanged: () => void;
      readonly onGone: (segment: Segment) => Promise<void>;
      readonly stepsSince: (offset: Offset) => Micros;
      readonly exclusively: (work: () => Promise<void>) => Promise<void>;
    },
  ) {
    this.#options = options;
    this.#chain = new HashChain(options.host.files, options.dir);
    this.#segments = shared.segments;
    this.#journal = shared.journal;
    this.#cursors = shared.cursors;
    this.#isFull = shared.isFull;
    this.#onChanged = shared.onChanged;
    this.#onGone = shared.onGone;
    this.#stepsSince = shared.stepsSince;
    this.#exclusively = shared.exclusively;
    this.recount();
  }

  /** Bytes on disk of all segments except the one being written. */
  get olderBytes(): number {
    return this.#olderBytes;
  }

  /** Recounts `olderBytes`. Must be called when segments are added or removed. */
  recount(): void {
    let bytes = 0;
    for (const segment of [...this.#leaving, ...this.#segments.slice(0, -1)]) {
      bytes += segment.sealed ? segment.fileBytes : segment.plannedBytes;
    }
    this.#olderBytes = bytes;
  }

  /** Checks the archive, so that an unreachable one is reported at the start and not hours later. */
  lookForArchive(): void {
    const { host, plan, observer } = this.#options;
    if (plan.archiveDir === null) return;
    host.files.stat(plan.archiveDir).catch((error) => {
      if (!(error instanceof Failure)) throw error;
      observer({ kind: "journal_warning", code: "archive", text: `Cannot reach the archive: ${error.message}` });
    });
  }

  /**
   * Compresses waiting segments in the background, one after another. A segment that fails stays plain and is retried
   * later.
   */
  sealInBackground(): void {
    if (this.#sealing !== null || this.#stop.signal.aborted) return;
    this.#sealing = this.#sealAll().finally(() => {
      this.#sealing = null;
    });
  }

  /** Resolves when nothing is being compressed. */
  async whenSealed(): Promise<void> {
    await this.#sealing;
  }

  /** Abandons compression in progress. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#sealing;
    await this.#removing;
  }

  /** Deletes passed segments, oldest first, so that the rest is contiguous whenever it is interrupted. */
  removePassed(): Promise<void> {
    const removal = this.#removing.then(() => this.#removePassed());
    this.#removing = removal.catch(() => {});
    return removal;
  }

  async #sealAll(): Promise<void> {
    await this.#link();
    for (let segment = this.#sealable(); segment !== undefined; segment = this.#sealable()) {
      this.#sealingSegment = segment;
      try {
        if (!await this.#seal(segment)) return;
        await this.#link();
        this.#sealingSegment = null;
        // Readers may have passed it meanwhile, and those that wait for space commit nothing more.
        if (this.#isFull()) await this.removePassed();
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        this.#options.observer({ kind: "journal_warning", code: "sealing", text: error.message });
        // If its file is gone it is replaced, and sealed in the next round.
        await this.#replaceGone(segment);
        return;
      } finally {
        this.#sealingSegment = null;
      }
    }
  }

  /** Adds sealed segments to the hash chain. After a failure the next round adds what is missing. */
  async #link(): Promise<void> {
    try {
      await this.#chain.follow(this.#segments, this.#journal);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const text = `Cannot add to the hash chain: ${error.message}`;
      this.#options.observer({ kind: "journal_warning", code: "sealing", text });
    }
  }

  async #replaceGone(segment: Segment): Promise<void> {
    try {
      await this.#onGone(segment);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#options.observer({ kind: "journal_warning", code: "lost", text: error.message });
    }
  }

  async #seal(segment: Segment): Promise<boolean> {
    const { host, dir, observer } = this.#options;
    const { files, compressor } = host;
    const copy = await sealSegment(files, dir, { segment, compressor, signal: this.#stop.signal });
    if (copy === null) return false;
    // If its file vanished meanwhile, a stand-in may have replaced it, whose file has the same name.
    await this.#exclusively(() => this.#segments.includes(segment) ? copy.place() : copy.discard());
    if (!segment.sealed) return true;
    segment.fileBytes = copy.bytes;
    this.recount();
    observer({ kind: "journal_segment_sealed", segment: segmentName(segment), bytes: copy.bytes });
    this.#onChanged();
    return true;
  }

  /** Returns the oldest plain segment whose successor is synced. */
  #sealable(): Segment | undefined {
    return this.#segments.find((segment, i) => !segment.sealed && (this.#segments.at(i + 1)?.syncedBytes ?? 0) > 0);
  }

  async #removePassed(): Promise<void> {
    // Files that could not be deleted before come first.
    await this.#deleteLeaving();
    const passed = this.#cursors.passed;
    if (passed === null) return;
    const { host, plan } = this.#options;
    while (this.#segments.length > 1) {
      const [oldest, after] = this.#segments;
      // It ended when the next one began; clock steps since then are subtracted.
      const ageMicros = host.clock.nowMicros() - after.createdAt - this.#stepsSince(after.firstOffset);
      const isDue = ageMicros >= plan.retainHours * MICROS_PER_HOUR || this.#isFull();
      if (plan.archiveDir !== null && !oldest.sealed) return;
      if (after.firstOffset > passed || !isDue || oldest === this.#sealingSegment || after.syncedBytes === 0) return;
      if (plan.archiveDir !== null && !await this.#archive(oldest, plan.archiveDir)) return;
      await this.#remove(oldest);
    }
  }

  /** Archives a segment; resolves with whether it is in the archive. After a failure it stays and is retried later. */
  async #archive(segment: Segment, archive: string): Promise<boolean> {
    const { host, dir, observer } = this.#options;
    // Reading a whole segment in vain at every commit would be too slow.
    if (host.clock.monotonicMs() < this.#archiveAtMs) return false;
    try {
      const { path, bytes } = await archiveSegment(host.files, { dir, archive, segment });
      observer({ kind: "journal_segment_archived", segment: segmentName(segment), path, bytes });
      return true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      observer({ kind: "journal_warning", code: "archive", text: error.message });
      this.#archiveAtMs = host.clock.monotonicMs() + ARCHIVE_RETRY_MS;
      return false;
    }
  }

  /**
   * Removes a segment from the journal before deleting its files, because a listed segment without a file counts as
   * lost, and compression picks segments from the list.
   */
  async #remove(segment: Segment): Promise<void> {
    await this.#exclusively(async () => {
      if (this.#segments[0] !== segment || segment === this.#sealingSegment) return;
      this.#segments.shift();
      this.#leaving.push(segment);
      await this.#deleteLeaving();
    });
  }

  /**
   * Deletes the files of removed segments. If it rejects, the rest is deleted with the next removal, and counts until
   * then.
   */
  async #deleteLeaving(): Promise<void> {
    const { host, dir, observer } = this.#options;
    for (let segment = this.#leaving.at(0); segment !== undefined; segment = this.#leaving.at(0)) {
      await host.files.remove(`${dir}/${plainName(segment.firstOffset)}`);
      await host.files.remove(`${dir}/${sealedName(segment.firstOffset)}`);
      await host.files.syncDir(dir);
      this.#leaving.shift();
      this.recount();
      observer({ kind: "journal_segment_deleted", segment: segmentName(segment), bytes: segment.fileBytes });
      this.#onChanged();
    }
  }
}
