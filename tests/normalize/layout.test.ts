import assert from "node:assert/strict";
import { layOut } from "../../src/normalize/mod.ts";
import type { FrameLayout } from "../../src/model/mod.ts";

function laidOut(layout: FrameLayout, text: string): string {
  return new TextDecoder().decode(layOut(new TextEncoder().encode(text), layout).bytes);
}

Deno.test("layOut() leaves a single document as it is", () => {
  assert.equal(laidOut("document", '42["a"]'), '42["a"]');
});

for (
  const [frame, text] of [
    ['42["message",{"a":1.50}]', '["42",["message",{"a":1.50}]]'],
    ['0{"sid":"x"}', '["0",{"sid":"x"}]'],
    ["2", '["2",null]'],
    ["40", '["40",null]'],
    ['{"a":1}', '["",{"a":1}]'],
    ["", '["",null]'],
    ["007", '["007",null]'],
    ['42{"a"', '["42",{"a"]'],
  ]
) {
  Deno.test(`layOut() reads ${JSON.stringify(frame)} as its digits and what is behind them`, () => {
    assert.equal(laidOut("prefixed", frame), text);
  });
}

for (
  const [frame, values] of [
    ['{"a":1}{"a":2}', [{ a: 1 }, { a: 2 }]],
    ['{"a":1}\n{"a":[2,{"b":"}{"}]}\n', [{ a: 1 }, { a: [2, { b: "}{" }] }]],
    ['\u001e{"a":1}\n\u001e[1,2]\u001e', [{ a: 1 }, [1, 2]]],
    ['"x\\"{" "y"', ['x"{', "y"]],
    ["1 2.50 true\tnull", [1, 2.5, true, null]],
    ['1{"a":1}"b"[]', [1, { a: 1 }, "b", []]],
    ["", []],
    ['{"a":1}', [{ a: 1 }]],
  ] as const
) {
  Deno.test(`layOut() reads ${JSON.stringify(frame)} as a list of documents`, () => {
    assert.deepEqual(JSON.parse(laidOut("several", frame)), values);
  });
}

for (const frame of ["]", "][", '{"a":1}]', "1],[2", '{"a":', '"x', "{]}"]) {
  Deno.test(`layOut() makes no JSON of ${JSON.stringify(frame)}`, () => {
    assert.throws(() => JSON.parse(laidOut("several", frame)));
  });
}

Deno.test("layOut() says how far positions are moved", () => {
  const { shift } = layOut(new TextEncoder().encode('42["a"]'), "prefixed");
  assert.equal(shift, '["42",'.length - "42".length);
});

Deno.test("layOut() puts a bare frame under the name that envelopes give it", () => {
  assert.equal(laidOut("bare", '{"e":"trade","p":"1.50"}'), '{"data":{"e":"trade","p":"1.50"}}');
  assert.equal(layOut(new TextEncoder().encode("[1]"), "bare").shift, '{"data":'.length);
});
