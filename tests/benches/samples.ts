import { type DialectName, startSimulator } from "../../src/simulator/mod.ts";
import { denoHost, type Host } from "../../src/host/mod.ts";
import type { FramePlan } from "../../src/model/mod.ts";
import { matchConnection } from "../../src/normalize/mod.ts";
import { readRecording } from "../support/recordings.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

/** Frames of one exchange, with what is needed to read them. */
export interface Sample {
  readonly name: string;
  readonly plan: FramePlan;
  /** The descriptor's connection that they came from. */
  readonly connection: string;
  readonly frames: readonly Uint8Array[];
  /** The recorded answer that a book begins with; null where there is none. */
  readonly bookImage: Uint8Array | null;
  readonly bytesPerFrame: number;
}

/** Recordings whose protocol version is current; their names begin with that of the shipped descriptor. */
const RECORDINGS = [
  "binance-usdm-20240808-btcusdt",
  "bybit-20260809-ws1",
  "okx-20220513-ws1",
  "coinbase-advanced-20260809-ws1",
  "bitmex-20210722-ws1",
  "deribit-20210722-ws1",
] as const;

/** What the simulator speaks, for protocols without a current recording and for when the recordings are not here. */
const SYNTHETIC = [
  { dialect: "binance", connection: "public", subscribe: binanceSubscribe },
  { dialect: "okx", connection: "public", subscribe: okxSubscribe },
  { dialect: "kraken", connection: "public", subscribe: krakenSubscribe },
] as const;

const SYNTHETIC_FRAMES = 3_000;
/** Market events a second and symbol that the simulator is asked for. */
const SYNTHETIC_RATE = 4_000;

/** Samples of all exchanges: recorded where a recording is here, else what the simulator's dialects send. */
export async function loadSamples(framesMax: number): Promise<readonly Sample[]> {
  const recorded = RECORDINGS.flatMap((name) => recordedSample(name, framesMax) ?? []);
  const simulated: Sample[] = [];
  for (const synthetic of recorded.length === 0 ? SYNTHETIC : SYNTHETIC.slice(-1)) {
    simulated.push(await simulatedSample(synthetic));
  }
  return [...recorded, ...simulated];
}

/** The first of these samples: what is sent through a socket. */
export async function loadFirstSample(framesMax: number): Promise<Sample> {
  return recordedSample(RECORDINGS[0], framesMax) ?? await simulatedSample(SYNTHETIC[0]);
}

function recordedSample(name: string, framesMax: number): Sample | null {
  const lines = readRecording(name);
  if (lines === null) return null;
  const url = lines.find(({ dir }) => dir === "open")?.url ?? "";
  const frames = lines.filter(({ dir }) => dir === "in").slice(0, framesMax).map(({ payload }) => payload);
  const bookImage = lines.find(({ dir, url }) => dir === "http" && url?.includes("/depth") === true)?.payload ?? null;
  for (const descriptor of shippedNames().filter((shipped) => name.startsWith(shipped))) {
    const { frames: plan } = loadShipped(descriptor);
    const connection = matchConnection(plan, url);
    if (connection !== null) return makeSample({ name, plan, connection, frames, bookImage });
  }
  throw new Error(`No shipped descriptor has a connection for ${url}`);
}

async function simulatedSample({ dialect, connection, subscribe }: typeof SYNTHETIC[number]): Promise<Sample> {
  return makeSample({
    name: `${dialect}, simulated`,
    plan: loadShipped(dialect).frames,
    connection,
    frames: await simulateFrames(denoHost(), dialect, subscribe()),
    bookImage: null,
  });
}

function shippedNames(): readonly string[] {
  const files = [...Deno.readDirSync(new URL("../../config/exchanges/", import.meta.url))];
  return files.map(({ name }) => name.replace(/\.toml$/, ""));
}

function makeSample(sample: Omit<Sample, "bytesPerFrame">): Sample {
  const bytes = sample.frames.reduce((sum, frame) => sum + frame.length, 0);
  return { ...sample, bytesPerFrame: Math.round(bytes / sample.frames.length) };
}

/** Takes frames off a simulated exchange. */
async function simulateFrames(
  host: Host,
  dialect: DialectName,
  requests: readonly string[],
): Promise<readonly Uint8Array[]> {
  const simulator = await startSimulator({
    host,
    dialect,
    port: 0,
    rate: SYNTHETIC_RATE,
    symbols: ["BTC/USDT", "ETH/USDT"],
  });
  const frames: Uint8Array[] = [];
  const enough = Promise.withResolvers<void>();
  const [url] = Object.values(simulator.urls.ws);
  const connection = await host.dialer.dial({
    url,
    headers: {},
    compression: false,
    caCertPath: null,
    timeoutMs: 5_000,
    frameBytesMax: 1024 * 1024,
  }, {
    onFrame: (payload) => {
      if (frames.length < SYNTHETIC_FRAMES) frames.push(payload.slice());
      else enough.resolve();
    },
    onPing: () => {},
    onPong: () => {},
    onClose: () => enough.resolve(),
  });
  for (const request of requests) connection.send(request);
  await enough.promise;
  connection.close(1000, "");
  await simulator.stop();
  return frames;
}

function binanceSubscribe(): readonly string[] {
  const streams = ["trade", "bookTicker", "depth@100ms"].flatMap((kind) => [`btcusdt@${kind}`, `ethusdt@${kind}`]);
  return [JSON.stringify({ method: "SUBSCRIBE", params: streams, id: 1 })];
}

function okxSubscribe(): readonly string[] {
  const args = ["trades", "bbo-tbt", "books"].flatMap((channel) =>
    ["BTC-USDT", "ETH-USDT"].map((instId) => ({ channel, instId }))
  );
  return [JSON.stringify({ op: "subscribe", args })];
}

function krakenSubscribe(): readonly string[] {
  return ["trade", "ticker", "book"].map((channel) =>
    JSON.stringify({ method: "subscribe", params: { channel, symbol: ["BTC/USDT", "ETH/USDT"] } })
  );
}
