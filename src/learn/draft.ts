import { type Guess, type LearnedMessage, type MessageKind } from "./fields.ts";
import { learnKinds } from "./kinds.ts";
import { bare, type Json, SYMBOL_MARK } from "./values.ts";

/** A frame to learn from. */
export interface LearnedFrame {
  readonly text: string;
  /** Receive time, µs. */
  readonly at: number;
}

/** Input of a draft. */
export interface LearnInput {
  readonly name: string;
  /** Addresses that were opened; none if it is not known. */
  readonly urls: readonly string[];
  readonly frames: readonly LearnedFrame[];
  /** Messages that the recorded client sent. */
  readonly sent: readonly string[];
}

const CHANNELS = { trade: "trades", book: "book", quote: "quotes", ticker: "ticker", candle: "candles" } as const;

/** Drafts a descriptor as TOML, with comments where it is not sure. */
export function draftDescriptor({ name, urls, frames, sent }: LearnInput): string {
  const messages: LearnedMessage[] = [];
  let unread = 0;
  for (const { text, at } of frames) {
    try {
      messages.push({ body: JSON.parse(text) as Json, at });
    } catch {
      unread++;
    }
  }
  const { kinds, others } = learnKinds(messages);
  const known = kinds.filter(({ kind, symbol }) => kind !== null && symbol !== null);
  const rest = kinds.filter((kind) => !known.includes(kind));
  const lines = [
    `# Drafted from ${frames.length} recorded frames. Lines marked SURE follow from names and values alike, GUESS from one of`,
    "# them alone; what nothing was found for stands as TODO. Hold it against the exchange's documentation and more frames.",
    ...(others > 0 ? [`# TODO: ${others} frames are no objects, such as lists: nothing was learned of them.`] : []),
    ...(unread > 0 ? [`# TODO: ${unread} frames are no JSON: say what they are in [[control]] with text = "…".`] : []),
    "[meta]",
    `name = ${JSON.stringify(name)}`,
    'version = "1.4"',
    "",
    "[[ws.connections]]",
    'id = "public"',
    `urls = [${
      (urls.length === 0 ? ["wss://example.invalid/"] : urls.slice(0, 1)).map((url) =>
        JSON.stringify(withoutQuery(url))
      ).join(", ")
    }]` +
    (urls.length === 0 ? "  # TODO: the recording does not say" : ""),
    "# TODO: keepalive. Nothing here says whether the exchange wants to be pinged.",
    "",
    ...subscriptionLines(sent, kinds),
    "[maps]",
    ...(known.length === 0 ? ["# TODO: channels"] : [
      `channel_map = { ${
        [...new Set(known.flatMap(({ kind }) => kind === null ? [] : [CHANNELS[kind]]))].map((channel) =>
          `${channel} = ${JSON.stringify(channelWord(channel, known))}`
        ).join(", ")
      } }  # GUESS`,
    ]),
    "# TODO: symbol_map_file, or [[rest.instruments]]",
    "",
    ...(known.length === 0
      ? parseLines(kinds)
      : known.flatMap((kind, index) => eventLines(kind, known.slice(0, index)))),
    ...(known.some(({ kind }) => kind === "book")
      ? ["# TODO: [[books]] says how the book is kept: pushed, rest, snapshots …", ""]
      : []),
    ...rest.flatMap(otherLines),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

function eventLines(kind: MessageKind, before: readonly MessageKind[]): readonly string[] {
  const { fields, rows, symbol, level, snapshot, messages } = kind;
  const nth = before.filter((other) => other.kind === kind.kind).length + 1;
  const list = Object.entries(fields);
  const written = list.map(([name, guess]) => `${name} = ${value(name, guess)}`);
  const unsure = list.filter(([, guess]) => !guess.isSure).map(([name, { from }]) => `${name} from ${from}`);
  const sure = list.filter(([, guess]) => guess.isSure).map(([name]) => name);
  return [
    "[[events]]",
    `kind = ${JSON.stringify(kind.kind)}`,
    ...(nth > 1 ? [`name = ${JSON.stringify(`${kind.kind}_${nth}`)}`] : []),
    `when = ${when(kind)}  # ${messages} frames`,
    ...(rows === "" ? [] : [`rows = ${JSON.stringify(rows)}`]),
    `symbol = ${JSON.stringify(symbol?.from ?? "")}  # ${symbol?.isSure === true ? "SURE" : "GUESS"}`,
    ...(kind.kind !== "book"
      ? []
      : snapshot === null
      ? ["# TODO: snapshot. No field tells a snapshot from a delta: every frame is read as a delta."]
      : [`snapshot = ${snapshot.text}  # ${snapshot.isSure ? "SURE" : "GUESS: every frame has as many levels"}`]),
    ...(level === null
      ? []
      : [`level = { price = ${JSON.stringify(level.price)}, size = ${JSON.stringify(level.size)} }  # GUESS`]),
    ...(fields.levels === undefined ? [] : [
      'side = { at = "/0", map = { buy = "bid", sell = "ask", bid = "bid", ask = "ask", b = "bid", s = "ask", a = "ask" } }',
    ]),
    `fields = { ${written.join(", ")} }`,
    ...(sure.length > 0 ? [`# SURE: ${sure.join(", ")}`] : []),
    ...(unsure.length > 0 ? [`# GUESS: ${unsure.join(", ")}`] : []),
    ...(kind.kind === "trade" && fields.side !== undefined
      ? ["# TODO: side has to be the taker's; `map` turns it round where it is the maker's."]
      : []),
    "",
  ];
}

/** Returns a field's source. Sides need a map of the exchange's words. */
function value(name: string, { from }: Guess): string {
  if (name.endsWith("_ts")) return `{ at = ${JSON.stringify(from)}, unit = "auto" }`;
  if (name === "side") {
    return `{ at = ${
      JSON.stringify(from)
    }, map = { buy = "buy", sell = "sell", Buy = "buy", Sell = "sell", BUY = "buy", SELL = "sell", b = "buy", s = "sell", bid = "buy", ask = "sell", B = "buy", S = "sell", true = "sell", false = "buy" }, other = "unknown" }`;
  }
  return JSON.stringify(from);
}

function when({ at, pattern, keys, without }: MessageKind): string {
  if (at === null) {
    const there = keys.slice(0, 6).map((key) => `${pointerTo([key])} = { exists = true }`);
    const absent = without === null ? [] : [`${pointerTo(without)} = { exists = false }`];
    return `{ ${[...there, ...absent].join(", ")} }`;
  }
  const pointer = pointerTo(at);
  if (!pattern.includes(SYMBOL_MARK)) return `{ ${pointer} = ${JSON.stringify(pattern)} }`;
  const [before, after] = pattern.split(SYMBOL_MARK);
  const checks = [
    ...(before === "" ? [] : [`prefix = ${JSON.stringify(before)}`]),
    ...(after === "" ? [] : [`suffix = ${JSON.stringify(after)}`]),
  ];
  return `{ ${pointer} = { ${checks.join(", ")} } }`;
}

/** The JSON pointer of a path, as a TOML text. */
function pointerTo(path: readonly string[]): string {
  return JSON.stringify(path.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""));
}

/** Describes frames of unknown meaning, to be looked at. */
function otherLines({ messages, example, keys, at, pattern }: MessageKind): readonly string[] {
  const told = at === null
    ? `keys ${keys.join(", ")}`
    : `/${at.join("/")} = ${JSON.stringify(pattern.replaceAll(SYMBOL_MARK, "*"))}`;
  return [`# TODO: ${messages} frames with ${told} are an event or [[control]]: ${example}`];
}

/** Returns a `[parse]` table, needed if no event was recognised. */
function parseLines(kinds: readonly MessageKind[]): readonly string[] {
  const at = kinds.find(({ at }) => at !== null)?.at ?? ["channel"];
  return [
    "[parse]",
    `channel = ${pointerTo(at)}  # GUESS`,
    'symbol = "/symbol"  # TODO: no event was recognised',
    "",
  ];
}

/** Returns the exchange's word for a channel: the longest part of the pattern beside the symbol. */
function channelWord(channel: string, kinds: readonly MessageKind[]): string {
  const kind = kinds.find((one) => one.kind !== null && CHANNELS[one.kind] === channel);
  const parts = (kind?.pattern ?? "").split(SYMBOL_MARK).map((part) =>
    part.replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "")
  );
  const word = parts.reduce((long, part) => part.length > long.length ? part : long, "");
  return word === "" ? channel : word;
}

/** Drafts a generator from the messages sent; an invented one if there are none. */
function subscriptionLines(sent: readonly string[], kinds: readonly MessageKind[]): readonly string[] {
  const found = sent.map((text) => generalised(text, kinds)).find((text) => text !== null) ?? null;
  const example = sent[0] === undefined ? [] : [`# Sent in the recording: ${sent[0].slice(0, 300)}`];
  const message = found ?? '{"op":"subscribe","channel":"{ch}","symbol":"{symbol}"}';
  return [
    "[[subscriptions]]",
    'connection_id = "public"',
    ...example,
    `generator = '''`,
    `foreach (s in symbols) { foreach (c in channels) {`,
    `  emit('${message.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}');`,
    `} }`,
    `'''`,
    found === null
      ? "# TODO: the message is made up: the recording holds none that names one symbol of a known channel."
      : "# GUESS: the message is that of the recording with the symbol and the channel left open.",
    "# TODO: ack",
    "",
  ];
}

/** Returns a sent message with placeholders in its first topic; null if it names no topic of a known kind. */
function generalised(text: string, kinds: readonly MessageKind[]): string | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  for (const { pattern } of kinds) {
    if (!pattern.includes(SYMBOL_MARK)) continue;
    const [before, after] = pattern.split(SYMBOL_MARK);
    let isFound = false;
    const open = (value: unknown): unknown => {
      if (
        typeof value === "string" && value.length > before.length + after.length && value.startsWith(before) &&
        value.endsWith(after)
      ) {
        const symbol = value.slice(before.length, value.length - after.length);
        if (/^[\w.:/-]+$/.test(symbol)) {
          isFound = true;
          const shown = symbol === symbol.toLowerCase() && bare(symbol) !== bare(symbol).toUpperCase()
            ? "{symbol_lower}"
            : "{symbol}";
          const channel = before.replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
          const rest = after.replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
          // The longer part names the channel.
          return channel.length >= rest.length
            ? before.replace(channel, "{ch}") + shown + after
            : before + shown + after.replace(rest, "{ch}");
        }
      }
      if (Array.isArray(value)) {
        const made = value.map(open);
        const first = made.find((one, index) => one !== value[index]);
        return first === undefined ? made : [first];
      }
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, open(inner)]));
    };
    const made = JSON.stringify(open(body));
    if (isFound) return made;
  }
  return null;
}

function withoutQuery(url: string): string {
  return url.split("?", 1)[0];
}
