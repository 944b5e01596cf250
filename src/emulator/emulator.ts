import type { Host } from "../host/mod.ts";
import type { RunnableExchange, WireFrame, WireRecord } from "../model/mod.ts";
import { Answers, Catalogue } from "../protocol/mod.ts";
import { type FaultPlan, RecordedAnswers, type RecordedHttp } from "../simulator/mod.ts";
import { EmulatedClient } from "./client.ts";
import { type EmulatorCounts, noCounts } from "./counts.ts";

/** An exchange to emulate. */
export interface EmulatedExchange {
  readonly name: string;
  /** Its connections and rules, as a collector would use them. */
  readonly runnable: Pick<RunnableExchange, "connections" | "frames">;
  /** Reads what went over the wire, from the beginning; called for each client. */
  readonly records: (signal: AbortSignal) => AsyncIterable<WireRecord>;
  /** Recorded acknowledgements, pongs, rejections and welcomes. */
  readonly answers: readonly WireFrame[];
  readonly http: readonly RecordedHttp[];
}

export interface EmulatorOptions {
  readonly host: Host;
  readonly exchanges: readonly EmulatedExchange[];
  /** 0 picks a free port. */
  readonly port: number;
  readonly address: string;
  /** Multiplies the recorded pace; 0 plays as fast as the client reads. */
  readonly speed: number;
  /** Whether the playback begins again at its end. */
  readonly repeats: boolean;
  /** A playback begins after this long without a further subscription, in ms. */
  readonly settleMs: number;
  /** Delays every frame by this much, in ms. */
  readonly delayMs: number;
  readonly faults: FaultPlan;
  /** Called with the error that ended a playback. */
  readonly failed: (cause: unknown) => void;
}

/** A running emulator. */
export interface Emulator {
  readonly port: number;
  /** Addresses of the sockets by exchange and connection, and of the recorded REST answers. */
  readonly urls: { readonly ws: Readonly<Record<string, string>>; readonly rest: string };
  counts(): EmulatorCounts;
  stop(): Promise<void>;
}

/**
 * Starts an emulator. With several exchanges the first part of a path names one of them. A single one is served on its
 * own paths, with or without its name in front.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { host, address, faults } = options;
  const counts = noCounts();
  const stopping = new AbortController();
  const known = options.exchanges.map((exchange) => {
    const answers = new Answers(exchange.runnable.frames);
    for (const frame of exchange.answers) answers.learn(frame);
    const catalogue = new Catalogue(exchange.runnable);
    return { ...exchange, answers, catalogue, rest: new RecordedAnswers(exchange.http) };
  });
  const isSeveral = known.length > 1;
  /** Finds the exchange of a path, and the path as that exchange knows it. */
  const find = (target: string) => {
    const [, name, rest] = /^\/([^/?]+)(.*)$/.exec(target) ?? [];
    const named = known.find((exchange) => exchange.name === name);
    if (named !== undefined) return { exchange: named, target: rest.startsWith("/") ? rest : `/${rest}` };
    return isSeveral || known.length === 0 ? null : { exchange: known[0], target };
  };
  const server = await host.listener.serveSockets({
    host: address,
    port: options.port,
    answersPings: !faults.ignoresPings,
    answer: (request) => {
      const url = new URL(request.url);
      const found = find(url.pathname + url.search);
      const body = found?.exchange.rest.find(new URL(found.target, url)) ?? null;
      if (body === null) {
        counts.httpMissing++;
        return new Response("Not recorded", { status: 404 });
      }
      counts.httpAnswers++;
      return new Response(new Uint8Array(body), { headers: { "Content-Type": "application/json" } });
    },
    accept: (socket, path) => {
      const found = find(path);
      if (found === null) {
        socket.close(1008, `No exchange at this path: there are ${known.map(({ name }) => `/${name}`).join(", ")}`);
        return { onFrame: () => {}, onPing: () => {}, onPong: () => {}, onClose: () => {} };
      }
      const { catalogue, answers, records } = found.exchange;
      const client = new EmulatedClient(socket, found.target, {
        ...options,
        catalogue,
        answers,
        records,
        counts,
        signal: stopping.signal,
      });
      return client.callbacks;
    },
  });
  const base = `${address.includes(":") ? `[${address}]` : address}:${server.port}`;
  return {
    port: server.port,
    urls: {
      ws: Object.fromEntries(known.flatMap(({ name, catalogue }) =>
        catalogue.connections.map(({ id, paths }) => {
          const path = `${isSeveral ? `/${name}` : ""}${paths[0] ?? "/"}`;
          return [isSeveral ? `${name}.${id}` : id, `ws://${base}${path}`] as const;
        })
      )),
      rest: `http://${base}`,
    },
    counts: () => ({ ...counts }),
    stop: async () => {
      stopping.abort();
      await server.stop();
    },
  };
}
