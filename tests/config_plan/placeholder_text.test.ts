import assert from "node:assert/strict";
import { PlaceholderText, templateBytes } from "../../src/config/plan/placeholder_text.ts";
import { type Placeholder, Secret, type Template } from "../../src/model/mod.ts";

function placeholder(kind: Placeholder["kind"], inString: boolean, more: Partial<Placeholder> = {}): Placeholder {
  return { kind, key: null, value: null, inString, ...more };
}

Deno.test("PlaceholderText gives back the template that it made text of", () => {
  const placeholders = new PlaceholderText();
  const parts: Template["parts"] = [
    '{"a":"',
    placeholder("uuid", true),
    '","b":',
    placeholder("id", false),
    ',"c":"x',
    placeholder("id", true),
    '"}',
  ];
  const text = placeholders.textOf({ source: "", parts });
  assert.equal(typeof JSON.parse(text), "object");
  assert.deepEqual(placeholders.templateOf(text).parts, parts);
  assert.equal(placeholders.templateOf(text).source, '{"a":"{uuid}","b":{id},"c":"x{id}"}');
});

Deno.test("PlaceholderText gives equal placeholders equal marks and different ones different marks", () => {
  const placeholders = new PlaceholderText();
  const text = (one: Placeholder) => placeholders.textOf({ source: "", parts: [one] });
  assert.equal(text(placeholder("id", false)), text(placeholder("id", false)));
  assert.notEqual(
    text(placeholder("env", false, { key: "A", value: new Secret("A", "1") })),
    text(placeholder("env", false, { key: "B", value: new Secret("A", "1") })),
  );
});

Deno.test("templateBytes() counts UTF-8 and what placeholders may grow to", () => {
  assert.equal(
    templateBytes({
      source: "",
      parts: ["é", placeholder("env", false, { key: "A", value: new Secret("A", "12345") })],
    }),
    7,
  );
  assert.ok(templateBytes({ source: "", parts: [placeholder("id", false)] }) >= 10);
});
