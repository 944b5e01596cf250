import type { Files } from "../host/mod.ts";
import { type PlacedSegment, segmentPath } from "./placed_segment.ts";

/** How far files have been read, in bytes on disk. */
export interface JournalProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Reports how far the segments of a journal have been read. */
export class ReadProgress {
  /** Bytes before each segment, and after the last one. */
  readonly #before: readonly number[];
  readonly #tell: (progress: JournalProgress) => void;

  private constructor(sizes: readonly number[], tell: (progress: JournalProgress) => void) {
    const before = [0];
    for (const bytes of sizes) before.push(before[before.length - 1] + bytes);
    this.#before = before;
    this.#tell = tell;
  }

  /** Creates the progress; null without a callback. */
  static async start(
    files: Files,
    segments: readonly PlacedSegment[],
    tell: ((progress: JournalProgress) => void) | undefined,
  ): Promise<ReadProgress | null> {
    if (tell === undefined) return null;
    const sizes: number[] = [];
    for (const segment of segments) sizes.push((await files.stat(segmentPath(segment)))?.bytes ?? 0);
    const progress = new ReadProgress(sizes, tell);
    progress.at(0);
    return progress;
  }

  /** Reports that all segments before an index, and `bytes` of that one, are read. */
  at(index: number, bytes = 0): void {
    const totalBytes = this.#before[this.#before.length - 1];
    const end = this.#before[index + 1] ?? totalBytes;
    this.#tell({ doneBytes: Math.min(this.#before[index] + bytes, end), totalBytes });
  }
}
