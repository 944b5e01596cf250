import { JsonDocument } from "../../src/json/mod.ts";
import { FrameMemory, Normalizer } from "../../src/normalize/mod.ts";
import { readRecording } from "../support/recordings.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

const FRAMES_MAX = 20_000;
const ROUNDS = 7;

interface Sample {
  readonly name: string;
  readonly frames: readonly Uint8Array[];
}

/** Frames of the recording by what they carry; synthetic ones of the same shapes where it is absent. */
function samples(): Sample[] {
  const lines = readRecording("binance-usdm-20240808-btcusdt");
  const frames = lines === null
    ? syntheticFrames()
    : lines.filter(({ dir }) => dir === "in").map(({ payload }) => payload);
  const decoder = new TextDecoder();
  const pick = (mark: string) =>
    frames.filter((frame) => decoder.decode(frame.subarray(0, 80)).includes(mark)).slice(0, FRAMES_MAX);
  return [
    { name: "trade", frames: pick('"e":"trade"') },
    { name: "quote", frames: pick('"e":"bookTicker"') },
    { name: "book delta", frames: pick('"e":"depthUpdate"').slice(0, 3000) },
    { name: "all, as recorded", frames: frames.slice(0, FRAMES_MAX) },
  ];
}

function syntheticFrames(): Uint8Array[] {
  const encoder = new TextEncoder();
  return Array.from({ length: FRAMES_MAX }, (_, i) => {
    const time = 1723161256322 + i;
    const texts = [
      `{"stream":"btcusdt@trade","data":{"e":"trade","E":${time},"T":${time},"s":"BTCUSDT","t":${
        5266583935 + i
      },"p":"61800.${10 + i % 90}","q":"0.0${10 + i % 90}","X":"MARKET","m":${i % 4 === 0}}}`,
      `{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":${
        5123107839020 + i
      },"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":${time},"E":${time}}}`,
      `{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":${time},"T":${time},"s":"BTCUSDT","U":${i},"u":${i},"pu":${i},"b":[["58710.20","0.014"],["61496.50","0.010"]],"a":[["61510.90","0.000"]]}}`,
    ];
    return encoder.encode(texts[i % texts.length]);
  });
}

/** The best of several rounds, in ns a frame: what the code costs when nothing else runs. */
function nsPerFrame(frames: readonly Uint8Array[], read: (frame: Uint8Array) => number): number {
  let best = Infinity;
  let checksum = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (const frame of frames) checksum += read(frame);
    best = Math.min(best, (performance.now() - start) * 1e6 / frames.length);
  }
  if (!Number.isFinite(checksum)) throw new Error("The reader gave no number");
  return best;
}

if (import.meta.main) {
  const decoder = new TextDecoder();
  const document = new JsonDocument();
  const normalizer = new Normalizer(loadShipped("binance-usdm").frames);
  const memory = new FrameMemory();
  console.log(
    "frames            bytes  JSON.parse    tape only       normalise    (ns a frame, ratio to decode + JSON.parse)",
  );
  for (const { name, frames } of samples()) {
    const bytes = Math.round(frames.reduce((sum, frame) => sum + frame.length, 0) / frames.length);
    const referee = nsPerFrame(frames, (frame) => JSON.parse(decoder.decode(frame)).stream.length);
    const tape = nsPerFrame(frames, (frame) => document.parse(frame) ? 1 : 0);
    const full = nsPerFrame(frames, (payload) => {
      const read = normalizer.read({ connectionId: "unrouted", payload, binary: false, receivedTs: 0 }, memory);
      return read.events.length;
    });
    const cell = (ns: number) => `${ns.toFixed(0).padStart(6)} ${(ns / referee).toFixed(2)}×`;
    console.log(`${name.padEnd(17)} ${String(bytes).padStart(5)} ${cell(referee)} ${cell(tape)} ${cell(full)}`);
  }
}
