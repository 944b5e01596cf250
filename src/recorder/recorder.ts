import type { Connection, Host } from "../host/mod.ts";
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, Failure, FRAME_BYTES_MAX, type Micros } from "../model/mod.ts";
import { formatRecordingLine, type RecordedLine } from "../simulator/mod.ts";

/** Progress of a recording. */
export interface RecordCounts {
  frames: number;
  bytes: number;
  connections: number;
  /** What ended the last connection or attempt; null before any ended. */
  lastEnd: string | null;
}

/** Options of `recordSocket`. */
export interface RecorderOptions {
  readonly host: Pick<Host, "dialer" | "clock" | "secrets">;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent on every connection, in order. */
  readonly messages: readonly string[];
  /** A text sent at an interval in ms; null if none is. */
  readonly ping: { readonly text: string; readonly everyMs: number } | null;
  /** A connection without a frame or ping for this long is closed, in ms. */
  readonly idleMs: number;
  /** Writes lines, in order. Reading pauses while too much waits to be written. */
  readonly write: (lines: string) => Promise<void>;
  readonly counts: RecordCounts;
}

/** Longest attempt to connect, in ms. */
const CONNECT_MS = 15_000;
/** Reading pauses from this many unwritten characters on. */
const WAITING_CHARS_MAX = 16 * 1024 * 1024;
/** Interval of writing, in ms. */
const WRITE_MS = 100;

/**
 * Records until the signal aborts; connects again whenever a connection ends. Rejects with a `Failure` if the first
 * attempt to connect fails, so that a wrong address is reported at once, or if lines cannot be written.
 */
export async function recordSocket(options: RecorderOptions, signal: AbortSignal): Promise<void> {
  const { host: { clock }, counts } = options;
  let delayMs = BACKOFF_MS_MIN;
  while (!signal.aborted) {
    const before = counts.frames;
    try {
      await recordOnce(options, signal);
    } catch (error) {
      if (signal.aborted && error instanceof Failure && error.code === "cancelled") return;
      if (!(error instanceof Failure) || error.code === "file" || error.code === "disk_full") throw error;
      if (counts.connections === 0) throw error;
      counts.lastEnd = error.message;
    }
    if (counts.frames > before) delayMs = BACKOFF_MS_MIN;
    if (!signal.aborted) await clock.sleep(delayMs, signal);
    delayMs = Math.min(delayMs * 2, BACKOFF_MS_MAX);
  }
}

/** Records one connection to its end. */
async function recordOnce(options: RecorderOptions, signal: AbortSignal): Promise<void> {
  const { host: { clock, dialer, secrets }, url, headers, messages, ping, idleMs, write, counts } = options;
  const lines: string[] = [];
  let waiting = 0;
  let lastMs = clock.monotonicMs();
  let connection: Connection | null = null;
  const ended = Promise.withResolvers<void>();
  const note = (line: RecordedLine) => {
    const text = secrets.hide(formatRecordingLine(line));
    lines.push(text);
    waiting += text.length;
    if (waiting > WAITING_CHARS_MAX) connection?.pause();
  };
  const out = (text: string, t: Micros) => {
    note({ dir: "out", t, binary: false, payload: new TextEncoder().encode(text) });
    connection?.send(text);
  };
  connection = await dialer.dial(
    { url, headers, compression: true, caCertPath: null, timeoutMs: CONNECT_MS, frameBytesMax: FRAME_BYTES_MAX },
    {
      onFrame: (payload, binary, t) => {
        lastMs = clock.monotonicMs();
        counts.frames++;
        counts.bytes += payload.length;
        note({ dir: "in", t, binary, payload });
      },
      onPing: () => lastMs = clock.monotonicMs(),
      onPong: () => lastMs = clock.monotonicMs(),
      onClose: (code, reason) => {
        counts.lastEnd = code === null ? reason : `closed with ${code}${reason === "" ? "" : `: ${reason}`}`;
        ended.resolve();
      },
    },
    signal,
  );
  counts.connections++;
  const begin = clock.nowMicros();
  note({ dir: "open", t: begin, url, inferred: false });
  for (const message of messages) out(message, begin);
  let isOver = false;
  const over = ended.promise.then(() => isOver = true);
  let nextPingMs = clock.monotonicMs() + (ping?.everyMs ?? 0);
  while (!isOver) {
    await Promise.race([over, clock.sleep(WRITE_MS, signal)]);
    if (lines.length > 0) {
      const text = `${lines.splice(0).join("\n")}\n`;
      waiting = 0;
      await write(text);
      connection.resume();
    }
    const now = clock.monotonicMs();
    if (ping !== null && now >= nextPingMs) {
      nextPingMs = now + ping.everyMs;
      out(ping.text, clock.nowMicros());
    }
    if (signal.aborted) break;
    if (now - lastMs > idleMs) {
      counts.lastEnd = `nothing came for ${Math.round(idleMs / 1000)} s`;
      break;
    }
  }
  connection.close(1000, "");
  note({ dir: "close", t: clock.nowMicros() });
  await write(`${lines.splice(0).join("\n")}\n`);
}
