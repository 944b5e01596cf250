import assert from "node:assert/strict";
import type { FrameConnection } from "../../src/model/mod.ts";
import { matchConnection, readInstrumentList } from "../../src/normalize/mod.ts";
import { frameConnection, rows, source, when } from "../support/frame_plan.ts";

function connection(id: string, ...urls: readonly string[]): FrameConnection {
  return { ...frameConnection(id, {}), urls };
}

const URLS = {
  connections: [
    connection("public", "wss://stream.test:443/public/stream"),
    connection("market", "wss://stream.test/market/stream", "wss://mirror.test/market/stream?x=1"),
    connection("linear", "wss://family.test/v5/public/linear"),
    connection("spot", "wss://family.test/v5/public/spot"),
  ],
};

Deno.test("matchConnection() finds the connection by host, then by path", () => {
  assert.equal(matchConnection(URLS, "wss://stream.test:9443/market/stream?streams=a"), "market");
  assert.equal(matchConnection(URLS, "wss://STREAM.test/stream?streams=a/b"), "public");
  assert.equal(matchConnection(URLS, "wss://mirror.test/"), "market");
  assert.equal(matchConnection(URLS, "wss://family.test/v5/public/spot"), "spot");
});

Deno.test("matchConnection() gives null for another host and for what is no URL", () => {
  assert.equal(matchConnection(URLS, "wss://other.test/public/stream"), null);
  assert.equal(matchConnection(URLS, "stream"), null);
});

const LIST = {
  name: "instruments",
  fields: {},
  values: {},
  method: "GET" as const,
  path: "/list",
  body: null,
  rows: rows("/symbols/*"),
  where: when({ "/status": "TRADING" }),
  native: source("/symbol"),
  canonical: source("/name"),
  next: null,
};

Deno.test("readInstrumentList() gives the rows that pass the filter and have both names", () => {
  const row = (symbol: string, status: string, name: string) => `{"symbol":"${symbol}","status":"${status}"${name}}`;
  const body = `{"symbols":[${row("A", "TRADING", ',"name":"A/B"')},${row("B", "BREAK", ',"name":"B/B"')},${
    row("C", "TRADING", "")
  }]}`;
  assert.deepEqual(readInstrumentList(LIST, new TextEncoder().encode(body)), [{
    canonical: "A/B",
    native: "A",
    values: {},
  }]);
});

Deno.test("readInstrumentList() gives null for a body that is not JSON", () => {
  assert.equal(readInstrumentList(LIST, new TextEncoder().encode("<html>")), null);
});
