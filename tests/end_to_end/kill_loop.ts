import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { verifyJournal } from "../../src/journal/mod.ts";
import type { ClosedRecord, Offset } from "../../src/model/mod.ts";
import { eventJson } from "../../src/sink/mod.ts";
import { type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { configText, loadPlan, simulatedExchange } from "../support/collector_config.ts";
import { CollectorProcess, freePort, runProgram } from "../support/collector_process.ts";
import { assertExtends, deriveAll, digestJournal, entriesOf, type JournalDigest } from "../support/journal_contents.ts";
import { seeded } from "../support/seeded.ts";
import {
  assertSameCounts,
  countLines,
  countParquetRows,
  eventKey,
  listFiles,
  parquetRowsOf,
  readParquet,
} from "../support/stored_events.ts";

const SYMBOLS = ["BTC/USDT", "ETH/USDT"];
const HOST = denoHost();
/** The name that events carry where the configuration gives none. */
const COLLECTOR = HOST.machineName();
const { files, clock } = HOST;

/** What a loop is made of. */
export interface KillLoopOptions {
  readonly kills: number;
  readonly seed: number;
  /** Market events a second and symbol. */
  readonly rate: number;
  /** Told about each kill. */
  readonly report?: (line: string) => void;
}

/** What a loop came to. */
export interface KillLoopFigures {
  readonly kills: number;
  /** Kills that cut at least one open session. */
  readonly cutSessions: number;
  readonly records: number;
  readonly frames: number;
  readonly events: number;
  readonly crashGaps: number;
  readonly segments: number;
  readonly sealedSegments: number;
  readonly parquetFiles: number;
  readonly tornBytes: number;
  readonly seconds: number;
}

/**
 * Kills a collector under load again and again, at random moments of its start and of its work, restarts it on the same
 * folder, and lets it stop in order at last. After each kill nothing journaled may be lost or changed and every Parquet
 * file has to be readable; at the end both sinks have to hold exactly what the pipeline derives from the whole journal.
 */
export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopFigures> {
  const startedMs = clock.monotonicMs();
  const dir = await files.makeTempDir("kill-loop");
  const simulator = await startSimulator({
    host: HOST,
    dialect: "binance",
    port: 0,
    symbols: SYMBOLS,
    rate: options.rate,
    seed: options.seed,
    limitsConnections: false,
    faults: { duplicateEvery: { kind: "frames", count: 100 } },
  });
  try {
    const loop = new KillLoop(options, dir, simulator);
    await loop.run();
    return { ...await loop.judge(), seconds: Math.round((clock.monotonicMs() - startedMs) / 1000) };
  } finally {
    await simulator.stop();
    await files.removeTree(dir);
  }
}

class KillLoop {
  readonly #options: KillLoopOptions;
  readonly #simulator: Simulator;
  readonly #random: () => number;
  readonly #config: string;
  readonly #configText: string;
  readonly #journal: string;
  readonly #parquet: string;
  readonly #lines: string;
  readonly #dataDir: string;
  readonly #readable = new Map<string, number>();
  #digest: JournalDigest | null = null;
  #tornBytes = 0;

  constructor(options: KillLoopOptions, dir: string, simulator: Simulator) {
    this.#options = options;
    this.#simulator = simulator;
    this.#random = seeded(options.seed);
    this.#config = `${dir}/collector.toml`;
    this.#dataDir = `${dir}/data`;
    this.#journal = `${this.#dataDir}/journal`;
    this.#parquet = `${this.#dataDir}/parquet`;
    this.#lines = `${this.#dataDir}/ndjson`;
    this.#configText = configText({
      httpPort: freePort(),
      dataDir: this.#dataDir,
      // What was seen before is part of the state that a restart has to find again.
      journal: "sync_ms = 20\nsegment_mb = 1\nretain_hours = 1000\n[dedup]\nenabled = true\nmax_keys = 2000",
      sinks: `[[sink]]
name = "archive"
type = "parquet"
part_seconds = 0.3
exact_digits = true
[[sink]]
name = "lines"
type = "ndjson"`,
      exchanges: simulatedExchange(simulator, {
        symbols: SYMBOLS,
        channels: ["trades", "book", "quotes", "ticker", "candles"],
      }),
    });
  }

  async run(): Promise<void> {
    await files.writeAtomic(this.#config, new TextEncoder().encode(this.#configText));
    for (let kill = 1; kill <= this.#options.kills; kill++) await this.#killOnce(kill);
    await this.#stopInOrder();
  }

  async #killOnce(kill: number): Promise<void> {
    // One in four dies while it starts; the others in the middle of their work.
    const early = this.#random() < 0.25;
    const delayMs = Math.round(this.#random() * (early ? 700 : 1_200));
    const sent = this.#simulator.statistics().dataFrames;
    await using collector = new CollectorProcess(["run", "--config", this.#config]);
    if (!early) await collector.untilLog(/"session_opened"/);
    await clock.sleep(delayMs);
    collector.kill("SIGKILL");
    const end = await collector.end();
    assert.equal(end.signal, "SIGKILL", `kill ${kill}: the collector had ended by itself:\n${end.err}`);
    const what = `kill ${kill} (${early ? "start" : "work"} + ${delayMs} ms)`;
    const frames = this.#simulator.statistics().dataFrames - sent;
    if (await files.stat(this.#journal) === null) {
      this.#options.report?.(`${what}: no journal yet`);
      return;
    }
    await this.#checkJournal(what, frames);
    await this.#checkParquet(what);
  }

  async #checkJournal(what: string, frames: number): Promise<void> {
    if (this.#digest === null && !(await listFiles(files, this.#journal)).some((path) => path.endsWith(".journal"))) {
      return;
    }
    const report = await verifyJournal(files, this.#journal);
    assert.deepEqual(report.damage, [], `${what}: the journal is sound`);
    this.#tornBytes += report.tornBytes;
    const digest = await digestJournal(files, this.#journal);
    if (this.#digest !== null) assertExtends(digest, this.#digest, what);
    const more = digest.crcs.length - (this.#digest?.crcs.length ?? 0);
    this.#digest = digest;
    this.#options.report?.(
      `${what}: ${frames} frames sent, ${more} records more, ${report.segments.length} segments, ` +
        `${report.tornBytes} bytes torn`,
    );
  }

  /** Every finished part is readable, whenever the end came. */
  async #checkParquet(what: string): Promise<void> {
    for (const path of await listFiles(files, this.#parquet)) {
      const bytes = (await files.stat(path))?.bytes ?? 0;
      if (!path.endsWith(".parquet") || this.#readable.get(path) === bytes) continue;
      const rows = await readParquet(files, path);
      assert.ok(rows.length > 0, `${what}: ${path} holds rows`);
      this.#readable.set(path, bytes);
    }
  }

  async #stopInOrder(): Promise<void> {
    const sent = this.#simulator.statistics().dataFrames;
    await using collector = new CollectorProcess(["run", "--config", this.#config]);
    await collector.untilLog(/"session_opened"/);
    await collector.until("frames were sent", () => this.#simulator.statistics().dataFrames >= sent + 500);
    collector.kill("SIGTERM");
    const end = await collector.end();
    assert.deepEqual({ code: end.code, signal: end.signal }, { code: 0, signal: null }, end.err);
  }

  /** Compares the sinks with the journal. */
  async judge(): Promise<Omit<KillLoopFigures, "seconds">> {
    const verified = await runProgram(["journal", "verify", this.#dataDir]);
    assert.equal(verified.code, 0, verified.err);
    assert.match(verified.out, /: sound$/m);
    const digest = await digestJournal(files, this.#journal);
    if (this.#digest !== null) assertExtends(digest, this.#digest, "at the end");
    const expectedRows = new Map<string, number>();
    const expectedLines = new Map<string, number>();
    const gaps = new CrashGaps();
    for await (const { offset, record } of entriesOf(files, this.#journal)) {
      if (record.kind === "closed" && record.cause === "crash") gaps.crashed(offset, record);
    }
    for await (const envelope of deriveAll(files, this.#journal, loadPlan(this.#config))) {
      const key = eventKey(envelope);
      assert.ok(!expectedRows.has(key), `${key} is derived once`);
      expectedRows.set(key, parquetRowsOf(envelope));
      expectedLines.set(eventJson(envelope, COLLECTOR), 1);
      const { event, symbol } = envelope;
      if (event.kind === "trade") gaps.sawTrade(envelope.offset, symbol);
      if (event.kind === "gap") {
        // A book that was killed before its first snapshot came is in a gap of its own.
        const isExpected = event.cause === "disconnect" || event.detail === "no snapshot";
        assert.ok(isExpected, JSON.stringify(event));
        if (event.stream === "trades") gaps.sawGap(envelope.offset, symbol, event.detail);
      }
    }
    assertSameCounts(await countParquetRows(files, this.#parquet), expectedRows, "rows in Parquet");
    assertSameCounts(await countLines(files, this.#lines, (line) => line), expectedLines, "lines in NDJSON");
    const { segments } = await verifyJournal(files, this.#journal);
    let frames = 0;
    for await (const { record } of entriesOf(files, this.#journal)) if (record.kind === "frame") frames++;
    return {
      kills: this.#options.kills,
      cutSessions: gaps.crashes,
      records: digest.crcs.length,
      frames,
      events: expectedLines.size,
      crashGaps: gaps.check(),
      segments: segments.length,
      sealedSegments: segments.filter(({ sealed }) => sealed).length,
      parquetFiles: (await listFiles(files, this.#parquet)).length,
      tornBytes: this.#tornBytes,
    };
  }
}

/** Follows whether the first trade after each crash carries a gap that tells of a crash. */
class CrashGaps {
  readonly #crashes: Offset[] = [];
  readonly #trades = new Map<string, Offset[]>();
  readonly #gaps = new Map<string, string>();

  get crashes(): number {
    return this.#crashes.length;
  }

  crashed(offset: Offset, record: ClosedRecord): void {
    assert.equal(record.reason, "the process ended without closing the session");
    this.#crashes.push(offset);
  }

  sawTrade(offset: Offset, symbol: string): void {
    const offsets = this.#trades.get(symbol) ?? [];
    this.#trades.set(symbol, offsets);
    offsets.push(offset);
  }

  sawGap(offset: Offset, symbol: string, detail: string): void {
    this.#gaps.set(`${symbol} ${offset}`, detail);
  }

  /** Asserts the gaps; returns how many there are. */
  check(): number {
    const found = new Set<string>();
    for (const [symbol, trades] of this.#trades) {
      for (const crash of this.#crashes) {
        const first = trades.find((offset) => offset > crash);
        if (first === undefined) continue;
        const place = `${symbol} ${first}`;
        assert.match(this.#gaps.get(place) ?? "no gap", /^crash: /, `first ${symbol} trade after offset ${crash}`);
        found.add(place);
      }
    }
    return found.size;
  }
}

if (import.meta.main) {
  const argument = (name: string, fallback: number): number => {
    const at = Deno.args.indexOf(name);
    return at < 0 ? fallback : Number(Deno.args[at + 1]);
  };
  const seed = argument("--seed", Math.floor(HOST.random.next() * 2 ** 31));
  console.log(`seed ${seed}`);
  const figures = await runKillLoop({
    kills: argument("--kills", 50),
    seed,
    rate: argument("--rate", 1_000),
    report: (line) => console.log(line),
  });
  console.log(JSON.stringify(figures, null, 2));
}
