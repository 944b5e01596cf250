import assert from "node:assert/strict";
import {
  type LangError,
  parseGenerator,
  parseTemplate,
  type PredicateSpec,
  runGenerator,
  type TestSpec,
} from "../../src/lang/mod.ts";
import { FUNCTIONS } from "../../src/program/mod.ts";
import type { Discriminator, Scope } from "../../src/program/mod.ts";
import { compileExpression, compilePredicate, compileRows, compileSource } from "../support/compiled.ts";
import { scopeOf } from "../support/json_scope.ts";
import { below, type Chance, oneOf } from "../support/mutations.ts";
import { seeded } from "../support/seeded.ts";

const TEXTS = 4000;

/** Runs a test on many texts; the seed is printed, and named with the text where something goes wrong. */
function fuzz(name: string, once: (chance: Chance) => string): void {
  Deno.test(name, () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0];
    console.log(`fuzz seed ${seed}`);
    const chance = seeded(seed);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < TEXTS; i++) {
      const outcome = once(chance);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    assert.ok((outcomes.get("compiled") ?? 0) > 0 && (outcomes.get("refused") ?? 0) > 0, `both ways: ${[...outcomes]}`);
  });
}

function assertInside(errors: readonly LangError[], text: string): void {
  assert.ok(errors.length > 0, `refused without a reason: ${text}`);
  for (const { offset, length, message } of errors) {
    assert.ok(message !== "", text);
    assert.ok(offset >= 0 && length >= 0 && offset <= text.length, `${message} at ${offset}, ${length} of ${text}`);
  }
}

const ATOMS = ["a", "a.b", "a[0]", "a[-1]", 'a["k"]', "row", "root.x", "parent", "route.s", "'t'", '"u"', "12", "-1.5"];
const WORDS = [
  ...ATOMS,
  "true",
  "false",
  "null",
  "(",
  ")",
  ",",
  "?",
  ":",
  "??",
  "&&",
  "||",
  "!",
  "==",
  "!=",
  "<",
  ">=",
];
const NAMES = FUNCTIONS.map(({ signature }) => signature.split("(")[0]);
const FRAME = '{"a":{"b":["1","2.50",{"k":null}],"k":"x.y.z"},"x":-12.5e3,"t":true,"s":"26SEP25"}';

/** An expression that is mostly well formed, to a depth. */
function expression(chance: Chance, depth: number): string {
  if (depth === 0 || chance() < 0.2) return oneOf(chance, ATOMS);
  const part = () => expression(chance, depth - 1);
  switch (below(chance, 6)) {
    case 0:
      return `(${part()} ${oneOf(chance, ["==", "!=", "<", "<=", ">", ">="])} ${part()})`;
    case 1:
      return `${part()} ?? ${part()}`;
    case 2:
      return `(${part()} == ${part()} && !(${part()} == 'x'))`;
    case 3:
      return `(${part()} == ${part()} ? ${part()} : ${part()})`;
    case 4:
      return `${oneOf(chance, NAMES)}(${Array.from({ length: below(chance, 4) }, part).join(", ")})`;
    default:
      return `${oneOf(chance, NAMES)}(${part()}, ${part()})`;
  }
}

function soup(chance: Chance, words: readonly string[]): string {
  return Array.from({ length: below(chance, 15) }, () => oneOf(chance, words)).join(chance() < 0.8 ? " " : "");
}

/** Removes, doubles or changes some characters. */
function torn(text: string, chance: Chance): string {
  let result = text;
  for (let times = below(chance, 3); times > 0; times--) {
    const at = below(chance, result.length + 1);
    const put = oneOf(chance, ["", "'", "(", "\\", "\ud800", "{", "}", "\n", "/", "~", "*", "é", "\u0000"]);
    result = result.slice(0, at) + put + result.slice(at + below(chance, 3));
  }
  return result;
}

function assertValue(value: unknown, scope: Scope, text: string): void {
  const isNode = typeof value === "number" && value >= 0 && Number.isInteger(value);
  assert.ok(value === null || typeof value === "string" || typeof value === "boolean" || isNode, `${text}: ${value}`);
  if (typeof value === "number") assert.ok(scope.document.source(value) !== "", text);
}

fuzz("any expression compiles and evaluates, or is refused inside its text", (chance) => {
  const whole = chance() < 0.7 ? expression(chance, 4) : soup(chance, [...WORDS, ...NAMES]);
  const text = chance() < 0.7 ? whole : torn(whole, chance);
  const compiled = chance() < 0.5 ? compileExpression(text) : compileSource(text);
  if (!compiled.ok) {
    assertInside(compiled.errors, text);
    return "refused";
  }
  const scope = scopeOf(FRAME);
  const first = compiled.value.evaluate(scope);
  assertValue(first, scope, text);
  assert.equal(compiled.value.evaluate(scope), first, `${text} evaluates to the same again`);
  return "compiled";
});

fuzz("any predicate tests, and says the same when it explains itself", (chance) => {
  const spec: PredicateSpec = chance() < 0.5 ? expression(chance, 3) : Object.fromEntries(
    Array.from(
      { length: below(chance, 3) },
      () => [oneOf(chance, ["/a/k", "/x", "/no", "", "t", "upper(a.k)", "(("]), test(chance)],
    ),
  );
  const compiled = compilePredicate(spec);
  if (!compiled.ok) {
    for (const { message } of compiled.errors) assert.ok(message !== "");
    assert.ok(compiled.errors.length > 0);
    return "refused";
  }
  const scope = scopeOf(FRAME);
  const holds = compiled.value.test(scope);
  const parts = compiled.value.explain?.(scope) ?? [];
  assert.equal(parts.every((part) => part.holds), holds, JSON.stringify(spec));
  const { discriminator } = compiled.value;
  if (holds && discriminator !== null) {
    const found = scope.document.text(scope.document.find(discriminator.path, 0));
    assert.ok(found !== null && isNeeded(discriminator, found), `${JSON.stringify(spec)} needs ${found}`);
  }
  return "compiled";
});

/** Whether a text is one with which a predicate can hold. */
function isNeeded({ values, prefixes }: Discriminator, text: string): boolean {
  return values.has(text) || prefixes.some((prefix) => text.startsWith(prefix));
}

function test(chance: Chance): TestSpec {
  const literal = () => oneOf(chance, ["x.y.z", "", "-12.5e3", 12, true, "true"]);
  return oneOf<TestSpec>(chance, [
    literal(),
    [literal(), literal()],
    [],
    { prefix: "x" },
    { suffix: ["z", "x"], contains: "y" },
    { exists: chance() < 0.5 },
    { is: oneOf(chance, ["null", "array", "object", "string", "number", "bool"]) },
    { not: [literal()] },
    { gt: "-1e9", lt: 1e9 },
    { gt: "x" },
    {},
  ]);
}

fuzz("any fan-out pointer compiles, or is refused inside its text", (chance) => {
  const text = torn(
    soup(chance, ["/", "*", "a", "0", "-1", "~0", "~1", "~2", "", "/*", "/a"]).replaceAll(" ", ""),
    chance,
  );
  const compiled = compileRows(text);
  if (!compiled.ok) {
    assertInside(compiled.errors, text);
    return "refused";
  }
  assert.equal(compiled.value.source, text);
  return "compiled";
});

fuzz("any template keeps its text, or is refused inside it", (chance) => {
  const words = [
    '{"a":"',
    '"}',
    "{symbol}",
    "{ch}",
    "{id}",
    "{now_ms}",
    "{env:X}",
    "{arg:d}",
    "{nope}",
    "{",
    "}",
    "\\",
    "{boot:t}",
  ];
  const text = torn(soup(chance, words), chance);
  const scope = {
    values: { symbol: 'A"B', ch: "t", "arg:d": "1" },
    environment: () => "value",
    placeholders: ["id", "now_ms", "env"] as const,
  };
  const compiled = parseTemplate(text, scope);
  if (!compiled.ok) {
    assertInside(compiled.errors, text);
    return "refused";
  }
  for (const part of compiled.value.parts) {
    if (typeof part !== "string") assert.ok(scope.placeholders.some((placeholder) => placeholder === part.kind));
  }
  return "compiled";
});

const STATEMENTS = [
  "foreach (s in symbols) {",
  "foreach (c in channels) {",
  "}",
  "emit('{symbol} {ch} {id}');",
  'emit("{\\"a\\":\\"{s}\\"}");',
  "if (c == 'trades') {",
  "} else if (s != 'A/B' || conn_id == \"x\") {",
  "} else {",
  "// words\n",
  "emit(",
  ";",
];

/** A program that is mostly well formed. */
function program(chance: Chance, depth: number): string {
  const inner = depth === 0 ? "" : program(chance, depth - 1);
  return oneOf(chance, [
    `foreach (s in symbols) { ${inner} emit('{symbol}'); }`,
    `foreach (c in channels) { ${inner} emit('{ch} {id}'); }`,
    `foreach (s in symbols) { foreach (c in channels) { if (c == 'trades') { emit('{symbol}{ch}'); } else { ${inner} } } }`,
    `${inner} emit('x');`,
  ]);
}

fuzz("any generator runs within its bounds, or is refused inside its text", (chance) => {
  const text = chance() < 0.5 ? torn(program(chance, 3), chance) : soup(chance, STATEMENTS);
  const parsed = parseGenerator(text);
  if (!parsed.ok) {
    assertInside(parsed.errors, text);
    return "refused";
  }
  const run = runGenerator(parsed.value, {
    connId: "x",
    symbols: [{ canonical: "A/B", native: "ab" }, { canonical: "C/D", native: 'c"d' }],
    channels: [{ channel: "trades", native: "t" }, { channel: "book", native: "b" }],
    args: {},
    environment: () => undefined,
  });
  if (run.errors.length > 0) assertInside(run.errors, text);
  return "compiled";
});
