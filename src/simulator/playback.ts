import type { ConnectionCallbacks, Host } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";
import type { RecordedHttp, RecordedLine } from "./recording.ts";
import { RecordedAnswers } from "./recorded_answers.ts";

/** A recording that can be read from its beginning several times. */
export type RecordingSource = () => AsyncIterable<RecordedLine>;

/** Options of a playback. */
export interface PlaybackOptions {
  readonly host: Host;
  /** One or more recordings; their sections and REST answers are offered together. */
  readonly recording: RecordingSource | readonly RecordingSource[];
  /** 0 picks a free port. */
  readonly port: number;
  /** Address to listen on; the loopback address by default. */
  readonly address?: string;
  /** Multiplies the recorded pace; 0 plays as fast as the client reads. */
  readonly speed: number;
  /** Whether to wait for the client's first frame. Default: if the recorded client sent one in that section. */
  readonly waitForClient?: boolean;
  /** Whether a section may be played again once all were. Default false: later connections stay silent. */
  readonly repeats?: boolean;
  /** Frames to answer a client's frame with, such as acknowledgements that the recording lacks. Default none. */
  readonly reply?: (text: string) => readonly string[];
}

/** Progress of a playback. */
export interface PlaybackStatistics {
  readonly connectionsOpened: number;
  /** Frames of the recordings sent, replies not counted. */
  readonly framesSent: number;
  readonly sectionsPlayed: number;
  readonly sections: number;
  readonly httpAnswers: number;
}

/** A running playback. */
export interface Playback {
  readonly port: number;
  /** `ws`: URLs with the recorded paths and queries, by `section1` …; `rest`: base URL. */
  readonly urls: { readonly ws: Readonly<Record<string, string>>; readonly rest: string };
  statistics(): PlaybackStatistics;
  /** Resolves when every section has been sent whole. Rejects if a recording cannot be read. */
  readonly finished: Promise<void>;
  stop(): Promise<void>;
}

/** Most bytes in flight before the client confirms that it has read them. */
const WINDOW_BYTES = 512 * 1024;
/** Bytes of REST answers kept in memory for all recordings; more are refused. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

/** One `open` record and what follows it. */
interface Section {
  readonly source: RecordingSource;
  /** Its place among the `open` records of its source. */
  readonly ordinal: number;
  /** Path and query. */
  readonly target: string;
  readonly hasOut: boolean;
  taken: boolean;
}

/** Starts a playback. Reads the recordings once to find their sections. Rejects if one cannot be read. */
export async function startPlayback(options: PlaybackOptions): Promise<Playback> {
  const sources = typeof options.recording === "function" ? [options.recording] : options.recording;
  const { sections, answers } = await indexRecordings(sources);
  const totals = { connectionsOpened: 0, framesSent: 0, sectionsPlayed: 0, httpAnswers: 0 };
  const address = options.address ?? "127.0.0.1";
  const stopping = new AbortController();
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  finished.catch(() => {});
  if (sections.length === 0) resolve();
  const server = await options.host.listener.serveSockets({
    host: address,
    port: options.port,
    answer: (request) => {
      totals.httpAnswers++;
      const url = new URL(request.url);
      const body = answers.find(url);
      if (body === null) return new Response("Not in the recording", { status: 404 });
      return new Response(new Uint8Array(body), { headers: { "Content-Type": "application/json" } });
    },
    accept: (connection, target) => {
      totals.connectionsOpened++;
      const section = takeSection(sections, target, options.repeats ?? false);
      const player = new Player(options, connection, stopping.signal);
      if (section !== null) {
        player.play(section, () => totals.framesSent++).then((whole) => {
          if (whole && ++totals.sectionsPlayed >= sections.length) resolve();
        }, (cause: unknown) => {
          connection.close(1011, "Cannot read the recording");
          reject(cause);
        });
      }
      return player.callbacks;
    },
  });
  const socketBase = `ws://${address}:${server.port}`;
  return {
    port: server.port,
    urls: {
      ws: Object.fromEntries(sections.map(({ target }, index) => [`section${index + 1}`, socketBase + target])),
      rest: `http://${address}:${server.port}`,
    },
    statistics: () => ({ ...totals, sections: sections.length }),
    finished,
    stop: async () => {
      stopping.abort();
      await server.stop();
    },
  };
}

async function indexRecordings(
  sources: readonly RecordingSource[],
): Promise<{ readonly sections: readonly Section[]; readonly answers: RecordedAnswers }> {
  const sections: Section[] = [];
  const http: RecordedHttp[] = [];
  let answerBytes = 0;
  for (const source of sources) {
    let ordinal = 0;
    for await (const record of source()) {
      if (record.dir === "open") {
        // What is no address was opened at the root.
        const { pathname, search } = URL.canParse(record.url) ? new URL(record.url) : { pathname: "/", search: "" };
        sections.push({ source, ordinal: ordinal++, target: pathname + search, hasOut: false, taken: false });
      } else if (record.dir === "out" && ordinal > 0) {
        const section = sections[sections.length - 1];
        if (!section.hasOut) sections[sections.length - 1] = { ...section, hasOut: true };
      } else if (record.dir === "http") {
        answerBytes += record.payload.length;
        if (answerBytes > ANSWER_BYTES_MAX) {
          throw new Failure("file", `Cannot serve the recording: its REST answers are over ${ANSWER_BYTES_MAX} bytes`, {
            retry: false,
          });
        }
        http.push(record);
      }
    }
  }
  return { sections, answers: new RecordedAnswers(http) };
}

/** Returns the next section for a connection: of the same path and query, else of the same path, else any. */
function takeSection(sections: readonly Section[], target: string, repeats: boolean): Section | null {
  if (repeats && sections.every((section) => section.taken)) { for (const section of sections) section.taken = false; }
  const free = sections.filter((section) => !section.taken);
  const path = (text: string) => text.split("?")[0];
  const chosen = free.find((section) => section.target === target) ??
    free.find((section) => path(section.target) === path(target)) ?? free[0];
  if (chosen === undefined) return null;
  chosen.taken = true;
  return chosen;
}

type Served = Parameters<Parameters<Host["listener"]["serveSockets"]>[0]["accept"]>[0];

/**
 * Plays to one client. A pong confirms that the client has read everything sent before the ping, which gives
 * backpressure.
 */
class Player {
  readonly #options: PlaybackOptions;
  readonly #connection: Served;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #heard = Promise.withResolvers<void>();
  #pong = Promise.withResolvers<void>();

  constructor(options: PlaybackOptions, connection: Served, signal: AbortSignal) {
    this.#options = options;
    this.#connection = connection;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#signal.addEventListener("abort", () => {
      this.#heard.resolve();
      this.#pong.resolve();
    });
  }

  get callbacks(): ConnectionCallbacks {
    const decoder = new TextDecoder();
    return {
      onFrame: (payload) => {
        for (const text of this.#options.reply?.(decoder.decode(payload)) ?? []) this.#connection.send(text);
        this.#heard.resolve();
      },
      onPing: () => {},
      onPong: () => this.#pong.resolve(),
      onClose: () => this.#stop.abort(),
    };
  }

  /** Sends the section's frames; true when all were sent, false when the client or the playback went away first. */
  async play(section: Section, sent: () => void): Promise<boolean> {
    if (this.#options.waitForClient ?? section.hasOut) await this.#heard.promise;
    const { clock } = this.#options.host;
    const startMs = clock.monotonicMs();
    let firstAt: number | null = null;
    let unread = 0;
    let ordinal = -1;
    for await (const record of section.source()) {
      if (this.#signal.aborted) return false;
      if (record.dir === "open" && ++ordinal > section.ordinal) break;
      if (record.dir !== "in" || ordinal !== section.ordinal) continue;
      firstAt ??= record.t;
      if (this.#options.speed > 0) {
        const dueMs = startMs + (record.t - firstAt) / 1000 / this.#options.speed;
        const waitMs = dueMs - clock.monotonicMs();
        if (waitMs > 1) await clock.sleep(waitMs, this.#signal);
      }
      if (this.#signal.aborted) return false;
      this.#send(record.payload, record.binary);
      sent();
      unread += record.payload.length;
      if (unread >= WINDOW_BYTES) {
        unread = 0;
        await this.#untilRead();
      }
    }
    await this.#untilRead();
    return !this.#signal.aborted;
  }

  #send(payload: Uint8Array, binary: boolean): void {
    if (binary) this.#connection.sendBinary(payload);
    else this.#connection.send(new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload));
  }

  async #untilRead(): Promise<void> {
    if (this.#signal.aborted) return;
    this.#pong = Promise.withResolvers<void>();
    this.#connection.ping();
    await this.#pong.promise;
  }
}
