import assert from "node:assert/strict";
import fc from "fast-check";
import { suggest, suggestion } from "../../src/config/suggest.ts";

const KEYS = ["http_host", "http_port", "log_level", "data_dir", "urls", "id"];

Deno.test("suggest() finds the nearest key by edits, swaps, case and dashes", () => {
  assert.equal(suggest("http_prot", KEYS), "http_port");
  assert.equal(suggest("HTTP-PORT", KEYS), "http_port");
  assert.equal(suggest("url", KEYS), "urls");
  assert.equal(suggest("loglevel", KEYS), "log_level");
});

Deno.test("suggest() finds nothing where nothing is near", () => {
  assert.equal(suggest("keepalive", KEYS), null);
  assert.equal(suggest("x", []), null);
});

Deno.test("suggestion() lists what is known where nothing is near", () => {
  assert.equal(suggestion("zzzzz", ["a", "b"]), ': expected one of "a", "b"');
  assert.equal(suggestion("zzzzz", []), "");
});

Deno.test("suggest() finds a key in which one character was changed, left out or added", () => {
  const edited = fc.tuple(
    fc.constantFrom("http_host", "log_level", "data_dir"),
    fc.nat(8),
    fc.constantFrom("", "q", "qq"),
  )
    .map(([key, at, put]) => [key, key.slice(0, at) + put + key.slice(at + 1)] as const);
  fc.assert(fc.property(edited, ([key, written]) => assert.equal(suggest(written, KEYS), key)));
});
