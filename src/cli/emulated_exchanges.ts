import { describeDescriptor } from "../config/mod.ts";
import { Pipeline, PlanStore, WireReader } from "../derive/mod.ts";
import type { EmulatedExchange } from "../emulator/mod.ts";
import {
  type Channel,
  Failure,
  type FramePlan,
  type Issue,
  parseCanonicalSymbol,
  RECORDED_HTTP_BYTES_MAX,
  type RunnableExchange,
  type Stream,
  type WireFrame,
  type WireRecord,
} from "../model/mod.ts";
import { findDescriptor, loadFromFiles, shippedNames, UsageError } from "../service/mod.ts";
import type { RecordedHttp } from "../simulator/mod.ts";
import { type CliContext, printIssues } from "./context.ts";
import { progressBar } from "./progress.ts";
import { readRecordingFile } from "./recording.ts";
import type { ReplaySource } from "./replay_source.ts";

/** Frames between two looks at the progress bar. */
const FRAMES_A_TURN = 2_000;

/** What was found of an exchange in the inputs. */
interface Found {
  /** Native spellings by canonical symbol. */
  readonly symbols: Map<string, string>;
  /** The connections that had frames. */
  readonly connections: Set<string>;
  readonly answers: WireFrame[];
  readonly http: RecordedHttp[];
}

/**
 * Reads recordings or a journal once for their instruments, answers and REST answers, and returns the exchanges to
 * emulate. Throws a `UsageError` if the descriptor of an exchange cannot be recognised.
 */
export async function emulatedExchanges(
  context: CliContext,
  source: ReplaySource,
  options: { readonly exchange?: string; readonly inputs: readonly string[] },
): Promise<readonly EmulatedExchange[]> {
  const found = await readThrough(context, source);
  if (!source.isJournal) {
    const [only] = found.keys();
    const own = found.get(only);
    // A replay reads only the REST answers of the descriptor's requests; clients also ask for instrument lists.
    if (found.size === 1 && own !== undefined) await readAnswers(context, options.inputs, own);
  }
  if (found.size === 0) throw new UsageError("Nothing to emulate: the input has no frames");
  return [...found].map(([name, seen]) => ({
    name,
    runnable: runnableOf(context, descriptorOf(context, name, source, options.exchange), { name, ...seen }),
    records: (signal: AbortSignal) => wireRecords(source, name, signal),
    answers: seen.answers,
    http: seen.http,
  }));
}

async function readThrough(context: CliContext, source: ReplaySource): Promise<ReadonlyMap<string, Found>> {
  const reader = createReader(source);
  const found = new Map<string, Found>();
  const of = (exchange: string) => {
    const known: Found = found.get(exchange) ?? { symbols: new Map(), connections: new Set(), answers: [], http: [] };
    found.set(exchange, known);
    return known;
  };
  const bar = progressBar(context.host, source.bytes);
  let frames = 0;
  let bytes = 0;
  try {
    for await (const { offset, record } of source.records(new AbortController().signal)) {
      if (record.kind === "http" && record.status === 200) {
        bytes = checkedBytes(bytes + record.body.length);
        const { at: t, url, body: payload } = record;
        of(record.exchange).http.push({ dir: "http", t, url, payload, inferred: false });
      }
      const read = reader.read(offset, record);
      if (read?.kind !== "frame") continue;
      const { frame } = read;
      const { symbols, connections, answers } = of(frame.exchange);
      connections.add(frame.connectionId);
      for (const { symbol } of frame.streams) {
        if (!symbols.has(symbol)) symbols.set(symbol, reader.nativeOf(frame.session, symbol));
      }
      if (frame.signal !== null) answers.push(frame);
      if (++frames % FRAMES_A_TURN === 0) bar?.update(source.progress(), { rate: `${frames} frames` });
    }
  } finally {
    bar?.stop();
  }
  return found;
}

/** Adds the recorded REST answers that a replay ignores. */
async function readAnswers({ host }: CliContext, inputs: readonly string[], { http }: Found): Promise<void> {
  const known = new Set(http.map(({ t, url }) => `${t} ${url}`));
  let bytes = http.reduce((sum, { payload }) => sum + payload.length, 0);
  for (const path of inputs) {
    for await (const line of readRecordingFile(host, path)) {
      if (line.dir !== "http" || known.has(`${line.t} ${line.url}`)) continue;
      bytes = checkedBytes(bytes + line.payload.length);
      http.push(line);
    }
  }
}

function checkedBytes(bytes: number): number {
  if (bytes <= RECORDED_HTTP_BYTES_MAX) return bytes;
  const text = `Cannot serve what was recorded: its REST answers are over ${RECORDED_HTTP_BYTES_MAX} bytes`;
  throw new Failure("file", text, { retry: false });
}

async function* wireRecords(source: ReplaySource, exchange: string, signal: AbortSignal): AsyncIterable<WireRecord> {
  const reader = createReader(source);
  for await (const { offset, record } of source.records(signal)) {
    const read = reader.read(offset, record);
    if (read?.kind === "frame" && read.frame.exchange === exchange) yield read;
  }
}

function createReader(source: ReplaySource): WireReader {
  const dedup = { enabled: false, windowSeconds: 1, keysMax: 1 };
  return new WireReader(new Pipeline(source.plans, dedup, null, new PlanStore(source.adapt)));
}

function descriptorOf(context: CliContext, name: string, source: ReplaySource, given: string | undefined): string {
  if (given !== undefined) return given;
  const known = source.plans.find(({ exchange }: FramePlan) => exchange === name)?.exchange ?? name;
  if (shippedNames(context).includes(known)) return known;
  throw new UsageError(
    `Cannot recognise the descriptor of ${name}: name it with --exchange, a file or one of ${
      shippedNames(context).join(", ")
    }`,
  );
}

/**
 * Returns the plan of a collector of everything found. Descriptors need a symbol's family, which an untranslated symbol
 * does not show: it gets a stand-in name of the family that leads to the connection of its frames.
 */
function runnableOf(
  context: CliContext,
  descriptor: string,
  found: Found & { readonly name: string },
): RunnableExchange {
  const file = findDescriptor(context, descriptor);
  const offered = describeDescriptor(file)?.channels ?? [];
  const path = descriptor === file.path ? absolute(file.path) : `builtin:${descriptor}`;
  let best: { readonly runnable: RunnableExchange; readonly score: number } | null = null;
  let issues: readonly Issue[] = [];
  const isTranslated = [...found.symbols.keys()].every((symbol) =>
    symbol === "" || parseCanonicalSymbol(symbol) !== null
  );
  for (const family of isTranslated ? STAND_INS.slice(0, 1) : STAND_INS) {
    const names = new Map<string, { readonly native: string; readonly symbol: string }>();
    for (const [symbol, native] of found.symbols) {
      if (symbol !== "") {
        names.set(parseCanonicalSymbol(symbol) === null ? family(names.size) : symbol, { native, symbol });
      }
    }
    const build = (channels: readonly Channel[]) => {
      const text = `[run]
http_port = 1
[[exchange]]
name = ${JSON.stringify(found.name)}
descriptor_path = ${JSON.stringify(path)}
symbols = ${JSON.stringify([...names.keys()])}
channels = ${JSON.stringify(channels)}
`;
      const natives = new Map([...names].map(([name, { native }]) => [name, native] as const));
      const loaded = loadFromFiles(context, "emulated.toml", {
        text,
        instrumentMaps: new Map([[found.name, { natives, values: new Map() }]]),
      });
      issues = loaded.issues;
      return loaded.exchanges[0]?.runnable ?? null;
    };
    // A descriptor may not offer all of its channels for these symbols.
    const channels = offered.filter((channel) => build([channel]) !== null);
    const runnable = channels.length === 0 ? null : build(channels);
    if (runnable === null) continue;
    const score = runnable.connections.filter(({ connectionId }) => found.connections.has(connectionId)).length;
    if (best === null || score > best.score) best = { runnable: withSymbols(runnable, names), score };
  }
  if (best !== null) return best.runnable;
  printIssues(context, issues, (text) => context.host.terminal.printError(text));
  throw new UsageError(
    `Cannot emulate ${found.name}: descriptor ${descriptor} cannot subscribe to the recorded streams`,
  );
}

/** Stand-in names, by family. */
const STAND_INS: readonly ((index: number) => string)[] = [
  (index) => `X${index}/EMULATED`,
  (index) => `X${index}/EMULATED:EMULATED`,
  (index) => `X${index}/EMULATED:X${index}`,
];

/** Returns the plan with the symbols of the recording in place of the stand-in names. */
function withSymbols(
  runnable: RunnableExchange,
  names: ReadonlyMap<string, { readonly symbol: string }>,
): RunnableExchange {
  const told = (stream: Stream) => ({ ...stream, symbol: names.get(stream.symbol)?.symbol ?? stream.symbol });
  return {
    ...runnable,
    connections: runnable.connections.map((connection) => ({
      ...connection,
      requests: connection.requests.map((request) => ({
        ...request,
        items: request.items.map((item) => ({ ...item, streams: item.streams.map(told) })),
      })),
    })),
  };
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `./${path}`;
}
