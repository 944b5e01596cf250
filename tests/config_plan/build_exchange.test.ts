import assert from "node:assert/strict";
import { buildExchange } from "../../src/config/plan/mod.ts";
import { ECHO_SEPARATOR, type RunnableExchange, showTemplate } from "../../src/model/mod.ts";
import { descriptorTable, planInput } from "./plan_input.ts";

type Options = Parameters<typeof planInput>[0];

/** The plan, which must have come out without an issue. */
function planOf(options: Options): RunnableExchange {
  const { runnable, issues } = buildExchange(planInput(options));
  assert.deepEqual(issues, []);
  assert.ok(runnable !== null);
  return runnable;
}

/** `place: message` of every issue. */
function issuesOf(options: Options): readonly string[] {
  return buildExchange(planInput(options)).issues.map((issue) => `${issue.file}: ${issue.message}`);
}

function messagesOf(plan: RunnableExchange): readonly string[] {
  return plan.connections.flatMap(({ requests }) => requests.map(({ message }) => showTemplate(message)));
}

function subscription(over: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return descriptorTable({
    subscriptions: [{ connection_id: "public", generator: SIMPLE, ...over }],
    events: ["trade", "quote"].map((kind) => ({
      kind,
      symbol: "/s",
      ...(kind === "trade" && { price: "/p", size: "/q" }),
    })),
  });
}

const SIMPLE = `foreach (s in symbols) { foreach (c in channels) {
  emit('{"op":"sub","args":["{ch}.{symbol}"],"id":{id}}');
} }`;
const TWO = { symbols: ["A/B", "C/D"], channels: ["trades", "quotes"] };

Deno.test("buildExchange() merges emitted frames that differ in their batch alone", () => {
  const plan = planOf({ descriptor: subscription({ batch: { at: "/args", max_items: 3 } }), instance: TWO });
  assert.deepEqual(messagesOf(plan), [
    '{"op":"sub","args":["trades.A/B","quotes.A/B","trades.C/D"],"id":{id}}',
    '{"op":"sub","args":["quotes.C/D"],"id":{id}}',
  ]);
  assert.deepEqual(plan.connections[0].requests[0].items.map(({ streams }) => streams), [
    [{ channel: "trades", symbol: "A/B" }],
    [{ channel: "quotes", symbol: "A/B" }],
    [{ channel: "trades", symbol: "C/D" }],
  ]);
  assert.equal(
    showTemplate(plan.connections[0].requests[0].items[1].message),
    '{"op":"sub","args":["quotes.A/B"],"id":{id}}',
  );
});

Deno.test("buildExchange() keeps the digits and escapes of merged messages", () => {
  const generator =
    `foreach (s in symbols) { emit('{"n":1.50e+3, "args": [ {"s":"{symbol}","big":12345678901234567890} ] }'); }`;
  const plan = planOf({
    descriptor: subscription({ generator, batch: { at: "/args" } }),
    instance: { symbols: ['A"\\B', "C"], channels: ["trades"] },
  });
  assert.deepEqual(messagesOf(plan), [
    '{"n":1.50e+3, "args": [{"s":"A\\"\\\\B","big":12345678901234567890},{"s":"C","big":12345678901234567890}] }',
  ]);
});

Deno.test("buildExchange() begins a new frame where a batch would pass max_bytes", () => {
  const plan = planOf({ descriptor: subscription({ batch: { at: "/args", max_bytes: 65 } }), instance: TWO });
  assert.deepEqual(messagesOf(plan).map((text) => text.match(/\./g)?.length), [2, 2]);
});

Deno.test("buildExchange() joins items by the separator where the batch is a text", () => {
  const generator = `foreach (s in symbols) { emit('{"topic":"/match:{symbol}"}'); }`;
  const split = `foreach (s in symbols) { emit('{"topic":"{symbol}"}'); }`;
  const batch = { at: "/topic", separator: "," };
  const instance = { symbols: ["A", "B"], channels: ["trades"] };
  assert.deepEqual(messagesOf(planOf({ descriptor: subscription({ generator: split, batch }), instance })), [
    '{"topic":"A,B"}',
  ]);
  assert.deepEqual(messagesOf(planOf({ descriptor: subscription({ generator }), instance })), [
    '{"topic":"/match:A"}',
    '{"topic":"/match:B"}',
  ]);
});

Deno.test("buildExchange() sends identical items once and feeds all their streams", () => {
  const descriptor = { ...subscription({}), maps: { channel_map: { trades: "all", quotes: "all" } } };
  const plan = planOf({ descriptor, instance: { symbols: ["A/B"], channels: ["trades", "quotes"] } });
  assert.deepEqual(messagesOf(plan), ['{"op":"sub","args":["all.A/B"],"id":{id}}']);
  assert.deepEqual(plan.connections[0].requests[0].items[0].streams.map(({ channel }) => channel), [
    "trades",
    "quotes",
  ]);
});

Deno.test("buildExchange() computes echo keys from items and their message", () => {
  const ack = { field: "/event", value: "ok", echo: ["/c", "/s"], item: ["root.op", "row"] };
  const plan = planOf({ descriptor: subscription({ batch: { at: "/args" }, ack }), instance: TWO });
  assert.equal(plan.connections[0].requests[0].items[2].echo, `sub${ECHO_SEPARATOR}trades.C/D`);
  assert.equal(plan.connections[0].requests[0].ack.mode, "item");
});

Deno.test("buildExchange() takes an acknowledgement as correlated only where messages carry an id", () => {
  const ack = { field: "/event", value: "ok", correlation_pointer: "/id" };
  const correlated = (generator: string) =>
    planOf({ descriptor: subscription({ generator, ack }) }).connections[0].requests[0].ack;
  assert.deepEqual(correlated(SIMPLE), { mode: "request", timeoutMs: 5000, correlated: true });
  assert.equal(correlated(`foreach (s in symbols) { emit('{"s":"{symbol}"}'); }`).correlated, false);
});

Deno.test("buildExchange() splits a connection into shards past its limit of items", () => {
  const connection = { id: "public", urls: ["wss://example.test"], limits: { items: 3 } };
  const descriptor = { ...subscription({ batch: { at: "/args" } }), ws: { connections: [connection] } };
  const plan = planOf({ descriptor, instance: TWO });
  assert.deepEqual(plan.connections.map(({ key, requests }) => [key, requests.flatMap(({ items }) => items).length]), [
    ["public", 3],
    ["public#2", 1],
  ]);
});

Deno.test("buildExchange() gives each connection the symbols of its families, and each its own map", () => {
  const connections = ["spot", "linear"].map((family) => ({ id: family, urls: ["wss://x.test"], families: [family] }));
  const subscriptions = connections.map(({ id }) => ({ connection_id: id, generator: SIMPLE }));
  const plan = planOf({
    descriptor: descriptorTable({ ws: { connections }, subscriptions }),
    instance: { symbols: ["BTC/USDT", "BTC/USDT:USDT"] },
    map: { "BTC/USDT": "BTCUSDT", "BTC/USDT:USDT": "BTCUSDT" },
  });
  assert.deepEqual(
    plan.connections.map(({ key, requests }) => [key, requests.flatMap(({ items }) => items[0].streams[0].symbol)]),
    [["spot", ["BTC/USDT"]], ["linear", ["BTC/USDT:USDT"]]],
  );
  assert.equal(plan.frames.connections.find(({ id }) => id === "linear")?.canonical.BTCUSDT, "BTC/USDT:USDT");
});

Deno.test("buildExchange() takes a configured native spelling for the canonical symbol it stands for", () => {
  const plan = planOf({ instance: { symbols: ["BTCUSDT"] }, map: { "BTC/USDT": "BTCUSDT" } });
  assert.deepEqual(plan.instruments, [{ symbol: "BTC/USDT", native: "BTCUSDT", family: "spot" }]);
});

Deno.test("buildExchange() covers with a message that names no channel what no other message asks for", () => {
  const generator = `foreach (s in symbols) {
    foreach (c in channels) { if (c == "trades") { emit("T {symbol}"); } }
    emit("ALL {symbol}");
  }`;
  const plan = planOf({ descriptor: subscription({ generator }), instance: { channels: ["trades", "quotes"] } });
  assert.deepEqual(
    plan.connections[0].requests.map(({ items }) => items[0].streams.map(({ channel }) => channel)),
    [["trades"], ["quotes"]],
  );
});

Deno.test("buildExchange() takes over what tells a rejection for good", () => {
  const reject = { field: "/err", value: 1, final: { "/code": 7 } };
  const plan = planOf({ descriptor: subscription({ reject }) });
  assert.equal(plan.frames.controls.find(({ action }) => action === "reject")?.final !== null, true);
  const plain = planOf({ descriptor: subscription({ reject: { field: "/err", value: 1 } }) });
  assert.equal(plain.frames.controls.find(({ action }) => action === "reject")?.final, null);
});

Deno.test("buildExchange() tries control rules, welcomes, rejections and acknowledgements in this order", () => {
  const descriptor = {
    ...subscription({ ack: { field: "/id" }, reject: { field: "/err", value: 1 } }),
    ws: { connections: [{ id: "public", urls: ["wss://x.test"], welcome: { "/type": "welcome" } }] },
    control: [{ name: "hb", when: { "/type": "hb" } }],
  };
  const { frames, connections } = planOf({ descriptor });
  assert.deepEqual(frames.controls.map(({ name, action }) => [name, action]), [
    ["hb", "ignore"],
    ["welcome", "welcome"],
    ["reject", "reject"],
    ["ack", "ack"],
  ]);
  assert.equal(connections[0].awaitsWelcome, true);
});

Deno.test("buildExchange() keeps environment values in holes", () => {
  const generator = `foreach (s in symbols) { emit('{"key":"{env:KEY}","s":"{symbol}"}'); }`;
  const plan = planOf({ descriptor: subscription({ generator }), environment: { KEY: "s3cret" } });
  assert.deepEqual(messagesOf(plan), ['{"key":"{env:KEY}","s":"BTC/USDT"}']);
  assert.equal(plan.connections[0].requests[0].message.source.includes("s3cret"), false);
});

Deno.test("buildExchange() says what is offered where a channel is not", () => {
  const descriptor = { ...subscription({}), maps: { channel_map: { trades: "t", quotes: "q" } } };
  assert.deepEqual(issuesOf({ descriptor, instance: { channels: ["trades", "liquidations"] } }), [
    "collector/exchange/0/channels/1: Channel liquidations is not offered for these symbols by testing: it offers trades and quotes",
  ]);
});

Deno.test("buildExchange() reports what is wrong at its place", () => {
  const cases: readonly (readonly [Options, string])[] = [
    [
      { descriptor: subscription({ connection_id: "nope" }) },
      "descriptor/subscriptions/0/connection_id: Unknown connection nope",
    ],
    [
      { descriptor: subscription({ batch: { at: "/params" } }) },
      "descriptor/subscriptions/0/batch/at: The emitted message",
    ],
    [{ descriptor: subscription({ generator: "emit(" }) }, "descriptor/subscriptions/0/generator: "],
    [
      { descriptor: subscription({ generator: `foreach (s in symbols) { emit('{"a":}'); }` }) },
      "descriptor/subscriptions/0/generator: The emitted text begins like JSON",
    ],
    [
      { descriptor: subscription({ ack: { field: "/e", echo: ["/a"] } }) },
      "descriptor/subscriptions/0/ack: `echo` and `item`",
    ],
    [{ map: { "A/B": "AB", "C/D": "AB" } }, "map/C/D: Native symbol AB has the name A/B already on connection public"],
    [
      { map: { "A/B": "AB", "C/D": "AB" }, instance: { symbols: ["A/B", "C/D"] } },
      "collector/exchange/0/symbols/1: Symbols A/B and C/D are both AB on the exchange",
    ],
    [{ map: { "A/B": 7 } }, "map/A/B: Not a native symbol"],
    [
      { instance: { symbols: ["X/Y"] }, map: { "A/B": "AB" } },
      "collector/exchange/0/symbols/0: Symbol X/Y is not in the symbol map",
    ],
    [
      { descriptor: descriptorTable({ events: [{ kind: "trade", price: "/p", size: "/q" }] }) },
      "descriptor/events/0: No symbol",
    ],
    [
      { descriptor: descriptorTable({ events: [{ kind: "book", symbol: "/s", bids: "/b/*" }] }) },
      "descriptor/events/0: Levels of a book",
    ],
    [
      { descriptor: descriptorTable({ events: [{ kind: "trade", symbol: "/s", price: "a b", size: "/q" }] }) },
      "descriptor/events/0/price: ",
    ],
    [
      {
        descriptor: descriptorTable({
          events: [{ kind: "trade", symbol: "/s", price: "/p", size: "/q", side: { at: "/x", map: { a: "long" } } }],
        }),
      },
      "descriptor/events/0/side/map/a: Unknown value long",
    ],
    [{ descriptor: descriptorTable({ events: [] }) }, "descriptor: Neither [parse] nor [[events]]"],
    [
      {
        descriptor: descriptorTable({
          ws: { connections: [{ id: "public", urls: ["wss://x.test"], keepalive: { mode: "application" } }] },
        }),
      },
      "descriptor/ws/connections/0/keepalive: No `template`",
    ],
  ];
  for (const [options, expected] of cases) {
    const issues = issuesOf(options);
    assert.ok(issues.some((issue) => issue.startsWith(expected)), `${expected} among ${JSON.stringify(issues)}`);
  }
});

Deno.test("buildExchange() runs with a second name for a native symbol; the one that is configured names the events", () => {
  for (const [symbols, name] of [[["C/D"], "C/D"], [["A/B"], "A/B"], [["X/Y"], "A/B"]] as const) {
    const { runnable, issues } = buildExchange(
      planInput({ map: { "A/B": "AB", "C/D": "AB", "X/Y": "XY" }, instance: { symbols } }),
    );
    assert.deepEqual(issues.filter(({ severity }) => severity === "error"), []);
    assert.equal(issues.filter(({ file }) => file.startsWith("map/")).length, 1);
    assert.equal(runnable?.frames.connections.find(({ id }) => id === "public")?.canonical.AB, name);
  }
});

Deno.test("buildExchange() fills 1.4 parse fields from expressions and points into the line that is wrong", () => {
  const parse = (expressions: readonly string[]) =>
    descriptorTable({ events: [], parse: { channel: "/ch", symbol: "/s", expr: { expressions } } });
  const plan = planOf({ descriptor: parse(["symbol = data.s ?? s", "sequence = q"]) });
  assert.equal(plan.frames.parse?.symbol.sources.length, 2);
  assert.equal(plan.frames.parse?.sequence?.sources.length, 1);
  const { issues } = buildExchange(planInput({ descriptor: parse(["symbl = s", "symbol = s +"]) }));
  assert.deepEqual(issues.map(({ file, column }) => [file, column > 1]), [
    ["descriptor/parse/expr/expressions/0", false],
    ["descriptor/parse/expr/expressions/1", true],
  ]);
});

Deno.test("buildExchange() checks the placeholders of branches that no symbol or channel of the instance takes", () => {
  const generator = `foreach (s in symbols) { foreach (c in channels) {
    if (c == "book") { emit('{"a":"{arg:dept}","b":"{sym:kin}","c":"{boot:tokn}","d":"{arg:depth}"}'); }
    else if (c == "trades") { emit('{"a":"{arg:depth}"}'); }
    else { emit('{"e":"{arg:none}"}'); }
  } }`;
  const table = { ...subscription({ generator }), args: { depth: "5" }, symbol_values: { kind: "$native" } };
  const place = "descriptor/subscriptions/0/generator";
  assert.deepEqual(issuesOf({ descriptor: table, instance: { symbols: ["A/B"], channels: ["trades"] } }), [
    `${place}: Unknown argument dept: did you mean "depth"?`,
    `${place}: Unknown symbol value kin: did you mean "kind"?`,
    `${place}: Unknown bootstrap value tokn`,
    `${place}: Unknown argument none: expected one of depth`,
  ]);
});

Deno.test("buildExchange() reports an unknown argument of a branch that is taken once", () => {
  const generator = `foreach (s in symbols) { emit('{"a":"{arg:dept}"}'); }`;
  const table = { ...subscription({ generator }), args: { depth: "5" } };
  const issues = issuesOf({ descriptor: table, instance: { symbols: ["A/B", "C/D"], channels: ["trades"] } });
  assert.equal(issues.filter((issue) => issue.includes("Unknown argument")).length, 1);
});
