import type { Clock, FileHandle, Files } from "../host/mod.ts";
import { Failure, type Offset } from "../model/mod.ts";
import { plainName } from "./names.ts";
import type { Segment } from "./segment.ts";

/** What one group commit writes to one segment. */
export interface Batch {
  readonly segment: Segment;
  /** Those of a head are made as they are written. */
  readonly chunks: Iterable<Uint8Array>;
  /** Bytes of all chunks; of a head what was made so far. */
  readonly bytes: number;
  readonly records: number;
  /** Offset after its last record. */
  readonly nextOffset: Offset;
  /** When its first record was appended, on the monotonic clock. */
  readonly sinceMs: number;
  /** Whether it is the plans and the checkpoint with which a segment begins, which nobody waits for. */
  readonly isHead: boolean;
}

/** The segment that is being written is not in its folder any more: it was removed, or its folder was. */
export class SegmentGone extends Failure {
  constructor(path: string) {
    super("file", `Cannot write ${path}: the file is gone from its folder`);
  }
}

/** Writes batches in order, each synced before the next is begun. A batch that failed is kept and written again. */
export class BatchWriter {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #dir: string;
  readonly #onSynced: (batch: Batch, durationMs: number) => void;
  readonly #queue: Batch[] = [];
  #handle: FileHandle | null = null;
  #handleOf: Segment | null = null;
  /** Whether bytes of a batch that failed may stand behind the synced ones. */
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

  /** Bytes of records that wait; what a segment begins with does not count. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether anything waits. */
  get isBusy(): boolean {
    return this.#queue.length > 0;
  }

  /** Since when the oldest record waits, on the monotonic clock; null where none does. */
  get sinceMs(): number | null {
    return this.#queue.at(0)?.sinceMs ?? null;
  }

  push(batch: Batch): void {
    this.#queue.push(batch);
    if (!batch.isHead) this.#bytes += batch.bytes;
  }

  /** Gives up all that waits, because its segment is gone. */
  async abandon(): Promise<void> {
    this.#queue.length = 0;
    this.#bytes = 0;
    this.#torn = false;
    await this.closeHandle();
  }

  /**
   * Writes and syncs all that waits. Rejects with the `Failure` of the first batch that could not be made safe; it and
   * those after it stay. After a failed sync the system may have forgotten what it had not written, so that the batch is
   * cut off and written anew rather than synced again.
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

  /** Lets go of the file that is open. */
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

  /** Nothing is appended to a file of others, and a segment that is gone is not begun in its middle. */
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
