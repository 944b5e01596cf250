import assert from "node:assert/strict";
import { inspect } from "node:util";
import fc from "fast-check";
import { Secret, Secrets } from "../../src/model/mod.ts";

function secretsOf(value: string, label = "{env:KEY}"): Secrets {
  const secrets = new Secrets();
  secrets.add(label, value);
  return secrets;
}

Deno.test("Secret gives its value to reveal() alone", () => {
  const secret = new Secret("KEY", "hunter2-hunter2");
  assert.equal(secret.reveal(), "hunter2-hunter2");
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true }),
    Deno.inspect({ secret }),
    Object.values(secret).join(),
    JSON.stringify(structuredClone({ name: secret.name })),
  ];
  for (const text of shown) assert.ok(!text.includes("hunter2"), text);
});

Deno.test("Secrets hides a value in every spelling that a peer may echo it in", () => {
  const value = 'p@ss w/rd+é"\\<1>';
  const secrets = secretsOf(value);
  const spellings = [
    value,
    encodeURIComponent(value),
    encodeURIComponent(value).toLowerCase(),
    encodeURI(value),
    encodeURIComponent(encodeURIComponent(value)),
    new URLSearchParams({ a: value }).toString().slice(2),
    JSON.stringify(value).slice(1, -1),
    JSON.stringify(value).slice(1, -1).replace("é", "\\u00e9"),
    new URL(`http://h/?a=${encodeURIComponent(value)}`).search.slice(3),
    value.replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
  ];
  for (const spelling of spellings) {
    assert.equal(secrets.hide(`bad token ${spelling}, closing`), "bad token {env:KEY}, closing", spelling);
  }
});

Deno.test("Secrets hides what is secret within an address, within a login and within a header", () => {
  const address = secretsOf("wss://user:pa%24sword@host.test/ws?token=abcdef12345&x=1");
  assert.equal(address.hide("login of pa$sword failed"), "login of {env:KEY} failed");
  assert.equal(address.hide("no such token: abcdef12345"), "no such token: {env:KEY}");
  assert.equal(address.hide("cannot reach host.test"), "cannot reach host.test");
  assert.equal(secretsOf("reader:secret-word").hide("denied: secret-word"), "denied: {env:KEY}");
  assert.equal(secretsOf("Bearer abcdefgh1234").hide("bad abcdefgh1234"), "bad {env:KEY}");
});

Deno.test("Secrets hides a value that is cut off at the end of a text", () => {
  const secrets = secretsOf("abcdefghijklmnop");
  assert.equal(secrets.hide("bad token abcdefghij"), "bad token {env:KEY}");
  assert.equal(secrets.hide("bad token abc"), "bad token abc");
});

Deno.test("Secrets leaves ordinary words whole where a value is short", () => {
  assert.equal(secretsOf("abc").hide("abc abcd"), "abc abcd");
  assert.equal(secretsOf("info").hide("information, info"), "information, {env:KEY}");
  for (const plain of ["true", "false", "8090", "1.5"]) assert.equal(secretsOf(plain).hide(plain), plain);
});

Deno.test("Secrets hides the longest value first, and what its parent hides", () => {
  const parent = secretsOf("process-wide-value", "{env:ALL}");
  const secrets = new Secrets(parent);
  secrets.add("{boot:short}", "abcdefgh");
  secrets.add("{boot:long}", "abcdefgh-and-more");
  assert.equal(
    secrets.hide("abcdefgh-and-more abcdefgh process-wide-value"),
    "{boot:long} {boot:short} {env:ALL}",
  );
});

Deno.test("Secrets finds the secrets of a plan and hides them in plain data", () => {
  const secrets = new Secrets();
  secrets.addFrom({ urls: [{ parts: ["wss://x/", { value: new Secret("A", "value-of-a") }] }], map: new Map() });
  const shown = secrets.hideIn({ url: "wss://x/value-of-a", n: 3, list: ["value-of-a", null], "value-of-a": true });
  assert.deepEqual(shown, { url: "wss://x/{env:A}", n: 3, list: ["{env:A}", null], "{env:A}": true });
});

Deno.test("Secrets never lets a longer value through, whatever stands around it", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 8, maxLength: 40, unit: "grapheme" }),
      fc.string(),
      fc.string(),
      (value, a, b) => {
        fc.pre(!/^[+-]?\d+(\.\d+)?$/.test(value) && !"{env:KEY}".includes(value));
        const secrets = secretsOf(value);
        for (const text of [a + value + b, `${a}${JSON.stringify(value)}${b}`]) {
          assert.ok(!secrets.hide(text).replaceAll("{env:KEY}", "").includes(value));
        }
      },
    ),
  );
});

Deno.test("Secrets hides the user of a destination's address only where it stands alone", () => {
  const secrets = new Secrets();
  secrets.addAddress("{url}", "postgres://collector:se%3Acret-1@db:5432/market", "alone");
  secrets.addAddress("{token}", "nats://token-of-eleven@bus:4222", "alone");
  const text = "sink postgres of collector: se:cret-1, se%3Acret-1, token-of-eleven";
  assert.equal(secrets.hide(text), "sink postgres of collector: {url}, {url}, {token}");
});
