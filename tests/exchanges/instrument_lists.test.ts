import assert from "node:assert/strict";
import { readInstrumentList } from "../../src/normalize/mod.ts";
import { readRecording, testOnRecordings } from "../support/recordings.ts";
import { loadInstance, SHIPPED } from "./shipped.ts";

/** Entries that the instrument list of a recording has to give, canonical to native. */
const LISTS: readonly { exchange: string; recording: string; holds: Readonly<Record<string, string>> }[] = [
  { exchange: "binance-usdm", recording: "binance-usdm-20210722-http", holds: { "SUSHI/USDT:USDT": "SUSHIUSDT" } },
  {
    exchange: "okx",
    recording: "okx-20220513-http",
    holds: {
      "BTC/USDT": "BTC-USDT",
      "UNI/USD:UNI": "UNI-USD-SWAP",
      "BTC/USDT:USDT": "BTC-USDT-SWAP",
      "BTC/USD:BTC-220527": "BTC-USD-220527",
    },
  },
  { exchange: "coinbase", recording: "coinbase-20210417-http", holds: { "BAND/GBP": "BAND-GBP" } },
  {
    exchange: "binance-coinm",
    recording: "binance-coinm-20210722-http",
    holds: { "BTC/USD:BTC": "BTCUSD_PERP", "BTC/USD:BTC-211231": "BTCUSD_211231" },
  },
  { exchange: "bitstamp", recording: "bitstamp-20220105-http", holds: { "BAT/EUR": "bateur" } },
  { exchange: "binance-us", recording: "binance-us-20211012-http", holds: { "COMP/USDT": "COMPUSDT" } },
  {
    exchange: "poloniex",
    recording: "poloniex-20220821-http",
    holds: { "SOL/USDT": "SOL_USDT", "GRT/USDT": "GRT_USDT" },
  },
  { exchange: "kucoin", recording: "kucoin-20210425-http", holds: { "REQ/ETH": "REQ-ETH" } },
];

for (const { exchange, recording, holds } of LISTS) {
  testOnRecordings([recording], `the instrument lists of ${exchange} give canonical symbols`, () => {
    const lines = readRecording(recording);
    assert.ok(lines !== null);
    const symbols = SHIPPED.find(({ name }) => name === exchange)?.symbols ?? [];
    const plan = loadInstance({ name: exchange, symbols, channels: ["trades"] }).exchanges[0].runnable;
    const map = new Map<string, string>();
    for (const list of plan?.rest.instruments ?? []) {
      const answer = lines.find(({ url }) => url?.endsWith(list.path) ?? false);
      for (const { canonical, native } of answer === undefined ? [] : readInstrumentList(list, answer.payload) ?? []) {
        map.set(canonical, native);
      }
    }
    for (const [canonical, native] of Object.entries(holds)) assert.equal(map.get(canonical), native);
  });
}
