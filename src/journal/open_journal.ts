import { Cursors } from "./cursors.ts";
import { lockFolder } from "./folder_lock.ts";
import { journalId } from "./identity.ts";
import type { Journal, JournalOptions } from "./journal.ts";
import { recoverSegments } from "./recovery.ts";
import { SegmentedJournal } from "./segmented_journal.ts";

/**
 * Opens a journal for writing: locks the folder, recovers it, and begins the first segment of a new one.
 * Rejects with a `Failure`: `busy` naming the holder, `corrupt` naming segment, byte and offset, `file`, `disk_full`.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { dir, host } = options;
  await host.files.makeDir(dir);
  const lock = await lockFolder(host, dir);
  try {
    const cursors = new Cursors(host.files, dir);
    await cursors.prepare();
    const id = await journalId(host, dir);
    const recovery = await recoverSegments(host.files, dir);
    const start = Math.max(host.clock.nowMicros(), await cursors.greatest());
    const journal = new SegmentedJournal(options, { id, recovery, cursors, start, release: () => lock.release() });
    await journal.begin();
    return journal;
  } catch (error) {
    await lock.release();
    throw error;
  }
}
