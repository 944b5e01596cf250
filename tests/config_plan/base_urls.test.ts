import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/mod.ts";
import { showTemplate, type Template } from "../../src/model/mod.ts";
import { descriptorTable, issuesOf, planOf } from "./plan_input.ts";

const REQUEST = { name: "recent", channel: "trades", connection_id: "public", path: "/t?s={symbol}" };
const LIST = { path: "/pairs", rows: "/*", native: "/n", canonical: "/c" };

function described(own: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const rest = {
    base_urls: ["https://data.example.test/"],
    requests: [{ ...REQUEST, ...own }, { ...REQUEST, name: "other" }],
    instruments: [{ ...LIST, ...own }, LIST],
  };
  return descriptorTable({ rest });
}

function shown(urls: readonly Template[] | undefined): readonly string[] | null {
  return urls === undefined ? null : urls.map(showTemplate);
}

Deno.test("buildExchange() gives requests and lists base URLs of their own", () => {
  const own = { base_urls: ["https://api.example.test/v1/", "https://api2.example.test/v1"] };
  const { rest } = planOf({ descriptor: described(own), map: { "BTC/USDT": "BTCUSDT" } });
  const wanted = ["https://api.example.test/v1", "https://api2.example.test/v1"];
  assert.deepEqual(rest.requests.map(({ baseUrls }) => shown(baseUrls)), [wanted, null]);
  assert.deepEqual(rest.instruments.map(({ baseUrls }) => shown(baseUrls)), [wanted, null]);
});

Deno.test("buildExchange() reports a base URL of a request that is none, at its place", () => {
  const issues = issuesOf({
    descriptor: described({ base_urls: ["api.example.test"] }),
    map: { "BTC/USDT": "BTCUSDT" },
  });
  assert.deepEqual(issues, [
    "descriptor/rest/requests/0/base_urls/0: Not an HTTP address: api.example.test; it begins with https:// or http://",
    "descriptor/rest/instruments/0/base_urls/0: Not an HTTP address: api.example.test; it begins with https:// or http://",
  ]);
});

Deno.test("base_urls of an instance take the place of those of single requests too", () => {
  const descriptor = `[meta]
name = "x"
version = "1.4"
[[ws.connections]]
id = "public"
urls = ["wss://x.test"]
[rest]
base_urls = ["https://data.test"]
[[rest.requests]]
name = "recent"
channel = "trades"
connection_id = "public"
base_urls = ["https://api.test"]
path = "/t"
[[subscriptions]]
connection_id = "public"
generator = "foreach (s in symbols) { emit('{symbol}'); }"
[[events]]
kind = "trade"
symbol = "/s"
price = "/p"
size = "/q"
[[events]]
kind = "trade"
source = "recent"
symbol = "/s"
price = "/p"
size = "/q"
[maps.channel_map]
trades = "t"
`;
  const config = `[run]
http_port = 8090
[[exchange]]
name = "x"
descriptor_path = "x.toml"
symbols = ["A"]
channels = ["trades"]
[exchange.overrides]
base_urls = ["http://127.0.0.1:9000"]
`;
  const { exchanges, issues } = loadConfig({
    path: "collector.toml",
    readText: (path) => ({ "collector.toml": config, "x.toml": descriptor })[path] ?? null,
    environment: () => undefined,
    builtin: () => null,
  });
  assert.deepEqual(issues.filter(({ severity }) => severity === "error"), []);
  const rest = exchanges[0].runnable?.rest;
  assert.deepEqual([shown(rest?.baseUrls), shown(rest?.requests[0].baseUrls)], [["http://127.0.0.1:9000"], null]);
});
