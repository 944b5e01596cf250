import { describeDescriptor } from "../config/mod.ts";
import { journalFolder, readJournal } from "../journal/mod.ts";
import {
  type Channel,
  Failure,
  type FramePlan,
  type InstanceStatus,
  type Issue,
  parseCanonicalSymbol,
  type RunnableExchange,
} from "../model/mod.ts";
import {
  findDescriptor,
  hasErrors,
  loadDescriptorNamed,
  loadFromFiles,
  Service,
  type ServiceContext,
} from "../service/mod.ts";
import { type Asked, findDrift, type Finding, type RuleVerdict } from "./drift.ts";
import { parseEvidence } from "./evidence.ts";
import { RuleAccount } from "./rule_account.ts";
import { evidencePaths } from "./tested_descriptor.ts";

/** Options of a live run. */
export interface LiveOptions {
  readonly forMs: number;
  /** Canonical symbols; null for the first of each family of the descriptor's map. */
  readonly symbols: readonly string[] | null;
  /** Channels; null for all that the descriptor offers. */
  readonly channels: readonly Channel[] | null;
  /** Addresses that replace the descriptor's, for all connections (`""`) or by connection. */
  readonly urls: ReadonlyMap<string, string>;
  readonly restUrl: string | null;
  /** Aborts to end the run early. */
  readonly signal: AbortSignal;
}

/** Verdict of an exchange. `drift`: it differs from its descriptor or evidence; `unreachable`: no frame came. */
export type LiveVerdict = "ok" | "drift" | "unreachable" | "failed";

/** What one exchange sent. */
export interface LiveOutcome {
  readonly exchange: string;
  readonly verdict: LiveVerdict;
  /** Why the exchange could not be run; empty if it was. */
  readonly issues: readonly Issue[];
  readonly symbols: readonly string[];
  readonly channels: readonly Channel[];
  readonly sessions: number;
  readonly frames: number;
  readonly events: number;
  readonly rules: readonly RuleVerdict[];
  readonly findings: readonly Finding[];
}

/** Default symbols of a family. */
const SYMBOLS_A_FAMILY = 2;

interface Target {
  readonly name: string;
  readonly path: string;
  readonly plan: FramePlan | null;
  readonly evidence: RuleAccount | null;
  readonly symbols: readonly string[];
  readonly channels: readonly Channel[];
  readonly issues: readonly Issue[];
}

/** Connects to exchanges for a time, in one collector, and compares what they send with descriptors and evidence. */
export async function runLive(
  context: ServiceContext,
  names: readonly string[],
  options: LiveOptions,
): Promise<readonly LiveOutcome[]> {
  const { files, clock } = context.host;
  const targets = names.map((name) => withOffered(context, targetOf(context, name, options), options));
  const ready = targets.filter(({ plan, symbols }) => plan !== null && symbols.length > 0);
  if (ready.length === 0) return targets.map((target) => notRun(target));
  const dir = await files.makeTempDir("collector-live-");
  try {
    const configPath = `${dir}/collector.toml`;
    await files.writeAtomic(configPath, new TextEncoder().encode(configOf(ready, { dir, options })));
    const loaded = loadFromFiles(context, configPath);
    if (loaded.plan === null || hasErrors(loaded.issues)) {
      return targets.map((target) => ({ ...notRun(target), issues: [...target.issues, ...loaded.issues] }));
    }
    const runnable = new Map(loaded.exchanges.map((each) => [each.name, each.runnable]));
    const service = await Service.start({ context, configPath, httpPort: 0, createObserver: () => () => {} });
    let instances: readonly InstanceStatus[] = [];
    try {
      await clock.sleep(options.forMs, options.signal).catch((error) => {
        if (!options.signal.aborted) throw error;
      });
      ({ instances } = service.status);
    } finally {
      await service.stop();
    }
    const read = await readAccounts(context, `${dir}/data`, ready);
    return targets.map((target) => {
      const seen = read.get(target.name);
      if (target.plan === null || seen === undefined) return notRun(target);
      const asked = askedOf(target, {
        runnable: runnable.get(target.name) ?? null,
        status: instances.find(({ name }) => name === target.name) ?? null,
      });
      return outcomeOf(target, target.plan, { ...seen, asked });
    });
  } finally {
    await files.removeTree(dir);
  }
}

function targetOf(context: ServiceContext, name: string, options: LiveOptions): Target {
  const file = findDescriptor(context, name);
  const { frames, issues } = loadDescriptorNamed(context, name);
  const about = describeDescriptor(file);
  return {
    name: about?.name ?? name,
    path: file.path,
    plan: frames,
    evidence: frames === null ? null : readEvidence(context, file.path, frames),
    symbols: options.symbols ?? (frames === null ? [] : mainSymbols(context, frames)),
    channels: options.channels ?? about?.channels ?? [],
    issues: issues.filter(({ severity }) => severity === "error"),
  };
}

/** Without the channels that the exchange does not offer for these symbols, where none were named. */
function withOffered(context: ServiceContext, target: Target, options: LiveOptions): Target {
  if (target.plan === null || target.symbols.length === 0 || options.channels !== null) return target;
  const isFine = (channels: readonly Channel[]) => {
    const dir = "none";
    const text = configOf([{ ...target, channels }], { dir, options });
    return !hasErrors(loadFromFiles(context, `${dir}/collector.toml`, { text }).issues);
  };
  if (isFine(target.channels)) return target;
  return { ...target, channels: target.channels.filter((channel) => isFine([channel])) };
}

/** The first symbols of each family of a descriptor's map that have not expired. */
function mainSymbols({ host }: ServiceContext, { connections }: FramePlan): readonly string[] {
  const today = new Date(host.clock.nowMicros() / 1000).toISOString().slice(2, 10).replaceAll("-", "");
  const families = new Map<string, Set<string>>();
  for (const symbol of connections.flatMap(({ canonical }) => Object.values(canonical))) {
    const parts = parseCanonicalSymbol(symbol);
    if (parts !== null && parts.expiry !== null && parts.expiry <= today) continue;
    const family = families.get(parts?.family ?? "") ?? new Set();
    if (family.size < SYMBOLS_A_FAMILY) family.add(symbol);
    families.set(parts?.family ?? "", family);
  }
  return [...families.values()].flatMap((symbols) => [...symbols]);
}

/** What the evidence beside a descriptor shows of its rules; null if there is none, or it cannot be read. */
function readEvidence({ host: { files } }: ServiceContext, descriptor: string, plan: FramePlan): RuleAccount | null {
  for (const path of evidencePaths(descriptor)) {
    const text = files.readTextSync(path);
    if (text === null) continue;
    const account = new RuleAccount(plan);
    let session: number | null = null;
    for (const step of parseEvidence(path, text).steps) {
      if (step.kind === "open") account.open(session = step.line, step.connection, step.url ?? "");
      else if (step.kind === "frame" || step.kind === "http") account.read(session, step, step.line);
    }
    return account;
  }
  return null;
}

/** The configuration of a run: every exchange once, a journal, and a sink that writes nothing but gaps. */
function configOf(
  targets: readonly Target[],
  { dir, options }: { readonly dir: string; readonly options: LiveOptions },
): string {
  const text = (value: string) => JSON.stringify(value);
  const list = (values: readonly string[]) => `[${values.map(text).join(", ")}]`;
  const one = options.urls.get("");
  const urls = one === undefined
    ? `{ ${[...options.urls].map(([id, url]) => `${id} = [${text(url)}]`).join(", ")} }`
    : `[${text(one)}]`;
  return [
    `[run]\nhttp_port = 8090\ndata_dir = ${text(`${dir}/data`)}\ncollector = "live"`,
    `[[sink]]\nname = "gaps"\ntype = "ndjson"\ndir = ${text(`${dir}/gaps`)}\nkinds = ["gap"]`,
    ...targets.map(({ name, path, symbols, channels }) =>
      [
        `[[exchange]]\nname = ${text(name)}\ndescriptor_path = ${text(path)}`,
        `symbols = ${list(symbols)}\nchannels = ${list(channels)}`,
        "[exchange.overrides]",
        ...(options.urls.size === 0 ? [] : [`urls = ${urls}`]),
        ...(options.restUrl === null ? [] : [`base_urls = [${text(options.restUrl)}]`]),
      ].join("\n")
    ),
  ].join("\n\n") + "\n";
}

interface Seen {
  readonly account: RuleAccount;
  sessions: number;
}

/** Reads the frames of a journal by the rules of their exchanges. */
async function readAccounts(
  { host: { files } }: ServiceContext,
  dataDir: string,
  targets: readonly Target[],
): Promise<ReadonlyMap<string, Seen>> {
  const seen = new Map<string, Seen>();
  for (const { name, plan } of targets) {
    if (plan !== null) seen.set(name, { account: new RuleAccount(plan), sessions: 0 });
  }
  const exchangeOf = new Map<number, string>();
  for await (const chunk of readJournal(files, await journalFolder(files, dataDir))) {
    for (const { offset, record } of chunk) {
      if (record.kind === "opened") {
        const of = seen.get(record.exchange);
        if (of === undefined) {
          throw new Failure("corrupt", `The journal names an exchange that was not asked for: ${record.exchange}`);
        }
        of.sessions++;
        of.account.open(offset, record.connection, record.url);
        exchangeOf.set(offset, record.exchange);
      } else if (record.kind === "frame") {
        const { session, payload, binary, at } = record;
        seen.get(exchangeOf.get(session) ?? "")?.account.read(session, { kind: "frame", payload, binary }, at);
      } else if (record.kind === "http" && record.status === 200) {
        const { request, native, body: payload, session, at } = record;
        seen.get(record.exchange)?.account.read(session, { kind: "http", request, native, payload }, at);
      } else if (record.kind === "closed") {
        seen.get(exchangeOf.get(record.session) ?? "")?.account.close(record.session);
      }
    }
  }
  return seen;
}

function askedOf(
  { channels }: Target,
  { runnable, status }: { readonly runnable: RunnableExchange | null; readonly status: InstanceStatus | null },
): Asked {
  const quiet = new Set<Channel>();
  const loud = new Set<Channel>();
  for (const connection of runnable?.connections ?? []) {
    const streams = connection.requests.flatMap(({ items }) => items.flatMap((item) => item.streams));
    for (const { channel } of streams) (connection.quietChannels.includes(channel) ? quiet : loud).add(channel);
  }
  const asked = new Set([
    ...quiet,
    ...loud,
    ...(runnable?.rest.requests ?? []).flatMap((request) =>
      request.everyMs === null || request.targets.length === 0 ? [] : [request.channel]
    ),
  ]);
  return {
    channels: channels.filter((channel) => asked.has(channel)),
    quiet: new Set([...asked].filter((channel) => !loud.has(channel))),
    rejected: (status?.connections ?? []).flatMap(({ rejected }) =>
      rejected.map(({ stream, reason }) => ({ stream: `${stream.channel} ${stream.symbol}`, reason }))
    ),
  };
}

function outcomeOf(
  { name, symbols, evidence, issues }: Target,
  plan: FramePlan,
  { account, sessions, asked }: Seen & { readonly asked: Asked },
): LiveOutcome {
  const reached = account.frames > 0;
  const { findings, rules } = findDrift(plan, { live: account, evidence, asked });
  return {
    exchange: name,
    verdict: !reached ? "unreachable" : findings.length > 0 ? "drift" : "ok",
    issues,
    symbols,
    channels: asked.channels,
    sessions,
    frames: account.frames,
    events: account.events,
    rules,
    findings: reached ? findings : [],
  };
}

function notRun({ name, symbols, channels, issues }: Target): LiveOutcome {
  const rest = { sessions: 0, frames: 0, events: 0, rules: [], findings: [] };
  return { exchange: name, verdict: "failed", issues, symbols, channels, ...rest };
}
