import { Command } from "commander";
import {
  checkArchived,
  findArchived,
  type FoundSegment,
  journalFolder,
  listJournal,
  readJournal,
  repairJournal,
  verifyJournal,
} from "../journal/mod.ts";
import { Failure, isoFromMicros, type JournalRecord, type Offset, type SessionId } from "../model/mod.ts";
import { UsageError } from "../service/mod.ts";
import { renderTable, showCount } from "../text/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { bytesBody, formatJournalLine } from "./journal_lines.ts";
import { type BytesDone, withBytesBar } from "./progress.ts";
import { readTime } from "./time_option.ts";

/** `journal ls|cat|find|verify|repair`: lists, prints, searches, checks and repairs a journal. */
export function journalCommand(context: CliContext): Command {
  const command = new Command("journal").description(
    "Inspect a journal: list its segments, print its records, check and repair them",
  );
  command.command("ls").description("List the segments").argument(
    "<dir>",
    "journal folder, the data folder above it, or an archive of one journal",
  )
    .option("--json", "print JSON")
    .action((dir: string, options: { json?: boolean }) => list(context, dir, options.json === true));
  command.command("cat").description("Print the records as JSON Lines")
    .argument("<dir>", "journal folder, the data folder above it, or an archive of one journal")
    .option("--from <offset>", "first offset")
    .option("--to <offset>", "offset to stop before")
    .option("--frames", "print records as lines of a recording, which replay reads back")
    .action((dir: string, options: { from?: string; to?: string; frames?: boolean }) => print(context, dir, options));
  command.command("find").description("List the archived segments of an exchange and a time")
    .argument("<dir>", "archive_dir of the journal, or a folder in it")
    .option("--exchange <name>", "name of an exchange instance")
    .option("--from <time>", "earliest time, such as 2026-11-22T13:00:00Z")
    .option("--to <time>", "time to stop before")
    .option("--check", "compare the files with their checksums; exit 1 on damage")
    .option("--json", "print JSON")
    .action((dir: string, options: FindOptions) => find(context, dir, options));
  command.command("verify").description("Check every record; exit 1 on damage")
    .argument("<dir>", "journal folder, the data folder above it, or an archive of one journal")
    .action((dir: string) => verify(context, dir));
  command.command("repair").description("Set damage aside and record it as a gap, so that a collector can start again")
    .argument("<dir>", "journal folder, the data folder above it, or an archive of one journal")
    .option("--yes", "carry out the repair; without it, only show the steps")
    .option("--json", "print JSON")
    .addHelpText("after", REPAIR_HELP)
    .action((dir: string, options: { yes?: boolean; json?: boolean }) => repair(context, dir, options));
  return command;
}

const REPAIR_HELP = `
Damaged bytes are moved to files beside the segment
(*.damaged), good records around them stay, and the lost
records become a gap event with their bounds. Without --yes
it only shows the steps. Stop the collector first.`;

/** Shows the steps of a repair, or carries them out. */
async function repair(
  context: CliContext,
  dir: string,
  options: { readonly yes?: boolean; readonly json?: boolean },
): Promise<void> {
  const { terminal } = context.host;
  const apply = options.yes === true;
  const steps = await repairJournal(context.host, await journalDir(context, dir), { apply });
  if (options.json === true) {
    terminal.print(JSON.stringify({ applied: apply, steps }, null, 2));
    return;
  }
  for (const { segment, text, fromTs, toTs, offset, endOffset } of steps) {
    const times = endOffset > offset ? `, received from ${isoFromMicros(fromTs)} to ${isoFromMicros(toTs)}` : "";
    terminal.print(`${segment}: ${text}${times}`);
  }
  if (steps.length === 0) terminal.print("Nothing to repair: every record is sound");
  else if (!apply) terminal.print("Nothing was changed: add --yes to repair");
}

function journalDir(context: CliContext, dir: string): Promise<string> {
  return journalFolder(context.host.files, dir);
}

/** Lists archived segments by exchange and time, and compares them with their checksums on demand. */
async function find(context: CliContext, dir: string, options: FindOptions): Promise<void> {
  const { files, terminal } = context.host;
  if (await files.list(dir) === null) {
    throw new Failure("file", `Cannot open ${dir}: no such folder`, { retry: false });
  }
  const found = await findArchived(files, dir, {
    ...(options.exchange === undefined ? {} : { exchange: options.exchange }),
    ...(options.from === undefined ? {} : { from: readTime("--from", options.from) }),
    ...(options.to === undefined ? {} : { to: readTime("--to", options.to) }),
  });
  const wrong = options.check === true ? await withBytesBar(context.host, (tell) => checkAll(files, found, tell)) : [];
  for (const text of wrong) terminal.printError(`error: ${text}`);
  if (options.json === true) terminal.print(JSON.stringify(found, null, 2));
  else if (found.length === 0) terminal.print("No archived segment matches");
  else {
    const rows = found.map((segment) => [
      segment.path,
      isoFromMicros(segment.from_ts),
      isoFromMicros(segment.to_ts),
      showCount(segment.next_offset - segment.first_offset),
      showCount(segment.bytes),
      segment.exchanges.join(" "),
    ]);
    terminal.print(renderTable(["segment", "from", "to", "records", "bytes", "exchanges"], rows));
  }
  context.finish(wrong.length === 0 ? EXIT.fine : EXIT.failed);
}

/** Compares archived segments with their checksums; returns the differences. */
async function checkAll(
  files: CliContext["host"]["files"],
  found: readonly FoundSegment[],
  onProgress: (done: BytesDone) => void,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  const totalBytes = found.reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = 0;
  for (const segment of found) {
    onProgress({ doneBytes, totalBytes });
    const text = await checkArchived(files, segment);
    if (text !== null) wrong.push(text);
    doneBytes += segment.bytes;
  }
  return wrong;
}

interface FindOptions {
  readonly exchange?: string;
  readonly from?: string;
  readonly to?: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

async function list(context: CliContext, dir: string, json: boolean): Promise<void> {
  const { files, terminal } = context.host;
  const segments = await listJournal(files, await journalDir(context, dir));
  if (json) {
    terminal.print(JSON.stringify(segments, null, 2));
    return;
  }
  const rows = segments.map((segment) => [
    segment.name,
    segment.createdAt === null ? "" : isoFromMicros(segment.createdAt),
    showCount(segment.records),
    showCount(segment.bytes),
    showCount(segment.plainBytes),
    segment.sealed ? "sealed" : segment.tornBytes > 0 ? `open, ${segment.tornBytes} bytes torn` : "open",
  ]);
  terminal.print(renderTable(["segment", "begun", "records", "bytes", "plain bytes", "state"], rows));
}

async function print(
  context: CliContext,
  dir: string,
  options: { readonly from?: string; readonly to?: string; readonly frames?: boolean },
): Promise<void> {
  const { files, terminal } = context.host;
  const from = readOffset("--from", options.from) ?? 0;
  const to = readOffset("--to", options.to) ?? Number.MAX_SAFE_INTEGER;
  const encoder = new TextEncoder();
  const exchanges = new Map<SessionId, string>();
  for await (const chunk of readJournal(files, await journalDir(context, dir), { from, to })) {
    let text = "";
    for (const { offset, record } of chunk) {
      if (record.kind === "opened") exchanges.set(offset, record.exchange);
      if (offset < from) continue;
      text += `${options.frames === true ? recordedLine(offset, record, exchanges) : bodyLine(offset, record)}\n`;
    }
    try {
      await terminal.writeStdout(encoder.encode(text));
    } catch (error) {
      // The reader has closed the pipe.
      if (!(error instanceof Failure) || error.code !== "gone") throw error;
      return context.finish(EXIT.fine);
    }
  }
}

async function verify(context: CliContext, dir: string): Promise<void> {
  const { files, terminal } = context.host;
  const folder = await journalDir(context, dir);
  const report = await withBytesBar(context.host, (onProgress) => verifyJournal(files, folder, { onProgress }));
  for (const damage of report.damage) {
    const { segment, byte, offset, reason } = damage;
    terminal.printError(`error: segment ${segment}: damaged at byte ${byte}, offset ${offset}: ${reason}`);
  }
  const torn = report.tornBytes > 0 ? `, ${showCount(report.tornBytes)} bytes of a torn tail` : "";
  terminal.print(
    `${showCount(report.records)} records in ${report.segments.length} segments${torn}: ` +
      (report.damage.length === 0 ? "sound" : `${report.damage.length} damaged`),
  );
  context.finish(report.damage.length === 0 ? EXIT.fine : EXIT.failed);
}

function readOffset(option: string, text: string | undefined): Offset | null {
  if (text === undefined) return null;
  const offset = Number(text);
  if (!Number.isSafeInteger(offset) || offset < 0) throw new UsageError(`${option} takes an offset, not ${text}`);
  return offset;
}

/** Returns a record as JSON, with payloads as text, or as base64 if they are not UTF-8. */
function bodyLine(offset: Offset, record: JournalRecord): string {
  switch (record.kind) {
    case "frame": {
      const { payload, ...rest } = record;
      return JSON.stringify({ offset, ...rest, ...bytesBody(payload, false) });
    }
    case "http": {
      const { body, ...rest } = record;
      return JSON.stringify({ offset, ...rest, ...bytesBody(body, false) });
    }
    default:
      return JSON.stringify({ offset, ...record });
  }
}

function recordedLine(offset: Offset, record: JournalRecord, exchanges: ReadonlyMap<SessionId, string>): string {
  if ("exchange" in record) return formatJournalLine(offset, record, record.exchange);
  const session = "session" in record ? record.session : null;
  return formatJournalLine(offset, record, session === null ? null : exchanges.get(session) ?? null);
}
