import assert from "node:assert/strict";
import fc from "fast-check";
import { JSON_DEPTH_MAX } from "../../src/model/mod.ts";
import { compilePath, JsonDocument, type NodeId, NOT_FOUND } from "../../src/json/mod.ts";

const encoder = new TextEncoder();

function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

function read(text: string): JsonDocument {
  const document = new JsonDocument();
  assert.ok(document.parse(encode(text)), `${text}: ${document.error?.message}`);
  return document;
}

/** Builds the plain value of a node, with numbers as doubles as `JSON.parse` makes them. */
function valueOf(document: JsonDocument, node: NodeId): unknown {
  switch (document.kind(node)) {
    case "null":
      return null;
    case "true":
      return true;
    case "false":
      return false;
    case "number":
      return Number(document.text(node));
    case "string":
      return document.text(node);
    case "array": {
      const elements: unknown[] = [];
      for (let at = document.firstChild(node); at !== NOT_FOUND; at = document.next(at)) {
        elements.push(valueOf(document, at));
      }
      assert.equal(document.length(node), elements.length);
      return elements;
    }
    case "object": {
      const members: [string, unknown][] = [];
      for (let at = document.firstChild(node); at !== NOT_FOUND; at = document.next(at)) {
        members.push([document.key(at), valueOf(document, at)]);
      }
      assert.equal(document.length(node), members.length);
      return Object.fromEntries(members);
    }
  }
}

/** What `JSON.parse` says, with invalid UTF-8 refused. */
function referee(bytes: Uint8Array): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)) };
  } catch {
    return null;
  }
}

/** Asserts that the document and the referee agree on whether it is JSON, and on the value. */
function agree(document: JsonDocument, bytes: Uint8Array): void {
  const expected = referee(bytes);
  const isJson = document.parse(bytes);
  assert.equal(isJson, expected !== null, `${document.error?.message}: ${new TextDecoder().decode(bytes)}`);
  if (expected !== null) {
    assert.equal(document.error, null);
    assert.deepEqual(valueOf(document, 0), expected.value);
  } else {
    const at = document.error?.at ?? -1;
    assert.ok(at >= 0 && at <= bytes.length, `Error stands at ${at} of ${bytes.length}`);
  }
}

const TRADE =
  '{"stream":"bnbbtc@trade","data":{"e":"trade","E":1567296001038,"s":"BNBBTC","t":60276726,"p":"0.00219650","m":true,"x":null,"l":[[1,-2.5e-7],{}]}}';
const WIDE = '{"symbol":"币安人生USDT","note":"caf\\u00e9 \\"q\\" \\ud83d\\ude00 😀 \\n","né":[{"a\\u0062":1}]}';

Deno.test("parse() agrees with JSON.parse on any JSON value in any spacing", () => {
  const document = new JsonDocument();
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom("", " ", "\t", "\r\n"), (value, space) => {
      agree(document, encode(JSON.stringify(value)));
      agree(document, encode(`${space}${JSON.stringify(value, null, space === "" ? 2 : space)}${space}`));
    }),
  );
});

Deno.test("parse() agrees with JSON.parse on text cut at every byte", () => {
  const document = new JsonDocument();
  for (const text of [TRADE, WIDE, "-12.5e+3", '"\\u00e9é"', " [true , false,null ] "]) {
    const bytes = encode(text);
    for (let end = 0; end <= bytes.length; end++) agree(document, bytes.subarray(0, end));
  }
});

Deno.test("parse() agrees with JSON.parse on text with one byte changed, left out or put in", () => {
  const document = new JsonDocument();
  const replacements = [
    ...encode('{}[]",:\\0129.-+eEutfn /a \n\t'),
    0x00,
    0x1f,
    0x7f,
    0x80,
    0xbf,
    0xc0,
    0xc3,
    0xed,
    0xf5,
    0xff,
  ];
  for (const text of [TRADE, WIDE]) {
    const bytes = encode(text);
    for (let at = 0; at < bytes.length; at++) {
      agree(document, Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1)));
      for (const byte of replacements) {
        const changed = bytes.slice();
        changed[at] = byte;
        agree(document, changed);
        agree(document, Uint8Array.of(...bytes.subarray(0, at), byte, ...bytes.subarray(at)));
      }
    }
  }
});

Deno.test("parse() agrees with JSON.parse on random text made of JSON's own parts", () => {
  const document = new JsonDocument();
  const part = fc.constantFrom(
    ..."{}[]:,",
    '"a"',
    '"b"',
    '"\\u0061"',
    "1",
    "-0",
    "1e5",
    "0.1",
    "01",
    "true",
    "null",
    " ",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => agree(document, encode(parts.join("")))),
    { numRuns: 2000 },
  );
});

Deno.test("parse() agrees with the strict decoder on arbitrary bytes inside a string", () => {
  const document = new JsonDocument();
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.constantFrom(0xe0, 0xed, 0xf0, 0xf4, 0xc2, 0x9f, 0xa0, 0x8f, 0x90, 0x80, 0xbf), fc.nat(255)),
        { maxLength: 6 },
      ),
      (inside) => {
        agree(document, Uint8Array.of(34, ...inside, 34));
      },
    ),
    { numRuns: 3000 },
  );
});

Deno.test("parse() agrees with JSON.parse on texts of a known shape with any values, and with any byte changed", () => {
  const document = new JsonDocument();
  const paths = ["/data/s", "/data/p", "/data/l/0/1", "/data/m", "/none"].map((one) =>
    compilePath(one.slice(1).split("/"))
  );
  const scalar = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    fc.constant([]),
  );
  const write = (value: unknown) => typeof value === "bigint" ? String(value) : JSON.stringify(value);
  const textOf = (values: readonly unknown[]) => {
    const [a, b, c, d, e] = values.map(write);
    return `{"stream" : ${a},"data":{"s":${b},"e":{},"p":${c},"l":[[1,${d}],[]],"m":${e}}}`;
  };
  for (let i = 0; i < 100; i++) agree(document, encode(textOf(["x", i, "1", 2, true])));
  const changes = fc.record({ at: fc.nat(200), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(scalar, { minLength: 5, maxLength: 5 }), fc.option(changes), (values, change) => {
      const bytes = encode(textOf(values));
      if (change !== null) bytes[change.at % bytes.length] = change.byte;
      agree(document, bytes);
      if (document.error !== null) return;
      const fresh = new JsonDocument();
      assert.ok(fresh.parse(bytes));
      for (const path of paths) {
        assert.equal(document.find(path, 0), fresh.find(compilePath(path.segments), 0));
        assert.equal(document.text(document.find(path, 0)), fresh.text(fresh.find(compilePath(path.segments), 0)));
      }
      for (let node = document.firstChild(0); node !== NOT_FOUND; node = document.next(node)) {
        assert.equal(document.source(node), fresh.source(node));
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("equals(), startsWith(), digits() and plainDecimal() say of a node what its text says", () => {
  const document = new JsonDocument();
  const value = fc.oneof(
    fc.constantFrom(
      "1",
      "",
      ".",
      "1.",
      "1.2.3",
      "-1",
      "007",
      "999999999999999",
      "9999999999999999",
      "1e5",
      "true",
      "é",
      '"',
      "\u0031",
    ),
    fc.string(),
    fc.nat(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(true, null),
    fc.constant([]),
  );
  fc.assert(fc.property(value, fc.constantFrom("1", "true", "é", "", "null", '"'), (one, other) => {
    assert.ok(document.parse(encode(JSON.stringify(one))));
    const text = document.text(0);
    const isEscaped = document.isEscaped(0);
    assert.equal(document.equals(0, encode(other)), text === other && !isEscaped);
    assert.equal(document.startsWith(0, encode(other)), text !== null && text.startsWith(other) && !isEscaped);
    assert.equal(document.digits(0), text !== null && /^\d{1,15}$/.test(text) ? Number(text) : -1);
    const isNumber = document.kind(0) === "number";
    const isString = document.kind(0) === "string";
    const isPlain = isNumber || (isString && /^(?=.*\d)\d*\.?\d*$/.test(text ?? ""));
    assert.equal(document.plainDecimal(0), isPlain ? text : null);
  }));
});

Deno.test("parse() keeps lone surrogates that were escaped and refuses encoded ones", () => {
  agree(new JsonDocument(), encode('"\\ud800 \\udfff\\ud83d"'));
  assert.equal(new JsonDocument().parse(Uint8Array.of(34, 0xed, 0xa0, 0x80, 34)), false);
});

Deno.test("parse() refuses a byte order mark", () => {
  const document = new JsonDocument();
  assert.equal(document.parse(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)), false);
  assert.deepEqual(document.error, { at: 0, message: "Expected a value", cause: "grammar" });
});

Deno.test("parse() reads 128 levels and refuses the 129th where it opens", () => {
  assert.equal(JSON_DEPTH_MAX, 128);
  const document = new JsonDocument();
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]]) {
    const inside = open === "[" ? "" : "1";
    assert.ok(document.parse(encode(open.repeat(128) + inside + close.repeat(128))));
    assert.equal(document.parse(encode(open.repeat(129) + inside + close.repeat(129))), false);
    assert.deepEqual(document.error, { at: open.length * 128, message: "Nested deeper than 128", cause: "depth" });
  }
  assert.equal(document.parse(encode("[".repeat(1_000_000))), false);
});

Deno.test("error names the byte that cannot stand there", () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ["", 0, "Unexpected end of text"],
    ["{", 1, "Unexpected end of text"],
    ["pong", 0, "Expected a value"],
    ["[1 2]", 3, "Expected , or ]"],
    ['{"a" 1}', 5, "Expected :"],
    ['{"a":1]', 6, "Expected , or }"],
    ["{a:1}", 1, "Expected a key in double quotes"],
    ["[1,]", 3, "Expected a value"],
    ["007", 1, "Leading zero"],
    ["1.x", 2, "Expected a digit"],
    ["1 1", 2, "Unexpected text after the value"],
    ["tru", 0, "Unknown literal"],
    ['"\\x"', 2, "Unknown escape"],
    ['"\\u12g4"', 5, "Expected four hex digits"],
    ['"a\nb"', 2, "Control character in a string"],
  ];
  for (const [text, at, message] of cases) {
    const document = new JsonDocument();
    assert.equal(document.parse(encode(text)), false, text);
    assert.deepEqual(document.error, { at, message, cause: "grammar" }, text);
  }
});

Deno.test("text() keeps every digit of a number as it was sent", () => {
  const digits = ["12345678901234567890123", "0.10000000000000000000", "-0", "1E-7", "1.50e+03", "9007199254740993"];
  const document = read(`[${digits.join(",")}]`);
  digits.forEach((text, index) => {
    assert.equal(document.text(document.find(compilePath([String(index)]), 0)), text);
  });
});

Deno.test("text() is null for null, containers and what is not there", () => {
  const document = read('{"a":null,"b":[],"c":{}}');
  for (const key of ["a", "b", "c", "d"]) assert.equal(document.text(document.find(compilePath([key]), 0)), null);
  assert.equal(document.text(0), null);
});

Deno.test("source() gives a value exactly as it stands in the text", () => {
  const document = read(' {"a" : [1.0, "é\\u00e9" ] , "b":{}}');
  assert.equal(document.source(document.find(compilePath(["a"]), 0)), '[1.0, "é\\u00e9" ]');
  assert.equal(document.source(document.find(compilePath(["a", "1"]), 0)), '"é\\u00e9"');
  assert.equal(document.source(0), '{"a" : [1.0, "é\\u00e9" ] , "b":{}}');
});

Deno.test("find() finds every member and element that JSON.parse finds, whatever it found before", () => {
  const keys = fc.constantFrom("a", "b", "E", "e", "é", "", "0", "1", "long_key", "long_kez");
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: "small" },
      fc.integer(),
      fc.array(tie("node"), { maxLength: 4 }),
      fc.dictionary(keys, tie("node"), { maxKeys: 6 }),
    ),
  })).node;
  const segments = fc.array(fc.oneof(keys, fc.constantFrom("-1", "2", "-3", "01")), { maxLength: 3 });
  const document = new JsonDocument();
  fc.assert(
    fc.property(
      fc.array(tree, { minLength: 1, maxLength: 5 }),
      fc.array(segments, { maxLength: 8 }),
      (values, wanted) => {
        const paths = wanted.map((one) => ({ one, path: compilePath(one) }));
        for (const value of values) {
          assert.ok(document.parse(encode(JSON.stringify(value))));
          for (const { one, path } of paths) {
            const found = document.find(path, 0);
            const expected = one.reduce<unknown>(member, value);
            if (expected === undefined) assert.equal(found, NOT_FOUND);
            else assert.deepEqual(valueOf(document, found), JSON.parse(JSON.stringify(expected)));
          }
        }
      },
    ),
  );
});

function member(value: unknown, segment: string): unknown {
  if (Array.isArray(value)) return /^(0|-?[1-9]\d*)$/.test(segment) ? value.at(Number(segment)) : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  return Object.hasOwn(value, segment) ? Reflect.get(value, segment) : undefined;
}

Deno.test("find() gives the last of members with the same key, however it is spelled", () => {
  const document = new JsonDocument();
  const path = compilePath(["a"]);
  for (
    const text of ['{"a":1,"b":0,"a":2}', '{"a":1,"\\u0061":2,"b":0}', '{"\\u0061":1,"b":0,"a":2}', '{"b":0,"a":2}']
  ) {
    assert.ok(document.parse(encode(text)));
    assert.equal(document.text(document.find(path, 0)), "2", text);
    assert.equal(document.length(0), 2, text);
  }
});

Deno.test("find() gives the last of members with the same key in an object of thousands", () => {
  const members = Array.from({ length: 5000 }, (_, index) => `"k${index % 3000}":${index}`);
  const document = read(`{${members.join(",")}}`);
  assert.equal(document.length(0), 3000);
  assert.equal(document.text(document.find(compilePath(["k1"]), 0)), "3001");
  assert.equal(document.text(document.find(compilePath(["k2999"]), 0)), "2999");
});

Deno.test("find() leads nowhere from what is not there", () => {
  const document = read("[1]");
  assert.equal(document.find(compilePath(["a"]), NOT_FOUND), NOT_FOUND);
  assert.equal(document.find(compilePath([]), NOT_FOUND), NOT_FOUND);
  assert.equal(document.find(compilePath([]), 0), 0);
});
