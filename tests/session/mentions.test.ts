import assert from "node:assert/strict";
import { ECHO_SEPARATOR } from "../../src/model/mod.ts";
import { mentions } from "../../src/session/mentions.ts";

Deno.test("mentions() needs every part of the echo as a whole spelling", () => {
  const table: readonly (readonly [string, readonly string[], boolean])[] = [
    ["channel:trades,instId:BTC-USDT doesn't exist", ["trades", "BTC-USDT"], true],
    ["channel:trades,instId:BTC-USDT-SWAP doesn't exist", ["trades", "BTC-USDT"], false],
    ["channel:trades-all,instId:BTC-USDT", ["trades", "BTC-USDT"], false],
    ["channel:books,instId:BTC-USDT", ["trades", "BTC-USDT"], false],
    ["Invalid symbol: [orderbook.50.FOOUSDT]", ["orderbook.50.FOOUSDT"], true],
    ["XBTC-USDT then BTC-USDT", ["BTC-USDT"], true],
    ["BTC-USDT", ["BTC-USDT", ""], true],
    ["too many requests", ["trades", "BTC-USDT"], false],
    ["anything", [""], false],
  ];
  for (const [text, parts, expected] of table) {
    assert.equal(mentions(text, parts.join(ECHO_SEPARATOR)), expected, `${text} ~ ${parts}`);
  }
});
