import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { loadDescriptor } from "../../src/config/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { matchConnection } from "../../src/normalize/mod.ts";
import { formatRecordingLine, type RecordedLine, startPlayback } from "../../src/simulator/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { configText } from "../support/collector_config.ts";
import { CollectorProcess, freePort } from "../support/collector_process.ts";
import { readRecording, testOnRecordings } from "../support/recordings.ts";
import { listFiles } from "../support/stored_events.ts";

const HOST = denoHost();
const { files } = HOST;
const T = 1_770_000_000_000_000;
const ENCODER = new TextEncoder();

/** A recording and how a collector is told to take it. */
interface Case {
  /** Name of a shipped descriptor, or the text of one. */
  readonly descriptor: { readonly name: string; readonly text?: string };
  readonly symbols: readonly string[];
  readonly channels: readonly string[];
  readonly lines: readonly RecordedLine[];
  /** Fewest events that it has to yield, so that equal does not mean empty. */
  readonly eventsMin: number;
}

type Line = Readonly<Record<string, unknown>> & { readonly offset: number; readonly index: number };

/** Events of a folder of NDJSON files, in the order of (offset, index). */
async function readEvents(dir: string): Promise<readonly Line[]> {
  const events: Line[] = [];
  for (const path of await listFiles(files, dir)) {
    if (!path.endsWith(".ndjson")) continue;
    for (const line of (await files.readText(path) ?? "").trimEnd().split("\n")) events.push(JSON.parse(line));
  }
  return events.sort((a, b) => a.offset - b.offset || a.index - b.index);
}

/** What does not depend on when and where the frames were received; a gap's bounds are receive times. */
function lasting({ received_ts: _at, session: _session, offset: _offset, collector: _collector, ...rest }: Line) {
  if (rest.kind !== "gap") return rest;
  const { gap_id: _id, from_ts: _from, to_ts: _to, ...gap } = rest;
  return gap;
}

async function replayTo(path: string, options: { readonly descriptor: string; readonly dir: string }) {
  const { code, err } = await runCli(
    ["replay", path, "--exchange", options.descriptor, "--to", `ndjson:${options.dir}`],
  );
  assert.equal(code, 0, err);
  return await readEvents(options.dir);
}

/** Plays the recording to a collector of its own process and reads what it stored. */
async function playLive(dir: string, { descriptor, symbols, channels, lines }: Case): Promise<readonly Line[]> {
  const playback = await startPlayback({
    host: HOST,
    recording: async function* () {
      yield* lines;
    },
    port: 0,
    speed: 0,
  });
  try {
    const open = lines.find((line) => line.dir === "open");
    assert.ok(open !== undefined);
    const { section1 } = playback.urls.ws;
    const connection = await connectionOf(descriptor, open.url);
    const exchange = `[[exchange]]
name = "${descriptor.name}"
descriptor_path = "${descriptor.text === undefined ? `builtin:${descriptor.name}` : "descriptor.toml"}"
symbols = ${JSON.stringify(symbols)}
channels = ${JSON.stringify(channels)}
[exchange.overrides]
urls = { ${connection} = ["${section1}"] }
${descriptor.text === undefined ? `base_urls = ["${playback.urls.rest}"]` : ""}
`;
    const sinks = '[[sink]]\nname = "lines"\ntype = "ndjson"';
    const text = configText({ httpPort: freePort(), dataDir: `${dir}/data`, sinks, exchanges: exchange });
    await files.writeAtomic(`${dir}/collector.toml`, ENCODER.encode(text));
    await using collector = new CollectorProcess(["run", "--config", `${dir}/collector.toml`]);
    await collector.untilLog(/"session_opened"/);
    await collector.until("the recording was read", () => playback.statistics().sectionsPlayed === 1);
    collector.kill("SIGTERM");
    const end = await collector.end();
    assert.equal(end.code, 0, end.err);
    return await readEvents(`${dir}/data/ndjson`);
  } finally {
    await playback.stop();
  }
}

/** The connection of a descriptor whose path a recorded URL has. */
async function connectionOf(descriptor: Case["descriptor"], url: string): Promise<string> {
  const path = new URL(`../../config/exchanges/${descriptor.name}.toml`, import.meta.url).pathname;
  const text = descriptor.text ?? await files.readText(path) ?? "";
  const { frames } = loadDescriptor({ file: { path, text }, readText: () => null, environment: () => undefined });
  assert.ok(frames !== null, `${path} has no mistakes`);
  return matchConnection(frames, url) ?? frames.connections[0].id;
}

async function assertIdentity(given: Case): Promise<void> {
  const dir = await files.makeTempDir("identity");
  try {
    const recording = `${dir}/recording.jsonl`;
    const text = given.lines.map((line) => `${formatRecordingLine(line)}\n`).join("");
    await files.writeAtomic(recording, ENCODER.encode(text));
    if (given.descriptor.text !== undefined) {
      await files.writeAtomic(`${dir}/descriptor.toml`, ENCODER.encode(given.descriptor.text));
    }
    const descriptor = given.descriptor.text === undefined ? given.descriptor.name : `${dir}/descriptor.toml`;
    const first = await replayTo(recording, { descriptor, dir: `${dir}/first` });
    const second = await replayTo(recording, { descriptor, dir: `${dir}/second` });
    assert.deepEqual(second, first, "the same recording gives the same events, offsets and times included");
    assert.ok(first.length >= given.eventsMin, `${first.length} events of at least ${given.eventsMin}`);
    // The stop of the live run opens a gap of every stream.
    const live = (await playLive(dir, given)).filter(({ detail }) => !String(detail).startsWith("shutdown"));
    assert.equal(live.length, first.length, "as many events live as in the replay");
    for (let i = 0; i < first.length; i++) assert.deepEqual(lasting(live[i]), lasting(first[i]), `event ${i}`);
  } finally {
    await files.removeTree(dir);
  }
}

function recorded(url: string, frames: readonly (string | Uint8Array)[]): readonly RecordedLine[] {
  const open: RecordedLine = { dir: "open", t: T, url, inferred: false };
  return [
    open,
    ...frames.map((frame, i): RecordedLine => ({
      dir: "in",
      t: T + 1_000 * (i + 1),
      binary: typeof frame !== "string",
      payload: typeof frame === "string" ? ENCODER.encode(frame) : frame,
    })),
  ];
}

const rounds = (count: number, make: (i: number) => readonly (string | Uint8Array)[]) =>
  Array.from({ length: count }, (_, i) => make(i)).flat();

Deno.test("binance frames give the same events replayed twice and over a live socket", async () => {
  await assertIdentity({
    descriptor: { name: "binance" },
    symbols: ["BTC/USDT"],
    channels: ["trades", "quotes", "ticker"],
    eventsMin: 400,
    lines: recorded(
      "wss://stream.binance.com:9443/stream",
      rounds(200, (i) => [
        `{"stream":"btcusdt@trade","data":{"e":"trade","E":${1770000000000 + i},"s":"BTCUSDT","t":${
          900719925474099300 + i
        }1,"p":"61800.${i}0","q":"0.00100","T":${1770000000000 + i},"m":${i % 2 === 0},"M":true}}`,
        `{"stream":"btcusdt@bookTicker","data":{"u":${i},"s":"BTCUSDT","b":"61800.10","B":"1.0","a":"61800.2${i}","A":"2"}}`,
      ]),
    ),
  });
});

Deno.test("okx frames of several rows, and frames that no rule knows, give the same events every way", async () => {
  await assertIdentity({
    descriptor: { name: "okx" },
    symbols: ["BTC/USDT"],
    channels: ["trades", "quotes"],
    eventsMin: 150,
    lines: recorded(
      "wss://ws.okx.com:8443/ws/v5/public",
      rounds(50, (i) => [
        `{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"${i}1","px":"42219.9","sz":"0.1206","side":"buy","ts":"${
          1770000000000 + i
        }","count":"3"},{"instId":"BTC-USDT","tradeId":"${i}2","px":"42219.95","sz":"0.1","side":"sell","ts":"${
          1770000000000 + i
        }","count":"1"}]}`,
        `{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["111.06","55154","0","2"]],"bids":[["111.05","57745","0","2"]],"ts":"${
          1770000000000 + i
        }","seqId":${i + 10}}]}`,
        `{"arg":{"channel":"never-heard-of","instId":"BTC-USDT"},"data":[{"n":${i}}]}`,
      ]),
    ),
  });
});

Deno.test("kraken frames with numbers as numbers give the same digits every way", async () => {
  await assertIdentity({
    descriptor: { name: "kraken" },
    symbols: ["BTC/USD"],
    channels: ["trades"],
    eventsMin: 100,
    lines: recorded(
      "wss://ws.kraken.com/v2",
      rounds(100, (i) => [
        `{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":0.${
          "0".repeat(i % 9)
        }5170,"qty":5e-${i % 8 + 1},"ord_type":"market","trade_id":${
          4665846 + i
        },"timestamp":"2026-02-02T07:48:36.925533Z"}]}`,
      ]),
    ),
  });
});

Deno.test("text, compressed and broken frames of one connection give the same events every way", async () => {
  const trade = (i: number) => `{"s":"A","i":"${i}","p":"1.${i}","q":"${i + 1}","t":${1770000000000 + i}}`;
  await assertIdentity({
    descriptor: {
      name: "mixed",
      text: `[meta]
name = "mixed"
version = "1.4"
[[ws.connections]]
id = "main"
urls = ["wss://mixed.invalid/ws"]
decode = "auto"
[[subscriptions]]
connection_id = "main"
generator = 'foreach (s in symbols) { emit("{symbol}"); }'
ack = { mode = "none" }
[parse]
channel = "/c"
symbol = "/s"
time_unit = "ms"
[[events]]
kind = "trade"
when = { "/i" = { exists = true } }
symbol = "/s"
exchange_ts = "/t"
trade_id = "/i"
price = "/p"
size = "/q"
`,
    },
    symbols: ["A"],
    channels: ["trades"],
    eventsMin: 240,
    lines: recorded(
      "wss://mixed.invalid/ws",
      rounds(60, (i) => [
        trade(i),
        new Uint8Array(gzipSync(ENCODER.encode(trade(i + 1_000)))),
        ENCODER.encode(trade(i + 2_000)),
        `${trade(i).slice(0, -1)}`,
        new Uint8Array([31, 139, 8, 0, i, 1, 2]),
      ]),
    ),
  });
});

/** The first frames of a shared recording without what its client asked for, as if received from `endpoint`. */
function shared(name: string, frames: number, endpoint: string): readonly RecordedLine[] | null {
  const lines = readRecording(name);
  if (lines === null) return null;
  const kept: RecordedLine[] = [];
  for (const { t, dir, payload, binary } of lines) {
    if (dir === "open") kept.push({ dir, t, url: endpoint, inferred: false });
    else if (dir === "in" && kept.length <= frames) kept.push({ dir, t, payload, binary });
  }
  return kept;
}

testOnRecordings(
  ["binance-usdm-20240808-btcusdt"],
  "recorded frames of binance-usdm give the same events replayed twice and over a live socket",
  async () => {
    const lines = shared("binance-usdm-20240808-btcusdt", 5_000, "wss://fstream.binance.com/public/stream");
    assert.ok(lines !== null);
    await assertIdentity({
      descriptor: { name: "binance-usdm" },
      symbols: ["BTC/USDT:USDT"],
      channels: ["trades", "book", "quotes"],
      lines,
      eventsMin: 3_000,
    });
  },
);

testOnRecordings(
  ["bybit-20260809-ws2"],
  "recorded frames of bybit give the same events replayed twice and over a live socket",
  async () => {
    const lines = shared("bybit-20260809-ws2", 1_000, "wss://stream.bybit.com/v5/public/spot");
    assert.ok(lines !== null);
    await assertIdentity({
      descriptor: { name: "bybit" },
      symbols: ["BTC/USDT", "ETH/USDT"],
      channels: ["trades", "book", "ticker", "candles"],
      lines,
      eventsMin: 400,
    });
  },
);
