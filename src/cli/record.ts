import { Command } from "commander";
import { type RecordCounts, recordSocket } from "../recorder/mod.ts";
import { UsageError } from "../service/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { parseDuration } from "./duration.ts";
import { untilSignal } from "./until_signal.ts";

interface RecordOptions {
  readonly send: readonly string[];
  readonly header: readonly string[];
  readonly for?: string;
  readonly to: string;
  readonly ping?: string;
  readonly pingEvery: string;
  readonly idle: string;
}

/** Interval of progress, in ms. */
const SHOW_MS = 500;

/** `record`: records the frames of any WebSocket. */
export function recordCommand(context: CliContext): Command {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  return new Command("record")
    .description(
      "Record the frames of any WebSocket until --for or Ctrl-C; reconnects when it is cut off",
    )
    .argument("<url>", "address: wss://host/path or ws://host:port/path")
    .option("--send <text>", "message to send on every connection; may be given several times", collect, [])
    .option("--header <name: value>", "header of the request; may be given several times", collect, [])
    .option("--ping <text>", "keepalive message to send at an interval")
    .option("--ping-every <time>", "interval of --ping", "20s")
    .option("--idle <time>", "reconnect after this long without data", "60s")
    .option("--for <time>", "stop by itself after 60s, 5m, 2h")
    .requiredOption("--to <file>", "new or empty file for the recording")
    .action(async (url: string, options: RecordOptions) => {
      const { host, finish } = context;
      if (!/^wss?:\/\/[^/]/i.test(url) || !URL.canParse(url)) {
        throw new UsageError(`Not the address of a WebSocket: ${url}; write wss://host/path`);
      }
      const there = await host.files.stat(options.to);
      if (there !== null && (there.isDirectory || there.bytes > 0)) {
        throw new UsageError(`Cannot record to ${options.to}: it is not empty`);
      }
      const pingMs = parseDuration(options.pingEvery);
      if (pingMs < 100) throw new UsageError("--ping-every takes 100ms or more");
      const forMs = options.for === undefined ? null : parseDuration(options.for);
      const headers = Object.fromEntries(options.header.map(readHeader));
      const stop = new AbortController();
      const counts: RecordCounts = { frames: 0, bytes: 0, connections: 0, lastEnd: null };
      const file = await host.files.open(options.to, "append");
      const encoder = new TextEncoder();
      const timer = forMs === null ? null : host.clock.after(forMs, () => stop.abort());
      void untilSignal(host).then(() => stop.abort());
      const began = host.clock.monotonicMs();
      const showing = show(context, counts, stop.signal, began);
      try {
        await recordSocket({
          host,
          url,
          headers,
          messages: options.send,
          ping: options.ping === undefined ? null : { text: options.ping, everyMs: pingMs },
          idleMs: parseDuration(options.idle),
          write: (lines) => file.write(encoder.encode(lines)),
          counts,
        }, stop.signal);
        await file.sync();
      } finally {
        stop.abort();
        timer?.cancel();
        await showing;
        await file.close();
      }
      const connections = counts.connections === 1 ? "1 connection" : `${counts.connections} connections`;
      host.terminal.print(`${counts.frames} frames, ${counts.bytes} bytes, ${connections}: ${options.to}`);
      finish(EXIT.fine);
    });
}

/** Shows the progress of the recording on one line of a terminal. */
async function show(
  { host }: CliContext,
  counts: RecordCounts,
  signal: AbortSignal,
  began: number,
): Promise<void> {
  if (!host.terminal.stdoutIsTerminal) return;
  const encoder = new TextEncoder();
  while (!signal.aborted) {
    await host.clock.sleep(SHOW_MS, signal);
    const seconds = Math.round((host.clock.monotonicMs() - began) / 1000);
    const end = counts.lastEnd === null ? "" : `, last end: ${counts.lastEnd}`;
    const line = `${counts.frames} frames, ${counts.bytes} bytes, ${seconds} s, ${counts.connections} opened${end}`;
    await host.terminal.writeStdout(encoder.encode(`\r\u001b[K${line.slice(0, host.terminal.columns() - 1)}`));
  }
  await host.terminal.writeStdout(encoder.encode("\r\u001b[K"));
}

function readHeader(text: string): readonly [string, string] {
  const at = text.indexOf(":");
  const name = text.slice(0, Math.max(at, 0)).trim();
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new UsageError(`Not a header: ${text}; write "Name: value"`);
  return [name, text.slice(at + 1).trim()];
}
