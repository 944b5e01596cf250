import assert from "node:assert/strict";
import { type Envelope, EventBatch } from "../../src/model/mod.ts";
import { urlKey } from "../../src/sink/endpoint_keys.ts";
import { nameTemplate, templateKey } from "../../src/sink/name_template.ts";
import { envelope, trade } from "../support/envelopes.ts";

const SCOPE = { collector: "eu-1", sink: "bus", escape: (part: string) => part.replaceAll(".", "=2E") };

function namer(template: string): (event: Envelope) => string {
  const { nameAt } = nameTemplate(template, SCOPE);
  return (event) => {
    const batch = new EventBatch();
    batch.append(event, event.event);
    return nameAt(batch, 0);
  };
}

Deno.test("nameTemplate() fills in placeholders, each as a part of a path and escaped as the destination asks", () => {
  const nameOf = namer("md.{collector}.{sink}.{kind}.{exchange}.{symbol}");
  const event = envelope(1, trade("1"), { exchange: "alpha.spot", symbol: "BTC/USDT:USDT" });
  assert.equal(nameOf(event), "md.eu-1.bus.trade.alpha=2Espot.BTC-USDT_USDT");
  assert.equal(nameOf(envelope(1, trade("1"), { symbol: "" })), "md.eu-1.bus.trade.alpha._");
});

Deno.test("nameTemplate() gives each exchange, symbol and kind its own name", () => {
  const nameOf = namer("{exchange}:{native_symbol}");
  const names = ["a", "b", "a"].map((native_symbol) => nameOf(envelope(1, trade("1"), { native_symbol })));
  assert.deepEqual(names, ["alpha:a", "alpha:b", "alpha:a"]);
});

Deno.test("templateKey() refuses unknown placeholders and characters", () => {
  const key = templateKey({ allowed: "A-Za-z0-9._-", placeholders: ["kind", "symbol"] });
  for (const good of ["md.{kind}", "{kind}-{symbol}", "plain"]) assert.ok(key.safeParse(good).success, good);
  for (const bad of ["", "md.{exchange}", "md {kind}", "md.{kind", "md.*"]) assert.ok(!key.safeParse(bad).success, bad);
});

Deno.test("urlKey() takes its schemes alone", () => {
  assert.ok(urlKey(["nats", "tls"], "nats://host:4222").safeParse("tls://host").success);
  assert.ok(!urlKey(["nats"], "nats://host:4222").safeParse("http://host").success);
});
