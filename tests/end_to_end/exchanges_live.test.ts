import assert from "node:assert/strict";
import { readRecordingFile } from "../../src/cli/recording.ts";
import { denoHost } from "../../src/host/mod.ts";
import { EVENT_KINDS, type EventKind } from "../../src/model/mod.ts";
import {
  acknowledgeAs,
  type DialectName,
  type Simulator,
  type SimulatorStatistics,
  startPlayback,
  startSimulator,
} from "../../src/simulator/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { recordingPath, testOnRecordings } from "../support/recordings.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";

const SPOT_CHANNELS = ["trades", "book", "quotes", "ticker", "candles"];
const SPOT_KINDS: readonly EventKind[] = ["trade", "book_snapshot", "book_delta", "quote", "ticker", "candle"];

/** What each simulated exchange offers. */
const OFFERS: readonly {
  readonly dialect: DialectName;
  readonly symbols: readonly string[];
  readonly channels: readonly string[];
  readonly kinds: readonly EventKind[];
}[] = [
  { dialect: "binance", symbols: ["BTC/USDT", "ETH/USDT"], channels: SPOT_CHANNELS, kinds: SPOT_KINDS },
  { dialect: "kraken", symbols: ["BTC/USD", "ETH/USD"], channels: SPOT_CHANNELS, kinds: SPOT_KINDS },
  {
    dialect: "okx",
    symbols: ["BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"],
    channels: [...SPOT_CHANNELS, "derivative", "liquidations"],
    kinds: [...SPOT_KINDS, "derivative_ticker", "liquidation"],
  },
];

type SentKind = Exclude<EventKind, "gap" | "raw" | "book_top" | "instrument">;

/** How many events of a kind an exchange sent of an instrument. */
function sentOf({ symbols }: SimulatorStatistics, symbol: string, kind: EventKind): number {
  return symbols.find((each) => each.symbol === symbol)?.events[kind as SentKind] ?? 0;
}

/**
 * How many events of a kind should come of what was sent. The state of a contract also comes from its index, which is
 * counted under the name of the pair, and from its tickers; a spot pair has none.
 */
function wantedOf(sent: SimulatorStatistics, symbol: string, kind: EventKind): number {
  if (kind !== "derivative_ticker") return sentOf(sent, symbol, kind);
  const [pair, settle] = symbol.split(":");
  if (settle === undefined) return 0;
  const index = sent.symbols.find(({ native }) => native === pair.replace("/", "-"));
  return sentOf(sent, symbol, kind) + sentOf(sent, symbol, "ticker") + (index?.events.derivative_ticker ?? 0);
}

/** Enough that some are newer than a snapshot that is asked for over REST. */
const BOOK_DELTAS_MIN = 5;

/** Moves the markets until every kind was sent, and then lets them stand still until all of it has arrived. */
async function playMarkets(rig: ServiceRig, simulator: Simulator, kinds: readonly EventKind[]): Promise<void> {
  await rig.until("every kind was sent", () => {
    simulator.advance(20);
    const { symbols } = simulator.statistics();
    return kinds.every((kind) => symbols.some(({ events }) => (events[kind as SentKind] ?? 0) > 0)) &&
      symbols.every(({ events }) => events.trade === undefined || (events.book_delta ?? 0) >= BOOK_DELTAS_MIN);
  });
  simulator.freeze();
  await rig.until("everything sent arrived", async () => {
    const { dataFrames, controlFrames } = simulator.statistics();
    return await rig.metric("collector_frames_received_total", { exchange: simulator.dialect }) >=
      dataFrames + controlFrames;
  });
}

for (const { dialect, symbols, channels, kinds } of OFFERS) {
  Deno.test(`the shipped descriptor of ${dialect} collects every event that its simulated exchange sends`, async () => {
    const simulator = await startSimulator({ host: denoHost(), dialect, port: 0, rate: 50, symbols });
    try {
      await using rig = await ServiceRig.start({ config: instanceOf(simulator, { symbols, channels }) });
      await rig.until("ready", async () => {
        simulator.advance(5);
        return (await rig.get("/readyz")).status === 200;
      });
      await playMarkets(rig, simulator, kinds);
      const health = await rig.health();
      assert.deepEqual([health.status, health.instances[0].state], ["ok", "live"]);
      for (const { state, streams, reconnects } of health.instances[0].connections) {
        assert.deepEqual([state, reconnects, streams.rejected, streams.stale], ["live", 0, 0, 0]);
      }
      const { text } = await rig.get("/metrics");
      for (const name of ["frame_faults", "requests_failed", "gaps", "symbols_unmapped", "connects_failed"]) {
        assert.doesNotMatch(text, new RegExp(`^collector_${name}_total\\{.*`, "m"));
      }
      await rig.stop();
      const events = await rig.events();
      const sent = simulator.statistics();
      for (const symbol of symbols) {
        for (const kind of kinds) {
          const collected = events.filter((event) => event.symbol === symbol && event.kind === kind);
          const wanted = wantedOf(sent, symbol, kind);
          // Updates that a REST snapshot already holds do not leave.
          if (kind === "book_delta" && dialect === "binance") {
            assert.ok(
              collected.length > 0 && collected.length <= wanted,
              `${symbol}: ${collected.length} of ${wanted}`,
            );
          } else assert.equal(collected.length, wanted, `${symbol} ${kind}`);
          if (kind !== "trade") continue;
          const ids = sent.symbols.find((each) => each.symbol === symbol)?.trades.ids ?? [];
          assert.deepEqual(collected.map(({ trade_id }) => trade_id), ids);
        }
      }
    } finally {
      await simulator.stop();
    }
  });
}

/** Recordings of current protocols, and the dialect that can acknowledge what we ask for. */
const RECORDINGS: readonly {
  readonly file: string;
  readonly exchange: string;
  readonly dialect: DialectName | null;
  readonly symbol: string;
  readonly channels: readonly string[];
  readonly connection: string;
}[] = [
  {
    file: "binance-20211012-ws1",
    exchange: "binance",
    dialect: "binance",
    symbol: "BTC/USDT",
    channels: ["trades", "quotes", "candles"],
    connection: "public",
  },
  {
    file: "binance-20240808-btcusdt",
    exchange: "binance",
    dialect: "binance",
    symbol: "BTC/USDT",
    channels: ["trades", "quotes"],
    connection: "public",
  },
  {
    file: "binance-usdm-20240808-btcusdt",
    exchange: "binance-usdm",
    dialect: "binance",
    symbol: "BTC/USDT:USDT",
    channels: ["trades", "quotes"],
    connection: "public",
  },
  {
    file: "coinbase-20210417-ws1",
    exchange: "coinbase",
    dialect: null,
    symbol: "BTC/USD",
    channels: ["trades", "book", "quotes", "ticker"],
    connection: "exchange",
  },
  {
    file: "okx-20220513-ws1",
    exchange: "okx",
    dialect: "okx",
    symbol: "BTC/USDT",
    channels: ["trades", "book", "ticker"],
    connection: "public",
  },
  {
    file: "bybit-20260809-ws1",
    exchange: "bybit",
    dialect: null,
    symbol: "BTC/USDT:USDT",
    channels: ["trades", "book", "ticker", "candles", "derivative"],
    connection: "linear",
  },
];

/** Kinds that were asked for and whose events do not depend on when a REST answer came. */
function frameKinds(exchange: string, channels: readonly string[]): readonly EventKind[] {
  const fetchesBooks = exchange.startsWith("binance");
  return EVENT_KINDS.filter((kind) => {
    if (kind === "derivative_ticker") return channels.includes("derivative");
    return kind !== "gap" && !(fetchesBooks && kind.startsWith("book_"));
  });
}

for (const { file, exchange, dialect, symbol, channels, connection } of RECORDINGS) {
  testOnRecordings([file], `${file} over a socket gives the events that its replay gives`, async () => {
    const path = recordingPath(file);
    const host = denoHost();
    let replies = 0;
    const playback = await startPlayback({
      host,
      recording: () => readRecordingFile(host, path),
      port: 0,
      speed: 0,
      reply: (text) => {
        const answers = dialect === null ? [] : acknowledgeAs(dialect, text);
        replies += answers.length;
        return answers;
      },
    });
    try {
      await using rig = await ServiceRig.start({
        config: `
[[exchange]]
name = "${exchange}"
descriptor_path = "builtin:${exchange}"
symbols = ["${symbol}"]
channels = ${JSON.stringify(channels)}
[exchange.overrides]
urls = { ${connection} = ["${playback.urls.ws.section1}"] }
`,
      });
      await playback.finished;
      const received = () => rig.metric("collector_frames_received_total", { exchange });
      await rig.until("every frame arrived", async () => await received() >= playback.statistics().framesSent);
      const { code, err } = await runCli([
        "replay",
        path,
        "--exchange",
        exchange,
        "--report",
        `${rig.dir}/report.json`,
      ]);
      assert.equal(code, 0, err);
      const report = JSON.parse(await Deno.readTextFile(`${rig.dir}/report.json`));
      assert.equal(await received() - replies, report.frames);
      for (const kind of frameKinds(exchange, channels)) {
        assert.equal(await rig.metric("collector_events_total", { exchange, kind }), report.events[kind] ?? 0, kind);
      }
      assert.ok(report.events.trade > 0);
      const { text } = await rig.get("/metrics");
      assert.doesNotMatch(text, /^collector_frame_faults_total\{.*/m);
      assert.equal((await rig.connection(exchange, connection)).streams.rejected, 0);
    } finally {
      await playback.stop();
    }
  });
}
