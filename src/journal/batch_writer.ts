import type { Clock, FileHandle, Files } from "../host/mod.ts";
import { Failure, type Offset } from "../model/mod.ts";
import { plainName } from "./names.ts";
import type { Segment } from "./segment.ts";

/** What one group commit writes to one segment. */
export interface Batch {
  readonly segment: Segment;
  /** The bytes to write; those of a head are created as they are written. */
  readonly chunks: Iterable<Uint8Array>;
  /** Bytes of all chunks; for a head, of those created so far. */
  readonly bytes: number;
  readonly records: number;
  /** Offset after its last record. */
  readonly nextOffset: Offset;
  /** When its first record was appended, on the monotonic clock. */
  readonly sinceMs: number;
  /** Whether it is a segment's head (plans and checkpoint), which nobody waits for. */
  readonly isHead: boolean;
}

/** The segment being written is no longer in its folder: it, or the folder, was removed. */
export class SegmentGone extends Failure {
  constructor(path: string) {
    super("file", `Cannot write ${path}: the file is gone from its folder`);
  }
}

/** Writes batches in order, and syncs each before the next. A failed batch is kept and written again. */
export class BatchWriter {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #dir: string;
  readonly #onSynced: (batch: Batch, durationMs: number) => void;
  readonly #queue: Batch[] = [];
  #handle: FileHandle | null = null;
  #handleOf: Segment | null = null;
  /** Whether bytes of a failed batch may follow the synced ones. */
  #torn = false;
  #bytes = 0;

  constructor(
    host: { readonly files: Files; readonly clock: Clock },
    options: { readonly dir: string; readonly onSynced: (batch: Batch, durationMs: number) => void },
  ) {
    this.#files = host.files;
    this.#clock = host.clock;
    this.#dir = options.dir;
    this.#onSynced = options.onSynced;
  }

  /** Bytes of waiting records, without heads of segments. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether anything waits. */
  get isBusy(): boolean {
    return this.#queue.length > 0;
  }

  /** Since when the oldest record waits, on the monotonic clock; null if none does. */
  get sinceMs(): number | null {
    return this.#queue.at(0)?.sinceMs ?? null;
  }

  push(batch: Batch): void {
    this.#queue.push(batch);
    if (!batch.isHead) this.#bytes += batch.bytes;
  }

  /** Drops all waiting batches, because their segment is gone. */
  async abandon(): Promise<void> {
    this.#queue.length = 0;
    this.#bytes = 0;
    this.#torn = false;
    await this.closeHandle();
  }

  /**
   * Writes and syncs all waiting batches. Rejects with the `Failure` of the first batch that failed; it and the later
   * ones stay. After a failed sync the system may have discarded unwritten data, so the batch is cut off and written
   * again rather than only synced again.
   */
  async drain(): Promise<void> {
    for (let batch = this.#queue.at(0); batch !== undefined; batch = this.#queue.at(0)) {
      const startedMs = this.#clock.monotonicMs();
      try {
        await this.#write(batch);
      } catch (error) {
        if (this.#handleOf === batch.segment) this.#torn = true;
        await this.closeHandle();
        throw error;
      }
      this.#queue.shift();
      if (!batch.isHead) this.#bytes -= batch.bytes;
      batch.segment.syncedBytes += batch.bytes;
      batch.segment.fileBytes = batch.segment.syncedBytes;
      this.#onSynced(batch, this.#clock.monotonicMs() - startedMs);
    }
  }

  /** Closes the open file. */
  async closeHandle(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    this.#handleOf = null;
    await handle?.close();
  }

  async #write(batch: Batch): Promise<void> {
    const { segment } = batch;
    const handle = await this.#open(segment);
    for (const chunk of batch.chunks) await handle.write(chunk);
    await handle.sync();
    if (!await handle.isCurrent()) throw new SegmentGone(this.#path(segment));
    if (segment.syncedBytes === 0) await this.#files.syncDir(this.#dir);
  }

  async #open(segment: Segment): Promise<FileHandle> {
    if (this.#handle !== null && this.#handleOf === segment) return this.#handle;
    await this.closeHandle();
    const path = this.#path(segment);
    await this.#checkPath(path, segment);
    const handle = await this.#files.open(path, "append");
    this.#handle = handle;
    this.#handleOf = segment;
    if (this.#torn) {
      await this.#cutTorn(handle, segment);
      this.#torn = false;
    }
    return handle;
  }

  /**
   * Checks that nothing is appended to another's file, and that a missing segment is not created without its beginning.
   */
  async #checkPath(path: string, segment: Segment): Promise<void> {
    const stat = await this.#files.stat(path);
    if (stat === null && segment.syncedBytes > 0) throw new SegmentGone(path);
    if (stat === null || segment.syncedBytes > 0 || this.#torn || stat.bytes === 0) return;
    throw new Failure("file", `Cannot begin segment ${path}: there is a file of that name`);
  }

  #path(segment: Segment): string {
    return `${this.#dir}/${plainName(segment.firstOffset)}`;
  }

  async #cutTorn(handle: FileHandle, segment: Segment): Promise<void> {
    const stat = await this.#files.stat(`${this.#dir}/${plainName(segment.firstOffset)}`);
    const bytes = stat?.bytes ?? 0;
    if (bytes < segment.syncedBytes) {
      throw new Failure(
        "corrupt",
        `Cannot write segment ${
          plainName(segment.firstOffset)
        }: it has ${bytes} bytes, ${segment.syncedBytes} were synced`,
        { retry: false },
      );
    }
    if (bytes > segment.syncedBytes) await handle.truncate(segment.syncedBytes);
  }
}
