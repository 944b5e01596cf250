import assert from "node:assert/strict";
import type { FetchRequest, FetchResponse, Host } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { type EventLine, ServiceRig } from "../support/service_rig.ts";
import { deriveAll } from "../support/journal_contents.ts";

interface Listed {
  readonly tick: string;
  readonly status?: string;
}

/** A host whose exchange lists what is told at the time. Sockets go nowhere. */
function listing(instruments: () => Readonly<Record<string, Listed>>): (host: Host) => Host {
  return (host) => ({
    ...host,
    fetcher: {
      fetch: ({ url }: FetchRequest): Promise<FetchResponse> => {
        const symbols = Object.entries(instruments()).map(([base, { tick, status = "TRADING" }]) => ({
          symbol: `${base}USDT`,
          baseAsset: base,
          quoteAsset: "USDT",
          status,
          filters: [
            { filterType: "PRICE_FILTER", tickSize: tick },
            { filterType: "LOT_SIZE", stepSize: "0.001", minQty: "0.002" },
            { filterType: "NOTIONAL", minNotional: "5" },
          ],
        }));
        const body = new TextEncoder().encode(url.includes("exchangeInfo") ? JSON.stringify({ symbols }) : "[]");
        return Promise.resolve({ status: 200, body, receivedTs: host.clock.nowMicros(), retryAfterMs: null });
      },
    },
    dialer: { dial: () => Promise.reject(new Failure("connect", "No sockets in this test")) },
  });
}

function instance(symbols: readonly string[]): string {
  return `[[exchange]]
name = "one"
descriptor_path = "builtin:binance"
symbols = ${JSON.stringify(symbols)}
channels = ["instruments"]
[exchange.overrides]
base_urls = ["https://one.example.com"]
`;
}

function told(events: readonly EventLine[]): readonly unknown[] {
  return events.filter(({ kind }) => kind === "instrument").map((
    event,
  ) => [event.symbol, event.tick_size, event.status]);
}

Deno.test("the channel instruments tells what the list says of the configured symbols, and replay tells the same", async () => {
  const rig = await ServiceRig.start({
    config: instance(["BTC/USDT", "FOO/USDT"]),
    wrapHost: listing(() => ({ BTC: { tick: "0.01" }, FOO: { tick: "1e-7" }, BAR: { tick: "5" } })),
  });
  const count = async () => (await rig.metric("collector_events_total", { exchange: "one", kind: "instrument" }));
  await rig.until("both are told", async () => (await count()) === 2);
  // An instrument that is asked for from now on is told at once, the others are not told again.
  await rig.reload(instance(["BTC/USDT", "BAR/USDT"]));
  await rig.until("the new one is told", async () => (await count()) === 3);
  await rig.stop();
  const events = await rig.events();
  assert.deepEqual(told(events), [["BTC/USDT", "0.01", "TRADING"], ["FOO/USDT", "1e-7", "TRADING"], [
    "BAR/USDT",
    "5",
    "TRADING",
  ]]);
  const [
    {
      kind,
      native_symbol,
      type,
      base,
      quote,
      lot_size,
      min_size,
      min_notional,
      contract_size,
      contract_unit,
      exchange_ts,
    },
  ] = events;
  assert.deepEqual(
    {
      kind,
      native_symbol,
      type,
      base,
      quote,
      lot_size,
      min_size,
      min_notional,
      contract_size,
      contract_unit,
      exchange_ts,
    },
    {
      kind: "instrument",
      native_symbol: "BTCUSDT",
      type: "spot",
      base: "BTC",
      quote: "USDT",
      lot_size: "0.001",
      min_size: "0.002",
      min_notional: "5",
      contract_size: "1",
      contract_unit: "BTC",
      exchange_ts: null,
    },
  );
  const again = await Array.fromAsync(deriveAll(rig.host.files, `${rig.dir}/data/journal`));
  assert.deepEqual(
    told(again.map(({ event, ...head }) => ({ ...head, ...event }) as unknown as EventLine)),
    told(events),
  );
});
