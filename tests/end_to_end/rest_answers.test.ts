import assert from "node:assert/strict";
import { denoHost, type FetchRequest, type FetchResponse, type Host } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";

/** What stands in the place of the first answers to snapshot requests: status and body. */
const REFUSALS: readonly (readonly [number, string])[] = [
  [200, '{"code":-1003,"msg":"Too much request weight used; current limit is 6000"}'],
  [200, "<html><body>Just a moment...</body></html>"],
  [200, '{"bids":[["1","1"]],"asks":[["2","1"]]}'],
  [503, ""],
];

/** A host whose snapshots are refused as given, one request after the other, and then had. */
function refusing(refusals: readonly (readonly [number, string])[]): (host: Host) => Host {
  let count = 0;
  return (host) => ({
    ...host,
    fetcher: {
      fetch: (request: FetchRequest, signal?: AbortSignal) => {
        const refusal = request.url.includes("/depth") ? refusals[count++] : undefined;
        if (refusal === undefined) return host.fetcher.fetch(request, signal);
        const [status, body] = refusal;
        const answer: FetchResponse = {
          status,
          body: new TextEncoder().encode(body),
          receivedTs: host.clock.nowMicros(),
          retryAfterMs: null,
        };
        return Promise.resolve(answer);
      },
    },
  });
}

Deno.test("a snapshot answered with anything but one is asked for again, and no book event leaves before it", async () => {
  const simulator = await startSimulator({
    host: denoHost(),
    port: 0,
    limitsConnections: false,
    rate: 100,
    dialect: "binance",
    symbols: ["BTC/USDT"],
  });
  const rig = await ServiceRig.start({
    config: instanceOf(simulator, { symbols: ["BTC/USDT"], channels: ["book"] }),
    wrapHost: refusing(REFUSALS),
  });
  const unusable = { exchange: "binance", request: "depth_snapshot" };
  await rig.until(
    "three answers were none",
    async () => await rig.metric("collector_http_unusable_total", unusable) >= 3,
  );
  assert.equal(await rig.metric("collector_events_total", { exchange: "binance", kind: "book_snapshot" }), 0);
  assert.equal(await rig.metric("collector_events_total", { exchange: "binance", kind: "book_delta" }), 0);
  await rig.until(
    "the book is there",
    async () => await rig.metric("collector_events_total", { exchange: "binance", kind: "book_delta" }) > 5,
  );
  await rig.stop();
  await simulator.stop();
  const books = (await rig.events()).filter(({ kind }) => kind === "book_snapshot" || kind === "book_delta");
  assert.equal(books[0].kind, "book_snapshot");
  const bids = books[0].bids as readonly unknown[];
  assert.ok(bids.length > 10, "the exchange's snapshot and not a made one");
  assert.ok(rig.log.some((line) => line.includes("answer_unusable") && line.includes("-1003")));
});
