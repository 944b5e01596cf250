import assert from "node:assert/strict";
import type { FetchRequest, FetchResponse, Host } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { ServiceRig } from "../support/service_rig.ts";

const LIST = JSON.stringify({
  symbols: [{ symbol: "FOOUSDT", baseAsset: "FOO", quoteAsset: "USDT", status: "TRADING" }],
});

/** A host whose exchanges answer as told; null: never. Sockets go nowhere. */
function answering(reply: (url: string, count: number) => string | Failure | null): (host: Host) => Host {
  const counts = new Map<string, number>();
  const answer = (url: string, signal?: AbortSignal) => {
    const count = (counts.get(url) ?? 0) + 1;
    counts.set(url, count);
    const body = reply(url, count);
    if (body instanceof Failure) return Promise.reject(body);
    if (body !== null) {
      const bytes = new TextEncoder().encode(body);
      return Promise.resolve({ status: 200, body: bytes, receivedTs: Date.now() * 1000, retryAfterMs: null });
    }
    return new Promise<FetchResponse>((_, reject) =>
      signal?.addEventListener("abort", () => reject(new Failure("cancelled", "Cancelled")))
    );
  };
  return (host) => ({
    ...host,
    fetcher: { fetch: ({ url }: FetchRequest, signal) => answer(url, signal) },
    dialer: { dial: () => Promise.reject(new Failure("connect", "No sockets in this test")) },
  });
}

function instance(name: string, symbols: readonly string[]): string {
  return `[[exchange]]
name = "${name}"
descriptor_path = "builtin:binance"
symbols = ${JSON.stringify(symbols)}
channels = ["trades"]
[exchange.overrides]
urls = ["ws://127.0.0.1:9/stream"]
base_urls = ["https://${name}.example.com"]
`;
}

interface InstrumentsBody {
  readonly state: string;
  readonly error: string | null;
  readonly unresolved: readonly string[];
}

async function shown(rig: ServiceRig, name: string) {
  const { instances, problems } = await rig.health();
  const found = instances.find((one) => one.name === name) as unknown as {
    readonly state: string;
    readonly instruments: InstrumentsBody | null;
    readonly connections: readonly { readonly streams: Readonly<Record<string, number>> }[];
  };
  const streams = found.connections.reduce((sum, { streams }) => sum + streams.pending + streams.live, 0);
  const codes = problems.filter((one) => one.name === name && one.scope === "instruments").map(({ code }) => code);
  return { state: found.state, instruments: found.instruments, streams, codes };
}

Deno.test("streams whose symbol is unresolved wait for the list, say so, and start when it comes", async () => {
  let isRefused = true;
  const rig = await ServiceRig.start({
    config: instance("one", ["BTC/USDT", "FOO/USDT"]) + instance("two", ["FOO/USDT"]),
    wrapHost: answering((url) =>
      isRefused ? '{"code":-1003,"msg":"Too much request weight used"}' : url.includes("exchangeInfo") ? LIST : "[]"
    ),
  });
  for (const name of ["one", "two"]) {
    await rig.until("the first attempt has failed", async () => (await shown(rig, name)).codes.includes("failed"));
  }
  const before = await shown(rig, "one");
  assert.deepEqual([before.streams, before.instruments?.unresolved], [1, ["FOO/USDT"]]);
  assert.match(before.instruments?.error ?? "", /lists no instrument: \{"code":-1003/);
  const waiting = await shown(rig, "two");
  assert.deepEqual([waiting.streams, waiting.state], [0, "waiting for instruments"]);
  assert.equal((await rig.get("/readyz")).status, 503);
  assert.equal(JSON.parse((await rig.get("/healthz")).text).status, "degraded");
  isRefused = false;
  await rig.until(
    "the lists are there",
    async () => (await shown(rig, "one")).streams === 2 && (await shown(rig, "two")).streams === 1,
  );
  assert.deepEqual((await shown(rig, "two")).codes, []);
  const kept = `${rig.dir}/data/instruments/one.json`;
  await rig.until("the list is kept", () => Deno.stat(kept).then(() => true, () => false));
  assert.deepEqual(JSON.parse(await Deno.readTextFile(kept)), { "FOO/USDT": "FOOUSDT" });
  assert.ok(rig.log.some((line) => line.includes("symbols_unresolved") && line.includes("FOO/USDT")));
  await rig.stop();
});

for (
  const body of ['{"code":-1003,"msg":"no"}', "<html>", "[]", "{}", '{"symbols":[]}', '{"symbols":[{"symbol":"X"}]}']
) {
  Deno.test(`a list answered with ${body} leaves the kept one in use and in place`, async () => {
    const kept = '{"FOO/USDT":"FOOUSDT"}';
    const rig = await ServiceRig.start({
      config: instance("one", ["FOO/USDT"]),
      files: { "data/instruments/one.json": kept },
      wrapHost: answering(() => body),
    });
    await rig.until("it is tried", async () => (await shown(rig, "one")).instruments?.error !== null);
    const { streams, codes } = await shown(rig, "one");
    assert.deepEqual([streams, codes], [1, ["kept"]]);
    assert.equal(await Deno.readTextFile(`${rig.dir}/data/instruments/one.json`), kept);
    await rig.stop();
  });
}

for (const [what, text] of [["empty", ""], ["cut", '{"FOO/USDT":"FOO'], ["no list", "[1]"], ["an empty list", "{}"]]) {
  Deno.test(`a kept list that is ${what} is set aside, and everything starts`, async () => {
    const rig = await ServiceRig.start({
      config: instance("one", ["FOO/USDT"]) + instance("two", ["BTC/USDT"]),
      files: { "data/instruments/one.json": text },
      wrapHost: answering(() => new Failure("connect", "Request failed: refused")),
    });
    assert.equal((await shown(rig, "two")).streams, 1);
    assert.equal((await shown(rig, "one")).state, "waiting for instruments");
    assert.equal(await Deno.readTextFile(`${rig.dir}/data/instruments/one.json.damaged`), text);
    assert.ok(rig.log.some((line) => line.includes("kept_file_set_aside")));
    await rig.stop();
  });
}

Deno.test("an exchange whose list hangs delays neither its own start nor another's, nor a reload or a stop", async () => {
  // No request ever comes back: whatever waited for one would wait for ever.
  const config = instance("one", ["BTC/USDT", "FOO/USDT"]) + instance("two", ["BTC/USDT"]);
  const rig = await ServiceRig.start({ config, wrapHost: answering(() => null) });
  await rig.until(
    "both have tried to connect",
    async () =>
      (await rig.metric("collector_connects_failed_total", { exchange: "one", code: "connect" })) > 0 &&
      (await rig.metric("collector_connects_failed_total", { exchange: "two", code: "connect" })) > 0,
  );
  await rig.reload(config + instance("three", ["ETH/USDT"]));
  assert.equal((await shown(rig, "three")).streams, 1);
  await rig.stop();
});

Deno.test("a list that cannot be kept is a warning, and is used all the same", async () => {
  const rig = await ServiceRig.start({
    config: instance("one", ["FOO/USDT"]),
    files: { "data/instruments": "a file where the folder should be" },
    wrapHost: answering(() => LIST),
  });
  await rig.until("the list is used", async () => (await shown(rig, "one")).streams === 1);
  assert.ok(rig.log.some((line) => line.includes("kept_file_failed")));
  await rig.stop();
});
