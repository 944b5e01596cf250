/**
 * `deno task bench`: what a frame costs at each stage, on recorded frames and in one run, with the ratio to what
 * `JSON.parse` alone costs on the same frames; and the whole program from a socket to committed files, with its memory
 * for two lengths of input. `deno task bench sinks` measures the sinks instead. It measures and asserts nothing.
 */
import process from "node:process";
import { denoHost } from "../../src/host/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { recordingPath } from "../support/recordings.ts";
import { type Cost, measureInTurn, Stopwatch } from "./measure.ts";
import { bookDepthStages } from "./book_depth.ts";
import { instrumentStages } from "./instruments.ts";
import { loadSamples, type Sample } from "./samples.ts";
import { benchSinks } from "./sinks.ts";
import { measureSocketToDisk } from "./socket_to_disk.ts";
import { createStages } from "./stages.ts";
import type { PeerReport } from "./wire.ts";

const ROUNDS = 5;
/** Frames of the first sample, and of each run of a stage. */
const FRAMES_MAX = 20_000;
const SHORT_FRAMES = 4_000;
/** Lengths of input of the socket runs, in frames. */
const SOCKET_FRAMES = [100_000, 300_000] as const;
const REPLAYED = "binance-usdm-20240808-btcusdt";

async function main(withPeers: boolean): Promise<void> {
  const watch = new Stopwatch();
  print(`Deno ${Deno.version.deno}, V8 ${Deno.version.v8}; ${navigator.hardwareConcurrency} cores`);
  print(
    `CPU time of all threads of the process; median of ${ROUNDS} rounds in turn; × JSON.parse = CPU time to that of`,
  );
  print("TextDecoder + JSON.parse on the same frames in the same run. frames/s: of one core's CPU time");
  const samples = await loadSamples(FRAMES_MAX);
  let referee: Cost | null = null;
  for (const [at, sample] of samples.entries()) {
    const costs = await measureSample(sample, at === 0 ? FRAMES_MAX : SHORT_FRAMES);
    referee ??= costs[0];
  }
  if (withPeers) { for (const sample of samples) await measurePeer(sample, PEER_EXCHANGES[sample.name]); }
  await byDepth();
  await byInstruments(samples[0], referee);
  await replayFile(referee);
  await socketToDisk(referee);
  print(`\n${(watch.wallMs / 1000).toFixed(0)} s in all`);
}

async function measureSample(sample: Sample, framesPerRun: number): Promise<readonly Cost[]> {
  await using created = await createStages(sample, framesPerRun);
  const costs = await measureInTurn(created.stages, ROUNDS);
  heading(`${sample.name}: ${sample.frames.length.toLocaleString("en")} frames of ${sample.bytesPerFrame} bytes`);
  for (const cost of costs) row(cost, costs[0]);
  return costs;
}

/** tardis-dev's names of the exchanges of the samples that it has mappers for. */
const PEER_EXCHANGES: Readonly<Record<string, string>> = {
  "binance-usdm-20240808-btcusdt": "binance-futures",
  "bybit-20260809-ws1": "bybit",
  "okx-20220513-ws1": "okex",
  "bitmex-20210722-ws1": "bitmex",
  "deribit-20210722-ws1": "deribit",
};

/** The mappers of a peer in a process of its own, each with its own measure of parsing. */
async function measurePeer(sample: Sample, exchange: string | undefined): Promise<void> {
  if (exchange === undefined) return;
  const path = await Deno.makeTempFile();
  const decoder = new TextDecoder();
  await Deno.writeTextFile(path, sample.frames.map((frame) => decoder.decode(frame)).join("\n"));
  const script = decodeURIComponent(new URL("peers.ts", import.meta.url).pathname);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-lock", "--no-prompt", "-A", "--no-check", script, exchange, path],
  }).output();
  await Deno.remove(path);
  heading(`tardis-dev's mappers for ${exchange}: the frames of ${sample.name}, into memory, books passed on`);
  if (code !== 0) return print(`not measured: ${decoder.decode(stderr).split("\n")[0]}`);
  const { parseNs, mapNs, events }: PeerReport = JSON.parse(decoder.decode(stdout));
  const referee = { name: "JSON.parse", cpuNs: parseNs, wallNs: parseNs };
  row(referee, referee);
  if (events === 0) return print("  its mappers took none of these frames");
  row({ name: "with mappers", cpuNs: mapNs, wallNs: mapNs }, referee);
}

/** What a level of a delta costs by the depth of its book. */
async function byDepth(): Promise<void> {
  print("\nbooks: CPU ns a level of a delta, × the shallowest");
  const costs = await measureInTurn(bookDepthStages(), ROUNDS);
  for (const { name, cpuNs } of costs) {
    print(`  ${name.padEnd(40)} ${cpuNs.toFixed(0).padStart(6)} ${(cpuNs / costs[0].cpuNs).toFixed(2).padStart(6)}`);
  }
}

/** From frames to one Parquet flush by the number of instruments. */
async function byInstruments(sample: Sample, referee: Cost | null): Promise<void> {
  const dir = await Deno.makeTempDir();
  const stages = instrumentStages(sample, denoHost(), dir);
  heading("trades and quotes over many instruments: frames → pipeline → Parquet flushed");
  if (stages === null) print("not measured: the recording is not here");
  else for (const cost of await measureInTurn(stages, 3)) row(cost, referee);
  await Deno.remove(dir, { recursive: true });
}

/** The command itself: unpacks, splits and parses the recording, then runs the pipeline. */
async function replayFile(referee: Cost | null): Promise<void> {
  const path = recordingPath(REPLAYED);
  heading(`replay ${REPLAYED}`);
  const watch = new Stopwatch();
  const { code, out, err } = await runCli(["replay", path, "--exchange", "binance-usdm"]);
  if (code !== 0) return print(`not measured: ${err.trim()}`);
  const { cpuMs, wallMs } = watch;
  const frames = Number(/([\d,]+) frames/.exec(out)?.[1].replaceAll(",", ""));
  row({ name: "replay of the file", cpuNs: cpuMs * 1e6 / frames, wallNs: wallMs * 1e6 / frames }, referee);
}

async function socketToDisk(referee: Cost | null): Promise<void> {
  heading("socket to disk: loopback WebSocket → session → journal → pipeline → Parquet, all committed");
  for (const frames of SOCKET_FRAMES) {
    const report = await measureSocketToDisk(frames);
    const { cpuMs, committedMs, receivedMs } = report;
    const name = `${frames.toLocaleString("en")} frames`;
    row({ name, cpuNs: cpuMs * 1e6 / frames, wallNs: committedMs * 1e6 / frames }, referee);
    print(
      `  received ${(report.bytes / 1e6).toFixed(0)} MB in ${seconds(receivedMs)}, committed in ` +
        `${seconds(committedMs)}, ${seconds(cpuMs)} of CPU; ${report.events.toLocaleString("en")} events; ` +
        `${report.gaps} undecodable; on disk: Parquet ${percent(report.parquetBytes, report.bytes)}, journal ` +
        `${percent(report.journalBytes, report.bytes)} before it is sealed and ` +
        `${percent(report.packedBytes, report.bytes)} sealed; memory: peak ${mebibytes(report.peakBytes)}, idle ${
          mebibytes(report.idleBytes)
        }`,
    );
  }
}

function heading(text: string): void {
  print(`\n${text}`);
  print(
    `  ${"".padEnd(22)} ${"CPU ns/frame".padStart(12)} ${"frames/s".padStart(12)} ${
      "wall ns".padStart(9)
    }  × JSON.parse`,
  );
}

function row({ name, cpuNs, wallNs }: Cost, referee: Cost | null): void {
  const rate = Math.round(1e9 / cpuNs).toLocaleString("en");
  const ratio = referee === null ? "" : `${(cpuNs / referee.cpuNs).toFixed(2)}`;
  print(
    `  ${name.padEnd(22)} ${cpuNs.toFixed(0).padStart(12)} ${rate.padStart(12)} ${wallNs.toFixed(0).padStart(9)}  ${
      ratio.padStart(12)
    }`,
  );
}

function percent(bytes: number, of: number): string {
  return `${(bytes / of * 100).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}

function print(text: string): void {
  console.log(text);
}

if (import.meta.main) {
  const [what, ...names] = Deno.args;
  if (what === "sinks") await benchSinks(names);
  else await main(Deno.args.includes("--peers"));
  process.exit(0);
}
