import assert from "node:assert/strict";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { Decoding, FramePlan } from "../../src/model/mod.ts";
import { type NormalizedFrame } from "../../src/normalize/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import {
  controlRule,
  eventRule,
  field,
  frameConnection,
  framePlan,
  MAKER_FLAG,
  source,
  when,
} from "../support/frame_plan.ts";

const encoder = new TextEncoder();

function readText(
  normalizer: FrameReader,
  text: string | Uint8Array,
  options: { session?: number; binary?: boolean } = {},
): Omit<NormalizedFrame, "found"> {
  const payload = typeof text === "string" ? encoder.encode(text) : text;
  const { found: _, ...read } = normalizer.read({
    session: options.session ?? 1,
    connectionId: "public",
    payload,
    binary: options.binary ?? false,
    receivedTs: 0,
  });
  return structuredClone(read);
}

const TRADE_RULE = eventRule("trade", {
  when: when({ "/e": "trade" }),
  exchangeTs: field("/T", { unit: "ms" }),
  fields: { trade_id: "/t", price: "/p", size: "/q", side: field("/m", { map: MAKER_FLAG }) },
});
const TRADE =
  '{"e":"trade","s":"BTCUSDT","t":12345678901234567890,"p":"61800.30","q":0.0060,"T":1723161256322,"m":true}';
const TRADE_EVENT = {
  channel: "trades",
  symbol: "BTC/USDT",
  native_symbol: "BTCUSDT",
  exchange_ts: 1723161256322000,
  event: { kind: "trade", trade_id: "12345678901234567890", price: "61800.30", size: "0.0060", side: "sell" },
  rule: "trade",
  checksum: null,
  row: 0,
};

Deno.test("read() makes the event of a matched frame with every digit kept", () => {
  const read = readText(new FrameReader(framePlan({ events: [TRADE_RULE] })), TRADE);
  assert.deepEqual(read, {
    events: [TRADE_EVENT],
    signal: null,
    faults: [],
    rule: "trade",
    checksums: [],
    isAnswer: true,
    lostUpdates: [],
    noted: [],
    socketSequence: null,
    unmapped: [],
  });
});

Deno.test("read() names a frame that no rule matches, with an example", () => {
  const read = readText(new FrameReader(framePlan({ events: [TRADE_RULE] })), '{"e":"other"}');
  assert.deepEqual(read.faults, [{ code: "unmatched", where: "public", example: '{"e":"other"}' }]);
  assert.equal(read.rule, null);
});

Deno.test("read() names a frame that is not JSON, and one that is not UTF-8 or too deep", () => {
  const normalizer = new FrameReader(framePlan({ events: [TRADE_RULE] }));
  const garbage = readText(normalizer, "<html>");
  assert.deepEqual(garbage.faults, [{ code: "not_json", where: "Expected a value at byte 0", example: "<html>" }]);
  assert.equal(readText(normalizer, Uint8Array.of(34, 0xff, 34)).faults[0].code, "undecodable");
  assert.equal(readText(normalizer, "[".repeat(500)).faults[0].code, "undecodable");
  assert.equal(readText(normalizer, "").faults[0].code, "not_json");
});

Deno.test("read() reports a fault that names rule and pointer when a required field is missing or malformed", () => {
  const normalizer = new FrameReader(framePlan({ events: [TRADE_RULE] }));
  const faultOf = (text: string) => {
    const read = readText(normalizer, text);
    assert.deepEqual(read.events, [], text);
    assert.equal(read.rule, "trade");
    return read.faults.map(({ code, where }) => `${code} ${where}`);
  };
  assert.deepEqual(faultOf(TRADE.replace('"p":"61800.30",', "")), ["missing_field trade.price /p"]);
  assert.deepEqual(faultOf(TRADE.replace('"61800.30"', "null")), ["missing_field trade.price /p"]);
  assert.deepEqual(faultOf(TRADE.replace('"61800.30"', '"NaN"')), ["bad_decimal trade.price /p"]);
  assert.deepEqual(faultOf(TRADE.replace('"61800.30"', "[1]")), ["missing_field trade.price /p"]);
  assert.deepEqual(faultOf(TRADE.replace("1723161256322", '"soon"')), ["bad_time trade.exchange_ts /T"]);
  assert.deepEqual(faultOf(TRADE.replace("true", '"maybe"')), ["unknown_value trade.side /m"]);
  assert.deepEqual(faultOf(TRADE.replace('"s":"BTCUSDT",', "")), ["missing_field trade.symbol /s"]);
});

Deno.test("read() yields the good rows of a frame of which one row is at fault", () => {
  const rule = eventRule("trade", { rows: "/data/*", fields: { price: "/p", size: "/q" } });
  const rowsText = ['{"s":"A","p":1,"q":1}', '{"s":"B","q":1}', '{"s":"C","p":3,"q":1}', '{"s":"D","q":1}'];
  const read = readText(new FrameReader(framePlan({ events: [rule] })), `{"data":[${rowsText.join(",")}]}`);
  assert.deepEqual(read.events.map(({ native_symbol }) => native_symbol), ["A", "C"]);
  assert.deepEqual(read.faults.map(({ code, where }) => `${code} ${where}`), ["missing_field trade.price /p"]);
});

Deno.test("read() counts a frame as matched when its filter leaves nothing", () => {
  const rule = { ...TRADE_RULE, where: when({ "/X": "MARKET" }) };
  const read = readText(new FrameReader(framePlan({ events: [rule] })), TRADE);
  assert.deepEqual(read, {
    events: [],
    signal: null,
    faults: [],
    rule: "trade",
    checksums: [],
    isAnswer: true,
    lostUpdates: [],
    noted: [],
    socketSequence: null,
    unmapped: [],
  });
});

Deno.test("read() yields the events of all matching rules in the order of the rules", () => {
  const twice = [
    eventRule("quote", { name: "last", when: when({ "/k": null }), fields: { bid_price: "/b" } }),
    eventRule("ticker", { name: "by a", when: when({ "/a": "1" }), fields: { last: "/l" } }),
    eventRule("ticker", { name: "by b", when: when({ "/b": "2" }), fields: { last: "/l" } }),
    eventRule("quote", { name: "by a too", when: when({ "/a": ["0", "1"] }), fields: { bid_price: "/b" } }),
  ];
  const read = readText(new FrameReader(framePlan({ events: twice })), '{"a":1,"b":"2","k":0,"l":5,"s":"BTCUSDT"}');
  assert.deepEqual(read.events.map(({ event }) => event.kind), ["quote", "ticker", "ticker", "quote"]);
  assert.equal(read.rule, "last");
});

Deno.test("read() leaves out the events of channels that are not wanted and still matches the frame", () => {
  const plan = framePlan({ events: [TRADE_RULE], wanted: ["book"] });
  const read = readText(new FrameReader(plan), TRADE);
  assert.deepEqual([read.events, read.rule, read.faults], [[], "trade", []]);
});

Deno.test("read() applies rules to the connections that they name", () => {
  const rule = { ...TRADE_RULE, connections: ["other"] };
  assert.equal(readText(new FrameReader(framePlan({ events: [rule] })), TRADE).faults[0].code, "unmatched");
});

Deno.test("read() keeps the spelling of an unmapped symbol and reports it once", () => {
  const normalizer = new FrameReader(framePlan({ events: [TRADE_RULE] }));
  const text = TRADE.replace("BTCUSDT", "币安人生USDT");
  const first = readText(normalizer, text);
  assert.equal(first.events[0].symbol, "币安人生USDT");
  assert.deepEqual(first.unmapped, ["币安人生USDT"]);
  assert.deepEqual(readText(normalizer, text).unmapped, []);
});

Deno.test("read() takes a best price or size of zero for a side without orders, however it is spelled", () => {
  const rule = eventRule("quote", {
    fields: { bid_price: "/b", bid_size: "/B", ask_price: "/a", ask_size: "/A" },
  });
  const normalizer = new FrameReader(framePlan({ events: [rule] }));
  const sides = (b: unknown, B: unknown, a: unknown, A: unknown) => {
    const [{ event }] = readText(normalizer, JSON.stringify({ s: "X", b, B, a, A })).events;
    return event.kind === "quote" ? [event.bid_price, event.bid_size, event.ask_price, event.ask_size] : [];
  };
  assert.deepEqual(sides("0.00000000", "3", "1.50", "0.0"), [null, null, "1.50", null]);
  assert.deepEqual(sides("0.01", "0.0010", 0, null), ["0.01", "0.0010", null, null]);
});

Deno.test("read() takes the first source that gives a value that is not absent", () => {
  const rule = eventRule("quote", {
    fields: { bid_price: field(["/a", "/b", "/c"], { absent: ["", "0"] }), ask_price: field("/z", { absent: ["0"] }) },
  });
  const read = readText(new FrameReader(framePlan({ events: [rule] })), '{"s":"X","a":"","b":"0","c":"7","z":"0"}');
  assert.deepEqual(read.events[0].event, {
    kind: "quote",
    bid_price: "7",
    bid_size: null,
    ask_price: null,
    ask_size: null,
  });
});

Deno.test("read() gives candles with all fields, and derivative state only when the row carries some", () => {
  const candle = eventRule("candle", {
    when: when({ "/e": "kline" }),
    channel: "candles",
    rows: "/k",
    fields: {
      interval: "/i",
      open_ts: field("/t", { unit: "ms" }),
      open: "/o",
      high: "/h",
      low: "/l",
      close: "/c",
      closed: field("/x", { map: { "0": "false", "1": "true" } }),
    },
  });
  const derivative = eventRule("derivative_ticker", {
    channel: "derivative",
    when: when({ "/e": "mark" }),
    fields: { mark_price: "/p", next_funding_ts: field("/T", { unit: "s", absent: ["0"] }) },
  });
  const normalizer = new FrameReader(framePlan({ events: [candle, derivative] }));
  const candleFrame = '{"e":"kline","k":{"s":"BTCUSDT","i":"1m","t":60000,"o":1,"h":2,"l":0.5,"c":1.50,"x":"1"}}';
  assert.deepEqual(readText(normalizer, candleFrame).events[0].event, {
    kind: "candle",
    interval: "1m",
    open_ts: 60_000_000,
    open: "1",
    high: "2",
    low: "0.5",
    close: "1.50",
    volume: null,
    trades: null,
    closed: true,
  });
  const [state] = readText(normalizer, '{"e":"mark","s":"BTCUSDT","T":7}').events;
  assert.deepEqual(state.event, {
    kind: "derivative_ticker",
    last_price: null,
    mark_price: null,
    index_price: null,
    funding_rate: null,
    next_funding_ts: 7_000_000,
    predicted_funding_rate: null,
    open_interest: null,
  });
  assert.deepEqual(readText(normalizer, '{"e":"mark","s":"BTCUSDT","T":0}').events, []);
});

Deno.test("read() leaves out the first frame of each stream and session where the rule says so", () => {
  const rule = eventRule("trade", { rows: "/data/*", skipFirstFrame: true, fields: { price: "/p", size: "/q" } });
  const plan = framePlan({ events: [rule] });
  const normalizer = new FrameReader(plan);
  const rowOf = (symbol: string) => `{"s":"${symbol}","p":1,"q":1}`;
  const count = (symbols: readonly string[], session: number, reader = normalizer) =>
    readText(reader, `{"data":[${symbols.map(rowOf).join(",")}]}`, { session }).events.length;
  assert.equal(count(["A", "A"], 1), 0);
  assert.equal(count(["A", "B"], 1), 1);
  assert.equal(count(["A"], 2), 0);
  assert.equal(count(["A", "B"], 1), 2);
  const restored = new FrameReader(plan);
  restored.restoreState(JSON.parse(JSON.stringify(normalizer.saveState())));
  assert.equal(count(["A", "B"], 1, restored), 2);
  assert.equal(count(["B"], 2, restored), 0);
  restored.forgetSession(1);
  assert.equal(count(["A"], 1, restored), 0);
});

const TRADE_PLAN: Partial<FramePlan> = { events: [TRADE_RULE] };

function connectionOf(decode: Decoding): FramePlan["connections"] {
  return [frameConnection("public", { BTCUSDT: "BTC/USDT" }, decode)];
}

Deno.test("read() decodes binary frames as the connection declares", () => {
  const bytes = encoder.encode(TRADE);
  const cases = [
    ["text", bytes],
    ["gzip", gzipSync(bytes)],
    ["deflate_raw", deflateRawSync(bytes)],
    ["auto", gzipSync(bytes)],
    ["auto", deflateSync(bytes)],
    ["auto", bytes],
  ] as const;
  for (const [decoding, payload] of cases) {
    const normalizer = new FrameReader(framePlan({ ...TRADE_PLAN, connections: connectionOf(decoding) }));
    assert.deepEqual(readText(normalizer, payload, { binary: true }).events, [TRADE_EVENT], decoding);
    assert.deepEqual(readText(normalizer, TRADE).events, [TRADE_EVENT], `${decoding}, text frame`);
  }
});

Deno.test("read() calls damaged, truncated and oversized compression undecodable", () => {
  const normalizer = new FrameReader(framePlan({ ...TRADE_PLAN, connections: connectionOf("gzip") }));
  const packed = gzipSync(encoder.encode(TRADE));
  for (let end = 0; end < packed.length; end++) {
    const [fault] = readText(normalizer, packed.subarray(0, end), { binary: true }).faults;
    assert.deepEqual([fault.code, fault.where], ["undecodable", "gzip"], `cut at ${end}`);
  }
  const bomb = gzipSync(new Uint8Array(17 * 1024 * 1024));
  assert.equal(readText(normalizer, bomb, { binary: true }).faults[0].code, "undecodable");
  assert.equal(readText(normalizer, new Uint8Array(17 * 1024 * 1024)).faults[0].code, "undecodable");
});

Deno.test("read() gives the signal of a control frame, and control rules come before event rules", () => {
  const controls = [
    controlRule("pong", { action: "pong", text: "pong" }),
    controlRule("reject", {
      action: "reject",
      when: when({ "/op": "error" }),
      correlation: source("/id"),
      reason: source("/msg"),
    }),
    controlRule("ack", {
      action: "ack",
      when: when({ "/op": "subscribed" }),
      rows: { source: "", steps: [], tail: null },
      echo: [source("/arg/channel"), source("/arg/id")],
    }),
    controlRule("ping", { action: "reply", when: when({ "/ping": null }), capture: source("/ping") }),
  ];
  const normalizer = new FrameReader(
    framePlan({ controls, events: [{ ...TRADE_RULE, when: when({ "/op": "error" }) }] }),
  );
  const signal = (text: string) => readText(normalizer, text).signal;
  const nothing = {
    correlation: null,
    echoes: [],
    accepted: null,
    rejected: [],
    reason: null,
    capture: null,
    final: false,
  };
  assert.deepEqual(signal("pong"), { ...nothing, rule: "pong", action: "pong", ruleIndex: 0 });
  assert.deepEqual(signal('{"op":"error","id":9007199254740993,"msg":"no \\"x\\""}'), {
    ...nothing,
    rule: "reject",
    action: "reject",
    correlation: "9007199254740993",
    reason: 'no "x"',
    ruleIndex: 1,
  });
  assert.deepEqual(signal('{"op":"subscribed","arg":{"channel":"trades","id":"BTC-USDT"}}')?.echoes, [
    "trades\u0000BTC-USDT",
  ]);
  assert.deepEqual(signal('{"op":"subscribed"}')?.echoes, []);
  assert.equal(signal('{"ping":1650000000000}')?.capture, "1650000000000");
  assert.equal(readText(normalizer, "ping").faults[0].code, "not_json");
});

Deno.test("read() gives one echo for each row of a cumulative acknowledgement", () => {
  const ack = controlRule("ack", {
    action: "ack",
    when: when({ "/type": "subscriptions" }),
    rows: {
      source: "",
      steps: [["channels"], ["ids"]],
      tail: null,
    },
    echo: [{
      source: "parent.name",
      tree: { kind: "path", root: "parent", segments: ["name"], offset: 0, length: 11 },
    }, source("")],
  });
  const normalizer = new FrameReader(framePlan({ controls: [ack] }));
  const text =
    '{"type":"subscriptions","channels":[{"name":"a","ids":["X","Y"]},{"name":"b","ids":["X"]},{"name":"c"}]}';
  assert.deepEqual(readText(normalizer, text).signal?.echoes, ["a\u0000X", "a\u0000Y", "b\u0000X"]);
});

Deno.test("read() fans out an object of lists by key, and no other object, where one wildcard follows another", () => {
  const ack = controlRule("ack", {
    action: "ack",
    when: when({ "/type": "subscriptions" }),
    rows: { source: "", steps: [["state"], []], tail: null },
    echo: [source("")],
  });
  const normalizer = new FrameReader(framePlan({ controls: [ack] }));
  const echoes = (state: string) => readText(normalizer, `{"type":"subscriptions","state":${state}}`).signal?.echoes;
  assert.deepEqual(echoes('{"a":["X","Y"],"b":["X"]}'), ["X", "Y", "X"]);
  assert.deepEqual(echoes('[["X"],["Y"]]'), ["X", "Y"]);
  assert.deepEqual(echoes('{"a":["X"],"b":1}'), ["X"], "a single list may have single values beside it");
  assert.deepEqual(
    echoes('{"a":["X"],"b":["Y"],"c":1}'),
    [],
    "an object that counts as the only element is no text",
  );
});

Deno.test("read() gives raw events by the parse table where there are no event rules", () => {
  const plan = framePlan({
    parse: {
      channel: field("/ch", { required: true }),
      symbol: field("/s", { required: true }),
      serverTime: field("/ts", { unit: "ms" }),
      sequence: field("/seq"),
      messageId: field("/id"),
    },
    channels: { tr: "trades" },
  });
  const normalizer = new FrameReader(plan);
  const text = '{"ch":"tr","s":"BTCUSDT","ts":"1700000000000","seq":"18446744073709551616","id":true,"é":1}';
  assert.deepEqual(readText(normalizer, text), {
    events: [{
      channel: "trades",
      symbol: "BTC/USDT",
      native_symbol: "BTCUSDT",
      exchange_ts: 1_700_000_000_000_000,
      event: { kind: "raw", channel: "tr", sequence: "18446744073709551616", message_id: "true", payload: text },
      rule: "parse",
      checksum: null,
      row: 0,
    }],
    signal: null,
    faults: [],
    rule: "parse",
    checksums: [],
    isAnswer: true,
    lostUpdates: [],
    noted: [],
    socketSequence: null,
    unmapped: [],
  });
  assert.equal(readText(normalizer, '{"ch":"x","s":"BTCUSDT"}').events[0].channel, null);
  assert.deepEqual(readText(normalizer, '{"ch":"tr"}').faults.map(({ where }) => where), ["parse.symbol /s"]);
});

Deno.test("readHttp() gives the events of the request's rules for the instrument asked for", () => {
  const rule = eventRule("derivative_ticker", {
    source: "interest",
    channel: "derivative",
    symbol: null,
    fields: { open_interest: "/openInterest" },
  });
  const normalizer = new FrameReader(framePlan({ events: [rule, TRADE_RULE] }));
  const read = (native: string, body: string) =>
    structuredClone(
      normalizer.readHttp({ session: null, request: "interest", native, body: encoder.encode(body), receivedTs: 0 }),
    );
  const [event] = read("BTCUSDT", '{"openInterest":"12.50"}').events;
  assert.deepEqual([event.symbol, event.native_symbol], ["BTC/USDT", "BTCUSDT"]);
  assert.deepEqual(read("NEWUSDT", '{"openInterest":"12.50"}').events[0].symbol, "NEWUSDT");
  assert.equal(read("", '{"openInterest":"12.50"}').faults[0].code, "missing_field");
  assert.equal(read("BTCUSDT", "Bad gateway").faults[0].code, "not_json");
});

Deno.test("read() tells a rejection that asking again cannot mend by its rule's own predicate", () => {
  const controls = [
    controlRule("reject", { action: "reject", when: when({ "/op": "error" }), final: when({ "/code": "60018" }) }),
  ];
  const normalizer = new FrameReader(framePlan({ controls }));
  const isFinal = (text: string) => readText(normalizer, text).signal?.final;
  assert.equal(isFinal('{"op":"error","code":"60018"}'), true);
  assert.equal(isFinal('{"op":"error","code":"60014"}'), false);
  assert.equal(isFinal('{"op":"error"}'), false);
});
