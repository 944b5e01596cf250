import { type Compressor, denoHost, type Files } from "../../src/host/mod.ts";
import { type CheckpointParts, type Journal, type JournalEntry, openJournal } from "../../src/journal/mod.ts";
import type { FrameRecord, JournalPlan, JournalRecord, Observation, Offset } from "../../src/model/mod.ts";
import { ManualClock } from "./manual_clock.ts";

/** What a test may choose about a journal. */
export interface RigOptions {
  readonly files?: Files;
  readonly clock?: ManualClock;
  readonly compressor?: Compressor;
  readonly plan?: Partial<JournalPlan>;
  readonly collector?: string;
  readonly checkpoint?: () => CheckpointParts;
  /** Takes every observation. */
  readonly seen?: Observation[];
}

/** Opens a journal over real files, with a clock that stands still. */
export function openRig(dir: string, options: RigOptions = {}): Promise<Journal> {
  return openJournal({
    host: {
      clock: options.clock ?? new ManualClock(),
      files: options.files ?? denoHost().files,
      compressor: options.compressor ?? denoHost().compressor,
      random: denoHost().random,
      processId: 4711,
      machineName: () => "machine",
    },
    dir,
    collector: options.collector,
    plan: {
      syncMs: 100,
      segmentBytes: 64 * 1024 * 1024,
      totalBytesMax: 1024 * 1024 * 1024,
      retainHours: 0,
      archiveDir: null,
      onFull: "block",
      ...options.plan,
    },
    observer: (observation) => options.seen?.push(observation),
    checkpoint: options.checkpoint ?? (() => ["{}"]),
  });
}

/** Runs a test in a temporary folder, which goes afterwards. */
export async function inTempDir(test: (dir: string) => Promise<void>): Promise<void> {
  const { files } = denoHost();
  const dir = await files.makeTempDir("journal");
  try {
    await test(dir);
  } finally {
    await files.removeTree(dir);
  }
}

/** A text frame of session 7. */
export function frame(text: string, at = 1_770_000_000_000_000): FrameRecord {
  return { kind: "frame", session: 7, at, binary: false, payload: new TextEncoder().encode(text) };
}

/** All entries of chunks. */
export async function collect(chunks: AsyncIterable<readonly JournalEntry[]>): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for await (const chunk of chunks) entries.push(...chunk);
  return entries;
}

/** A record in a form that can be compared: bytes as hexadecimal digits, long ones by their length and both ends. */
export function comparable(record: JournalRecord): unknown {
  switch (record.kind) {
    case "frame":
      return { ...record, payload: spell(record.payload) };
    case "http":
      return { ...record, body: spell(record.body) };
    default:
      return record;
  }
}

/** Texts of the frames, by offset. */
export function frameTexts(entries: readonly JournalEntry[]): Map<Offset, string> {
  const texts = new Map<Offset, string>();
  for (const { offset, record } of entries) {
    if (record.kind === "frame") texts.set(offset, new TextDecoder().decode(record.payload));
  }
  return texts;
}

function spell(bytes: Uint8Array): string {
  if (bytes.length <= 4096) return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${bytes.length} ${spell(bytes.subarray(0, 100))} ${spell(bytes.subarray(-100))}`;
}
