import type { Host } from "../host/mod.ts";
import type { DroppedRecord } from "../model/mod.ts";
import type { CollectorNames } from "./collector_names.ts";
import type { Cursors } from "./cursors.ts";
import type { SegmentHeader } from "./format.ts";
import { lockFolder } from "./folder_lock.ts";
import { segmentPaths } from "./own_segments.ts";
import { writeSegment } from "./recovery.ts";
import { encodeStandIn } from "./segment_head.ts";
import type { Segment } from "./segment.ts";

/** How often the lock is checked, in ms. */
const CHECK_MS = 5_000;

/** The folder that a journal is written to: its files other than segments, and restoring missing files. */
export class JournalFolder {
  readonly #host: Pick<Host, "clock" | "files" | "processId">;
  readonly #dir: string;
  readonly #cursors: Cursors;
  #lock: Awaited<ReturnType<typeof lockFolder>>;
  #checkedMs: number;

  constructor(
    host: Pick<Host, "clock" | "files" | "processId">,
    parts: {
      readonly dir: string;
      readonly cursors: Cursors;
      readonly lock: Awaited<ReturnType<typeof lockFolder>>;
    },
  ) {
    this.#host = host;
    this.#dir = parts.dir;
    this.#cursors = parts.cursors;
    this.#lock = parts.lock;
    this.#checkedMs = host.clock.monotonicMs();
  }

  /**
   * Checks the lock now and then, and takes it again if its file is gone. Rejects with `busy` if another process has
   * taken it.
   */
  async check(): Promise<void> {
    const nowMs = this.#host.clock.monotonicMs();
    if (nowMs - this.#checkedMs < CHECK_MS) return;
    if (!await this.#lock.isCurrent() && await this.#host.files.stat(this.#dir) !== null) await this.#takeLock();
    this.#checkedMs = nowMs;
  }

  /** Restores the folder, its lock, id and names, and the folder of the cursors, if they are gone. */
  async restore(id: string, names: CollectorNames): Promise<void> {
    const { files } = this.#host;
    await files.makeDir(this.#dir);
    if (!await this.#lock.isCurrent()) await this.#takeLock();
    await this.#cursors.prepare();
    const path = `${this.#dir}/id`;
    if (await files.readText(path) === null) await files.writeAtomic(path, new TextEncoder().encode(`${id}\n`));
    await names.restore(files, this.#dir);
  }

  /** Whether a segment's file exists, plain or sealed. */
  async holds(segment: Segment): Promise<boolean> {
    for (const path of segmentPaths(this.#dir, segment.firstOffset)) {
      if (await this.#host.files.stat(path) !== null) return true;
    }
    return false;
  }

  /** Renames a file that has a segment's name but is not that segment. */
  async moveAway({ firstOffset }: Segment): Promise<void> {
    const { files, clock } = this.#host;
    for (const path of segmentPaths(this.#dir, firstOffset)) {
      if (await files.stat(path) !== null) await files.rename(path, `${path}.${clock.nowMicros()}.damaged`);
    }
  }

  /** Writes a stand-in for a missing segment, with one dropped record. */
  async writeStandIn(header: SegmentHeader, record: DroppedRecord): Promise<Segment> {
    const { firstOffset, createdAt, version, journal } = header;
    const chunks = encodeStandIn({ firstOffset, createdAt, version, journal }, record);
    await writeSegment(this.#host.files, this.#dir, { firstOffset, chunks });
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    return {
      ...{ firstOffset, createdAt, version, journal, headBytes: 0, sealed: false },
      syncedBytes: bytes,
      plannedBytes: bytes,
      fileBytes: bytes,
      nextOffset: record.toOffset ?? firstOffset + 1,
    };
  }

  /** Releases the folder. */
  async release(): Promise<void> {
    await this.#lock.release();
  }

  async #takeLock(): Promise<void> {
    const before = this.#lock;
    this.#lock = await lockFolder(this.#host, this.#dir);
    await before.release({ keepHolder: true });
  }
}
