/**
 * The collector as `run` starts it, in a process of its own, on one loopback exchange: measures from the first frame
 * until all events stand in committed Parquet files. Arguments: the exchange's name, its port, how many
 * frames it sends.
 */
import process from "node:process";
import { zstdCompressSync } from "node:zlib";
import { BLOCK_BYTES } from "../../src/journal/format.ts";
import { SEAL_PARAMS } from "../../src/journal/seal.ts";
import { Service } from "../../src/service/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { createLog } from "../../src/telemetry/mod.ts";
import { Stopwatch, watchMemory } from "./measure.ts";
import { type CollectorReport, SOCKET_EXCHANGES } from "./wire.ts";

const LOOK_MS = 5;
/** How long a stage may take before the measurement is given up, in ms. */
const PATIENCE_MS = 180_000;

const [, , exchange, port, frameCount] = process.argv;
const frames = Number(frameCount);
const peakBytes = watchMemory();
const host = denoHost();
const { clock } = host;
const dir = await host.files.makeTempDir("bench_collector");
const configPath = `${dir}/collector.toml`;
await host.files.writeAtomic(configPath, new TextEncoder().encode(configText()));

const service = await Service.start({
  context: {
    host,
    version: "bench",
    shippedDir: decodeURIComponent(new URL("../../config", import.meta.url).pathname),
  },
  configPath,
  httpPort: 0,
  createObserver: () =>
    createLog({
      level: "warn",
      format: "text",
      color: false,
      write: (line) => host.terminal.printError(line),
      nowMs: () => clock.monotonicMs(),
    }),
});
const received = () => service.metrics.count("collector_frames_received_total", exchange);
const idleBytes = Deno.memoryUsage().rss;
await until(() => received() > 0);
const watch = new Stopwatch();
// The first frame is the acknowledgement.
await until(() => received() >= frames + 1);
const receivedMs = watch.wallMs;
await service.stop();
const { wallMs: committedMs, cpuMs } = watch;
const { journal, sinks } = service.status;
if (journal?.error !== null || sinks[0].lagRecords > 1) throw new Error(JSON.stringify({ journal, sinks }));
const report: CollectorReport = {
  frames,
  bytes: service.metrics.count("collector_received_bytes_total", exchange),
  events: sinks[0].events,
  gaps: service.metrics.count("collector_gaps_total", exchange, "undecodable"),
  ...sizesBelow(dir),
  receivedMs,
  committedMs,
  cpuMs,
  peakBytes: peakBytes(),
  idleBytes,
};
console.log(JSON.stringify(report));
await host.files.removeTree(dir);
process.exit(0);

/** Bytes of the files that the run left. */
function sizesBelow(path: string): Pick<CollectorReport, "parquetBytes" | "journalBytes" | "packedBytes"> {
  const sizes = { parquetBytes: 0, journalBytes: 0, packedBytes: 0 };
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    const full = `${path}/${name}`;
    if (isDirectory) {
      const below = sizesBelow(full);
      for (const key of ["parquetBytes", "journalBytes", "packedBytes"] as const) sizes[key] += below[key];
    } else if (name.endsWith(".parquet")) sizes.parquetBytes += Deno.statSync(full).size;
    else if (path.endsWith("/journal")) {
      const bytes = Deno.readFileSync(full);
      sizes.journalBytes += bytes.length;
      sizes.packedBytes += name.endsWith(".zst") ? bytes.length : sealedBytes(bytes);
    }
  }
  return sizes;
}

/** Bytes of a plain segment when it is sealed. */
function sealedBytes(plain: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < plain.length; at += BLOCK_BYTES) {
    sum += zstdCompressSync(plain.subarray(at, at + BLOCK_BYTES), { params: SEAL_PARAMS }).length;
  }
  return sum;
}

/** Throws where it takes too long, because nothing would ever end this process then. */
async function until(isSo: () => boolean): Promise<void> {
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS;
  while (!isSo()) {
    if (clock.monotonicMs() > deadlineMs) throw new Error(`Gave up: ${JSON.stringify(service.status)}`);
    await clock.sleep(LOOK_MS);
  }
}

function configText(): string {
  const { connection, symbols } = SOCKET_EXCHANGES[exchange];
  return `
[run]
http_port = 8090
shutdown_timeout_ms = 60_000
data_dir = "${dir}"
[[sink]]
name = "archive"
type = "parquet"
[[exchange]]
name = "${exchange}"
descriptor_path = "builtin:${exchange}"
symbols = ${JSON.stringify(symbols)}
channels = ["trades", "book", "quotes"]
[exchange.overrides]
urls = { ${connection} = ["ws://127.0.0.1:${port}/stream"] }
base_urls = ["http://127.0.0.1:${port}"]
`;
}
