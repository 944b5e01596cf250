import assert from "node:assert/strict";
import fc from "fast-check";
import { type PredicateSpec, type TestSpec, writeTextLiteral } from "../../src/lang/mod.ts";
import { pathSource } from "../../src/json/mod.ts";
import type { CompiledPredicate } from "../../src/program/mod.ts";
import { compilePredicate } from "../support/compiled.ts";
import { scopeOf } from "../support/json_scope.ts";

const FRAME = JSON.stringify({
  e: "trade",
  id: 12,
  result: null,
  ok: true,
  price: "1.50",
  topic: "market.btcusdt.depth",
  list: ["a"],
  object: {},
});

function compile(spec: PredicateSpec): CompiledPredicate {
  const result = compilePredicate(spec);
  return result.ok ? result.value : assert.fail(JSON.stringify(result.errors));
}

const TESTS: readonly (readonly [source: string, test: TestSpec, expected: boolean])[] = [
  ["/e", "trade", true],
  ["/e", "quote", false],
  ["/e", ["quote", "trade"], true],
  ["/e", ["quote", "book"], false],
  ["/id", 12, true],
  ["/id", 12n, true],
  ["/id", "12", true],
  ["/id", "12.0", false],
  ["/ok", true, true],
  ["/ok", "true", true],
  ["/ok", false, false],
  ["/missing", "undefined", false],
  ["/result", "null", false],
  ["e", "trade", true],
  ["upper(e)", "TRADE", true],
  ["upper(e)", ["TRADE"], true],
  ["/topic", { prefix: "market." }, true],
  ["/topic", { prefix: ["x", "market."], suffix: ".depth" }, true],
  ["/topic", { prefix: "market.", suffix: ".trade" }, false],
  ["/topic", { contains: ["eth", "btc"] }, true],
  ["/missing", { prefix: "" }, false],
  ["/id", { exists: true }, true],
  ["/missing", { exists: false }, true],
  ["/missing", { exists: true }, false],
  ["/result", { exists: true }, true],
  ["missing ?? id", { exists: true }, true],
  ["missing ?? result", { exists: true }, false],
  ["/result", { is: "null" }, true],
  ["/missing", { is: "null" }, false],
  ["/list", { is: "array" }, true],
  ["/object", { is: "object" }, true],
  ["/e", { is: "string" }, true],
  ["/id", { is: "number" }, true],
  ["/price", { is: "number" }, false],
  ["/ok", { is: "bool" }, true],
  ["missing ?? price", { is: "number" }, true],
  ["missing ?? list", { is: "array" }, true],
  ["missing ?? ok", { is: "bool" }, true],
  ["missing ?? result", { is: "null" }, true],
  ["/e", { not: "quote" }, true],
  ["/e", { not: ["quote", "trade"] }, false],
  ["/missing", { not: "quote" }, true],
  ["/price", { gt: 1 }, true],
  ["/price", { gt: "1.50" }, false],
  ["/price", { gt: 1, lt: 2 }, true],
  ["/e", { lt: 2 }, false],
  ["/missing", { gt: 2 }, false],
];
for (const [source, test, expected] of TESTS) {
  const shown = typeof test === "bigint" ? `${test}n` : JSON.stringify(test);
  Deno.test(`compilePredicate() ${expected ? "holds" : "fails"} when ${source} is tested by ${shown}`, () => {
    assert.equal(compile({ [source]: test }).test(scopeOf(FRAME)), expected);
  });
}

Deno.test("compilePredicate() holds when all tests of a table hold", () => {
  assert.equal(compile({ "/e": "trade", "/id": { exists: true } }).test(scopeOf(FRAME)), true);
  assert.equal(compile({ "/e": "trade", "/id": { exists: false } }).test(scopeOf(FRAME)), false);
});

Deno.test("compilePredicate() takes an expression or a pointer and holds for true alone", () => {
  assert.equal(compile("e == 'trade' && ok").test(scopeOf(FRAME)), true);
  assert.equal(compile("/ok").test(scopeOf(FRAME)), true);
  assert.equal(compile("/e").test(scopeOf(FRAME)), false);
  assert.equal(compile("missing").test(scopeOf(FRAME)), false);
});

const DISCRIMINATORS: readonly (readonly [spec: PredicateSpec, path: string | null, values?: readonly string[]])[] = [
  [{ "/data/e": "trade" }, "/data/e", ["trade"]],
  [{ "data.e": ["a", "b"] }, "/data/e", ["a", "b"]],
  [{ "root.data.e": "a" }, "/data/e", ["a"]],
  [{ "parent.e": "a" }, null],
  [{ "/id": { exists: true }, "/e": "a" }, "/e", ["a"]],
  [{ "/success": true, "/op": "subscribe" }, "/op", ["subscribe"]],
  [{ "/code": 0 }, "/code", ["0"]],
  [{ "/e": { not: "a" } }, null],
  [{ "upper(e)": "A" }, null],
  ["e == 'trade'", "/e", ["trade"]],
  ["'trade' == data.e && x > 1", "/data/e", ["trade"]],
  ["x > 1 && one_of(e, 'a', 'b')", "/e", ["a", "b"]],
  ["e == 'a' || e == 'b'", "/e", ["a", "b"]],
  ["e == 'a' || f == 'b'", null],
  ["e == 'a' || x", null],
  ["code == 0", null],
  ["success == true", "/success", ["true"]],
  ["success && has(x)", "/success", ["true"]],
  [{ "/e": { prefix: ["a", "tru"] } }, "/e", ["a", "tru"]],
  [{ "/e": { prefix: "a" }, "/f": "b" }, "/f", ["b"]],
  [{ "/e": { prefix: "a" }, "/success": true }, "/e", ["a"]],
  [{ "/e": { prefix: "a", suffix: "b" } }, null],
  [{ "/e": { prefix: "\ud800" } }, null],
  ["e != 'a'", null],
  ["!(e == 'a')", null],
  ["e == f", null],
  ["e == null", null],
];
for (const [spec, path, values] of DISCRIMINATORS) {
  Deno.test(`compilePredicate() implies ${path} of ${JSON.stringify(spec)}`, () => {
    const { discriminator } = compile(spec);
    assert.equal(discriminator === null ? null : pathSource(discriminator.path), path);
    if (discriminator !== null) assert.deepEqual([...discriminator.values, ...discriminator.prefixes], values);
  });
}

Deno.test("compilePredicate() never holds where its discriminator says that it cannot", () => {
  const scalar = fc.constantFrom<string | number | boolean | null>("a", "b", "1", "1.0", 1, true, false, "true", null);
  const specs = DISCRIMINATORS.map(([spec]) => compile(spec));
  const frame = fc.record({ e: scalar, f: scalar, x: scalar, code: scalar, success: scalar, op: scalar }, {
    requiredKeys: [],
  });
  fc.assert(fc.property(frame, (value) => {
    const scope = scopeOf(JSON.stringify({ ...value, data: value }));
    for (const { test, discriminator, source } of specs) {
      if (discriminator === null) continue;
      const text = scope.document.text(scope.document.find(discriminator.path, 0));
      const { values, prefixes, decides } = discriminator;
      const isNeeded = text !== null && (values.has(text) || prefixes.some((prefix) => text.startsWith(prefix)));
      if (!isNeeded) assert.equal(test(scope), false, source);
      else if (decides) assert.equal(test(scope), true, source);
    }
  }));
});

Deno.test("compilePredicate() reports every error with the keys that lead to it", () => {
  const spec: Record<string, TestSpec> = JSON.parse(JSON.stringify({
    "uper(e)": "A",
    "/a": { exist: true },
    "/b": { is: "strin" },
    "/c": [],
    "/d": { gt: "x", exists: "yes" },
    "/e": { prefix: 3 },
    "/f": {},
    "/g": [{}],
    "/h": null,
  }));
  const result = compilePredicate(spec);
  assert.deepEqual(
    result.ok
      ? []
      : result.errors.map(({ path, in: where, offset, message }) => [path.join(" "), where, offset, message]),
    [
      ["uper(e)", "key", 0, 'Unknown function uper: did you mean "upper"?'],
      ["/a exist", "key", 0, 'Unknown test exist: did you mean "exists"?'],
      ["/b is", "value", 0, 'Unknown kind "strin": did you mean "string"?'],
      ["/c", "value", 0, "An empty list matches nothing: name at least one value"],
      ["/d gt", "value", 0, 'gt is a decimal number: "x"'],
      ["/d exists", "value", 0, 'exists is true or false: "yes"'],
      ["/e prefix", "value", 0, "prefix is a text or a list of texts: 3"],
      ["/f", "value", 0, "A test table needs at least one of prefix, suffix, contains, exists, is, not, gt, lt"],
      ["/g", "value", 0, "Values to compare with are texts, numbers, true and false"],
      ["/h", "value", 0, "A test is a text, a number, true or false, a list of these or a table: null"],
    ],
  );
});

Deno.test("compilePredicate() refuses texts that are no condition and tables without a test", () => {
  const messageOf = (spec: PredicateSpec): string => {
    const result = compilePredicate(spec);
    return result.ok ? "" : `${result.errors[0].offset} ${result.errors[0].message}`;
  };
  assert.match(messageOf("upper(e)"), /^0 A condition must be true or false/);
  assert.match(messageOf("e = 'a'"), /^2 Unexpected character "="/);
  assert.match(messageOf({}), /at least one test/);
});

Deno.test("compilePredicate() neither throws on any table of values nor on any frame", () => {
  const dictionary = fc.dictionary(fc.constantFrom("/a", "a", "", "a ==", "a ?? b"), fc.jsonValue());
  fc.assert(fc.property(fc.oneof(dictionary, fc.string()), fc.json(), (value, json) => {
    const spec: PredicateSpec = typeof value === "string" ? value : JSON.parse(JSON.stringify(value));
    const result = compilePredicate(spec);
    if (result.ok) assert.equal(typeof result.value.test(scopeOf(json)), "boolean");
    else assert.ok(result.errors.length > 0);
  }));
});

Deno.test("compilePredicate() compares any scalar with any literals as their texts compare", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 3 }),
    fc.constantFrom("é", '"', "\\", "\ud800", "\ufffd", "1", "true"),
  );
  const scalar = fc.oneof(text, fc.integer({ max: 20 }), fc.boolean(), fc.constant(null));
  const literals = fc.array(text, { minLength: 1, maxLength: 6 });
  fc.assert(fc.property(scalar, literals, fc.boolean(), (value, texts, isEscaped) => {
    const json = JSON.stringify({ a: value });
    const written = isEscaped
      ? json.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
      : json;
    const expected = value !== null && texts.includes(String(value));
    const scope = scopeOf(written);
    assert.equal(compile({ "/a": texts }).test(scope), expected);
    assert.equal(compile({ "/a": { not: texts } }).test(scope), !expected);
    const [first] = texts;
    if (/^[\d.+-]/.test(first)) return;
    const isFirst = value !== null && String(value) === first;
    assert.equal(compile(`a == ${writeTextLiteral(first)}`).test(scope), isFirst);
    assert.equal(compile(`root.a != ${writeTextLiteral(first)}`).test(scope), !isFirst);
  }));
});
