import { type DescriptorFile, readDescriptorFile } from "../../src/config/descriptor_file.ts";
import { loadConfig, loadDescriptor } from "../../src/config/mod.ts";
import {
  type EvidenceRun,
  parseEvidence,
  ruleKey,
  type RuleName,
  ruleNames,
  runEvidence,
} from "../../src/evidence/mod.ts";
import {
  type BookRule,
  type Channel,
  CHANNELS,
  type ConnectionPlan,
  type FramePlan,
  parseCanonicalSymbol,
  type RunnableExchange,
  showTemplate,
  type Template,
} from "../../src/model/mod.ts";

import { CONFORMANCE_FILES } from "../../tests/exchanges/conformance_subjects.ts";
import { RECORDINGS } from "../../tests/exchanges/recordings.ts";

/**
 * The pages `docs/exchanges/<name>.md`, their overview and the overview in the README, made from the shipped
 * descriptors and their evidence. `tools/docs/update_docs.ts` writes them.
 */

/** A generated file, or one with a generated part. */
export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string;
  /** Null if it is missing. */
  readonly is: string | null;
  readonly want: string;
}

const ROOT = new URL("../../", import.meta.url);
const BEGIN = "<!-- exchanges:begin -->";
const END = "<!-- exchanges:end -->";
const GENERATED =
  "<!-- deno-fmt-ignore-file -->\n<!-- generated from the descriptor and its evidence: do not edit -->\n";

/** All pages with what they have to be, and pages of exchanges that are no longer shipped with null. */
export function exchangePages(): readonly GeneratedFile[] {
  const exchanges = shippedNames().flatMap((name) => readExchange(name) ?? []);
  const overview = overviewTable(exchanges);
  const files: { path: string; want: string }[] = exchanges.map((exchange) => ({
    path: `docs/exchanges/${exchange.name}.md`,
    want: renderPage(exchange),
  }));
  const linked = overview("");
  const proofs = `## What proves them\n\n${PROOFS}\n\n${proofTable(exchanges)}`;
  const want = `${GENERATED}\n# Exchanges\n\n${INTRODUCTION}\n\n${linked}\n\n${proofs}\n`;
  files.push({ path: "docs/exchanges/README.md", want });
  const readme = readOrNull("README.md");
  const part = readme === null ? null : withPart(readme, overview("docs/exchanges/"));
  if (part !== null) files.push({ path: "README.md", want: part });
  return files.map((file) => ({ ...file, is: readOrNull(file.path) }));
}

const INTRODUCTION =
  "What each shipped descriptor offers. `✓`: over the WebSocket; `poll`: asked for again and again over " +
  "REST.\nThe book column says how a book proves itself. Frames and rules are those of its evidence\n" +
  "([how descriptors are tested](../evidence.md)).";

const PROOFS =
  "Evidence stands beside each descriptor. Conformance: names of the files of a proven mapper's messages, all of whose\n" +
  "current protocols come out alike but for deviations that the test justifies. Recordings: real traffic, every frame of\n" +
  "which is accounted for. Backfill: how missing events are asked for; empty where the exchange gives none with ids.";

/** The document with the generated part renewed; null if it has no markers. */
function withPart(document: string, table: string): string | null {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from) return null;
  const part = `<!-- deno-fmt-ignore-start -->\n\n${table}\n\n<!-- deno-fmt-ignore-end -->`;
  return `${document.slice(0, from + BEGIN.length)}\n\n${part}\n\n${document.slice(to)}`;
}

/** Everything that a page is made from. */
interface ExchangeFacts {
  readonly name: string;
  /** The comment that the descriptor begins with. */
  readonly about: string;
  readonly values: NonNullable<DescriptorFile["values"]>;
  readonly frames: FramePlan;
  /** What an instance of the channel alone would run, by channel; channels that are not offered are missing. */
  readonly offers: ReadonlyMap<Channel, RunnableExchange>;
  readonly run: EvidenceRun | null;
}

/** Null if the descriptor has errors, which its own tests report: its page has to wait. */
function readExchange(name: string): ExchangeFacts | null {
  const path = `config/exchanges/${name}.toml`;
  const text = readOrNull(path) ?? "";
  const { values } = readDescriptorFile({ path, text }, null);
  const { frames } = loadDescriptor({ file: { path, text }, readText: readOrNull, environment: () => "" });
  if (values === null || frames === null) return null;
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("#"));
  const comment = lines.slice(0, end).filter((line) => !line.startsWith("#:"));
  const evidence = readOrNull(`config/exchanges/evidence/${name}.jsonl`);
  return {
    name,
    about: comment.map((line) => line.replace(/^# ?/, "")).join(" "),
    values,
    frames,
    offers: offersOf(frames, { path, text }),
    run: evidence === null ? null : runEvidence(parseEvidence(name, evidence), frames, () => []),
  };
}

function offersOf(
  frames: FramePlan,
  file: { readonly path: string; readonly text: string },
): ReadonlyMap<Channel, RunnableExchange> {
  const symbols = JSON.stringify(sampleSymbols(frames));
  const instances = CHANNELS.map((channel) =>
    `[[exchange]]\nname = "page_${channel}"\ndescriptor_path = "builtin:page"\nsymbols = ${symbols}\nchannels = ["${channel}"]`
  );
  const text = ["[run]\nhttp_port = 8090", ...instances].join("\n");
  const { exchanges } = loadConfig({
    path: "page.toml",
    readText: (path) => path === "page.toml" ? text : readOrNull(path),
    environment: () => "",
    builtin: () => file,
  });
  const offers = new Map<Channel, RunnableExchange>();
  for (const [at, channel] of CHANNELS.entries()) {
    const runnable = exchanges[at]?.runnable ?? null;
    if (runnable !== null) offers.set(channel, runnable);
  }
  return offers;
}

/** One symbol of each family on each connection; the map's first. */
function sampleSymbols(frames: FramePlan): readonly string[] {
  const samples = new Map<string, string>();
  for (const { id, canonical } of frames.connections) {
    for (const symbol of Object.values(canonical)) {
      const key = `${id} ${parseCanonicalSymbol(symbol)?.family}`;
      if (!samples.has(key)) samples.set(key, symbol);
    }
  }
  return [...new Set(samples.values())];
}

function renderPage(exchange: ExchangeFacts): string {
  const { name, about, values, frames } = exchange;
  const { docs, verified, closed, notes } = values.meta;
  const facts = [
    `Descriptor [\`config/exchanges/${name}.toml\`](../../config/exchanges/${name}.toml)`,
    ...(docs === undefined ? [] : [`[documentation of the exchange](${docs})`]),
    ...(verified === undefined ? [] : [`last checked ${verified}`]),
    ...(closed === undefined ? [] : [`the exchange ceased on ${closed}, so that it is for recordings`]),
  ];
  const sections = [
    `# ${name}`,
    about,
    `${facts.join(", ")}.`,
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join("\n")]),
    "## Channels",
    channelTable(exchange),
    ...(frames.books.length === 0 ? [] : ["## Books", bookTable(frames.books)]),
    "## Connections",
    connectionTable(exchange),
    "## Evidence",
    evidenceSection(exchange),
  ];
  return `${GENERATED}\n${sections.join("\n\n")}\n`;
}

function channelTable(exchange: ExchangeFacts): string {
  const rows = CHANNELS.flatMap((channel) => {
    const runnable = exchange.offers.get(channel);
    if (runnable === undefined) return [];
    const rules = exchange.frames.events.filter((rule) => rule.channel === channel);
    const requests = runnable.rest.requests.filter((request) => request.channel === channel);
    const rest = requests.map(({ name, everyMs }) =>
      everyMs === null ? `\`${name}\` once a session` : `\`${name}\` every ${duration(everyMs)}`
    );
    return [[
      `\`${channel}\``,
      nativeName(exchange, channel),
      [...new Set(rules.map(({ kind }) => kind))].join(", "),
      unique(runnable.connections.map(({ connectionId }) => connectionId)).join(", "),
      unique(runnable.connections.flatMap(acknowledgements)).join(", "),
      rest.join(", "),
      channel === "book" ? integrityOf(exchange.frames) : "",
    ]];
  });
  return table(["channel", "native", "events", "connections", "confirmed by", "REST", "integrity"], rows);
}

function nativeName({ values, offers }: ExchangeFacts, channel: Channel): string {
  const mapped = values.maps.channel_map?.[channel];
  if (mapped === undefined) return offers.has(channel) ? `\`${channel}\`` : "";
  return `\`${mapped.replace(/\{arg:([^}]+)\}/g, (hole, key) => values.args[key] ?? hole)}\``;
}

function acknowledgements({ requests }: ConnectionPlan): readonly string[] {
  return requests.map(({ ack }) => {
    if (ack.mode === "none") return "first data";
    if (ack.mode === "item") return "item";
    return ack.correlated ? "request id" : "oldest request";
  });
}

/** How books prove themselves, in a few words; each feed once. */
function integrityOf({ books, socketSequence }: FramePlan): string {
  if (books.length === 0) return "not checked";
  const counted = socketSequence === null ? [] : ["frames of the whole session are counted"];
  return unique([...books.map(integrityWords), ...counted]).join("; ");
}

const IMAGES: Readonly<Record<BookRule["kind"], string>> = {
  snapshots: "whole each time",
  pushed: "snapshot and deltas",
  rest: "REST snapshot and buffered deltas",
  requested: "requested snapshot and buffered deltas",
  periodic: "snapshots from time to time over deltas",
};

const SEQUENCES: Readonly<Record<BookRule["sequence"], string>> = {
  next: "each follows the one before",
  previous: "each names the one before",
  overlap: "each begins where the one before ended",
  rising: "numbers rise",
  time: "times rise",
  none: "",
};

function integrityWords({ kind, sequence, checksum }: BookRule): string {
  const proofs = [SEQUENCES[sequence], checksum === null ? "" : `checksum of ${checksum.depth} levels`];
  const proof = proofs.filter((words) => words !== "");
  return `${IMAGES[kind]}${proof.length === 0 ? "" : `: ${proof.join(", ")}`}`;
}

function bookTable(books: readonly BookRule[]): string {
  const rows = books.map((book) => [
    `\`${book.name}\``,
    [...book.rules].map((rule) => `\`${rule}\``).join(", "),
    IMAGES[book.kind],
    SEQUENCES[book.sequence],
    book.checksum === null ? "" : `${book.checksum.depth} levels, ${book.checksum.order.replace("_", " then ")}`,
    `${book.crossed === "keep" ? "kept" : "resync"}`,
    `${book.resync === "wait" ? "next image" : book.resync}, ${book.budget.count} in ${duration(book.budget.perMs)}`,
  ]);
  return table(["feed", "rules", "image", "sequence", "checksum", "crossed", "resync"], rows);
}

function connectionTable({ offers, values }: ExchangeFacts): string {
  const plans = new Map<string, ConnectionPlan>();
  for (const { connections } of offers.values()) {
    for (const connection of connections) {
      if (!plans.has(connection.connectionId)) plans.set(connection.connectionId, connection);
    }
  }
  const order = values.ws.connections.map(({ id }) => id);
  const rows = [...plans].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)).map(([id, plan]) => [
    `\`${id}\``,
    plan.urls.map((url) => `\`${showTemplate(url)}\``).join(" "),
    plan.families?.join(", ") ?? "all",
    keepaliveWords(plan),
    duration(plan.readTimeoutMs),
    limitWords(plan, values),
  ]);
  return table(["connection", "address", "families", "keepalive", "dead after silence of", "limits"], rows);
}

function keepaliveWords({ keepalive }: ConnectionPlan): string {
  if (keepalive.mode === "none") return "none of ours";
  const what = keepalive.mode === "ping_frame" ? "ping frame" : messageWords(keepalive.template);
  const interval = keepalive.intervalFrom === null ? duration(keepalive.intervalMs) : "interval from bootstrap";
  return `${what}, ${interval}${keepalive.when === "idle" ? " when idle" : ""}`;
}

function messageWords(template: Template | null): string {
  return template === null ? "message" : `\`${showTemplate(template)}\``;
}

function limitWords(plan: ConnectionPlan, values: ExchangeFacts["values"]): string {
  const items = values.ws.connections.find(({ id }) => id === plan.connectionId)?.limits.items;
  const rate = (limit: { readonly count: number; readonly perMs: number }) =>
    `${limit.count} in ${duration(limit.perMs)}`;
  return [
    ...(items === undefined ? [] : [`${items} items`]),
    ...(plan.sendLimit === null ? [] : [`sends ${rate(plan.sendLimit)}`]),
    ...(plan.openLimit === null ? [] : [`opens ${rate(plan.openLimit)}`]),
    ...(plan.maxAgeMs === null ? [] : [`replaced after ${duration(plan.maxAgeMs)}`]),
  ].join(", ");
}

function evidenceSection({ name, run, frames }: ExchangeFacts): string {
  if (run === null) return "None yet.";
  const file = `[\`config/exchanges/evidence/${name}.jsonl\`](../../config/exchanges/evidence/${name}.jsonl)`;
  const rows = ruleNames(frames).map((rule) => [
    rule.type,
    `\`${rule.name}\``,
    rule.connections?.join(", ") ?? "all",
    ruleCondition(frames, rule),
    String(run.exercised.get(ruleKey(rule)) ?? 0),
  ]);
  return `${run.frames} frames give ${run.events} events: ${file}.\n\n${
    table(["type", "rule", "connections", "matches", "exercised"], rows)
  }`;
}

function ruleCondition({ controls, events }: FramePlan, rule: RuleName): string {
  const control = controls.find((one) =>
    rule.type === "control" && one.name === rule.name && (one.connections === null ||
      rule.connections?.join() === [...one.connections].join())
  );
  const event = events.find((one) => rule.type === "event" && one.name === rule.name);
  const text = control?.text === null || control === undefined ? null : `text ${JSON.stringify(control.text)}`;
  const source = event !== undefined && event.source !== "ws" ? `request ${event.source}` : null;
  return `\`${(text ?? source ?? control?.when?.source ?? event?.when.source ?? "").replaceAll("|", "\\|")}\``;
}

/** The overview, with links to the pages in a folder. */
function overviewTable(exchanges: readonly ExchangeFacts[]): (folder: string) => string {
  return (folder) =>
    table(
      ["exchange", "families", ...CHANNELS, "book integrity", "evidence"],
      exchanges.map((exchange) => [
        `[${exchange.name}](${folder}${exchange.name}.md)${
          exchange.values.meta.closed === undefined ? "" : " (closed)"
        }`,
        families(exchange).join(", "),
        ...CHANNELS.map((channel) => offerMark(exchange, channel)),
        exchange.offers.has("book") ? integrityOf(exchange.frames) : "",
        exchange.run === null
          ? "none"
          : `${exchange.run.frames} frames, ${
            exchange.run.rules - exchange.run.unexercised.length
          }/${exchange.run.rules} rules`,
      ]),
    );
}

/** Exchange × channel × integrity × evidence × conformance × recording × backfill. */
function proofTable(exchanges: readonly ExchangeFacts[]): string {
  const head = ["exchange", "channels", "book integrity", "evidence", "conformance", "recordings", "backfill"];
  return table(
    head,
    exchanges.map(({ name, values, frames, offers, run }) => [
      `[${name}](${name}.md)`,
      CHANNELS.filter((channel) => offers.has(channel)).join(", "),
      integrityOf(frames),
      run === null ? "" : `${run.frames} frames, ${run.rules - run.unexercised.length} of ${run.rules} rules`,
      CONFORMANCE_FILES.filter(({ descriptor }) => descriptor === name).map(({ exchange }) => exchange).join(", "),
      RECORDINGS.filter(({ exchange }) => exchange === name).map(({ files }) => files[0].replace(`${name}-`, "")).join(
        ", ",
      ),
      unique((values.rest?.backfill ?? []).map(backfillWords)).join("; "),
    ]),
  );
}

function backfillWords(
  { channel, direction, path, page, body }: NonNullable<ExchangeFacts["values"]["rest"]>["backfill"][number],
): string {
  const asks = `${path} ${body ?? ""}`;
  if (direction === "latest") return `${channel}: the latest`;
  const by = /\{(?:from|to)_id\}/.test(asks)
    ? "by id"
    : /\{(?:from|to)_\w+\}/.test(asks)
    ? "by time"
    : asks.includes("{day}")
    ? "by day"
    : "by page";
  return `${channel}: ${direction} ${by}${page === undefined ? "" : `, ${page} at once`}`;
}

function offerMark({ offers }: ExchangeFacts, channel: Channel): string {
  const runnable = offers.get(channel);
  if (runnable === undefined) return "";
  return runnable.connections.length > 0 ? "✓" : "poll";
}

function families({ frames }: ExchangeFacts): readonly string[] {
  const symbols = frames.connections.flatMap(({ canonical }) => Object.values(canonical));
  return unique(symbols.flatMap((symbol) => parseCanonicalSymbol(symbol)?.family ?? [])).toSorted().reverse();
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}

/** `100 ms`, `20 s`, `5 min`, `24 h`. */
function duration(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120_000) return `${round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${round(ms / 60_000)} min` : `${round(ms / 3_600_000)} h`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A table without the columns that are empty. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = head.map((_, i) => rows.some((row) => row[i] !== ""));
  const line = (cells: readonly string[]) => `| ${cells.filter((_, i) => used[i]).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function shippedNames(): readonly string[] {
  return [...Deno.readDirSync(new URL("config/exchanges", ROOT))].map(({ name }) => name)
    .filter((name) => name.endsWith(".toml")).map((name) => name.slice(0, -5)).sort();
}

function readOrNull(path: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(path, ROOT));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
