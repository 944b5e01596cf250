import assert from "node:assert/strict";
import { type Certificate, certifyArchive, checkCertificates, readCertificates } from "../../src/certificate/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { type EventLine, instanceOf, ServiceRig } from "../support/service_rig.ts";

/** How long things go wrong, by the frames that the simulator holds back, and from which markets. */
export interface JudgeOptions {
  readonly dropped: number;
  readonly seed: number;
}

/** What was judged. */
export interface Judgement {
  /** Frames that the simulator never sent, and sockets that it closed or let fall silent. */
  readonly dropped: number;
  readonly ended: number;
  /** Places in the data where the exchange's numbers jump: all of them lie in told gaps. */
  readonly losses: number;
  readonly stretches: number;
}

const SYMBOLS = ["BTC/USDT", "ETH/USDT"];
const REJECTED = "SOL/USDT";
const pause = () => Promise.resolve();

/**
 * Lets a collector run on an exchange that drops frames, repeats them, sends garbage, closes sockets, falls silent and
 * refuses a stream, and compares every certificate with the numbers that the exchange gave out: whatever is missing lies
 * in a gap that is told, and no stretch that is called covered lacks anything.
 */
export async function judgeCertificates({ dropped, seed }: JudgeOptions): Promise<Judgement> {
  const simulator = await startSimulator({
    host: denoHost(),
    port: 0,
    limitsConnections: false,
    rate: 300,
    seed,
    symbols: [...SYMBOLS, REJECTED],
    dialect: "binance",
    faults: {
      gapEvery: { kind: "frames", count: 43 },
      duplicateEvery: { kind: "frames", count: 67 },
      garbageEvery: { kind: "frames", count: 131 },
      disconnectEvery: { kind: "frames", count: 211 },
      silenceAfter: { kind: "frames", count: 397 },
      rejectSubscriptions: [REJECTED],
    },
  });
  await using _ = { [Symbol.asyncDispose]: () => simulator.stop() };
  await using rig = await ServiceRig.start({
    config: instanceOf(simulator, {
      symbols: [...SYMBOLS, REJECTED],
      channels: ["trades", "book"],
      overrides: "read_timeout_ms = 500",
    }),
  });
  for (let seen = 0; seen < dropped;) {
    const target = Math.min(dropped, seen + 5);
    await rig.until(`${target} frames were lost`, () => simulator.statistics().droppedFrames >= target);
    seen = simulator.statistics().droppedFrames;
  }
  simulator.freeze();
  await rig.stop();
  const { files, clock } = rig.host;
  const dir = `${rig.dir}/data/ndjson`;
  const common = { host: rig.host, dir, journalDir: `${rig.dir}/data/journal`, pause };
  const tell = (text: string) => assert.fail(text);
  await certifyArchive({ ...common, key: null, onlyNews: false, onlySafe: false, tell });
  const { differences } = await checkCertificates({ ...common, host: { files, clock }, publicKey: null });
  assert.deepEqual(differences, []);
  const certificates = await readCertificates(files, dir);
  const events = await rig.events();
  const told = { losses: 0, stretches: 0 };
  for (const symbol of SYMBOLS) {
    for (const channel of ["trades", "book"] as const) {
      const own = events.filter((event) => event.symbol === symbol && isLive(event, channel));
      const judged = judgeStream(own, { channel, symbol, certificates });
      told.losses += judged.losses;
      told.stretches += judged.stretches;
    }
  }
  const refused = streamsOf(certificates, "trades", REJECTED);
  assert.ok(refused.every(({ coverage }) => coverage.length === 0), "nothing of a refused stream is covered");
  assert.ok(refused.some(({ gaps }) => gaps.some(({ cause }) => cause === "rejected")));
  const { droppedFrames, forcedDisconnects, silencedConnections } = simulator.statistics();
  return { dropped: droppedFrames, ended: forcedDisconnects + silencedConnections, ...told };
}

export function isLive({ kind, backfilled }: EventLine, channel: "trades" | "book"): boolean {
  if (channel === "trades") return kind === "trade" && backfilled !== true;
  return kind === "book_delta" || kind === "book_snapshot";
}

export function streamsOf(certificates: readonly Certificate[], channel: string, symbol: string) {
  return certificates.flatMap(({ streams }) => streams)
    .filter((stream) => stream.channel === channel && stream.symbol === symbol);
}

/** Numbers that the exchange gave an event: the first and the last that it stands for. */
function numbersOf(event: EventLine): readonly [first: number, last: number] {
  switch (event.kind) {
    case "trade":
      return [Number(event.trade_id), Number(event.trade_id)];
    case "book_snapshot":
      return [Number(event.sequence), Number(event.sequence)];
    default:
      return [Number(event.first_sequence), Number(event.last_sequence)];
  }
}

export function judgeStream(
  events: readonly EventLine[],
  { channel, symbol, certificates }: {
    readonly channel: string;
    readonly symbol: string;
    readonly certificates: readonly Certificate[];
  },
): { readonly losses: number; readonly stretches: number } {
  const streams = streamsOf(certificates, channel, symbol);
  const coverage = streams.flatMap((stream) => stream.coverage);
  const gaps = streams.flatMap((stream) => stream.gaps);
  if (channel === "trades") {
    assert.ok(events.length > 10 && coverage.length > 0, `${symbol} has ${events.length} trades`);
  }
  let losses = 0;
  for (const [at, after] of events.entries()) {
    const before = events.at(at - 1);
    if (at === 0 || before === undefined) continue;
    const [, last] = numbersOf(before);
    const [first] = numbersOf(after);
    if (first <= last + 1) continue;
    losses++;
    const where = `${channel} ${symbol}: ${last} is followed by ${first} at ${after.received_ts}`;
    const [from, to] = [before.received_ts, after.received_ts];
    assert.ok(
      gaps.some((gap) => (gap.from_ts ?? -Infinity) <= from && (gap.to_ts ?? Infinity) >= to),
      `no gap tells of it: ${where}`,
    );
    const holding = coverage.find((stretch) =>
      from === to ? stretch.from_ts < from && to < stretch.to_ts : stretch.from_ts <= from && to <= stretch.to_ts
    );
    assert.equal(holding, undefined, `it is called covered: ${where}`);
  }
  const ends = new Set<number | null>([
    ...events.map(({ received_ts }) => received_ts),
    ...gaps.flatMap(({ from_ts, to_ts }) => [from_ts, to_ts]),
  ]);
  for (const { from_ts, to_ts } of coverage) {
    assert.ok(ends.has(from_ts) && ends.has(to_ts), `${channel} ${symbol}: a stretch ends at no event and no gap`);
  }
  return { losses, stretches: coverage.length };
}

if (import.meta.main) {
  const [dropped = "600", seed = "1"] = Deno.args;
  for (let round = Number(seed);; round++) {
    const judgement = await judgeCertificates({ dropped: Number(dropped), seed: round });
    console.log(JSON.stringify({ seed: round, ...judgement }));
    if (Deno.args.length > 1) break;
  }
}
