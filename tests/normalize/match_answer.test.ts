import assert from "node:assert/strict";
import { matchAnswer } from "../../src/normalize/mod.ts";
import { readRecording, testOnRecordings } from "../support/recordings.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

Deno.test("matchAnswer() finds the symbol in a parameter, or behind the path's beginning without its escapes", () => {
  const byParameter = { pathPrefix: "/api/v3/depth", symbolParameter: "symbol" };
  assert.equal(matchAnswer(byParameter, "https://a.test/api/v3/depth?limit=5&symbol=BTCUSDT"), "BTCUSDT");
  assert.equal(matchAnswer(byParameter, "https://a.test/api/v3/depth?limit=5"), null);
  assert.equal(matchAnswer(byParameter, "https://a.test/api/v3/exchangeInfo"), null);
  const byPath = { pathPrefix: "/book/", symbolParameter: null };
  assert.equal(matchAnswer(byPath, "https://a.test/book/BTC%2FUSD/?group=1"), "BTC/USD");
  assert.equal(matchAnswer(byPath, "https://a.test/book/100%?group=1"), "100%");
  assert.equal(matchAnswer(byPath, "no address"), null);
});

Deno.test("matchAnswer() makes the symbol of the words that the descriptor says the address has for it", () => {
  const match = (exchange: string) => loadShipped(exchange).requests[0].match;
  const orders = "https://api.independentreserve.com/Public/GetAllOrders";
  const two = `${orders}?primaryCurrencyCode=xbt&secondaryCurrencyCode=nzd`;
  assert.equal(matchAnswer(match("independent-reserve"), two), "xbt-nzd");
  assert.equal(matchAnswer(match("independent-reserve"), `${orders}?primaryCurrencyCode=xbt`), null);
  const book = "https://api.mercadobitcoin.net/api/v4/BTC-BRL/orderbook?limit=100";
  assert.equal(matchAnswer(match("mercado-bitcoin"), book), "BRLBTC");
});

testOnRecordings(
  ["independent-reserve-20220403-http"],
  "matchAnswer() knows the market of every book that was asked for by two currencies",
  () => {
    const { match } = loadShipped("independent-reserve").requests[0];
    const lines = readRecording("independent-reserve-20220403-http") ?? [];
    const natives = lines.flatMap(({ url }) => matchAnswer(match, url ?? "") ?? []);
    assert.deepEqual(natives, ["dot-nzd", "matic-usd", "eth-aud", "bch-sgd", "pmgt-nzd"]);
  },
);
