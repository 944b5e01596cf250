/**
 * How fast the journal takes frames: the checksum alone, `append` alone, and append with group commit to a real disk.
 * Run: `deno run --allow-read --allow-write --allow-env --allow-sys tests/benches/journal.ts`.
 */
import { crc32 } from "node:zlib";
import { denoHost } from "../../src/host/mod.ts";
import { openJournal } from "../../src/journal/mod.ts";
import type { FrameRecord } from "../../src/model/mod.ts";

const FRAME_BYTES = 165;
const FRAMES = 1_000_000;
/** Frames between turns of the event loop, as a busy socket delivers them. */
const RUN = 2_000;

const host = denoHost();
const payload = new TextEncoder().encode(
  `{"e":"trade","E":1700000000123,"s":"BTCUSDT","t":3012345678,"p":"60123.45000000","q":"0.00123000","b":1,"a":2,` +
    `"T":1700000000120,"m":true,"M":true,"x":"                              `,
).subarray(0, FRAME_BYTES);

/** One line of the report. */
function report(name: string, frames: number, ms: number): void {
  const nanos = (ms * 1e6 / frames).toFixed(0).padStart(6);
  const rate = Math.round(frames / ms * 1000).toLocaleString("en").padStart(12);
  host.terminal.print(`${name.padEnd(34)} ${nanos} ns/frame ${rate} frames/s\n`);
}

function checksumOnly(): void {
  const buffer = new Uint8Array(FRAME_BYTES + 17);
  buffer.set(payload, 17);
  const startedMs = host.clock.monotonicMs();
  let sum = 0;
  for (let i = 0; i < FRAMES; i++) sum ^= crc32(buffer.subarray(4));
  report(`crc32 alone (xor ${sum})`, FRAMES, host.clock.monotonicMs() - startedMs);
}

async function journaled(name: string, syncMs: number): Promise<void> {
  const dir = await host.files.makeTempDir("journal_bench");
  try {
    const journal = await openJournal({
      host,
      dir,
      plan: {
        syncMs,
        segmentBytes: 64 * 1024 * 1024,
        totalBytesMax: 10 * 1024 ** 3,
        retainHours: 0,
        archiveDir: null,
        onFull: "block",
      },
      observer: () => {},
      checkpoint: () => ["{}"],
    });
    const session = journal.next;
    const at = host.clock.nowMicros();
    let appendMs = 0;
    const startedMs = host.clock.monotonicMs();
    for (let i = 0; i < FRAMES; i += RUN) {
      const runMs = host.clock.monotonicMs();
      for (let j = 0; j < RUN; j++) {
        const record: FrameRecord = { kind: "frame", session, at: at + i, binary: false, payload };
        journal.append(record);
      }
      appendMs += host.clock.monotonicMs() - runMs;
      await host.clock.sleep(0);
    }
    await journal.sync();
    const syncedMs = host.clock.monotonicMs() - startedMs;
    report(`append, ${name}`, FRAMES, appendMs);
    report(`append to synced, ${name}`, FRAMES, syncedMs);
    const readMs = host.clock.monotonicMs();
    let frames = 0;
    for await (const entries of journal.read(journal.oldest)) frames += entries.length;
    report(`read back, ${name}`, frames, host.clock.monotonicMs() - readMs);
    await journal.close();
  } finally {
    await host.files.removeTree(dir);
  }
}

checksumOnly();
checksumOnly();
await journaled("sync_ms 100", 100);
await journaled("sync_ms 10", 10);
