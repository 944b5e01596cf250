import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type GeneratorInput,
  type GeneratorRun,
  parseGenerator,
  runGenerator,
  writeTextLiteral,
} from "../../src/lang/mod.ts";
import { type Channel, renderTemplate, showTemplate } from "../../src/model/mod.ts";

const INPUT: GeneratorInput = {
  connId: "public",
  symbols: [{ canonical: "BTC/USDT", native: "BTCusdt" }, { canonical: "ETH/USDT", native: "ETHusdt" }],
  channels: [{ channel: "trades", native: "aggTrade" }, { channel: "book", native: "depth" }],
  args: { depth: "100ms" },
  environment: (name) => name === "KEY" ? "k" : undefined,
};

function run(text: string, input: Partial<GeneratorInput> = {}): GeneratorRun {
  const program = parseGenerator(text);
  if (!program.ok) return assert.fail(JSON.stringify(program.errors));
  return runGenerator(program.value, { ...INPUT, ...input });
}

function emitted(text: string, input: Partial<GeneratorInput> = {}): readonly string[] {
  const { messages, errors } = run(text, input);
  assert.deepEqual(errors, []);
  return messages.map((message) => showTemplate(message.template));
}

function errorsOf(text: string): readonly (readonly [at: string, message: string])[] {
  const result = parseGenerator(text);
  return result.ok
    ? []
    : result.errors.map(({ offset, length, message }) => [text.slice(offset, offset + length), message]);
}

Deno.test("runGenerator() emits one message for each round of its loops, with stream and place", () => {
  const text =
    "// all of them\nforeach (s in symbols) { foreach (c in channels) {\n  emit('{symbol_lower}@{ch}');\n} }";
  const { messages } = run(text);
  assert.deepEqual(
    messages.map(({ template, symbol, channel, offset }) => [template.source, symbol, channel, offset]),
    [
      ["btcusdt@aggTrade", "BTC/USDT", "trades", text.indexOf("emit")],
      ["btcusdt@depth", "BTC/USDT", "book", text.indexOf("emit")],
      ["ethusdt@aggTrade", "ETH/USDT", "trades", text.indexOf("emit")],
      ["ethusdt@depth", "ETH/USDT", "book", text.indexOf("emit")],
    ],
  );
});

Deno.test("runGenerator() fills placeholders and leaves holes for what is known when the text is sent", () => {
  const text = String.raw`foreach (s in symbols) { foreach (c in channels) {
    if (c == "book" && s == "BTC/USDT") {
      emit("{symbol} {symbol_upper} {channel} {s} {c} {conn_id} {arg:depth} {env:KEY} {id} {now_ms} {now_s} {uuid}");
    }
  } }`;
  const [{ template }, ...rest] = run(text).messages;
  assert.equal(rest.length, 0);
  assert.equal(
    showTemplate(template),
    "BTCusdt BTCUSDT depth BTCusdt depth public 100ms {env:KEY} {id} {now_ms} {now_s} {uuid}",
  );
  assert.equal(
    renderTemplate(template, { id: 7, nowMs: 1500, uuid: () => "u" }),
    "BTCusdt BTCUSDT depth BTCusdt depth public 100ms k 7 1500 1 u",
  );
});

Deno.test("runGenerator() knows no stream outside of loops", () => {
  const { messages } = run("emit('ping'); foreach (c in channels) { emit('{ch}'); }");
  assert.deepEqual(messages.map(({ symbol, channel }) => [symbol, channel]), [
    [null, null],
    [null, "trades"],
    [null, "book"],
  ]);
});

const CONDITIONS: readonly (readonly [condition: string, expected: readonly string[]])[] = [
  ["c == 'trades'", ["aggTrade"]],
  ["'trades' == c", ["aggTrade"]],
  ["c != 'trades'", ["depth"]],
  ["c == 'aggTrade'", []],
  ['conn_id == "public"', ["aggTrade", "depth"]],
  ["conn_id != 'public' || c == 'book'", ["depth"]],
  ["c == 'book' || c == 'trades' && conn_id == 'other'", ["depth"]],
  ["(c == 'book' || c == 'trades') && conn_id == 'public'", ["aggTrade", "depth"]],
  ["((c == c))", ["aggTrade", "depth"]],
];
for (const [condition, expected] of CONDITIONS) {
  Deno.test(`runGenerator() chooses ${expected.join(" and ") || "nothing"} when ${condition}`, () => {
    assert.deepEqual(emitted(`foreach(c in channels){if(${condition}){emit('{ch}');}}`), expected);
  });
}

Deno.test("runGenerator() takes the first branch that holds", () => {
  const text = `foreach (c in channels) {
    if (c == "ticker") { emit("1"); } else if (c == "book") { emit("2"); } else if (c == "book") { emit("3"); } else { emit("4"); }
  }`;
  assert.deepEqual(emitted(text), ["4", "2"]);
});

Deno.test("runGenerator() reads both quotes and the escapes of texts", () => {
  assert.deepEqual(emitted(String.raw`emit("a\"b'c\\d\ne"); emit('a"b\'c // no comment');`), [
    "a\"b'c\\d\ne",
    "a\"b'c // no comment",
  ]);
});

Deno.test("runGenerator() reports a missing variable and argument once, at the placeholder", () => {
  const text = String.raw`foreach (s in symbols) { emit("\"{env:NOPE}\" {arg:dept} {symbol}"); }`;
  const { messages, errors } = run(text);
  assert.equal(messages.length, 0);
  assert.deepEqual(errors.map(({ offset, length, message }) => [text.slice(offset, offset + length), message]), [
    ["{env:NOPE}", "Environment variable NOPE is not set"],
    ["{arg:dept}", 'Unknown argument dept: did you mean "depth"?'],
  ]);
});

Deno.test("runGenerator() keeps any symbol inside its JSON string", () => {
  const text = `foreach (s in symbols) { emit('{"params":["{symbol}@x","{s}"],"id":{id}}'); }`;
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"', "\\", '"]}', "\ud800")), (native) => {
      const [message] = run(text, { symbols: [{ canonical: "X", native }] }).messages;
      const sent = renderTemplate(message.template, { id: 1 });
      assert.deepEqual(JSON.parse(sent), { params: [`${native}@x`, native], id: 1 });
    }),
  );
});

Deno.test("runGenerator() ends with an error at a million messages", () => {
  const symbols = Array.from({ length: 1001 }, (_, index) => ({ canonical: `S${index}`, native: `s${index}` }));
  const { messages, errors } = run("foreach (a in symbols) { foreach (b in symbols) { emit('x'); } }", { symbols });
  assert.equal(messages.length, 1_000_000);
  assert.deepEqual(errors.map((error) => error.message), ["Generator emits too much: more than 1000000 messages"]);
});

Deno.test("runGenerator() ends with an error when loops run on without a message", () => {
  const symbols = Array.from({ length: 1000 }, (_, index) => ({ canonical: `S${index}`, native: `s${index}` }));
  const text = "foreach (a in symbols) { foreach (b in symbols) { foreach (c in symbols) { } } }";
  const { errors } = run(text, { symbols });
  assert.deepEqual(errors.map((error) => error.message), ["Generator runs too long: more than 10000000 steps"]);
});

const WRONG: readonly (readonly [text: string, ...errors: (readonly [at: string, message: string])[]])[] = [
  ["forech (s in symbols) { }", ["forech", 'Unknown statement forech: did you mean "foreach"?']],
  ["foreach (s in symbol) { }", ["symbol", 'Unknown list symbol: did you mean "symbols"?']],
  ["foreach (s of symbols) { }", ["of", "Expected in, found of"]],
  ["foreach (s in symbols) emit('x');", ["emit", "Expected { to begin the block, found emit"]],
  ["foreach (s in symbols) { emit('x');", ["{", "Block is not closed: expected } before the end"]],
  ["emit('x')", ["", "Expected ; after emit(…), found the end"]],
  ["emit(x);", ["x", "Expected a quoted text to emit, found x"]],
  ["emit('x);", ["'x);", "Text is not closed: expected ' before the end of the line"], [
    "",
    "Expected ) after the text, found the end",
  ]],
  [String.raw`emit('\d');`, [String.raw`\d`, String.raw`Unknown escape "\\d": expected \" \' \\ or \n`]],
  ["emit('{symbol}');", ["{symbol}", "{symbol} needs a foreach over symbols around it"]],
  ["foreach (s in symbols) { emit('{symbl}'); }", ["{symbl}", 'Unknown placeholder {symbl}: did you mean "symbol"?']],
  [
    "foreach (c in channels) { if (d == 'x') { emit('{ch}'); } }",
    ["d", "Unknown name d: expected one of c, conn_id"],
  ],
  ["if (conn_d == 'x') { }", ["conn_d", 'Unknown name conn_d: did you mean "conn_id"?']],
  ["if (conn_id) { }", [")", "Expected == or != and what to compare with, found )"]],
  ["if (conn_id = 'x') { }", ["=", 'Unexpected character "=": write == to compare'], [
    "'x'",
    'Expected == or != and what to compare with, found "x"',
  ]],
  ["else { }", ["else", "Unexpected else: it must follow the block of an if"]],
  ["}", ["}", "Unexpected }: no block is open here"]],
  ["foreach (if in symbols) { }", ["if", "if is a word of the language: choose another name for the loop variable"]],
  [
    "foreach (s in symbols) { foreach (s in channels) { } }",
    ["s", "s is the variable of a loop around this one: choose another name"],
  ],
  ["foreach (ch in symbols) { }", ["ch", "{ch} means something else in emitted texts: choose another name"]],
  ["# no\n", ["#", 'Unexpected character "#": a comment begins with //'], [
    "no",
    "Unknown statement no: expected one of foreach, if, emit",
  ]],
];
for (const [text, ...errors] of WRONG) {
  Deno.test(`parseGenerator() explains ${JSON.stringify(text)}`, () => assert.deepEqual(errorsOf(text), errors));
}

Deno.test("parseGenerator() goes on after an error and reports the next ones", () => {
  const text = `foreach (s in symbols) {
    emit('{symbl}')
    emmit('x');
    if (c == 'x') { emit(c); emit('{chanel}'); }
    emit('fine {symbol}');
  }
  foreach (c in chanels) { emit('{ch}'); }`;
  assert.deepEqual(errorsOf(text).map(([at]) => at), ["{symbl}", "emmit", "emmit", "c", "c", "{chanel}", "chanels"]);
});

Deno.test("parseGenerator() points at a placeholder behind escapes", () => {
  const text = String.raw`emit("\"\\\n{nope}");`;
  assert.deepEqual(errorsOf(text).map(([at]) => at), ["{nope}"]);
});

Deno.test("parseGenerator() bounds the nesting of blocks and conditions", () => {
  const nested = (depth: number): string => "if (conn_id == 'a') { ".repeat(depth) + "}".repeat(depth);
  assert.equal(errorsOf(nested(60)).length, 0);
  assert.match(errorsOf(nested(65))[0][1], /nested too deeply: at most 64/);
  assert.match(errorsOf(nested(5000))[0][1], /nested too deeply: at most 64/);
  assert.match(errorsOf(`if (${"(".repeat(5000)}`)[0][1], /nested too deeply: at most 64/);
});

Deno.test("parseGenerator() never throws, and keeps its errors inside the text, on any text", () => {
  const word = fc.constantFrom(
    ...[
      "foreach",
      "if",
      "else",
      "emit",
      "(",
      ")",
      "{",
      "}",
      ";",
      "s",
      "in",
      "symbols",
      "channels",
      "==",
      "!=",
      "&&",
      "||",
    ],
    ...["'x'", '"{symbol}"', "conn_id", " ", "\n", "// c\n", "'", "\\", "foreach(s in symbols){", "emit('{ch}');"],
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(word, { maxLength: 40 }).map((words) => words.join(" ")),
  );
  fc.assert(
    fc.property(text, (source) => {
      const result = parseGenerator(source);
      if (result.ok) {
        assert.deepEqual(runGenerator(result.value, INPUT).errors, []);
        return;
      }
      for (const { offset, length } of result.errors) {
        assert.ok(offset >= 0 && length >= 1 && offset + length <= source.length + 1);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("runGenerator() emits any text that was written as a literal", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.constantFrom<'"' | "'">('"', "'"), (text, quote) => {
    fc.pre(!/\{\w/.test(text));
    const [message] = run(`emit(${writeTextLiteral(text, quote)});`).messages;
    assert.equal(message.template.source, text);
  }));
});

Deno.test("runGenerator() names channels by our names and symbols by canonical ones", () => {
  const channels: readonly { channel: Channel; native: string }[] = [{ channel: "quotes", native: "bookTicker" }];
  const { messages } = run(
    "foreach (c in channels) { foreach (s in symbols) { if (s != 'ETH/USDT') { emit('{c}'); } } }",
    {
      channels,
    },
  );
  assert.deepEqual(messages.map(({ channel, symbol, template }) => [channel, symbol, template.source]), [
    ["quotes", "BTC/USDT", "bookTicker"],
  ]);
});

Deno.test("parts of the symbol may stand in conditions inside a loop over symbols", () => {
  const symbols = [
    { canonical: "BTC/USD:BTC", native: "BTCUSD", values: { family: "inverse", base: "BTC" } },
    { canonical: "X", native: "X" },
  ];
  const text =
    `foreach (s in symbols) { if (family == "inverse" && base != "ETH") { emit('i {symbol}'); } else { emit('o {symbol}'); } }`;
  assert.deepEqual(emitted(text, { symbols }), ["i BTCUSD", "o X"]);
  assert.deepEqual(errorsOf("foreach (c in channels) { if (family == 'spot') { emit('x'); } }"), [
    ["family", "family is a part of a symbol: it needs a foreach over symbols around it"],
  ]);
});
