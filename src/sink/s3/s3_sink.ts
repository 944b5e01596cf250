import {
  type EventBatch,
  EventRows,
  Failure,
  joinBytes,
  type Offset,
  SINK_BUFFER_BYTES_MAX,
  SINK_ENCODED_BYTES_MAX,
  SINK_PARTITIONS_MAX,
} from "../../model/mod.ts";
import { FlushSchedule } from "../parquet/flush_schedule.ts";
import { OpenPart, sealInTurns } from "../parquet/open_part.ts";
import { type Layout, partitionOf, partitionPath } from "../parquet/partition.ts";
import { pathPart } from "../path_part.ts";
import { rowsOf, type Sink, type SinkBatch } from "../sink.ts";
import type { SinkContext } from "../sink_type.ts";
import { type Bucket, type Condition, ObjectStore } from "./object_store.ts";
import { parsePosition, type Position, positionText } from "./position.ts";

/** Options of an S3 sink. */
export interface S3Plan {
  readonly bucket: Bucket;
  /** Prefix of every object's key; ends in `/` unless it is empty. */
  readonly prefix: string;
  readonly partMs: number;
  readonly partRows: number;
  readonly filesPerHour: number;
  readonly layout: Layout;
  readonly exactDigits: boolean;
}

/** Parts sent at the same time. */
const PUTS_AT_ONCE = 4;

/**
 * Parquet parts as objects: `kind=…/exchange=…/date=…/<offset of the first event>-<collector>.parquet`, exactly once
 * and without ever deleting or replacing one. Before parts are written the position object says up to where they go.
 * After a crash the same stretch is written again, cut at the same place, so that each part has the same name and the
 * same events: `If-None-Match` keeps the first. The position is moved by `If-Match` alone, which shuts out every
 * earlier process.
 */
export class S3Sink implements Sink {
  readonly #plan: S3Plan;
  readonly #context: SinkContext;
  readonly #store: ObjectStore;
  readonly #schedule: FlushSchedule;
  readonly #positionKey: string;
  #parts = new Map<string, OpenPart>();
  #rows = 0;
  #openBytes = 0;
  #encodedBytes = 0;
  #position: Position = { next: 0, pending: null, epoch: 0 };
  #version: Condition = { absent: true };
  #files = 0;

  constructor(plan: S3Plan, context: SinkContext) {
    this.#plan = plan;
    this.#context = context;
    this.#store = new ObjectStore(plan.bucket, context.host);
    this.#schedule = new FlushSchedule({ everyMs: plan.partMs, filesPerHour: plan.filesPerHour });
    this.#positionKey = `${plan.prefix}_positions/${context.journal}/${pathPart(context.name)}.json`;
  }

  get files(): number {
    return this.#files;
  }

  async open(_committed: Offset, signal: AbortSignal): Promise<Offset> {
    this.#forget();
    const found = await this.#store.get(this.#positionKey, signal);
    const before = found === null
      ? { next: 0, pending: null, epoch: 0 }
      : parsePosition(found.bytes, this.#positionKey);
    this.#version = found === null ? { absent: true } : { etag: found.etag };
    await this.#move({ ...before, epoch: before.epoch + 1 }, signal);
    return before.next;
  }

  async write(batch: SinkBatch, signal: AbortSignal): Promise<void> {
    const rows = rowsOf(batch);
    const { pending } = this.#position;
    // Parts that a crash interrupted must end at the same offset again.
    if (pending !== null && batch.next > pending) {
      this.#append(rows.filter((events, event) => events.offsets.values[event] < pending));
      await this.#writeParts(pending, signal);
      this.#append(rows.filter((events, event) => events.offsets.values[event] >= pending));
    } else this.#append(rows);
    if (this.#openBytes >= SINK_BUFFER_BYTES_MAX) await this.#seal();
  }

  get cutsAt(): Offset | null {
    return this.#position.pending;
  }

  get wantsFlush(): boolean {
    if (this.#parts.size >= SINK_PARTITIONS_MAX || this.#encodedBytes >= SINK_ENCODED_BYTES_MAX) return true;
    const isLarge = this.#rows >= this.#plan.partRows;
    return this.#schedule.isDue(this.#context.host.clock.monotonicMs(), { parts: this.#parts.size, isLarge });
  }

  async flush(next: Offset, signal: AbortSignal): Promise<void> {
    if (next !== this.#position.next) await this.#writeParts(next, signal);
  }

  close(): Promise<void> {
    this.#forget();
    return Promise.resolve();
  }

  #forget(): void {
    this.#parts = new Map();
    this.#rows = 0;
    this.#openBytes = 0;
    this.#encodedBytes = 0;
    this.#schedule.drop();
  }

  #append(rows: EventRows): void {
    if (rows.length > 0) this.#schedule.begin(this.#context.host.clock.monotonicMs());
    rows.each((batch, event) => {
      const part = this.#part(batch, event);
      const { rows: before, openBytes } = part;
      part.append(batch, event);
      this.#rows += part.rows - before;
      this.#openBytes += part.openBytes - openBytes;
    });
  }

  #part(batch: EventBatch, event: number): OpenPart {
    const partition = partitionOf(batch, event, this.#plan.layout);
    const path = partitionPath(partition);
    let part = this.#parts.get(path);
    if (part === undefined) {
      part = new OpenPart({
        partition,
        first: { offset: batch.offsets.values[event], index: batch.indexes.values[event] },
        sinceMs: this.#context.host.clock.monotonicMs(),
        exactDigits: this.#plan.exactDigits,
        collector: this.#context.collector,
        symbolColumn: this.#plan.layout === "exchange",
      });
      this.#parts.set(path, part);
    }
    return part;
  }

  /** Encodes all buffered events, which need a fraction of the memory then. */
  async #seal(): Promise<void> {
    for (const part of this.#parts.values()) await sealInTurns(part, this.#context.host.clock);
    this.#openBytes = 0;
    this.#encodedBytes = 0;
    for (const part of this.#parts.values()) this.#encodedBytes += part.encodedBytes;
  }

  async #writeParts(next: Offset, signal: AbortSignal): Promise<void> {
    if (this.#parts.size > 0) {
      if (this.#position.pending === null) await this.#move({ ...this.#position, pending: next }, signal);
      const waiting = [...this.#parts].reverse();
      const work = async () => {
        for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
          signal.throwIfAborted();
          await this.#writePart(...part, signal);
        }
      };
      const results = await Promise.allSettled(Array.from({ length: PUTS_AT_ONCE }, work));
      for (const result of results) if (result.status === "rejected") throw result.reason;
    }
    await this.#move({ ...this.#position, next, pending: null }, signal);
    this.#files += this.#parts.size;
    this.#schedule.spend(this.#parts.size, this.#context.host.clock.monotonicMs());
    this.#forget();
    this.#schedule.end();
  }

  async #writePart(partition: string, part: OpenPart, signal: AbortSignal): Promise<void> {
    const { journal, name: sink, collector } = this.#context;
    const offset = String(part.first.offset).padStart(16, "0");
    const key = `${this.#plan.prefix}${partition}/${offset}${collector === null ? "" : `-${collector}`}.parquet`;
    await sealInTurns(part, this.#context.host.clock);
    const body = joinBytes(part.pieces({ journal, sink }));
    const type = "application/vnd.apache.parquet";
    if (await this.#store.put(key, { body, type, condition: { absent: true } }, signal) !== null) return;
    const found = await this.#store.get(key, signal);
    if (found !== null && holds(found.bytes, journal)) return;
    throw new Failure("sink", `Cannot write ${key}: an object of another origin is there`, { retry: false });
  }

  async #move(position: Position, signal: AbortSignal): Promise<void> {
    const { journal, name: sink, collector } = this.#context;
    const body = positionText(position, { journal, sink, collector });
    const type = "application/json";
    const etag = await this.#store.put(this.#positionKey, { body, type, condition: this.#version }, signal);
    if (etag === null) {
      throw new Failure("sink", `Cannot go on: another process has moved ${this.#positionKey}`);
    }
    this.#version = { etag };
    this.#position = position;
  }
}

/** Whether the footer of a Parquet file names a journal. */
function holds(bytes: Uint8Array, journal: string): boolean {
  if (bytes.length < 8) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 8, true);
  const footer = bytes.subarray(Math.max(0, bytes.length - 8 - length), bytes.length - 8);
  return new TextDecoder("latin1").decode(footer).includes(journal);
}
