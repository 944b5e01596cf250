import assert from "node:assert/strict";
import { parseGenerator } from "../../src/lang/mod.ts";
import { FUNCTIONS } from "../../src/program/mod.ts";
import {
  EXPRESSION_BYTES_MAX,
  EXPRESSION_DIGITS_MAX,
  EXPRESSION_NODES_MAX,
  EXPRESSION_STEPS_MAX,
  EXPRESSION_TEXT_CHARS_MAX,
  GENERATOR_CHARS_MAX,
  GENERATOR_MESSAGES_MAX,
  GENERATOR_STEPS_MAX,
  LANGUAGE_DEPTH_MAX,
} from "../../src/model/mod.ts";

function read(name: string): string {
  return Deno.readTextFileSync(new URL(`../../docs/${name}`, import.meta.url));
}

Deno.test("docs/expressions.md lists the functions as they are", () => {
  const rows = read("expressions.md").split("\n").map(squeezed)
    .filter((row) => /^\| `\w+\([^`]+\)` \| (text|number|boolean|value) \|/.test(row));
  const expected = FUNCTIONS.map((spec) => `| \`${spec.signature}\` | ${spec.returns} | ${spec.description} |`);
  assert.deepEqual(rows, expected.map(squeezed));
});

function squeezed(row: string): string {
  return row.replace(/\s+/g, " ");
}

Deno.test("docs/expressions.md and docs/generator.md name the bounds as they are", () => {
  const expressions = [
    EXPRESSION_BYTES_MAX,
    EXPRESSION_NODES_MAX,
    LANGUAGE_DEPTH_MAX,
    EXPRESSION_STEPS_MAX,
    EXPRESSION_TEXT_CHARS_MAX,
    EXPRESSION_DIGITS_MAX,
  ];
  const generator = [GENERATOR_MESSAGES_MAX, GENERATOR_CHARS_MAX, GENERATOR_STEPS_MAX, LANGUAGE_DEPTH_MAX];
  for (const [name, bounds] of [["expressions.md", expressions], ["generator.md", generator]] as const) {
    const text = read(name).split("## Bounds")[1];
    for (const bound of bounds) assert.ok(text.includes(bound.toLocaleString("en-US")), `${name}: ${bound}`);
  }
});

Deno.test("docs/generator.md shows a generator that parses", () => {
  const [, example] = read("generator.md").split("```");
  const result = parseGenerator(example);
  assert.deepEqual(result.ok ? [] : result.errors, []);
});
