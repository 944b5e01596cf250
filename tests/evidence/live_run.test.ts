import assert from "node:assert/strict";
import { type LiveOutcome, renderLiveReport, runLive } from "../../src/evidence/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { type DialectName, type Simulator, startSimulator } from "../../src/simulator/mod.ts";
import { runCli } from "../support/captured_cli.ts";

const SYMBOLS = ["BTC/USDT", "ETH/USDT"];
const CONTEXT = { host: denoHost(), version: "0", shippedDir: new URL("../../config", import.meta.url).pathname };
const KINDS = ["trade", "book_delta", "quote"] as const;
/** Events of each kind that a simulated exchange has sent when a run ends. */
const EVENTS_MIN = 30;

/** Listens to a simulated exchange until it has sent enough of everything. */
async function listen(dialect: DialectName, urlOf: (urls: Simulator["urls"]["ws"]) => string): Promise<LiveOutcome> {
  const simulator = await startSimulator({ host: CONTEXT.host, dialect, port: 0, rate: 200, symbols: SYMBOLS });
  const ended = new AbortController();
  const moving = (async () => {
    while (!ended.signal.aborted) {
      await CONTEXT.host.clock.sleep(20);
      simulator.advance(5);
      const { symbols } = simulator.statistics();
      const isEnough = KINDS.every((kind) => symbols.some(({ events }) => (events[kind] ?? 0) >= EVENTS_MIN));
      if (isEnough) ended.abort();
    }
  })();
  try {
    const [outcome] = await runLive(CONTEXT, [dialect], {
      forMs: 60_000,
      symbols: SYMBOLS,
      channels: ["trades", "book", "quotes"],
      urls: new Map([["", urlOf(simulator.urls.ws)]]),
      restUrl: simulator.urls.rest,
      signal: ended.signal,
    });
    return outcome;
  } finally {
    ended.abort();
    await moving;
    await simulator.stop();
  }
}

Deno.test("runLive() finds nothing amiss with an exchange that keeps to its protocol", async () => {
  const outcome = await listen("binance", ({ stream }) => stream);
  assert.deepEqual([outcome.verdict, outcome.findings, outcome.issues], ["ok", [], []]);
  assert.deepEqual(outcome.channels, ["trades", "book", "quotes"]);
  const counts = new Map(outcome.rules.map(({ name, count }) => [name, count]));
  for (const name of ["trade", "book", "quote", "ack", "depth_snapshot"]) assert.ok((counts.get(name) ?? 0) > 0, name);
  assert.match(renderLiveReport([outcome], { color: false }), /binance\s+ok\s+1 /);
});

Deno.test("runLive() finds every frame that came in another form, and the channels that are silent for it", async () => {
  // The address of raw streams: payloads come without the envelope that the descriptor knows.
  const outcome = await listen("binance", ({ ws }) => ws);
  assert.equal(outcome.verdict, "drift");
  const codes = new Set(outcome.findings.map(({ code, about }) => code === "silent" ? `${code} ${about}` : code));
  assert.ok(codes.has("unmatched") && codes.has("silent quotes"), JSON.stringify(outcome.findings));
  const text = renderLiveReport([outcome], { color: false });
  assert.match(text, /binance: unmatched \{e,E,s,t,p,q,T,m,M\}: no rule matches these frames/);
  assert.match(text, /binance: nothing exercised event quote/);
});

Deno.test("test --live writes its report, and says what it cannot run", async () => {
  const dir = await Deno.makeTempDir({ prefix: "collector-live-test-" });
  try {
    const at = ["--live", "--for", "1ms", "--url", "ws://127.0.0.1:9/none", "--rest-url", "http://127.0.0.1:9"];
    const report = `${dir}/report.json`;
    const some = ["--symbols", "BTC/USDT", "--channels", "trades"];
    const { code, out } = await runCli(["test", "binance", ...at, ...some, "--report", report]);
    assert.equal(code, 1);
    assert.match(out, /binance\s+unreachable/);
    const { ok, exchanges } = JSON.parse(await Deno.readTextFile(report));
    assert.deepEqual([ok, exchanges.length, exchanges[0].verdict], [false, 1, "unreachable"]);
    const unknown = await runCli(["test", "binance", ...at, "--channels", "tades"]);
    assert.deepEqual([unknown.code, /No channel tades: there are trades,/.test(unknown.err)], [64, true]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
