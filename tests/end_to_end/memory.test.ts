import assert from "node:assert/strict";
import { denoHost, type Files } from "../../src/host/mod.ts";
import { JOURNAL_BUFFER_BYTES_MAX } from "../../src/model/mod.ts";
import { HostLimits, RestClient } from "../../src/rest/mod.ts";
import { Collector } from "../../src/runtime/mod.ts";
import { type RecordedLine, startPlayback } from "../../src/simulator/mod.ts";
import { configText, loadPlan } from "../support/collector_config.ts";
import { entriesOf } from "../support/journal_contents.ts";

const HOST = denoHost();
const ENCODER = new TextEncoder();
const FRAMES = 5_000;
const FRAME_BYTES = 10_000;
/** What a socket that is told to stop may still hand over: its own and the system's buffers. */
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;

/** Real files whose syncs wait while the disk hangs. */
class HangingDisk {
  readonly files: Files;
  #hanging: PromiseWithResolvers<void> | null = null;

  constructor(inner: Files) {
    this.files = {
      ...inner,
      open: async (path, mode) => {
        const handle = await inner.open(path, mode);
        return {
          write: (bytes) => handle.write(bytes),
          readAt: (position, length) => handle.readAt(position, length),
          truncate: (bytes) => handle.truncate(bytes),
          close: () => handle.close(),
          isCurrent: () => handle.isCurrent(),
          sync: async () => {
            await this.#hanging?.promise;
            await handle.sync();
          },
        };
      },
    };
  }

  hang(): void {
    this.#hanging = Promise.withResolvers();
  }

  goOn(): void {
    this.#hanging?.resolve();
    this.#hanging = null;
  }
}

async function* flood(): AsyncGenerator<RecordedLine> {
  yield { dir: "open", t: 1, url: "wss://flood.invalid/ws", inferred: false };
  const filler = "x".repeat(FRAME_BYTES - 60);
  for (let i = 0; i < FRAMES; i++) {
    const payload = ENCODER.encode(`{"s":"A","c":"trades","i":${i},"x":"${filler}"}`);
    yield { dir: "in", t: i + 2, binary: false, payload };
  }
}

Deno.test("a disk that hangs stops the sockets at the buffer's bound, and nothing is lost when it goes on", async () => {
  const dir = await HOST.files.makeTempDir("memory");
  const playback = await startPlayback({ host: HOST, recording: flood, port: 0, speed: 0 });
  const disk = new HangingDisk(HOST.files);
  try {
    const descriptor = `[meta]
name = "flood"
version = "1.4"
[[ws.connections]]
id = "main"
urls = ["${playback.urls.ws.section1}"]
[[subscriptions]]
connection_id = "main"
generator = 'foreach (s in symbols) { emit("{symbol}"); }'
ack = { mode = "none" }
[parse]
channel = "/c"
symbol = "/s"
`;
    const exchanges =
      '[[exchange]]\nname = "flood"\ndescriptor_path = "flood.toml"\nsymbols = ["A"]\nchannels = ["trades"]';
    await HOST.files.writeAtomic(`${dir}/flood.toml`, ENCODER.encode(descriptor));
    const text = configText({ httpPort: 8090, dataDir: `${dir}/data`, exchanges, journal: "retain_hours = 1000" });
    await HOST.files.writeAtomic(`${dir}/collector.toml`, ENCODER.encode(text));
    const host = { ...HOST, files: disk.files };
    let peakBytes = 0;
    const collector: Collector = await Collector.start({
      plan: loadPlan(`${dir}/collector.toml`),
      host,
      observe: () => {},
      rest: new RestClient({ host, limits: new HostLimits(host.clock), observe: () => {} }),
    });
    const look = () => peakBytes = Math.max(peakBytes, collector.status.journal.bufferedBytes);
    disk.hang();
    // Frames come until the bound is reached; then no more do, however long the disk takes.
    while (look() < JOURNAL_BUFFER_BYTES_MAX) await HOST.clock.sleep(1);
    let frames = -1;
    while (frames !== collector.status.frames) {
      frames = collector.status.frames;
      await HOST.clock.sleep(100);
      look();
    }
    assert.ok(frames < FRAMES, "the flood is larger than what was taken");
    assert.ok(peakBytes < JOURNAL_BUFFER_BYTES_MAX + IN_FLIGHT_BYTES, `${peakBytes} bytes were buffered`);
    disk.goOn();
    await playback.finished;
    await collector.stop(30_000);
    let journaled = 0;
    for await (const { record } of entriesOf(HOST.files, `${dir}/data/journal`)) {
      if (record.kind === "dropped") assert.fail("nothing is dropped");
      if (record.kind !== "frame") continue;
      const head = new TextDecoder().decode(record.payload.subarray(0, 60));
      assert.equal(Number(/"i":(\d+)/.exec(head)?.[1]), journaled++, "frames stand in their order");
    }
    assert.equal(journaled, FRAMES);
  } finally {
    disk.goOn();
    await playback.stop();
    await HOST.files.removeTree(dir);
  }
});
