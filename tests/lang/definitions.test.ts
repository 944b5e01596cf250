import assert from "node:assert/strict";
import { describedFrames, describedIssues, DescribedReader } from "../support/described.ts";

const RULE = `
[[events]]
kind = "trade"
symbol = "/s"
price = "scaled([0])"
size = "twice(q.v)"
[functions]
"isSpot()" = "starts_with(root.s, 's')"
"scaled(x)" = "isSpot() ? div(x, '100', 2) : x"
"twice(x)" = "mul(x, times ?? 2)"
`.replace("[0]", "p[0]");

Deno.test("a descriptor's own functions stand for their expressions, with arguments and members of the row", () => {
  const reader = new DescribedReader(describedFrames(RULE));
  const price = (text: string) =>
    (reader.events(text) as { price: string; size: string }[]).map((e) => [e.price, e.size]);
  assert.deepEqual(price('{"s":"sX","p":[12345],"q":{"v":"1.5"}}'), [["123.45", "3.0"]]);
  assert.deepEqual(price('{"s":"X","p":[12345],"q":{"v":2},"times":3}'), [["12345", "6"]]);
});

Deno.test("an argument may be followed further, and a parameter hides a member of its name", () => {
  const reader = new DescribedReader(describedFrames(`
[[events]]
kind = "trade"
symbol = "/s"
price = "best(book)"
size = "amount(first(list))"
[functions]
"best(x)" = "x.levels[0]"
"amount(s)" = "s.q"
`));
  const [event] = reader.events('{"s":"X","book":{"levels":[5,6]},"x":1,"list":[{"q":7}]}') as { price: string }[];
  assert.deepEqual({ ...event }, { kind: "trade", trade_id: null, price: "5", size: "7", side: "unknown" });
});

Deno.test("what is wrong with a definition or a call is told where it stands", () => {
  const withFunctions = (lines: string, price = "/p") =>
    describedIssues(`
[[events]]
kind = "trade"
symbol = "/s"
size = "/q"
price = "${price}"
[functions]
${lines}
`);
  assert.deepEqual(withFunctions('"f(x)" = "x +"').length, 1);
  assert.deepEqual(withFunctions('"f(x" = "x"'), [
    "Not a function's name with its parameters: f(x; write it as name(a, b)",
  ]);
  for (const signature of [`f(${"a".repeat(60)}`, "f(a b)", "f(a,)", "f(,)", "f(a-b)"]) {
    assert.deepEqual(withFunctions(`"${signature}" = "1"`), [
      `Not a function's name with its parameters: ${signature}; write it as name(a, b)`,
    ]);
  }
  assert.deepEqual(withFunctions('"f( a , b )" = "concat(a, b)"', "f(p, q)"), []);
  assert.deepEqual(withFunctions('"f( )" = "1"', "f()"), []);
  assert.deepEqual(withFunctions('"div(x)" = "x"'), [
    "Function div is one of the language's own: choose another name",
  ]);
  assert.deepEqual(withFunctions('"f(root)" = "1"'), ["root means something else in expressions: choose another name"]);
  assert.deepEqual(withFunctions('"f(a, a)" = "a"'), ["Two parameters have one name"]);
  assert.deepEqual(withFunctions('"f(a)" = "a"', "f(a, b)"), ["f(a) takes 1 argument, found 2"]);
  // One cannot call itself, nor one that comes after it.
  assert.deepEqual(withFunctions('"f(a)" = "f(a)"').map((text) => text.split(":")[0]), ["Unknown function f"]);
});

Deno.test("calls whose expansion is too large or too deep are refused", () => {
  const doubling = Array.from({ length: 12 }, (_, i) => `"f${i + 1}(x)" = "concat(f${i}(x), f${i}(x))"`).join("\n");
  const issues = describedIssues(`
[[events]]
kind = "trade"
symbol = "/s"
size = "/q"
price = "f12(p)"
[functions]
"f0(x)" = "x"
${doubling}
`);
  assert.ok(
    issues.some((text) => text.startsWith("Expression is too large after its functions are expanded")),
    issues.join("\n"),
  );
  const nesting = Array.from({ length: 70 }, (_, i) => `"g${i + 1}(x)" = "lower(g${i}(x))"`).join("\n");
  const deep = describedIssues(`
[[events]]
kind = "trade"
symbol = "/s"
size = "/q"
price = "g70(p)"
[functions]
"g0(x)" = "x"
${nesting}
`);
  assert.ok(deep.some((text) => text.startsWith("Expression is nested too deeply")), deep.join("\n"));
});
