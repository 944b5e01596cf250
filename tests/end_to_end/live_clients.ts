import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";

/** What came of a collector under its clients. */
export interface ClientsReport {
  /** Events that fast clients received, all together. */
  readonly received: number;
  /** Clients that were cut off or sent away. */
  readonly ended: number;
  /** Frames that the exchange sent and that did not arrive. */
  readonly framesLost: number;
  readonly gaps: number;
  /** Records that the sink was behind by, at most. */
  readonly lagMax: number;
  /** Looks at the sink by a client that behaves, and how many of them were cut off. */
  readonly looks: readonly [made: number, lost: number];
  /** Memory of the process after a quarter of the time and at the end, in bytes. */
  readonly memoryBytes: readonly [early: number, late: number];
}

const SYMBOLS = ["BTC/USDT", "ETH/USDT"];
const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
const UPGRADE = `GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${KEY}\r\n`;

/** What hostile clients begin with; some never end it. */
const HOSTILE: readonly string[] = [
  "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
  UPGRADE,
  "GET / HT",
  "POST /ws HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\nx",
  `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
  "\u0000\u0001\u0002 no HTTP at all\r\n\r\n",
  `GET /api/v1/books?depth=${"9".repeat(5_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  `${UPGRADE}${"\u007f".repeat(50_000)}`,
];

/**
 * Runs a collector against a simulated exchange while fast, slow and hostile clients are at its API, a third each, for so
 * long; clients that are ended come again.
 */
export async function runClients(
  { clients, ms, rate }: { readonly clients: number; readonly ms: number; readonly rate: number },
): Promise<ClientsReport> {
  const simulator = await startSimulator({ host: denoHost(), dialect: "okx", port: 0, rate, symbols: SYMBOLS });
  const exchange = instanceOf(simulator, { symbols: SYMBOLS, channels: ["trades", "book", "quotes"] });
  const rig = await ServiceRig.start({ config: exchange, run: `http_clients_max = ${clients + 20}` });
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const over = new AbortController();
  const tally = { received: 0, ended: 0 };
  const port = Number(new URL(rig.address).port);
  try {
    await rig.untilLive("okx", 6);
    const running = Array.from(
      { length: clients },
      (_, at) => [fast, slow, hostile][at % 3]({ port, at, over: over.signal, tally }),
    );
    const until = performance.now() + ms;
    let [early, lagMax, looks, looksLost] = [0, 0, 0, 0];
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      looks++;
      const lag = await lagOf(rig, client);
      if (lag === null) looksLost++;
      else lagMax = Math.max(lagMax, lag);
      if (early === 0 && performance.now() > until - ms * 0.75) early = Deno.memoryUsage().rss;
    }
    const late = Deno.memoryUsage().rss;
    over.abort();
    await Promise.all(running);
    simulator.freeze();
    const lost = async () => {
      const { dataFrames, controlFrames, garbageFrames } = simulator.statistics();
      return dataFrames + controlFrames + garbageFrames -
        await rig.metric("collector_frames_received_total", { exchange: "okx" });
    };
    await rig.until("everything sent arrived", async () => await lost() === 0);
    const { total } = JSON.parse((await rig.get("/api/v1/gaps")).text);
    const framesLost = await lost();
    return { ...tally, framesLost, gaps: total, lagMax, looks: [looks, looksLost], memoryBytes: [early, late] };
  } finally {
    over.abort();
    await rig[Symbol.asyncDispose]();
    await simulator.stop();
  }
}

/** How far the sink is behind; null where the look was cut off. Each look has a connection of its own. */
async function lagOf(rig: ServiceRig, client: Deno.HttpClient): Promise<number | null> {
  try {
    const { sinks } = await (await fetch(`${rig.address}/api/v1/sinks`, { client })).json();
    return sinks[0].lag_records;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

interface ClientOptions {
  readonly port: number;
  readonly at: number;
  readonly over: AbortSignal;
  readonly tally: { received: number; ended: number };
}

/** Takes everything as it comes. */
async function fast({ port, over, tally }: ClientOptions): Promise<void> {
  while (!over.aborted) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    const closed = new Promise((resolve) => socket.onclose = resolve);
    socket.onopen = () => socket.send(JSON.stringify({ op: "subscribe" }));
    socket.onmessage = () => void tally.received++;
    socket.onerror = () => {};
    const close = () => socket.close();
    over.addEventListener("abort", close);
    await closed;
    over.removeEventListener("abort", close);
    if (!over.aborted) tally.ended++;
  }
}

/** Asks for everything and takes a little now and then. */
function slow(options: ClientOptions): Promise<void> {
  return raw(options, HOSTILE[options.at % 2], { bytes: 512, everyMs: 200 });
}

/** Sends what no client should, and reads nothing. */
function hostile(options: ClientOptions): Promise<void> {
  return raw(options, HOSTILE[options.at % HOSTILE.length], { bytes: 0, everyMs: 300 });
}

/** Connects, sends, reads so much so often, and begins anew where it is cut off. */
async function raw(
  { port, over, tally }: ClientOptions,
  text: string,
  { bytes, everyMs }: { readonly bytes: number; readonly everyMs: number },
): Promise<void> {
  while (!over.aborted) {
    try {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      using _end = closing(connection, over);
      await connection.write(new TextEncoder().encode(text));
      for (let turns = 0; !over.aborted && turns < 50; turns++) {
        await new Promise((resolve) => setTimeout(resolve, everyMs));
        if (bytes > 0 && await connection.read(new Uint8Array(bytes)) === null) break;
      }
    } catch {
      // Being cut off is what such clients deserve.
    }
    if (!over.aborted) tally.ended++;
  }
}

/** Closes a connection at the end of all, so that nobody waits for what it might still read. */
function closing(connection: Deno.TcpConn, over: AbortSignal): Disposable {
  let isOpen = true;
  const close = () => {
    if (isOpen) connection.close();
    isOpen = false;
  };
  over.addEventListener("abort", close);
  return {
    [Symbol.dispose]() {
      over.removeEventListener("abort", close);
      close();
    },
  };
}

if (import.meta.main) {
  const [clients = 200, minutes = 10] = Deno.args.map(Number);
  console.log(JSON.stringify(await runClients({ clients, ms: minutes * 60_000, rate: 200 })));
}
