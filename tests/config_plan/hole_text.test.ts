import assert from "node:assert/strict";
import { HoleText, templateBytes } from "../../src/config/plan/hole_text.ts";
import { type Hole, Secret, type Template } from "../../src/model/mod.ts";

function hole(kind: Hole["kind"], inString: boolean, more: Partial<Hole> = {}): Hole {
  return { kind, key: null, value: null, inString, ...more };
}

Deno.test("HoleText gives back the template that it made text of", () => {
  const holes = new HoleText();
  const parts: Template["parts"] = [
    '{"a":"',
    hole("uuid", true),
    '","b":',
    hole("id", false),
    ',"c":"x',
    hole("id", true),
    '"}',
  ];
  const text = holes.textOf({ source: "", parts });
  assert.equal(typeof JSON.parse(text), "object");
  assert.deepEqual(holes.templateOf(text).parts, parts);
  assert.equal(holes.templateOf(text).source, '{"a":"{uuid}","b":{id},"c":"x{id}"}');
});

Deno.test("HoleText gives equal holes equal marks and different ones different marks", () => {
  const holes = new HoleText();
  const text = (one: Hole) => holes.textOf({ source: "", parts: [one] });
  assert.equal(text(hole("id", false)), text(hole("id", false)));
  assert.notEqual(
    text(hole("env", false, { key: "A", value: new Secret("A", "1") })),
    text(hole("env", false, { key: "B", value: new Secret("A", "1") })),
  );
});

Deno.test("templateBytes() counts UTF-8 and what holes may grow to", () => {
  assert.equal(
    templateBytes({ source: "", parts: ["é", hole("env", false, { key: "A", value: new Secret("A", "12345") })] }),
    7,
  );
  assert.ok(templateBytes({ source: "", parts: [hole("id", false)] }) >= 10);
});
