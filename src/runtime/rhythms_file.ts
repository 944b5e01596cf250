import type { Clock, Files, Timer } from "../host/mod.ts";
import { RhythmStore } from "../liveness/mod.ts";
import { Failure, type Observer, RHYTHMS_FILE_BYTES_MAX, RHYTHMS_SAVE_MS } from "../model/mod.ts";
import { setAside } from "../rest/mod.ts";

export interface RhythmsFileOptions {
  readonly clock: Clock;
  readonly files: Files;
  readonly path: string;
  readonly observe: Observer;
}

/** Rhythms of streams that outlive the process. */
export interface KeptRhythms {
  readonly store: RhythmStore;
  /** Writes the file a last time. Never rejects. */
  close(): Promise<void>;
}

/** Lines encoded before other work gets its turn. */
const LINES_AT_ONCE = 500;

/**
 * Returns the rhythms that an earlier process left, and writes them to their file every few minutes. Sets aside a
 * damaged file or one of another version; reports one that cannot be read or written. Neither stops the start.
 */
export async function openRhythms(options: RhythmsFileOptions): Promise<KeptRhythms> {
  const { clock } = options;
  const store = new RhythmStore();
  await readInto(store, options);
  let timer: Timer | null = null;
  let writing = Promise.resolve();
  const later = () => {
    timer = clock.after(RHYTHMS_SAVE_MS, () => {
      writing = writing.then(() => write(store, options));
      later();
    });
  };
  later();
  return {
    store,
    close: async () => {
      timer?.cancel();
      await writing;
      await write(store, options);
    },
  };
}

async function write(store: RhythmStore, { clock, files, path, observe }: RhythmsFileOptions): Promise<void> {
  try {
    const pieces: Uint8Array[] = [];
    const encoder = new TextEncoder();
    let lines: string[] = [];
    for (const line of store.lines()) {
      lines.push(line);
      if (lines.length < LINES_AT_ONCE) continue;
      pieces.push(encoder.encode(`${lines.join("\n")}\n`));
      lines = [];
      // Sockets are read meanwhile.
      await clock.sleep(0);
    }
    pieces.push(encoder.encode(lines.length === 0 ? "" : `${lines.join("\n")}\n`));
    const slash = path.lastIndexOf("/");
    if (slash > 0) await files.makeDir(path.slice(0, slash));
    await files.writeAtomic(path, pieces);
  } catch (error) {
    // Nobody waits for this write: any error is reported, and the next write is tried all the same.
    const text = error instanceof Error ? error.message : String(error);
    observe({ kind: "kept_file_failed", file: path, action: "write", error: text });
  }
}

async function readInto(store: RhythmStore, { files, path, observe }: RhythmsFileOptions): Promise<void> {
  let text: string | null;
  try {
    const stat = await files.stat(path);
    if (stat === null) return;
    if (stat.bytes > RHYTHMS_FILE_BYTES_MAX) {
      return await setAside({ files, path, observe }, `it is larger than ${RHYTHMS_FILE_BYTES_MAX} bytes`);
    }
    text = await files.readText(path);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    observe({ kind: "kept_file_failed", file: path, action: "read", error: error.message });
    return;
  }
  if (text === null) return;
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (store.restore(lines) === null) await setAside({ files, path, observe }, "it is not what the collector writes");
}
