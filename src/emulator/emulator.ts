import type { Host } from "../host/mod.ts";
import type { RunnableExchange, WireFrame, WireRecord } from "../model/mod.ts";
import { Answers, Catalogue } from "../protocol/mod.ts";
import { type FaultPlan, RecordedAnswers, type RecordedHttp } from "../simulator/mod.ts";
import { EmulatedClient } from "./client.ts";
import { type EmulatorCounts, noCounts } from "./counts.ts";

/** An exchange to be emulated. */
export interface EmulatedExchange {
  readonly name: string;
  /** What it can be asked for, as a collector would ask. */
  readonly runnable: Pick<RunnableExchange, "connections" | "frames">;
  /** What went over the wire, from the beginning; read anew for each client. */
  readonly records: (signal: AbortSignal) => AsyncIterable<WireRecord>;
  /** Recorded acknowledgements, pongs, rejections and welcomes. */
  readonly answers: readonly WireFrame[];
  readonly http: readonly RecordedHttp[];
}

export interface EmulatorOptions {
  readonly host: Host;
  readonly exchanges: readonly EmulatedExchange[];
  /** 0 takes a free one. */
  readonly port: number;
  readonly address: string;
  /** Multiplies the recorded pace; 0 plays as fast as the client reads. */
  readonly speed: number;
  /** Whether clients get everything again when they have had it. */
  readonly repeats: boolean;
  /** A playback begins when its client asked for nothing more for this long, in ms. */
  readonly settleMs: number;
  /** Frames come this much later than they were recorded, in ms. */
  readonly delayMs: number;
  readonly faults: FaultPlan;
  /** Told what stopped a playback that cannot go on. */
  readonly failed: (cause: unknown) => void;
}

/** A running emulator. */
export interface Emulator {
  readonly port: number;
  /** Addresses of sockets by exchange and connection; `rest` is where recorded answers are given. */
  readonly urls: { readonly ws: Readonly<Record<string, string>>; readonly rest: string };
  counts(): EmulatorCounts;
  stop(): Promise<void>;
}

/**
 * Starts an emulator. With several exchanges the first part of a path names one of them; a single one is found on its own
 * paths alone.
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
  /** The exchange that a path is of, and the path as that exchange knows it. */
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
