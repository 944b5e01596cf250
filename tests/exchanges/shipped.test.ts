import assert from "node:assert/strict";
import { type RunnableExchange, showTemplate, streamKey } from "../../src/model/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { loadInstance, loadShipped, offers, readShipped, SHIPPED } from "./shipped.ts";

function planOf(
  name: string,
  options: { symbols: readonly string[]; channels: Parameters<typeof loadInstance>[0]["channels"]; more?: string },
): RunnableExchange {
  const loaded = loadInstance({ name, ...options });
  assert.deepEqual(loaded.issues, []);
  const runnable = loaded.exchanges[0].runnable;
  assert.ok(runnable !== null);
  return runnable;
}

function messagesOf(plan: RunnableExchange): readonly string[] {
  return plan.connections.flatMap(({ key, requests }) =>
    requests.map(({ message }) => `${key} ${showTemplate(message)}`)
  );
}

for (const { name, symbols, lacks, markets = 20 } of SHIPPED) {
  Deno.test(`loadDescriptor() finds nothing wrong with ${name}`, () => {
    const loaded = loadShipped(name);
    assert.deepEqual(loaded.issues, []);
    assert.ok(loaded.frames !== null);
  });

  Deno.test(`loadConfig() covers every stream of every channel that ${name} offers`, () => {
    const channels = offers(lacks);
    const plan = planOf(name, { symbols, channels });
    const subscribed = plan.connections.flatMap(({ requests }) =>
      requests.flatMap(({ items }) => items.flatMap((item) => item.streams))
    );
    // What is asked for over REST again and again; of an answer for all instruments the subscription tells which.
    const polled = plan.rest.requests.filter(({ everyMs }) => everyMs !== null).flatMap(({ channel, targets }) =>
      targets.filter(({ symbol }) => symbol !== "").map(({ symbol }) => ({ channel, symbol }))
    );
    const covered = new Set([...subscribed, ...polled].map(streamKey));
    const wanted = channels.flatMap((channel) => symbols.map((symbol) => streamKey({ channel, symbol })));
    assert.deepEqual([...covered].sort(), [...wanted].sort());
  });

  Deno.test(`loadConfig() reports the channels that ${name} does not offer`, () => {
    const { issues } = loadInstance({ name, symbols, channels: [...offers(lacks), ...lacks] });
    assert.deepEqual(issues.map(({ message }) => message.split(" ")[1]), lacks);
  });

  Deno.test(`the symbol map of ${name} holds the main instruments, each canonical once`, () => {
    const lines = (readShipped(`maps/${name}.toml`) ?? "").split("\n").filter((line) => line.startsWith('"'));
    assert.ok(lines.length >= markets, `${lines.length} entries`);
    assert.equal(new Set(lines.map((line) => line.split(" = ")[0])).size, lines.length);
  });
}

Deno.test("binance subscribes in one frame and asks for a snapshot of each book", () => {
  const plan = planOf("binance", { symbols: ["BTC/USDT", "ETH/USDT"], channels: ["trades", "book"] });
  assert.deepEqual(messagesOf(plan), [
    'public {"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@depth@100ms","ethusdt@trade","ethusdt@depth@100ms"],"id":{id}}',
  ]);
  assert.deepEqual(plan.rest.requests[0].targets.map(({ path }) => showTemplate(path)), [
    "/api/v3/depth?symbol=BTCUSDT&limit=1000",
    "/api/v3/depth?symbol=ETHUSDT&limit=1000",
  ]);
  assert.deepEqual(plan.rest.requests[0].match, { pathPrefix: "/api/v3/depth", symbolParameter: "symbol" });
});

Deno.test("binance-usdm asks for each channel on its own endpoint", () => {
  const plan = planOf("binance-usdm", {
    symbols: ["BTC/USDT:USDT"],
    channels: offers(["options", "funding", "orders"]),
  });
  assert.deepEqual(messagesOf(plan), [
    'public {"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@depth@100ms","btcusdt@bookTicker"],"id":{id}}',
    'market {"method":"SUBSCRIBE","params":["btcusdt@ticker","btcusdt@kline_1m","btcusdt@markPrice@1s","btcusdt@forceOrder"],"id":{id}}',
  ]);
});

Deno.test("kraken asks for quotes and tickers once, and the depth is an argument", () => {
  const plan = planOf("kraken", {
    symbols: ["BTC/USD", "ETH/USD"],
    channels: ["book", "quotes", "ticker"],
    more: "[exchange.overrides]\ndepth = 100\n",
  });
  assert.deepEqual(messagesOf(plan), [
    'public {"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD","ETH/USD"],"depth":100},"req_id":{id}}',
    'public {"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD","ETH/USD"],"event_trigger":"bbo"},"req_id":{id}}',
  ]);
});

Deno.test("okx asks for liquidations by instrument type and for candles on the business endpoint", () => {
  const plan = planOf("okx", { symbols: ["BTC/USDT:USDT"], channels: ["trades", "candles", "liquidations"] });
  assert.deepEqual(messagesOf(plan), [
    'public {"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT-SWAP"}]}',
    'derivatives {"op":"subscribe","args":[{"channel":"liquidation-orders","instType":"SWAP"},{"channel":"liquidation-orders","instType":"FUTURES"}]}',
    'business {"op":"subscribe","args":[{"channel":"candle1m","instId":"BTC-USDT-SWAP"}]}',
  ]);
});

Deno.test("bybit serves one native symbol as two instruments on two connections", () => {
  const plan = planOf("bybit", { symbols: ["BTC/USDT", "BTC/USDT:USDT"], channels: ["trades"] });
  assert.deepEqual(messagesOf(plan), [
    'spot {"req_id":"{id}","op":"subscribe","args":["publicTrade.BTCUSDT"]}',
    'linear {"req_id":"{id}","op":"subscribe","args":["publicTrade.BTCUSDT"]}',
  ]);
  const canonical = (connection: string) => plan.frames.connections.find(({ id }) => id === connection)?.canonical;
  assert.equal(canonical("spot")?.BTCUSDT, "BTC/USDT");
  assert.equal(canonical("linear")?.BTCUSDT, "BTC/USDT:USDT");
});

Deno.test("bybit warns of the symbols for which a channel is not offered", () => {
  const { issues } = loadInstance({
    name: "bybit",
    symbols: ["BTC/USDT", "BTC/USDT:USDT"],
    channels: ["liquidations"],
  });
  assert.deepEqual(issues.map(({ severity, message }) => `${severity} ${message}`), [
    "warning Channel liquidations is not offered by bybit for BTC/USDT",
  ]);
});

Deno.test("coinbase names items in acknowledgements as the connection's whole state does", () => {
  const plan = planOf("coinbase", { symbols: ["BTC/USD"], channels: ["trades", "book"] });
  assert.deepEqual(plan.connections.flatMap(({ requests }) => requests.flatMap(({ items }) => items[0].echo)), [
    "matches\u0000BTC-USD",
    "level2\u0000BTC-USD",
  ]);
});

Deno.test("coinbase-advanced asks for one channel a frame and tells the channels of an acknowledgement apart", () => {
  const symbols = ["BTC/USD", "ETH/USD"];
  const plan = planOf("coinbase-advanced", { symbols, channels: ["trades", "book"] });
  assert.deepEqual(messagesOf(plan), [
    'public {"type":"subscribe","channel":"market_trades","product_ids":["BTC-USD","ETH-USD"]}',
    'public {"type":"subscribe","channel":"level2","product_ids":["BTC-USD","ETH-USD"]}',
  ]);
  const acknowledgement = {
    channel: "subscriptions",
    timestamp: "2026-08-09T21:05:48.629706932Z",
    sequence_num: 26,
    events: [{ subscriptions: { heartbeats: ["heartbeats"], level2: ["BTC-USD"], market_trades: ["BTC-USD"] } }],
  };
  const { signal } = new FrameReader(plan.frames).read({
    session: 1,
    connectionId: "public",
    payload: new TextEncoder().encode(JSON.stringify(acknowledgement)),
    binary: false,
    receivedTs: 0,
  });
  assert.deepEqual(signal?.action === "ack" ? signal.echoes : null, [
    "heartbeats\u0000heartbeats",
    "level2\u0000BTC-USD",
    "market_trades\u0000BTC-USD",
  ]);
});

/** What takes the first item of an exchange back. */
const TAKEN_BACK: readonly (readonly [name: string, symbol: string, message: string])[] = [
  ["binance-coinm", "BTC/USD:BTC", '{"method":"UNSUBSCRIBE","params":["btcusd_perp@depth@100ms"],"id":{id}}'],
  ["bitstamp", "BTC/USD", '{"event":"bts:unsubscribe","data":{"channel":"diff_order_book_btcusd"}}'],
  [
    "gateio",
    "BTC/USDT",
    '{"time":{now_s},"id":{id},"channel":"spot.obu","event":"unsubscribe","payload":["ob.BTC_USDT.400"]}',
  ],
  ["bitget", "BTC/USDT", '{"op":"unsubscribe","args":[{"instType":"spot","topic":"books","symbol":"BTCUSDT"}]}'],
  [
    "kucoin",
    "BTC/USDT",
    '{"id":"{id}","type":"unsubscribe","topic":"/market/level2:BTC-USDT","privateChannel":false,"response":true}',
  ],
  ["coinbase", "BTC/USD", '{"type":"unsubscribe","channels":[{"name":"level2_batch","product_ids":["BTC-USD"]}]}'],
  ["bitmex", "BTC/USD:BTC", '{"op":"unsubscribe","args":["orderBookL2:XBTUSD"]}'],
  ["mexc", "BTC/USDT:USDT", '{"method":"unsub.depth","param":{"symbol":"BTC_USDT"}}'],
  ["coinbase-advanced", "BTC/USD", '{"type":"unsubscribe","channel":"level2","product_ids":["BTC-USD"]}'],
];

for (const [name, symbol, message] of TAKEN_BACK) {
  Deno.test(`a book of ${name} is taken back by its own message`, () => {
    const plan = planOf(name, { symbols: [symbol], channels: ["book"] });
    const [item] = plan.connections.flatMap(({ requests }) => requests.flatMap(({ items }) => items));
    const { unsubscribe } = item;
    assert.ok(unsubscribe !== null && unsubscribe !== "none");
    assert.equal(showTemplate(unsubscribe), message);
  });
}

Deno.test("binance-coinm asks for everything on one endpoint", () => {
  const plan = planOf("binance-coinm", {
    symbols: ["BTC/USD:BTC"],
    channels: offers(["options", "funding", "orders"]),
  });
  assert.deepEqual(messagesOf(plan), [
    'public {"method":"SUBSCRIBE","params":["btcusd_perp@trade","btcusd_perp@depth@100ms","btcusd_perp@bookTicker",' +
    '"btcusd_perp@ticker","btcusd_perp@kline_1m","btcusd_perp@markPrice@1s","btcusd_perp@forceOrder"],"id":{id}}',
  ]);
});

Deno.test("bitstamp asks for one channel a frame and knows the symbol in a path of recordings", () => {
  const plan = planOf("bitstamp", { symbols: ["BTC/USD"], channels: ["trades", "book"] });
  assert.deepEqual(messagesOf(plan), [
    'public {"event":"bts:subscribe","data":{"channel":"live_trades_btcusd"}}',
    'public {"event":"bts:subscribe","data":{"channel":"diff_order_book_btcusd"}}',
  ]);
  assert.deepEqual(plan.rest.requests[0].targets.map(({ path }) => showTemplate(path)), [
    "/api/v2/order_book/btcusd/?group=1",
  ]);
});

Deno.test("kucoin asks for one topic a frame, and spells the interval into that of candles", () => {
  const plan = planOf("kucoin", { symbols: ["BTC/USDT"], channels: ["trades", "candles"] });
  assert.deepEqual(messagesOf(plan), [
    'public {"id":"{id}","type":"subscribe","topic":"/market/match:BTC-USDT","privateChannel":false,"response":true}',
    'public {"id":"{id}","type":"subscribe","topic":"/market/candles:BTC-USDT_1min","privateChannel":false,"response":true}',
  ]);
});

Deno.test("upbit asks for everything in one array, each type with its codes, behind one ticket", () => {
  const plan = planOf("upbit", { symbols: ["BTC/KRW", "ETH/BTC"], channels: ["trades", "book"] });
  assert.deepEqual(messagesOf(plan), [
    'public [{"ticket":"{uuid}"},{"type":"trade","codes":["KRW-BTC","BTC-ETH"],"isOnlyRealtime":true},' +
    '{"type":"orderbook","codes":["KRW-BTC.30","BTC-ETH.30"]}]',
  ]);
});

Deno.test("kucoin-futures spells bitcoin XBT", () => {
  const plan = planOf("kucoin-futures", { symbols: ["BTC/USDT:USDT", "BTC/USD:BTC"], channels: ["quotes"] });
  assert.deepEqual(messagesOf(plan), [
    'public {"id":"{id}","type":"subscribe","topic":"/contractMarket/tickerV2:XBTUSDTM","privateChannel":false,"response":true}',
    'public {"id":"{id}","type":"subscribe","topic":"/contractMarket/tickerV2:XBTUSDM","privateChannel":false,"response":true}',
  ]);
});

Deno.test("gateio merges lists of pairs and leaves payloads of one stream alone", () => {
  const symbols = ["BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT"];
  const plan = planOf("gateio", { symbols, channels: ["book", "candles"] });
  assert.deepEqual(messagesOf(plan), [
    'spot {"time":{now_s},"id":{id},"channel":"spot.candlesticks","event":"subscribe","payload":["1m","BTC_USDT"]}',
    'spot {"time":{now_s},"id":{id},"channel":"spot.obu","event":"subscribe","payload":["ob.BTC_USDT.400"]}',
    'linear {"time":{now_s},"id":{id},"channel":"futures.candlesticks","event":"subscribe","payload":["1m","BTC_USDT"]}',
    'linear {"time":{now_s},"id":{id},"channel":"futures.candlesticks","event":"subscribe","payload":["1m","ETH_USDT"]}',
    'linear {"time":{now_s},"id":{id},"channel":"futures.obu","event":"subscribe","payload":["ob.BTC_USDT.400","ob.ETH_USDT.400"]}',
  ]);
});

Deno.test("bitget names the type of each argument, and liquidations by type alone", () => {
  const symbols = ["BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"];
  const plan = planOf("bitget", { symbols, channels: ["book"] });
  assert.deepEqual(messagesOf(plan), [
    'spot {"op":"subscribe","args":[{"instType":"spot","topic":"books","symbol":"BTCUSDT"}]}',
    'linear {"op":"subscribe","args":[{"instType":"usdt-futures","topic":"books","symbol":"BTCUSDT"}]}',
    'inverse {"op":"subscribe","args":[{"instType":"coin-futures","topic":"books","symbol":"BTCUSD_CM"}]}',
  ]);
  const liquidations = planOf("bitget", { symbols: symbols.slice(1), channels: ["liquidations"] });
  assert.deepEqual(messagesOf(liquidations), [
    'linear {"op":"subscribe","args":[{"instType":"usdt-futures","topic":"liquidation"}]}',
    'inverse {"op":"subscribe","args":[{"instType":"coin-futures","topic":"liquidation"}]}',
  ]);
});
