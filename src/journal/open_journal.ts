import { ClockSteps } from "./clock_steps.ts";
import { CollectorNames } from "./collector_names.ts";
import { Cursors } from "./cursors.ts";
import { lockFolder } from "./folder_lock.ts";
import { journalBegin, journalId } from "./identity.ts";
import type { Journal, JournalOptions } from "./journal.ts";
import { JournalFolder } from "./journal_folder.ts";
import { recoverSegments } from "./recovery.ts";
import { SegmentedJournal } from "./segmented_journal.ts";

/**
 * How far a cursor may be ahead of the clock, in µs, because the clock may have been set back; one further ahead is
 * damaged.
 */
const CURSOR_AHEAD_MICROS_MAX = 10 * 366 * 86_400_000_000;

/**
 * Opens a journal for writing: locks the folder, recovers it, and begins the first segment of a new one.
 * Rejects with a `Failure`: `busy` naming the holder, `corrupt` naming segment, byte and offset, `file`, `disk_full`.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { dir, host, observer } = options;
  await host.files.makeDir(dir);
  const lock = await lockFolder(host, dir);
  try {
    const cursors = new Cursors(host.files, dir);
    await cursors.prepare();
    const id = await journalId(host, dir);
    const recovery = await recoverSegments(host.files, dir, {
      id,
      warn: (code, text) => observer({ kind: "journal_warning", code, text }),
    });
    const nowMicros = host.clock.nowMicros();
    const end = recovery.segments.at(-1)?.nextOffset ?? nowMicros;
    const most = Math.max(end, nowMicros) + CURSOR_AHEAD_MICROS_MAX;
    const committed = await cursors.greatest({ most, observer });
    const start = Math.max(nowMicros, committed);
    const began = await journalBegin(host, { dir, startOfNew: recovery.segments.length === 0 ? start : null });
    const names = await CollectorNames.load(host.files, dir);
    const journal = new SegmentedJournal(options, {
      id,
      began,
      names,
      recovery,
      cursors,
      clockSteps: await ClockSteps.open(
        host.files,
        dir,
        (code, text) => observer({ kind: "journal_warning", code, text }),
      ),
      folder: new JournalFolder(host, { dir, cursors, lock }),
      start,
      committedPast: recovery.segments.length > 0 && committed > end ? committed : null,
    });
    await journal.begin();
    const name = options.collector ?? names.latest ?? host.machineName();
    const isNew = recovery.segments.length === 0;
    await names.note(host.files, dir, { from: isNew ? journal.oldest : journal.next, name });
    return journal;
  } catch (error) {
    await lock.release();
    throw error;
  }
}
