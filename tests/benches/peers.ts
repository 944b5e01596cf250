/**
 * What tardis-dev's mappers cost on the same frames: TextDecoder, JSON.parse and the mappers into memory, beside the same
 * without the mappers. A process of its own without this project's configuration (`--no-config --no-lock`), so that the
 * package is a dependency of nothing. Arguments: tardis-dev's name of the exchange, a file of frames as JSON lines.
 */
import process from "node:process";
import type { PeerReport } from "./wire.ts";

/** The one version that is measured. */
const PACKAGE = "npm:tardis-dev@13.35.3";
const FRAMES = 10_000;
const ROUNDS = 5;
const NORMALIZERS = ["normalizeTrades", "normalizeBookChanges", "normalizeBookTickers", "normalizeDerivativeTickers"];

interface Mapper {
  canHandle(message: unknown): boolean;
  map(message: unknown, at: Date): Iterable<unknown> | undefined;
}

type CreateMapper = (exchange: string, at: Date) => Mapper;

const [, , exchange, path] = process.argv;
const encoder = new TextEncoder();
const frames = Deno.readTextFileSync(path).split("\n").filter((line) => line !== "").map((line) =>
  encoder.encode(line)
);
const passes = Math.max(1, Math.round(FRAMES / frames.length));
const tardis: Readonly<Record<string, CreateMapper>> = await import(PACKAGE);
const at = new Date(1_700_000_000_000);
const mappers = NORMALIZERS.flatMap((name) => {
  try {
    return [tardis[name](exchange, at)];
  } catch {
    // It has no mapper of this kind for the exchange.
    return [];
  }
});
const decoder = new TextDecoder();
let events = 0;

function parse(frame: Uint8Array): unknown {
  return JSON.parse(decoder.decode(frame));
}

function map(frame: Uint8Array): void {
  const message = parse(frame);
  for (const mapper of mappers) {
    if (!mapper.canHandle(message)) continue;
    for (const _event of mapper.map(message, at) ?? []) events++;
  }
}

function cpuNs(read: (frame: Uint8Array) => void): number {
  const before = process.cpuUsage();
  for (let pass = 0; pass < passes; pass++) for (const frame of frames) read(frame);
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000 / (passes * frames.length);
}

const parsed: number[] = [];
const mapped: number[] = [];
for (let round = -1; round < ROUNDS; round++) {
  const [one, other] = [cpuNs(parse), cpuNs(map)];
  if (round < 0) continue;
  parsed.push(one);
  mapped.push(other);
}
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];
const report: PeerReport = { parseNs: median(parsed), mapNs: median(mapped), events };
console.log(JSON.stringify(report));
