import { Command } from "commander";
import { loadDescriptor, type LoadedDescriptor } from "../config/mod.ts";
import { deriveRecord, Pipeline } from "../derive/mod.ts";
import type { Host } from "../host/mod.ts";
import { draftDescriptor, type LearnedFrame } from "../learn/mod.ts";
import { type FramePlan, LEARNED_BYTES_MAX, LEARNED_FRAMES_MAX, type Offset } from "../model/mod.ts";
import { decodePayload } from "../normalize/mod.ts";
import { UsageError } from "../service/mod.ts";
import { type CliContext, EXIT, printIssues } from "./context.ts";
import { OpenSessions, RecordedSession } from "./recorded_records.ts";
import { readRecordingFile } from "./recording.ts";
import { spoolInputs } from "./spooled_inputs.ts";

interface LearnOptions {
  readonly name: string;
  readonly to?: string;
}

/** What was read from the recordings. */
interface Read {
  readonly urls: string[];
  readonly frames: LearnedFrame[];
  readonly sent: Set<string>;
  unread: number;
}

/** `learn`: drafts a descriptor from recorded frames. */
export function learnCommand(context: CliContext): Command {
  return new Command("learn")
    .description(
      "Draft a descriptor from recorded frames: finds channels and guesses fields, with comments on what is sure and what " +
        "is not. Check the draft against the exchange's documentation",
    )
    .argument("<frames...>", "recordings of one exchange, - for standard input; `record` writes them")
    .option("--name <name>", "name of the exchange", "my_exchange")
    .option("--to <file>", "write the draft to this new file (default: standard output)")
    .action(async (inputs: string[], options: LearnOptions) => {
      const { host, finish } = context;
      if (!/^[a-z0-9][a-z0-9_.-]*$/.test(options.name)) {
        throw new UsageError(`Not a name: ${options.name}; write small letters, digits, "_", "-" and "."`);
      }
      if (options.to !== undefined && await host.files.stat(options.to) !== null) {
        throw new UsageError(`Cannot write ${options.to}: it exists`);
      }
      const spooled = await spoolInputs(host, inputs);
      try {
        const read = await readFrames(host, spooled.paths);
        if (read.frames.length === 0) throw new UsageError("Nothing to learn from: the recording has no frames");
        const text = draftDescriptor({
          name: options.name,
          urls: read.urls,
          frames: read.frames,
          sent: [...read.sent],
        });
        const loaded = loadDraft(host, text);
        if (options.to === undefined) host.terminal.print(text.trimEnd());
        else await host.files.writeAtomic(options.to, new TextEncoder().encode(text));
        printIssues(context, loaded.issues, (line) => host.terminal.printError(line));
        host.terminal.printError(await tried(host, spooled.paths, loaded.frames));
        if (read.unread > 0) host.terminal.printError(`${read.unread} frames have no text and were skipped`);
        finish(loaded.frames === null ? EXIT.failed : EXIT.fine);
      } finally {
        await spooled.remove();
      }
    });
}

async function readFrames(host: Host, paths: readonly string[]): Promise<Read> {
  const read: Read = { urls: [], frames: [], sent: new Set(), unread: 0 };
  const decoder = new TextDecoder();
  let bytes = 0;
  for (const path of paths) {
    for await (const line of readRecordingFile(host, path)) {
      if (line.dir === "open" && !read.urls.includes(line.url)) read.urls.push(line.url);
      if (line.dir === "out" && read.sent.size < LEARNED_FRAMES_MAX) read.sent.add(decoder.decode(line.payload));
      if (line.dir !== "in") continue;
      const payload = decodePayload(line.payload, "auto", line.binary);
      if (payload === null) {
        read.unread++;
        continue;
      }
      bytes += payload.length;
      if (read.frames.length >= LEARNED_FRAMES_MAX || bytes > LEARNED_BYTES_MAX) return read;
      read.frames.push({ text: decoder.decode(payload), at: line.t });
    }
  }
  return read;
}

function loadDraft(host: Host, text: string): LoadedDescriptor {
  return loadDescriptor({
    file: { path: "draft.toml", text },
    readText: () => null,
    environment: (name) => host.environment.get(name),
  });
}

/** Tries the draft on the frames it was drafted from, and describes the result. */
async function tried(host: Host, paths: readonly string[], plan: FramePlan | null): Promise<string> {
  if (plan === null) return "The draft has errors: it cannot be tried on the frames";
  const pipeline = new Pipeline([{ ...plan, books: [] }], { enabled: false, windowSeconds: 1, keysMax: 1 });
  let next: Offset = 0;
  const place = (at: number) => next = Math.max(next + 1, next === 0 ? at : 0);
  let frames = 0;
  let told = 0;
  let faulty = 0;
  const kinds = new Map<string, number>();
  for (const path of paths) {
    const session = new RecordedSession(plan, { requests: [], next: place, open: new OpenSessions() });
    for await (const line of readRecordingFile(host, path)) {
      for (const { offset, record } of session.records(line)) {
        const { faults, envelopes } = deriveRecord(pipeline, offset, record);
        if (record.kind !== "frame") continue;
        frames++;
        if (faults.some(({ code }) => code !== "unmatched")) faulty++;
        const events = envelopes.filter(({ event }) => event.kind !== "gap" && event.kind !== "raw");
        if (events.length > 0) told++;
        for (const { event } of events) kinds.set(event.kind, (kinds.get(event.kind) ?? 0) + 1);
      }
    }
  }
  const list = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(", ");
  return `The draft reads ${told} of ${frames} frames as events${
    list === "" ? "" : ` (${list})`
  }, ${faulty} with faults`;
}
