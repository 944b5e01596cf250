import assert from "node:assert/strict";
import { certifyArchive, readCertificates } from "../../src/certificate/mod.ts";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";

const BTC = "BTC/USDT";

Deno.test("books are compared with the exchange's snapshots; one that differs is a gap and is made whole again", async () => {
  const simulator = await startSimulator({
    host: denoHost(),
    port: 0,
    limitsConnections: false,
    rate: 100,
    symbols: [BTC],
    dialect: "binance",
  });
  await using _ = { [Symbol.asyncDispose]: () => simulator.stop() };
  let lies = false;
  const wrapHost = (host: Host): Host => ({
    ...host,
    fetcher: {
      fetch: async (request, signal) => {
        const answer = await host.fetcher.fetch(request, signal);
        if (!lies || !request.url.includes("/depth")) return answer;
        const book = JSON.parse(new TextDecoder().decode(answer.body));
        for (const level of [...book.bids, ...book.asks]) level[1] = "7.77770000";
        return { ...answer, body: new TextEncoder().encode(JSON.stringify(book)) };
      },
    },
  });
  await using rig = await ServiceRig.start({
    config: instanceOf(simulator, { symbols: [BTC], channels: ["book"] }),
    run: "compare_books_every_ms = 50",
    wrapHost,
  });
  const compared = (outcome: string) => rig.metric("collector_books_compared_total", { exchange: "binance", outcome });
  await rig.until("a book agrees", async () => await compared("same") >= 3);
  assert.equal(await compared("different"), 0);
  lies = true;
  await rig.until("it differs", async () => await compared("different") >= 1);
  lies = false;
  const same = await compared("same");
  await rig.until("it agrees again", async () => await compared("same") > same + 1);
  await rig.stop();
  const dir = `${rig.dir}/data/ndjson`;
  await certifyArchive({
    ...{ host: rig.host, dir, journalDir: null, key: null, onlyNews: false, onlySafe: false },
    pause: () => Promise.resolve(),
    tell: (text: string) => assert.fail(text),
  });
  const books = (await readCertificates(rig.host.files, dir)).flatMap(({ streams }) => streams)
    .filter(({ channel }) => channel === "book");
  assert.ok(books.every(({ proved_by }) => proved_by.includes("comparison")));
  const sum = (outcome: "same" | "different") =>
    books.reduce((total, { compared }) => total + (compared?.[outcome] ?? 0), 0);
  assert.ok(sum("same") >= same && sum("different") >= 1, JSON.stringify(books.map(({ compared }) => compared)));
  const gaps = (await rig.events()).filter(({ kind, cause }) => kind === "gap" && cause === "checksum");
  assert.deepEqual(gaps.slice(0, 2).map(({ state }) => state), ["opened", "closed"]);
  assert.match(String(gaps[0].detail), /differs from the exchange's snapshot: at number \d+ bid 1 is/);
});
