import assert from "node:assert/strict";
import { runCli } from "../support/captured_cli.ts";

const TRADE =
  '{"stream":"btcusdt@trade","data":{"e":"trade","E":1567296001038,"s":"BTCUSDT","t":12345678901234567890,"p":"0.10","q":"6.48","T":1567296001034,"m":true}}';

Deno.test("explain shows why each rule matches or not, every value with its steps, and the events", async () => {
  const { code, out } = await runCli(["explain", "binance", TRADE]);
  assert.equal(code, 0);
  const lines = out.split("\n");
  for (
    const line of [
      "frame on connection public, decoded as text",
      "✗ control ack  does not match",
      '    ✗ /result is "null"  found missing',
      "✓ event trade  matches",
      '    ✓ /data/e = "trade" or "aggTrade"  found "trade"',
      '      symbol       BTCUSDT  ← /s = "BTCUSDT", symbol map → "BTC/USDT"',
      "      exchange_ts  1567296001034000  ← /T = 1567296001034, unit auto → µs",
      "      trade_id     12345678901234567890  ← /t = 12345678901234567890",
      '      side         sell  ← /m = true, map "true" → "sell"',
      "result by rule trade",
    ]
  ) assert.ok(lines.includes(line), `${line}\nis not in\n${out}`);
  assert.match(out, /\n {2}trade \{"symbol":"BTC\/USDT",.*"price":"0\.10"/);
  assert.match(out, /5 rules of other connections or sources: --all shows them/);
});

Deno.test("explain shows the signal of a control frame, and rules that it shadows", async () => {
  const frame = '{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"}}';
  const { code, out } = await runCli(["explain", "okx", frame]);
  assert.equal(code, 0);
  assert.match(out, /✗ control pong {2}does not match\n {4}✗ text = "pong" {2}found \{"event"/);
  assert.match(out, /✓ control ack {2}matches\n {4}✓ \/event = "subscribe"/);
  assert.match(out, /~ event trade {2}matches, but a control rule came first/);
  assert.match(out, /signal ack: items trades BTC-USDT/);
});

Deno.test("explain names absent values, rows left out and faults", async () => {
  const ticker =
    '{"channel":"ticker","type":"snapshot","data":[{"symbol":"ALGO/USD","bid":0.0,"timestamp":"1970-01-01T00:00:00.000000Z"}]}';
  const absent = await runCli(["explain", "kraken", ticker]);
  assert.match(absent.out, /bid_price +null {2}← \/bid = 0\.0, absent "0\.0"/);
  const insurance = TRADE.replace('"m":true', '"m":true,"X":"ADL"');
  const left = await runCli(["explain", "binance-usdm", insurance, "--connection", "public"]);
  assert.match(left.out, /✗ left out: where \/X not .*found "ADL"/);
  assert.match(left.out, /no event/);
  const broken = await runCli(["explain", "binance", TRADE.replace('"p":"0.10",', "").replace('"m":true', '"m":"x"')]);
  assert.equal(broken.code, 1);
  assert.match(broken.out, /price +null missing_field {2}← \/p = missing/);
  assert.match(broken.out, /side +null unknown_value {2}← \/m = "x", map has no "x"/);
  assert.match(broken.out, /fault missing_field trade\.price \/p\n {2}fault unknown_value trade\.side \/m/);
});

Deno.test("explain takes the frame from a file and from standard input", async () => {
  const path = await Deno.makeTempFile({ prefix: "collector-explain-" });
  try {
    await Deno.writeTextFile(path, `${TRADE}\n`);
    const given = await runCli(["explain", "binance", TRADE]);
    assert.deepEqual(await runCli(["explain", "binance", `@${path}`]), given);
    assert.deepEqual(await runCli(["explain", "binance", "-"], { stdin: `${TRADE}\n` }), given);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("explain --connection chooses the symbol map, --http reads a REST answer", async () => {
  const trade =
    '{"topic":"publicTrade.BTCUSDT","ts":1,"data":[{"i":"2","T":1680652847524,"p":"28165.38","v":"0.04","S":"Sell","s":"BTCUSDT"}]}';
  for (const [connection, symbol] of [["spot", "BTC/USDT"], ["linear", "BTC/USDT:USDT"]]) {
    const { out } = await runCli(["explain", "bybit", trade, "--connection", connection]);
    assert.ok(out.includes(`symbol map → "${symbol}"`), out);
    assert.ok(out.includes(`trade {"symbol":"${symbol}"`), out);
  }
  const body = '{"lastUpdateId":5,"bids":[["1","2"]],"asks":[]}';
  const { out, code } = await runCli(["explain", "binance", body, "--http", "depth_snapshot", "--native", "BTCUSDT"]);
  assert.equal(code, 0, out);
  assert.match(out, /frame from request depth_snapshot for BTCUSDT/);
  assert.match(out, /bids +1 {2}← \/bids\/\* = 1 level from \["1","2"\]/);
  assert.match(out, /book_snapshot \{"symbol":"BTC\/USDT"/);
});

Deno.test("explain exits 1 for a frame that no rule matches and for one that is not JSON", async () => {
  const unmatched = await runCli(["explain", "binance", '{"x":1}']);
  assert.equal(unmatched.code, 1);
  assert.match(unmatched.out, /result no rule matches\n {2}fault unmatched public/);
  const garbage = await runCli(["explain", "binance", "<html>"]);
  assert.equal(garbage.code, 1);
  assert.match(garbage.out, /not tested: the frame is not JSON/);
  assert.match(garbage.out, /fault not_json Expected a value at byte 0/);
});

Deno.test("explain decodes a binary frame given in base64", async () => {
  const { code, out } = await runCli(["explain", "binance", btoa(TRADE), "--base64"]);
  assert.equal(code, 0);
  assert.match(out, /result by rule trade/);
  const wrong = await runCli(["explain", "binance", "%%", "--base64"]);
  assert.equal(wrong.code, 64);
});

Deno.test("explain --json gives every step as plain values", async () => {
  const { code, out } = await runCli(["explain", "binance", TRADE, "--json"]);
  assert.equal(code, 0);
  const { rules, result, origin } = JSON.parse(out);
  assert.deepEqual(origin, { kind: "ws", connectionId: "public", binary: false });
  const trade = rules.find((rule: { name: string }) => rule.name === "trade");
  assert.equal(trade.outcome, "taken");
  assert.deepEqual(trade.rows[0].fields.at(-1), {
    name: "side",
    sources: [{ source: "/m", found: "true" }],
    steps: ['map "true" → "sell"'],
    value: "sell",
    faults: [],
  });
  assert.equal(result.events[0].event.trade_id, "12345678901234567890");
});

Deno.test("explain is coloured on a terminal alone, and never with NO_COLOR or --json", async () => {
  const colored = (out: string) => out.includes("\u001b[");
  const args = ["explain", "binance", TRADE];
  assert.ok(!colored((await runCli(args)).out));
  assert.ok(colored((await runCli(args, { isTerminal: true, variables: { NO_COLOR: "" } })).out));
  assert.ok(!colored((await runCli(args, { isTerminal: true, variables: { NO_COLOR: "1" } })).out));
  assert.ok(!colored((await runCli([...args, "--json"], { isTerminal: true, variables: { NO_COLOR: "" } })).out));
});

Deno.test("explain exits 64 for what there is not, and names what there is", async () => {
  for (
    const [args, said] of [
      [["nowhere", TRADE], /No descriptor nowhere/],
      [["binance", TRADE, "--connection", "x"], /No connection x: the descriptor has public/],
      [
        ["binance", TRADE, "--http", "x"],
        /No request x: the descriptor has depth_snapshot, trade_history, aggregate_history/,
      ],
      [["kraken", TRADE, "--http", "x"], /No request x: the descriptor has trade_history/],
      [["binance", "@nowhere.json"], /Cannot open nowhere\.json/],
      [["binance"], /missing required argument/],
    ] as const
  ) {
    const { code, err } = await runCli(["explain", ...args]);
    assert.equal(code, 64, err);
    assert.match(err, said);
  }
});

Deno.test("explain of a broken descriptor exits 78 with its issues", async () => {
  const path = await Deno.makeTempFile({ prefix: "collector-explain-", suffix: ".toml" });
  try {
    await Deno.writeTextFile(path, '[meta]\nname = "x"\nversion = "1.4"\n[wss]\n');
    const { code, err } = await runCli(["explain", path, TRADE]);
    assert.equal(code, 78);
    assert.match(err, /:4:2: error: .*wss/);
  } finally {
    await Deno.remove(path);
  }
});
