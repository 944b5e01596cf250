import type { BookKeeperState } from "../book/mod.ts";
import {
  type Channel,
  CHECKPOINT_ITEMS_MAX,
  type Level,
  type LevelColumns,
  type Micros,
  type SessionId,
} from "../model/mod.ts";
import type { FrameMemory, FrameMemoryPart } from "../normalize/mod.ts";
import type { KeptBook, SocketCounter } from "./books.ts";
import type { DedupEntry } from "./dedup.ts";
import type { FillEntry, TailEntry } from "./fill_ledger.ts";
import type { OpenGap } from "./gaps.ts";
import type { PollAnswer } from "./poll_answers.ts";
import type { SiblingGroupState, SightingEntry } from "./sibling_group.ts";
import type { SessionGap, SessionMemory, SessionOrigin } from "./session_memory.ts";

/**
 * Version of the checkpoint's text. Raise it with every change of an item. Version 1 was one text without a version.
 * Version 2 lacks `answers`, 3 `tails` and `fill`, 4 streams that have left, 5 `siblings` and `sightings`, 6
 * instruments in the memory of frames.
 */
export const CHECKPOINT_VERSION = 7;
/** Versions that this build reads. */
const READABLE: readonly unknown[] = [2, 3, 4, 5, 6, CHECKPOINT_VERSION];

/** A checkpoint that this build cannot read. */
export class CheckpointError extends Error {
  /** 1 if the text has none. */
  readonly version: number;

  constructor(version: number, why: string) {
    super(`Cannot read a checkpoint of version ${version}: ${why}`);
    this.name = "CheckpointError";
    this.version = version;
  }
}

/** One piece of the pipeline's state: at most CHECKPOINT_ITEMS_MAX entries, or one book. */
export type CheckpointItem =
  | readonly ["session", SessionId, SessionOrigin, SessionRest]
  | readonly ["streams", SessionId, readonly (readonly [symbol: string, channel: Channel, lastTs: Micros | null])[]]
  | readonly ["frames", SessionId, FrameMemoryPart, readonly unknown[]]
  | readonly ["polls", exchange: string, FrameMemoryPart, readonly unknown[]]
  | readonly ["answers", readonly PollAnswer[]]
  | readonly ["book", SessionId, BookItem]
  | readonly ["gaps", readonly (readonly [exchange: string, symbol: string, channel: Channel, gap: OpenGap])[]]
  | readonly ["tails", exchange: string, readonly TailEntry[]]
  | readonly ["fill", FillEntry]
  | readonly ["siblings", group: string, SiblingGroupState]
  | readonly ["sightings", group: string, readonly SightingEntry[]]
  | readonly ["orphans", readonly (readonly [SessionId, gapId: string, from: Micros])[]]
  | readonly ["dedup", readonly DedupEntry[]];

/** Further memory of a session. */
export interface SessionRest {
  readonly lastTs: Micros | null;
  readonly gap: SessionGap | null;
  readonly counter: SocketCounter | null;
}

/** One book. The levels of each side are one text with a line `price size` per level, best first. */
export interface BookItem {
  readonly rule: string;
  readonly symbol: string;
  readonly native: string;
  readonly channel: Channel;
  readonly topSlot: number | null;
  readonly gapId: string;
  readonly bids: string;
  readonly asks: string;
  readonly keeper: Omit<BookKeeperState, "bids" | "asks">;
}

/** Yields the items of one session's memory without its books, the session itself first. */
export function* sessionItems(session: SessionMemory): Iterable<CheckpointItem> {
  const { id, origin, lastTs, gap, books } = session;
  yield ["session", id, origin, { lastTs, gap, counter: books?.counter ?? null }];
  const streams = [...session.streams].flatMap(([symbol, channels]) =>
    [...channels].map(([channel, at]) => [symbol, channel, at] as const)
  );
  for (const slice of slices(streams)) yield ["streams", id, slice];
  for (const [part, entries] of framesOf(session.frames)) yield ["frames", id, part, entries];
}

/** Yields the parts of a frame memory in slices. */
export function* framesOf(frames: FrameMemory): Iterable<readonly [FrameMemoryPart, readonly unknown[]]> {
  // Level ids have one entry per book, with all its levels.
  for (const [part, entries] of frames.parts()) {
    for (const slice of slices(entries, part === "levelIds" ? 1 : CHECKPOINT_ITEMS_MAX)) yield [part, slice];
  }
}

/** Restores a kept book from an item. */
export function restoreBook(kept: KeptBook, item: BookItem): void {
  kept.topSlot = item.topSlot;
  kept.gapId = item.gapId;
  kept.keeper.restoreState({ ...item.keeper, bids: unpackLevels(item.bids), asks: unpackLevels(item.asks) });
}

/** Returns levels as one text, as in items. */
export function packLevels({ prices, sizes, length }: LevelColumns): string {
  let text = "";
  for (let row = 0; row < length; row++) text += `${prices.text(row)} ${sizes.text(row)}\n`;
  return text;
}

function unpackLevels(text: string): readonly Level[] {
  const levels: Level[] = [];
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start);
    const between = text.indexOf(" ", start);
    levels.push([text.slice(start, between), text.slice(between + 1, end)]);
    start = end + 1;
  }
  return levels;
}

/** Yields slices of at most `entriesMax` entries. */
export function* slices<T>(entries: Iterable<T>, entriesMax = CHECKPOINT_ITEMS_MAX): Iterable<readonly T[]> {
  let slice: T[] = [];
  for (const entry of entries) {
    slice.push(entry);
    if (slice.length < entriesMax) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

/** Returns one text of a checkpoint. */
export function checkpointText(items: readonly string[]): string {
  return `{"version":${CHECKPOINT_VERSION},"items":[${items.join(",")}]}`;
}

/** Parses one text of a checkpoint. Throws a `CheckpointError` if this build cannot read it. */
export function readCheckpoint(text: string): readonly CheckpointItem[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(1, error instanceof Error ? error.message : "it is not JSON");
  }
  const version = typeof value === "object" && value !== null ? Reflect.get(value, "version") : undefined;
  if (!READABLE.includes(version)) {
    throw new CheckpointError(typeof version === "number" ? version : 1, `this build reads ${READABLE.join(", ")}`);
  }
  const { items } = value as { readonly items?: unknown };
  if (!Array.isArray(items)) throw new CheckpointError(CHECKPOINT_VERSION, "it holds no items");
  return items;
}
