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

/** Looks after the segments that are no longer written: compresses them, and deletes them when their time has come. */
export class Retention {
  readonly #options: JournalOptions;
  /** Shared with the journal: the last one is being written. */
  readonly #segments: Segment[];
  readonly #cursors: Cursors;
  /** Whether the journal is at its cap. */
  readonly #isFull: () => boolean;
  /** Called when the bytes on disk have become less. */
  readonly #onChanged: () => void;
  /** Puts another segment in the place of one whose file is gone. */
  readonly #onGone: (segment: Segment) => Promise<void>;
  /** How far the clock was set since the record at an offset. */
  readonly #stepsSince: (offset: Offset) => Micros;
  /** Runs what nobody else may put a segment in the place of another meanwhile. */
  readonly #exclusively: (work: () => Promise<void>) => Promise<void>;
  /** Segments that nobody reads any more and whose files are being deleted, oldest first. */
  readonly #leaving: Segment[] = [];
  readonly #journal: string;
  readonly #chain: HashChain;
  readonly #stop = new AbortController();
  #olderBytes = 0;
  /** When archiving may be tried again after it failed, by the monotonic clock, in ms. */
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

  /** Bytes on disk of all segments but the one being written. */
  get olderBytes(): number {
    return this.#olderBytes;
  }

  /** To be called when segments came or went. */
  recount(): void {
    let bytes = 0;
    for (const segment of [...this.#leaving, ...this.#segments.slice(0, -1)]) {
      bytes += segment.sealed ? segment.fileBytes : segment.plannedBytes;
    }
    this.#olderBytes = bytes;
  }

  /** Asks for the archive, so that one which cannot be reached is told at the start and not hours later. */
  lookForArchive(): void {
    const { host, plan, observer } = this.#options;
    if (plan.archiveDir === null) return;
    host.files.stat(plan.archiveDir).catch((error) => {
      if (!(error instanceof Failure)) throw error;
      observer({ kind: "journal_warning", code: "archive", text: `Cannot reach the archive: ${error.message}` });
    });
  }

  /** Compresses what waits, one segment after the other. What fails stays plain and is tried again later. */
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

  /** Gives up compression that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#sealing;
    await this.#removing;
  }

  /** Deletes oldest segments first, so that what is left has no hole whenever it ends. */
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
        // Readers may have passed it meanwhile, and those that wait for room commit nothing more.
        if (this.#isFull()) await this.removePassed();
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        this.#options.observer({ kind: "journal_warning", code: "sealing", text: error.message });
        // Where its file is gone it is replaced, and sealed with the next round.
        await this.#replaceGone(segment);
        return;
      } finally {
        this.#sealingSegment = null;
      }
    }
  }

  /** Where the chain cannot be gone on with, the next round adds what is missing. */
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
    const bytes = await sealSegment(files, dir, { segment, compressor, signal: this.#stop.signal });
    if (bytes === null) return false;
    segment.fileBytes = bytes;
    this.recount();
    observer({ kind: "journal_segment_sealed", segment: segmentName(segment), bytes });
    this.#onChanged();
    return true;
  }

  /** The oldest plain segment whose follower is safe on disk. */
  #sealable(): Segment | undefined {
    return this.#segments.find((segment, i) => !segment.sealed && (this.#segments.at(i + 1)?.syncedBytes ?? 0) > 0);
  }

  async #removePassed(): Promise<void> {
    // What could not be deleted before goes first.
    await this.#deleteLeaving();
    const passed = this.#cursors.passed;
    if (passed === null) return;
    const { host, plan } = this.#options;
    while (this.#segments.length > 1) {
      const [oldest, after] = this.#segments;
      // It ended when the next one began; where the clock was set since, that is not the time that has passed.
      const ageMicros = host.clock.nowMicros() - after.createdAt - this.#stepsSince(after.firstOffset);
      const isDue = ageMicros >= plan.retainHours * MICROS_PER_HOUR || this.#isFull();
      if (plan.archiveDir !== null && !oldest.sealed) return;
      if (after.firstOffset > passed || !isDue || oldest === this.#sealingSegment || after.syncedBytes === 0) return;
      if (plan.archiveDir !== null && !await this.#archive(oldest, plan.archiveDir)) return;
      await this.#remove(oldest);
    }
  }

  /** Resolves with whether it is in the archive: where it cannot be put there it stays, and is tried again later. */
  async #archive(segment: Segment, archive: string): Promise<boolean> {
    const { host, dir, observer } = this.#options;
    // Reading a whole segment for nothing at every commit would be noticed.
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
   * Takes a segment out of the journal before its files go: who finds a listed segment without a file takes its records
   * for lost, and who compresses one takes it from the list.
   */
  async #remove(segment: Segment): Promise<void> {
    await this.#exclusively(async () => {
      if (this.#segments[0] !== segment || segment === this.#sealingSegment) return;
      this.#segments.shift();
      this.#leaving.push(segment);
      await this.#deleteLeaving();
    });
  }

  /** Where it rejects, what is left is deleted with the next removal, and counts meanwhile. */
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
