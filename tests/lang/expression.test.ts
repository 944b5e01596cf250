import assert from "node:assert/strict";
import fc from "fast-check";
import { compilePath } from "../../src/json/mod.ts";
import { writeTextLiteral } from "../../src/lang/mod.ts";
import { FUNCTIONS, type Value } from "../../src/program/mod.ts";
import { compileExpression, compileRows, compileSource } from "../support/compiled.ts";
import { scopeOf } from "../support/json_scope.ts";

const FRAME = JSON.stringify({
  e: "trade",
  price: "1.50",
  count: 12,
  big: 1,
  flag: true,
  no: false,
  nothing: null,
  list: ["a", "b", 3],
  empty: [],
  rows: [{ s: "X" }, { s: "Y" }],
  deep: { a: { b: [10, { c: "found" }] } },
  "odd-key": "odd",
  row: "shadow",
}).replace('"big":1', '"big":9007199254740993');

function evaluate(text: string, json = FRAME): Value {
  const result = compileExpression(text);
  if (!result.ok) throw new Error(`${text}: ${result.errors.map((error) => error.message).join("; ")}`);
  return result.value.evaluate(scopeOf(json));
}

function table(name: string, rows: readonly (readonly [text: string, expected: Value])[]): void {
  for (const [text, expected] of rows) {
    Deno.test(`compileExpression() ${name}: ${text} is ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(evaluate(text), expected);
    });
  }
}

table("reads paths and literals", [
  ["e", "trade"],
  ["price", "1.50"],
  ["count", "12"],
  ["big", "9007199254740993"],
  ["flag", true],
  ["no", false],
  ["nothing", null],
  ["missing", null],
  ["missing.deeper[3]", null],
  ["deep.a.b[1].c", "found"],
  ["deep.a.b[-1].c", "found"],
  ['deep["a"]["b"][0]', "10"],
  ['row["odd-key"]', "odd"],
  ["row.row", "shadow"],
  ["root.e", "trade"],
  ["parent.e", "trade"],
  ["first(rows).s", "X"],
  ["(nothing ?? deep).a.b[0]", "10"],
  ["e.length", null],
  ["'it\\'s \\\\ \\n'", "it's \\ \n"],
  ['"a\\"b"', 'a"b'],
  ["-1.50", "-1.50"],
  ["1e5", "1e5"],
  ["true", true],
  ["null", null],
]);

table("combines values", [
  ["missing ?? nothing ?? e", "trade"],
  ["no ?? e", false],
  ["e == 'trade'", true],
  ["e != 'trade'", false],
  ["price == 1.5", true],
  ["price == '1.500'", true],
  ["flag == true", true],
  ["flag == 'true'", true],
  ["missing == null", true],
  ["missing == 'a'", false],
  ["missing != 'a'", true],
  ["list == list", true],
  ["list == 'a'", false],
  ["count > 2", true],
  ["count < 2", false],
  ["count >= 12.0", true],
  ["count <= 11.999", false],
  ["big > 9007199254740992", true],
  ["1e400 > 9e399", true],
  ["-1 < -0.5", true],
  ["0.0 == -0", true],
  ["e < 5", null],
  ["missing < 5", null],
  ["flag && e == 'trade'", true],
  ["flag && no", false],
  ["no || flag", true],
  ["e || no", false],
  ["!no", true],
  ["!missing", true],
  ["!!flag", true],
  ["flag ? 'yes' : 'no'", "yes"],
  ["e ? 'yes' : 'no'", "no"],
  ["no ? 1 : flag ? 2 : 3", "2"],
  ["no || flag && no", false],
  ["missing ?? e == 'trade'", true],
]);

table("calls functions", [
  ["lower('ABc')", "abc"],
  ["upper(e)", "TRADE"],
  ["upper(missing)", null],
  ["upper(list)", null],
  ["upper(flag)", "TRUE"],
  ["trim('  a ')", "a"],
  ["concat(e, '/', count)", "trade/12"],
  ["concat(e, missing)", null],
  ["split('a.b.c', '.', 1)", "b"],
  ["split('a.b.c', '.', -1)", "c"],
  ["split('a.b.c', '.', 3)", null],
  ["split('abc', missing ?? '', 0)", null],
  ["before('BTC_USDT_X', '_')", "BTC"],
  ["before('BTC', '_')", null],
  ["after('BTC_USDT_X', '_')", "USDT_X"],
  ["after('BTC', '_')", null],
  ["strip_prefix('tBTCUSD', 't')", "BTCUSD"],
  ["strip_prefix('BTC', 't')", "BTC"],
  ["strip_suffix('BTC-SWAP', '-SWAP')", "BTC"],
  ["strip_suffix('BTC', '')", "BTC"],
  ["replace('a-b-c', '-', '/')", "a/b/c"],
  ["replace('abc', '', 'x')", "abc"],
  ["slice('BTCUSD', 0, 3)", "BTC"],
  ["slice('BTCUSD', -3)", "USD"],
  ["starts_with('abc', 'ab')", true],
  ["starts_with(missing, 'ab')", null],
  ["ends_with('abc', 'bc')", true],
  ["pad_left('7', 3, '0')", "007"],
  ["pad_left('1234', 3, '0')", "1234"],
  ["reformat_date('26SEP25', 'DDMMMYY', 'YYMMDD')", "250926"],
  ["reformat_date('5SEP25', 'DDMMMYY', 'YYMMDD')", "250905"],
  ["reformat_date('20260327', 'YYYYMMDD', 'YYMMDD')", "260327"],
  ["reformat_date('2026-03-27', 'YYYY-MM-DD', 'DDMMMYY')", "27MAR26"],
  ["reformat_date('H26', 'MYY', 'YYMM')", "2603"],
  ["reformat_date('1798185600000', 'UNIX_MS', 'YYMMDD')", "261225"],
  ["reformat_date(1798214399, 'UNIX_S', 'DDMMMYY')", "25DEC26"],
  ["reformat_date('999999999999999', 'UNIX_S', 'YYMMDD')", null],
  ["reformat_date('-1', 'UNIX_MS', 'YYMMDD')", null],
  ["reformat_date('', 'UNIX_MS', 'YYMMDD')", null],
  ["reformat_date('H26', 'MYY', 'YYMMDD')", null],
  ["reformat_date('31FEB26', 'DDMMMYY', 'YYMMDD')", null],
  ["reformat_date('29FEB24', 'DDMMMYY', 'YYYYMMDD')", "20240229"],
  ["reformat_date('PERP', 'DDMMMYY', 'YYMMDD')", null],
  ["contains('abc', 'b')", true],
  ["contains(list, 'b')", true],
  ["contains(list, 3.0)", true],
  ["contains(list, 'z')", false],
  ["contains(missing, 'z')", null],
  ["length('abc')", "3"],
  ["length(list)", "3"],
  ["length(deep)", "1"],
  ["length(missing)", null],
  ["key_of(list)", "list"],
  ["key_of(row)", null],
  ["key_of(missing)", null],
  ["has(e)", true],
  ["has(nothing)", false],
  ["one_of(e, 'quote', 'trade')", true],
  ["one_of(e, 'quote')", false],
  ["one_of(missing, 'quote')", false],
  ["first(list)", "a"],
  ["first(empty)", null],
  ["first(e)", null],
  ["last(list)", "3"],
  ["last(rows).s", "Y"],
  ["last(empty)", null],
  ["join(list, '-')", "a-b-3"],
  ["join(empty, '-')", ""],
  ["join(rows, '-')", null],
  ["lookup(e, 'quote', 'q', 'trade', 't')", "t"],
  ["lookup(e, 'quote', 'q')", null],
  ["lookup(e, 'quote', 'q', 'other')", "other"],
  ["lookup(missing, 'quote', 'q', 'other')", "other"],
  ["abs('-1.50')", "1.50"],
  ["abs(e)", null],
  ["neg(price)", "-1.50"],
  ["neg('-2')", "2"],
  ["neg('0.0')", "0.0"],
  ["add(0.1, 0.2)", "0.3"],
  ["add('1.10', 2, -5)", "-1.90"],
  ["add(1e3, '0.5')", "1000.5"],
  ["add(big, 1)", "9007199254740994"],
  ["sub('1', '0.9')", "0.1"],
  ["mul('1.10', '2.0')", "2.200"],
  ["mul('-0.5', 2, 3)", "-3.0"],
  ["mul(e, 2)", null],
  ["shift(1234500, -4)", "123.4500"],
  ["shift('1', -8)", "0.00000001"],
  ["shift('1.5', 2)", "150.0"],
  ["shift(count, '0')", "12"],
  ["shift(1, 1001)", null],
  ["shift(e, 1)", null],
  ["trim_zeros('160000.0000')", "160000"],
  ["trim_zeros(price)", "1.5"],
  ["trim_zeros('100')", "100"],
  ["trim_zeros(e)", null],
  ["find(rows, 's', 'Y', 's')", "Y"],
  ["find(rows, 's', 'Z', 's')", null],
  ["find(rows, 's', missing, 's')", null],
  ["find(deep, 's', 'X', 's')", null],
  ["div(1, 3, 4)", "0.3333"],
  ["div(2, 3, 4)", "0.6667"],
  ["div(-1, 2, 0)", "-1"],
  ["div(1, 0, 4)", null],
  ["div('1e2', '4', 1)", "25.0"],
  ["sign('-0.1')", "-1"],
  ["sign('0e9')", "0"],
  ["sign(price)", "1"],
  ["min('2', '1.0', 3)", "1.0"],
  ["max('2', '1.0', '3.00')", "3.00"],
  ["min('2', e)", null],
  ["is_number('1.5e3')", true],
  ["is_number(e)", false],
  ["is_number(missing)", false],
  // Here no list says anything; config_plan/list_values.test.ts has lists that do.
  ["listed('BTCUSDT', 'scale')", null],
]);

Deno.test("FUNCTIONS has a row in this table for each of its functions", () => {
  const source = Deno.readTextFileSync(new URL(import.meta.url));
  const untested = FUNCTIONS.filter((spec) => !source.includes(`["${spec.name}(`)).map((spec) => spec.name);
  assert.deepEqual(untested, []);
});

const WRONG: readonly (readonly [text: string, at: string, message: RegExp])[] = [
  ["", "", /Expected a value, found the end/],
  ["a ==", "", /Expected a value, found the end/],
  ["a = b", "=", /write == to compare/],
  ["a - b", "-", /sub\(a, b\)/],
  ["uper(a)", "uper", /Unknown function uper: did you mean "upper"\?/],
  ["upper(a, b)", "upper(a, b)", /upper\(text\) takes 1 argument, found 2/],
  ["split(a, '.', 'x')", "'x'", /index of split\(text, separator, index\) must be a whole number: "x"/],
  ["add(1, 'x')", "'x'", /must be a number/],
  ["reformat_date(a, 'xx', 'YY')", "'xx'", /pattern of YYYY/],
  ["first('a')", "'a'", /must be a list/],
  ["a && 'x'", "'x'", /A condition must be true or false/],
  ["upper(a) ? 1 : 2", "upper(a)", /A condition must be true or false/],
  ["a < 'x'", "'x'", /Only numbers have an order/],
  ["a < b < c", "<", /cannot be chained/],
  ["'open", "'open", /Text is not closed/],
  ["'a\\d'", "\\d", /Unknown escape/],
  ["a[1.5]", "1.5", /whole number/],
  ["a.0", "0", /an element is a\[0\]/],
  ["a b", "b", /Expected an operator or the end, found b/],
  ["f(", "", /Expected a value, found the end/],
  ["(a", "", /Expected \) to close the parenthesis, found the end/],
  ["5SEP", "SEP", /A name cannot begin with digits/],
  ["a ? b", "", /Expected : and the value if the condition is false/],
];
for (const [text, at, message] of WRONG) {
  Deno.test(`compileExpression() points at ${JSON.stringify(at)} in ${text}`, () => {
    const result = compileExpression(text);
    if (result.ok) return assert.fail("compiled");
    const [error] = result.errors;
    assert.match(error.message, message);
    assert.equal(error.offset, at === "" ? text.length : text.lastIndexOf(at));
    assert.equal(error.length, Math.max(1, at.length));
  });
}

Deno.test("compileExpression() reports every unknown function and unfit argument at once", () => {
  const result = compileExpression("concat(uper(a), splitt(b), first('x'))");
  assert.deepEqual(result.ok ? [] : result.errors.map((error) => error.offset), [7, 16, 33]);
});

Deno.test("compileExpression() keeps to its bounds in bytes, nodes and depth", () => {
  const messageOf = (text: string, maxLength?: number): string => {
    const result = compileExpression(text, { maxLength });
    return result.ok ? "" : result.errors[0].message;
  };
  assert.match(messageOf("é".repeat(2049)), /at most 4096 bytes/);
  assert.equal(messageOf("é".repeat(2048)), "");
  assert.match(messageOf("abcdef", 5), /at most 5 bytes/);
  assert.match(messageOf(Array(1001).fill("a").join("??")), /too large/);
  assert.equal(messageOf(Array(999).fill("a").join("??")), "");
  assert.match(messageOf("(".repeat(65) + "a" + ")".repeat(65)), /nested too deeply/);
  assert.match(messageOf("!".repeat(4000) + "a"), /nested too deeply/);
  assert.equal(messageOf("(".repeat(60) + "a" + ")".repeat(60)), "");
});

Deno.test("compileExpression() gives null when an evaluation takes more than 10,000 steps", () => {
  const list = (length: number): string => JSON.stringify({ list: Array(length).fill(1) });
  assert.equal(evaluate("last(list)", list(9_000)), "1");
  assert.equal(evaluate("last(list)", list(10_001)), null);
  assert.equal(evaluate("contains(list, 2) ?? 'unknown'", list(10_001)), null);
  assert.equal(evaluate("length(list)", list(10_001)), "10001");
});

Deno.test("compileExpression() gives null for texts and numbers that grow beyond their bounds", () => {
  const json = JSON.stringify({
    long: "a".repeat(60_000),
    exponent: "1e999",
    digits: "9".repeat(600),
    huge: "9".repeat(99_999),
  });
  assert.equal(evaluate("concat(long, long)", json), null);
  assert.equal(evaluate("replace(long, 'a', long)", json), null);
  assert.equal(evaluate("pad_left('a', 999999999, 'a')", json), null);
  assert.equal(evaluate("mul(digits, digits, digits)", json), null);
  assert.equal(evaluate("mul(exponent, exponent)", json), null);
  assert.equal(evaluate("add(1e999999999, 1)", json), null);
  assert.equal(evaluate("add(huge, 1)", json), null);
  assert.equal(evaluate("huge > digits", json), true);
});

Deno.test("compileExpression() sets path for plain member paths of the row alone", () => {
  const pathOf = (text: string): readonly string[] | null => {
    const result = compileSource(text);
    return result.ok ? result.value.path?.segments ?? null : null;
  };
  assert.deepEqual(pathOf("/data/0/s"), ["data", "0", "s"]);
  assert.deepEqual(pathOf("/a~1b/m~0n"), ["a/b", "m~n"]);
  assert.deepEqual(pathOf(""), []);
  assert.deepEqual(pathOf("row"), []);
  assert.deepEqual(pathOf("data.k[0].s"), ["data", "k", "0", "s"]);
  assert.deepEqual(pathOf("(data.k)[-1]"), ["data", "k", "-1"]);
  assert.deepEqual(pathOf("[0]"), ["0"]);
  assert.equal(pathOf("root.s"), null);
  assert.equal(pathOf("parent.s"), null);
  assert.equal(pathOf("data.s ?? s"), null);
});

Deno.test("compileSource() starts pointers and names from the row, parent from the row around it", () => {
  const scope = scopeOf('{"s":"root","rows":[{"s":"outer","inner":[["x"],"bare"]}]}');
  scope.parent = scope.document.find(compilePath(["rows", "0"]), 0);
  scope.row = scope.document.find(compilePath(["inner", "0"]), scope.parent);
  const valueOf = (text: string): Value => {
    const result = compileSource(text);
    return result.ok ? result.value.evaluate(scope) : null;
  };
  assert.deepEqual(["/0", "[0]", "parent.s", "root.s"].map(valueOf), ["x", "x", "outer", "root"]);
  assert.equal(valueOf(""), scope.row);
  scope.row = scope.document.find(compilePath(["inner", "1"]), scope.parent);
  assert.deepEqual(["", "row"].map(valueOf), ["bare", "bare"]);
});

Deno.test("compileSource() and compileRows() point at what is wrong in a pointer", () => {
  const source = compileSource("/a/~2b");
  assert.deepEqual(source.ok ? null : [source.errors[0].offset, source.errors[0].length], [3, 2]);
  const rows = compileRows("data.rows");
  assert.match(rows.ok ? "" : rows.errors[0].message, /such as "\/data\/rows"/);
});

Deno.test("compileRows() cuts a pointer at its wildcards", () => {
  const shapeOf = (text: string): unknown => {
    const result = compileRows(text);
    if (!result.ok) return result.errors;
    return [result.value.steps.map((step) => step.segments), result.value.tail?.segments ?? null];
  };
  assert.deepEqual(shapeOf(""), [[], []]);
  assert.deepEqual(shapeOf("/data"), [[], ["data"]]);
  assert.deepEqual(shapeOf("/data/*"), [[["data"]], null]);
  assert.deepEqual(shapeOf("/events/*/trades/*"), [[["events"], ["trades"]], null]);
  assert.deepEqual(shapeOf("/events/*/trade"), [[["events"]], ["trade"]]);
  assert.deepEqual(shapeOf("/*/*"), [[[], []], null]);
});

const ANY_TEXT = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.string());
const EXPRESSION_LIKE = fc.array(
  fc.constantFrom(
    ...["a", "row", "root", "[0]", ".b", "(", ")", ",", "??", "==", "<", "&&", "||", "!", "?", ":", "'t'", "1", "-2.5"],
    ...["true", "null", " ", '"', "\\", ...FUNCTIONS.map((spec) => `${spec.name}(`)],
  ),
  { maxLength: 30 },
).map((words) => words.join(""));

Deno.test("compileExpression() never throws, and keeps its errors inside the text, on any text", () => {
  fc.assert(fc.property(fc.oneof(ANY_TEXT, EXPRESSION_LIKE), (text) => {
    for (const result of [compileExpression(text), compileSource(text), compileRows(text)]) {
      if (result.ok) continue;
      assert.ok(result.errors.length > 0);
      for (const { offset, length } of result.errors) {
        assert.ok(offset >= 0 && offset <= text.length && length >= 1 && offset + length <= text.length + 1);
      }
    }
  }));
});

Deno.test("compileExpression() evaluates on any document without throwing", () => {
  const calls = FUNCTIONS.flatMap((spec) => {
    const args = ["a", "b", "row", "a[0]"].slice(0, Math.min(4, Math.max(spec.argumentsMin, 2), spec.argumentsMax));
    return `${spec.name}(${args.join(", ")})`;
  });
  const programs = [...calls, "a < b", "a == b", "a ?? b", "a ? b : row", "(a ?? b).c[0]"].map((text) => {
    const result = compileExpression(text);
    return result.ok ? result.value : assert.fail(`${text}: ${result.errors[0].message}`);
  });
  const json = fc.oneof(
    fc.json(),
    fc.record({ a: fc.jsonValue(), b: fc.jsonValue() }).map((value) => JSON.stringify(value)),
    fc.record({ a: fc.oneof(fc.string(), fc.double()), b: fc.oneof(fc.integer(), fc.double()) }).map((value) =>
      JSON.stringify(value)
    ),
  );
  fc.assert(fc.property(json, (text) => {
    const scope = scopeOf(text);
    for (const program of programs) {
      const value = program.evaluate(scope);
      assert.ok(value === null || ["boolean", "string", "number"].includes(typeof value));
    }
  }));
});

Deno.test("writeTextLiteral() is read back as the same text, in either quotes, for any text", () => {
  fc.assert(fc.property(ANY_TEXT, fc.constantFrom<'"' | "'">('"', "'"), (text, quote) => {
    assert.equal(evaluate(writeTextLiteral(text, quote), "null"), text);
  }));
});

Deno.test("arithmetic agrees with BigInt on integers scaled by powers of ten", () => {
  const number = fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(20));
  const write = ([units, scale]: readonly [bigint, number]): string => `${units}e-${scale}`;
  fc.assert(fc.property(number, number, (left, right) => {
    const scale = Math.max(left[1], right[1]);
    const [a, b] = [left, right].map(([units, own]) => units * 10n ** BigInt(scale - own));
    const json = JSON.stringify({ a: write(left), b: write(right) });
    const same = (text: string, expected: string): void => assert.equal(evaluate(`${text} == ${expected}`, json), true);
    same("add(a, b)", `${a + b}e-${scale}`);
    same("sub(a, b)", `${a - b}e-${scale}`);
    same("mul(a, b)", `${left[0] * right[0]}e-${left[1] + right[1]}`);
    assert.equal(evaluate("a < b", json), a < b);
    assert.equal(evaluate("max(a, b)", json), a > b ? write(left) : a < b ? write(right) : write(left));
    if (b !== 0n) same("div(mul(a, b), b, 60)", `${a}e-${scale}`);
  }));
});

Deno.test("comparison of short decimals agrees with comparison of the same decimals written at length", () => {
  const short = fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.nat(9)).map(([units, places]) => {
    const digits = String(Math.abs(units)).padStart(places + 1, "0");
    const point = digits.length - places;
    return `${units < 0 ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
  });
  const odd = fc.constantFrom(".", "-", "-.", "1.2.3", "1..", "+1", "-0", "0.", ".5", "1e1", "");
  fc.assert(
    fc.property(fc.oneof(short, odd), fc.oneof(short, odd), (a, b) => {
      const zeros = "0".repeat(20);
      const long = (text: string): string => /^-?\d+\.\d*$/.test(text) ? text + zeros : text;
      const brief = JSON.stringify({ a, b });
      const wide = JSON.stringify({ a: long(a), b: long(b) });
      for (const text of ["a < b", "a == b", "a >= b"]) assert.equal(evaluate(text, brief), evaluate(text, wide));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("compileExpression() compares with a whole count alike on either side", () => {
  const texts = [
    "1",
    '"1"',
    '"01"',
    '"1.0"',
    "1.0",
    "1e0",
    '"+1"',
    "-1",
    '" 1"',
    "12345678901234567890",
    "null",
    "[1]",
    "true",
  ];
  for (const [on, turned] of [["u == 1", "1 == u"], ["u != 1", "1 != u"], ["row.u == 007", "007 == row.u"]]) {
    const [left, right] = [on, turned].map((text) => compileExpression(text));
    assert.ok(left.ok && right.ok, on);
    for (const text of [...texts, '"007"', "7"]) {
      const scope = scopeOf(`{"u":${text}}`);
      assert.equal(left.value.evaluate(scope), right.value.evaluate(scope), `${on} of ${text}`);
    }
    assert.equal(left.value.evaluate(scopeOf("{}")), right.value.evaluate(scopeOf("{}")), `${on} of nothing`);
  }
});
