import { FrameMemory, matchConnection, Normalizer } from "../../src/normalize/mod.ts";
import { readRecording, recordingPath } from "../support/recordings.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

/** A recorded stream and when it had data, in ms from the recording's beginning. */
export interface RecordedStream {
  readonly name: string;
  readonly moments: readonly number[];
  /** What nine of ten of its gaps are no longer than, in ms. */
  readonly usualMs: number;
}

/** The streams of all shared recordings that a shipped descriptor of the recording's name reads. */
export function recordedStreams(): readonly RecordedStream[] {
  const folder = recordingPath("x").replace(/\/[^/]*$/, "");
  const descriptors = [...Deno.readDirSync(new URL("../../config/exchanges", import.meta.url))].flatMap(({ name }) =>
    name.endsWith(".toml") ? [name.slice(0, -5)] : []
  );
  const files = [...Deno.readDirSync(folder)].flatMap(({ name }) =>
    name.endsWith(".jsonl.gz") ? [name.slice(0, -9)] : []
  );
  return files.sort().flatMap((file) => {
    const exchange = descriptors.find((name) => file.startsWith(`${name}-2`));
    return exchange === undefined ? [] : streamsOf(file, exchange);
  });
}

function streamsOf(file: string, exchange: string): readonly RecordedStream[] {
  const plan = loadShipped(exchange).frames;
  const normalizer = new Normalizer(plan);
  const memory = new FrameMemory();
  const lines = readRecording(file) ?? [];
  const moments = new Map<string, number[]>();
  let connectionId: string | null = null;
  for (const { t, dir, url, payload, binary } of lines) {
    if (dir === "open") connectionId = matchConnection(plan, url ?? "");
    if (dir !== "in" || connectionId === null) continue;
    const { found } = normalizer.read({ connectionId, payload, binary, receivedTs: t }, memory);
    const seen = new Set(found.channels.map((channel, i) => `${channel}/${found.batch.symbols[i]}`));
    for (const name of seen) {
      const of = moments.get(name) ?? [];
      moments.set(name, of);
      of.push((t - lines[0].t) / 1000);
    }
  }
  return [...moments].map(([name, of]) => {
    const gaps = of.slice(1).map((ms, i) => ms - of[i]).sort((a, b) => a - b);
    return { name: `${exchange} ${name}`, moments: of, usualMs: gaps[Math.floor(gaps.length * 0.9)] ?? Infinity };
  });
}
