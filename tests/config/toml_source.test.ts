import assert from "node:assert/strict";
import fc from "fast-check";
import { parseTomlSource, type TomlSource } from "../../src/config/toml_source.ts";
import { sourceOffsets } from "../../src/config/toml_string.ts";
import { valueAt } from "../../src/config/expectation.ts";
import type { ValuePath } from "../../src/config/position.ts";

function parseText(text: string): TomlSource {
  return parseTomlSource({ file: "x.toml", text, exchange: null });
}

/** `line:column+length` of a position. */
function place(position: { line: number; column: number; length: number }): string {
  return `${position.line}:${position.column}+${position.length}`;
}

Deno.test("parseTomlSource() places keys and values of tables, arrays of tables and dotted keys", () => {
  const source = parseText('a = 1\n[t.u]\nkey = "v"\n[[list]]\nx.y = true\n[[list]]\n  "q z" = [1,\n  22]\n');
  assert.equal(place(source.locate(["a"])), "1:5+1");
  assert.equal(place(source.locateKey(["a"])), "1:1+1");
  assert.equal(place(source.locate(["t", "u"])), "2:2+3");
  assert.equal(place(source.locate(["t", "u", "key"])), "3:7+3");
  assert.equal(place(source.locate(["list", 0])), "4:3+4");
  assert.equal(place(source.locateKey(["list", 0, "x", "y"])), "5:3+1");
  assert.equal(place(source.locateKey(["list", 1, "q z"])), "7:3+5");
  assert.equal(place(source.locate(["list", 1, "q z", 1])), "8:3+2");
});

Deno.test("parseTomlSource() takes the multi-line inline tables of TOML 1.1", () => {
  const source = parseText('t = {\n  a = 1, # one\n  b = { c = "x" },\n}\n');
  assert.deepEqual(source.issues, []);
  assert.equal(valueAt(source.table ?? undefined, ["t", "b", "c"]), "x");
  assert.equal(place(source.locate(["t", "b", "c"])), "3:13+3");
});

Deno.test("locate() gives the nearest table where a path leads nowhere", () => {
  const source = parseText("[run]\na = 1\n");
  assert.equal(place(source.locate(["run", "missing", "deep"])), "1:2+3");
  assert.equal(place(source.locate(["nothing"])), "1:1+1");
});

Deno.test("locate() maps offsets into literal multi-line strings", () => {
  const source = parseText("g = '''\nforeach (s in symbols) {\n  emit(bad);\n}\n'''\n");
  const text = String(valueAt(source.table ?? undefined, ["g"]));
  assert.equal(place(source.locate(["g"], text.indexOf("bad"), 3)), "3:8+3");
  assert.equal(place(source.locate(["g"], 0, 7)), "2:1+7");
});

Deno.test("locate() maps offsets behind escapes, line-ending backslashes and surrogate pairs", () => {
  const source = parseText('e = """\\\n   a\\tb \\u00e9 \\U0001F600 "q" \\x41 \\\n\n   end"""\n');
  const text = String(valueAt(source.table ?? undefined, ["e"]));
  assert.equal(text, 'a\tb é 😀 "q" A end');
  assert.equal(place(source.locate(["e"], text.indexOf("b"), 1)), "2:7+1");
  assert.equal(place(source.locate(["e"], text.indexOf("é"), 1)), "2:9+6");
  assert.equal(place(source.locate(["e"], text.indexOf("q"), 1)), "2:28+1");
  assert.equal(place(source.locate(["e"], text.indexOf("end"), 3)), "4:4+3");
});

Deno.test("locate() maps offsets in files with CR LF line breaks", () => {
  const source = parseText("a = 1\r\ng = '''\r\none\r\ntwo bad\r\n'''\r\n");
  const text = String(valueAt(source.table ?? undefined, ["g"]));
  const position = source.locate(["g"], text.indexOf("bad"), 3);
  assert.equal(place(position), "4:5+3");
  assert.equal(position.sourceLine, "two bad");
});

Deno.test("locate() cuts a stretch over several lines at the end of the first", () => {
  const source = parseText("g = '''\nabc\ndef'''\n");
  assert.equal(place(source.locate(["g"], 1, 6)), "2:2+2");
});

Deno.test("parseTomlSource() reports what is not TOML at its place", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [
      "a = 1\nb = \n",
      "2:5+1",
      "Cannot read TOML: invalid value; a value is missing behind the equals sign",
    ],
    ["a = [abc]\n", "1:6+1", "Cannot read TOML: invalid value; text stands in quotes"],
    ["a = 1\na = 2\n", "2:1+1", "Cannot read TOML: trying to redefine an already defined table or value"],
    ["[run\nx = 1\n", "1:5+1", "Cannot read TOML: illegal character in key"],
    ['a = "x\n', "1:7+1", "Cannot read TOML: control characters are not allowed in strings"],
  ];
  for (const [text, at, message] of cases) {
    const source = parseText(text);
    assert.equal(source.table, null);
    assert.deepEqual(source.issues.map((issue) => [place(issue), issue.message]), [[at, message]]);
  }
});

Deno.test("parseTomlSource() gives dates as texts and leaves a byte order mark out", () => {
  const source = parseText("\uFEFFday = 2026-08-22\n");
  assert.equal(valueAt(source.table ?? undefined, ["day"]), "2026-08-22");
  assert.equal(place(source.locate(["day"])), "1:7+10");
});

Deno.test("parseTomlSource() keeps keys that are names of object members ordinary", () => {
  const source = parseText('__proto__ = 1\nconstructor = "x"\n');
  assert.equal(valueAt(source.table ?? undefined, ["__proto__"]), 1);
  assert.equal(valueAt(source.table ?? undefined, ["toString"]), undefined);
});

Deno.test("sourceOffsets() has one entry for every unit of every string that TOML can write", () => {
  const unit = fc.oneof(
    fc.constantFrom("a", "é", "😀", "'", "\\n", "\\t", "\\u0041", "\\U0001F600", "\\x41", "\\\\", '\\"', "\\e", " "),
    fc.constantFrom("\n", "\r\n", "\\\n  ", "\\  \r\n\t"),
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 20 }), fc.boolean(), (units, isMultiline) => {
      const body = units.filter((text) => isMultiline || !text.includes("\n")).join("");
      const quote = isMultiline ? '"""' : '"';
      const source = parseText(`v = ${quote}${body}${quote}\n`);
      if (source.table === null) return;
      const value = String(valueAt(source.table, ["v"]));
      const written = `${quote}${body}${quote}`;
      const offsets = sourceOffsets(written);
      assert.equal(offsets.length, value.length + 1, `value ${JSON.stringify(value)}`);
      for (const [index, character] of [...value].map((c) => c).entries()) {
        // Where the source shows the character itself, it stands at its offset.
        const at = offsets[[...value].slice(0, index).join("").length];
        if (written[at] !== "\\") assert.equal(written.slice(at, at + character.length), character);
      }
    }),
  );
});

Deno.test("parseTomlSource() never throws and finds every value that it gives", () => {
  const piece = fc.constantFrom(
    "a",
    "b.c",
    '"k"',
    "=",
    " = ",
    "\n",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    ",",
    '"x"',
    "'''",
    '"""',
    "1",
    "true",
    "\\",
    "#",
    "\r\n",
    "\u0000",
    "2020-01-01",
    "inf",
    ".",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.array(piece, { maxLength: 24 }).map((p) => p.join("")),
  );
  fc.assert(
    fc.property(text, (candidate) => {
      const source = parseText(candidate);
      const lines = candidate.split("\n").length;
      const check = (path: ValuePath, value: unknown): void => {
        const position = source.locate(path);
        assert.ok(position.line >= 1 && position.line <= lines && position.column >= 1 && position.length >= 1);
        if (typeof value === "object" && value !== null) {
          const isList = Array.isArray(value);
          for (const [key, child] of Object.entries(value)) check([...path, isList ? Number(key) : key], child);
        }
      };
      if (source.table === null) assert.equal(source.issues.length, 1);
      else check([], source.table);
    }),
    { numRuns: 500 },
  );
});

Deno.test("parseTomlSource() reports deep nesting instead of overflowing the stack", () => {
  const source = parseText(`a = ${"[".repeat(20_000)}${"]".repeat(20_000)}\n`);
  assert.equal(source.table, null);
  assert.equal(source.issues.length, 1);
});
