import assert from "node:assert/strict";
import fc from "fast-check";
import { parseTemplate, type TemplateScope } from "../../src/lang/mod.ts";
import { type Placeholder, renderTemplate, showTemplate, type Template } from "../../src/model/mod.ts";

const SCOPE: TemplateScope = {
  values: { symbol: "BTCUSDT", conn_id: "public", "arg:depth": "100ms" },
  environment: (name) => name === "TOKEN" ? 'se"cret' : undefined,
  placeholders: ["id", "now_ms", "now_s", "uuid", "capture", "boot"],
};

function compile(text: string, scope: Partial<TemplateScope> = {}): Template {
  const result = parseTemplate(text, { ...SCOPE, ...scope });
  return result.ok ? result.value : assert.fail(JSON.stringify(result.errors));
}

Deno.test("parseTemplate() replaces values at once and merges the text around them", () => {
  const template = compile('{"s":"{symbol}@{arg:depth}","c":"{conn_id}"}');
  assert.deepEqual(template.parts, ['{"s":"BTCUSDT@100ms","c":"public"}']);
  assert.equal(template.source, '{"s":"BTCUSDT@100ms","c":"public"}');
});

Deno.test("parseTemplate() leaves every brace that is no placeholder as it is", () => {
  for (const text of ['{"a":{"b":{}}}', "{}", "{1}", "{a b}", "{env:}", "{foo:bar}", "{a-b}", "{{", "}{", '{"id":1}']) {
    assert.deepEqual(compile(text).parts, [text]);
  }
});

Deno.test("parseTemplate() marks placeholders inside JSON strings", () => {
  const placeholders = compile('{"a":{id},"b":"x-{uuid}","c":"\\"{now_ms}","d\\\\":{now_s},"{capture}":{boot:token}}')
    .parts
    .filter((part): part is Placeholder => typeof part !== "string");
  assert.deepEqual(placeholders.map((placeholder) => [placeholder.kind, placeholder.key, placeholder.inString]), [
    ["id", null, false],
    ["uuid", null, true],
    ["now_ms", null, true],
    ["now_s", null, false],
    ["capture", null, true],
    ["boot", "token", false],
  ]);
});

Deno.test("parseTemplate() carries environment values without showing them", () => {
  const template = compile('{"key":"{env:TOKEN}"}');
  assert.equal(renderTemplate(template, {}), '{"key":"se\\"cret"}');
  assert.equal(showTemplate(template), '{"key":"{env:TOKEN}"}');
  assert.equal(template.source, '{"key":"{env:TOKEN}"}');
});

Deno.test("parseTemplate() reports every placeholder that means nothing, with its exact span", () => {
  const text = "{symbl} {arg:dept} {env:NOPE} {boot:tokn} {toString} {capture}";
  const result = parseTemplate(text, { ...SCOPE, placeholders: ["id", "boot"], boot: ["token"] });
  assert.deepEqual(
    result.ok ? [] : result.errors.map(({ offset, length, message }) => [text.slice(offset, offset + length), message]),
    [
      ["{symbl}", 'Unknown placeholder {symbl}: did you mean "symbol"?'],
      ["{arg:dept}", 'Unknown argument dept: did you mean "depth"?'],
      ["{env:NOPE}", "Environment variable NOPE is not set"],
      ["{boot:tokn}", 'Unknown bootstrap value tokn: did you mean "token"?'],
      ["{toString}", "Unknown placeholder {toString}: expected one of symbol, conn_id, id"],
      ["{capture}", "Unknown placeholder {capture}: expected one of symbol, conn_id, id"],
    ],
  );
  const closed = parseTemplate("{boot:token}", { ...SCOPE, placeholders: [] });
  assert.match(closed.ok ? "" : closed.errors[0].message, /there is no bootstrap call/);
});

Deno.test("parseTemplate() refuses an unknown value in a JSON text inside a JSON string, which it could not escape", () => {
  const text = '["{\\"token\\":\\"{boot:token}\\",\\"id\\":\\"{id}\\"}"]';
  const result = parseTemplate(text, SCOPE);
  assert.deepEqual(result.ok ? [] : result.errors.map((error) => error.offset), [text.indexOf("{boot")]);
});

const ANY_TEXT = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string(),
  fc.constantFrom('"', "\\", "\u0000", "\ud800", '","x":"', "{id}", "\u2028"),
);

Deno.test("parseTemplate() escapes any symbol so that it stays inside its JSON string", () => {
  const text = '["pre-{symbol}","{symbol}{symbol}",{"key {symbol}":{"id":1}},"say \\"{symbol}\\" \\\\"]';
  fc.assert(fc.property(ANY_TEXT, (symbol) => {
    const filled = renderTemplate(compile(text, { values: { symbol } }), {});
    const expected = [`pre-${symbol}`, symbol + symbol, { [`key ${symbol}`]: { id: 1 } }, `say "${symbol}" \\`];
    assert.deepEqual(JSON.parse(filled), expected);
  }));
});

Deno.test("parseTemplate() escapes twice in a JSON text inside a JSON string", () => {
  fc.assert(fc.property(ANY_TEXT, (symbol) => {
    const filled = renderTemplate(compile('["{\\"topic\\":\\"{symbol}\\"}","{symbol}"]', { values: { symbol } }), {});
    const [inner, plain] = JSON.parse(filled);
    assert.equal(JSON.parse(inner).topic, symbol);
    assert.equal(plain, symbol);
  }));
});

Deno.test("parseTemplate() escapes captures and tokens that are filled in later", () => {
  fc.assert(fc.property(ANY_TEXT, (value) => {
    const template = compile('{"pong":"{capture}","token":"{boot:token}"}');
    assert.deepEqual(JSON.parse(renderTemplate(template, { capture: value, boot: { token: value } })), {
      pong: value,
      token: value,
    });
  }));
});

Deno.test("parseTemplate() never throws and keeps all text outside of placeholders, on any text", () => {
  const piece = fc.oneof(ANY_TEXT, fc.constantFrom("{id}", "{symbol}", '"', "\\", "{env:", "{arg:x}", "\\u00"));
  fc.assert(fc.property(fc.array(piece).map((pieces) => pieces.join("")), (text) => {
    const result = parseTemplate(text, { ...SCOPE, values: {}, placeholders: ["id"] });
    if (result.ok) assert.equal(showTemplate(result.value), text);
    else for (const { offset, length } of result.errors) assert.match(text.slice(offset, offset + length), /^\{.+\}$/);
  }));
});
