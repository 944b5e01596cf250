import { emulatedExchanges } from "../../src/cli/emulated_exchanges.ts";
import { openReplay } from "../../src/cli/replay_source.ts";
import type { EmulatedExchange } from "../../src/emulator/mod.ts";
import { denoHost } from "../../src/host/mod.ts";

const SHIPPED_DIR = new URL("../../config", import.meta.url).pathname;

/** A line of a recording, its times in seconds behind the first. */
export type RecordingLine = readonly [second: number, dir: "open" | "in" | "out" | "http", body: string, url?: string];

/** 2026-11-22T00:00:00Z, µs. */
export const RECORDED_AT = 1_795_305_600_000_000;

/** The text of a recording. */
export function recordingText(lines: readonly RecordingLine[]): string {
  return lines.map(([second, dir, body, url]) => {
    const head = { t: RECORDED_AT + second * 1_000_000, dir };
    if (dir === "open") return JSON.stringify({ ...head, url: body });
    return JSON.stringify({ ...head, ...(url === undefined ? {} : { url }), data: body });
  }).join("\n");
}

/** What the command `emulate` makes of recordings. */
export async function emulatedOf(
  inputs: readonly string[],
  exchange?: string,
): Promise<readonly EmulatedExchange[]> {
  const context = { host: denoHost(), version: "0", shippedDir: SHIPPED_DIR, finish: () => {} };
  const source = await openReplay(context, inputs, { exchange, passBooks: true });
  return await emulatedExchanges(context, source, { exchange, inputs });
}

/** The same of lines, in a file that is removed when `use` has ended. */
export async function withEmulated<T>(
  lines: readonly RecordingLine[],
  use: (exchange: EmulatedExchange, path: string) => Promise<T> | T,
): Promise<T> {
  const name = lines === BYBIT_LINES ? "bybit" : "binance";
  const dir = await Deno.makeTempDir({ prefix: "collector-emulated-" });
  try {
    const path = `${dir}/frames.jsonl`;
    await Deno.writeTextFile(path, recordingText(lines));
    return await use((await emulatedOf([path], name))[0], path);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** What Binance's spot streams said once: trades and books of two instruments. */
export const BINANCE_LINES: readonly RecordingLine[] = [
  [0, "open", "wss://stream.binance.com:9443/stream"],
  [0, "out", '{"method":"SUBSCRIBE","params":["btcusdt@trade","ethusdt@trade","btcusdt@depth@100ms"],"id":1}'],
  [0.1, "in", '{"result":null,"id":1}'],
  ...["BTCUSDT", "ETHUSDT", "BTCUSDT", "ETHUSDT"].map((symbol, index): RecordingLine => [
    0.2 + index / 100,
    "in",
    `{"stream":"${symbol.toLowerCase()}@trade","data":{"e":"trade","E":1795305600000,"s":"${symbol}","t":12345678901234567${index},` +
    `"p":"100.${index}0","q":"1.5","T":1795305600000,"m":true,"M":true}}`,
  ]),
  [
    0.3,
    "in",
    '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1795305600001,"s":"BTCUSDT","U":5,"u":6,"b":[["99","1"]],"a":[]}}',
  ],
  [
    0.4,
    "http",
    '{"lastUpdateId":5,"bids":[["99","2"]],"asks":[["101","1"]]}',
    "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000",
  ],
];

/** What Bybit's linear streams said once: trades and a book of one instrument, a ticker of another. */
export const BYBIT_LINES: readonly RecordingLine[] = [
  [0, "open", "wss://stream.bybit.com/v5/public/linear"],
  [
    0,
    "out",
    '{"op":"subscribe","args":["publicTrade.BTCUSDT","orderbook.50.BTCUSDT","tickers.ETHUSDT"],"req_id":"r1"}',
  ],
  [0.1, "in", '{"success":true,"ret_msg":"","conn_id":"c1","req_id":"r1","op":"subscribe"}'],
  [
    0.2,
    "in",
    '{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1795305600000,"data":{"s":"BTCUSDT","b":[["99","1"]],"a":[["101","2"]],"u":7,"seq":8},"cts":1795305600000}',
  ],
  [
    0.21,
    "in",
    '{"topic":"tickers.ETHUSDT","type":"snapshot","data":{"symbol":"ETHUSDT","lastPrice":"50","markPrice":"50.1"},"cs":1,"ts":1795305600001}',
  ],
  ...[0, 1].map((index): RecordingLine => [
    0.22 + index / 100,
    "in",
    `{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1795305600002,"data":[{"T":1795305600002,"s":"BTCUSDT","S":"Buy","v":"0.5","p":"100.${index}","L":"PlusTick","i":"i${index}","BT":false}]}`,
  ]),
];
