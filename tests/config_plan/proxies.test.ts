import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/mod.ts";
import { Secret, showTemplate } from "../../src/model/mod.ts";

const DESCRIPTOR = `[meta]
name = "x"
version = "1.4"
[[ws.connections]]
id = "public"
urls = ["wss://x.test"]
headers = { "X-Own" = "1", "User-Agent" = "descriptor" }
subprotocols = ["v1"]
[rest]
base_urls = ["https://data.test"]
[[rest.requests]]
name = "recent"
channel = "trades"
connection_id = "public"
method = "POST"
path = "/info"
body = '{"type":"recentTrades","coin":"{symbol}","to":{now_ms}}'
every_ms = 1000
[[subscriptions]]
connection_id = "public"
generator = "foreach (s in symbols) { emit('{symbol}'); }"
[[events]]
kind = "trade"
source = "recent"
symbol = "/s"
price = "/p"
size = "/q"
[maps.channel_map]
trades = "t"
`;

function load(overrides: string, descriptor = DESCRIPTOR) {
  const config = `[run]
http_port = 8090
[[exchange]]
name = "x"
descriptor_path = "x.toml"
symbols = ["A\\"B"]
channels = ["trades"]
[exchange.overrides]
${overrides}
`;
  const { exchanges, issues } = loadConfig({
    path: "collector.toml",
    readText: (path) => ({ "collector.toml": config, "x.toml": descriptor })[path] ?? null,
    environment: (name) => name === "PROXY" ? "http://user:word@proxy.test:3128" : undefined,
    builtin: () => null,
  });
  const errors = issues.filter(({ severity }) => severity === "error");
  return { plan: exchanges[0].runnable, errors: errors.map(({ file, line, message }) => `${file}:${line} ${message}`) };
}

Deno.test("headers, subprotocols and a proxy of an instance reach its sockets and its requests", () => {
  const { plan, errors } = load(
    'headers = { "User-Agent" = "me" }\nsubprotocols = ["v2", "v3"]\nproxy = "http://proxy.test:3128"',
  );
  assert.deepEqual(errors, []);
  const [connection] = plan?.connections ?? [];
  assert.deepEqual(connection.headers, { "X-Own": "1", "User-Agent": "me" });
  assert.deepEqual([connection.subprotocols, connection.proxy], [["v2", "v3"], "http://proxy.test:3128"]);
  assert.deepEqual([plan?.rest.headers, plan?.rest.proxy], [{ "User-Agent": "me" }, "http://proxy.test:3128"]);
});

Deno.test("a proxy with a user or from the environment is a secret, and an empty one is none", () => {
  for (const text of ["{env:PROXY}", "http://user:word@proxy.test:3128"]) {
    const { plan, errors } = load(`proxy = "${text}"`);
    assert.deepEqual(errors, []);
    const proxy = plan?.connections[0].proxy;
    assert.ok(proxy instanceof Secret && proxy.reveal() === "http://user:word@proxy.test:3128");
    assert.ok(!JSON.stringify(plan).includes("word"));
  }
  const { plan } = load('proxy = ""');
  assert.deepEqual([plan?.connections[0].proxy, plan?.rest.proxy], [undefined, undefined]);
  assert.deepEqual(plan?.connections[0].subprotocols, ["v1"]);
});

Deno.test("a proxy that is none and a subprotocol that has no name are told where they stand", () => {
  assert.deepEqual(load('proxy = "socks5://proxy.test:1080"').errors, [
    "collector.toml:9 Not the address of an HTTP proxy: it is written as http://host:port",
  ]);
  assert.deepEqual(load('subprotocols = ["v1", "a b", "v1"]').errors, [
    "collector.toml:9 Not the name of a subprotocol: a b",
    "collector.toml:9 Subprotocol v1 is named twice",
  ]);
});

Deno.test("a request by POST is one for each instrument where its body names it, and by GET has no body", () => {
  const [request] = load("").plan?.rest.requests ?? [];
  assert.equal(request.method, "POST");
  assert.deepEqual(
    request.targets.map(({ native, body }) => [native, body === undefined ? null : showTemplate(body)]),
    [
      ['A"B', '{"type":"recentTrades","coin":"A\\"B","to":{now_ms}}'],
    ],
  );
  assert.deepEqual(load("", DESCRIPTOR.replace('method = "POST"\n', "")).errors, [
    'x.toml:16 A request by GET has no body: say method = "POST"',
  ]);
});
