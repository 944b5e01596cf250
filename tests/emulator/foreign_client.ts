/**
 * Exchanges' own client libraries, as their users use them, against an address of this machine. Prints what they are told
 * as JSON lines. Arguments: `binance` or `bybit`, or `tardis` for what tardis-dev makes of
 * frames, the address, how many messages to wait for, and what to subscribe to.
 */
import process from "node:process";
import { BINANCE, BYBIT, TARDIS } from "./packages.ts";

const [, , exchange, address, count, ...topics] = process.argv;
let left = Number(count);

/** Prints a message and ends the program with the last one that is waited for. */
function told(message: unknown): void {
  console.log(typeof message === "string" ? message : JSON.stringify(message));
  if (--left <= 0) process.exit(0);
}

if (exchange === "binance") {
  const { WebsocketStream } = await import(BINANCE);
  const quiet = { info() {}, error() {}, warn() {}, debug() {}, log() {} };
  const callbacks = {
    message: told,
    // The first stream stands in the address, the others are asked for by message.
    open: () => topics.length > 1 && client.subscribe(topics.slice(1)),
  };
  const client = new WebsocketStream({ wsURL: address, combinedStreams: true, callbacks, logger: quiet });
  client.subscribe(topics[0]);
} else if (exchange === "tardis") {
  const { normalizeTrades } = await import(TARDIS);
  const mapper = normalizeTrades("binance", new Date());
  const answer = await fetch(address);
  for (const line of (await answer.text()).split("\n")) {
    if (line === "") continue;
    const { message, localTimestamp } = JSON.parse(line);
    if (!mapper.canHandle(message)) continue;
    for (const made of mapper.map(message, new Date(localTimestamp))) told(made);
  }
} else {
  const { WebsocketClient } = await import(BYBIT);
  const quiet = { trace() {}, info() {}, error() {} };
  const client = new WebsocketClient({ market: "v5", wsUrl: address }, quiet);
  client.on("update", told);
  client.on("response", told);
  client.on("exception", (error: unknown) => console.error(error));
  client.subscribeV5(topics, "linear");
}
setTimeout(() => process.exit(3), 120_000);
