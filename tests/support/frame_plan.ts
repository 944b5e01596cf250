import {
  compilePath,
  type Expression,
  parsePointer,
  type Path,
  type Predicate,
  type Rows,
} from "../../src/json/mod.ts";
import type {
  BookFields,
  ControlRule,
  EventRule,
  FieldRule,
  FramePlan,
  RuleKind,
  TimeUnit,
} from "../../src/model/mod.ts";

/** Builders of compiled rules for tests of what reads frames: only pointers, without the languages. */

/** The path of a JSON pointer. */
export function path(pointer: string): Path {
  const segments = parsePointer(pointer);
  if (segments === null) throw new Error(`Not a pointer: ${pointer}`);
  return compilePath(segments);
}

/** An expression that follows a pointer from the row. */
export function source(pointer: string): Expression {
  const compiled = path(pointer);
  return {
    source: pointer,
    path: compiled,
    evaluate: ({ document, row }) => {
      const node = document.find(compiled, row);
      if (node < 0) return null;
      const kind = document.kind(node);
      if (kind === "array" || kind === "object") return node;
      return kind === "true" ? true : kind === "false" ? false : document.text(node);
    },
  };
}

/** A predicate that holds where each pointer leads to one of the texts given; `null`: to anything at all. */
export function when(tests: Readonly<Record<string, string | readonly string[] | null>>): Predicate {
  const compiled = Object.entries(tests).map(([pointer, value]) => ({
    path: path(pointer),
    values: value === null ? null : new Set(typeof value === "string" ? [value] : value),
  }));
  const chosen = compiled.find(({ values }) => values !== null);
  return {
    source: JSON.stringify(tests),
    test: ({ document, row }) =>
      compiled.every(({ path, values }) => {
        const node = document.find(path, row);
        return values === null ? node >= 0 : values.has(document.text(node) ?? "");
      }),
    discriminator: chosen === undefined || chosen.values === null
      ? null
      : { path: chosen.path, values: chosen.values, prefixes: [], decides: false },
  };
}

/** A fan-out pointer with `*` segments. */
export function rows(pointer: string): Rows {
  const segments = parsePointer(pointer);
  if (segments === null) throw new Error(`Not a pointer: ${pointer}`);
  const steps: Path[] = [];
  let from = 0;
  segments.forEach((segment, index) => {
    if (segment !== "*") return;
    steps.push(compilePath(segments.slice(from, index)));
    from = index + 1;
  });
  const tail = segments.slice(from);
  return { source: pointer, steps, tail: tail.length === 0 && steps.length > 0 ? null : compilePath(tail) };
}

/** A field found by pointers, tried in order. */
export function field(
  pointers: string | readonly string[],
  options: {
    readonly map?: Readonly<Record<string, string>>;
    readonly other?: string;
    readonly absent?: readonly string[];
    readonly unit?: TimeUnit;
    readonly required?: boolean;
  } = {},
): FieldRule {
  return {
    sources: (typeof pointers === "string" ? [pointers] : pointers).map(source),
    absent: options.absent === undefined ? null : new Set(options.absent),
    map: options.map === undefined ? null : new Map(Object.entries(options.map)),
    other: options.other ?? null,
    unit: options.unit ?? null,
    required: options.required ?? false,
  };
}

/** Side of the taker where a flag says that the buyer is the maker. */
export const MAKER_FLAG = { true: "sell", false: "buy" } as const;

/** An event rule; fields given as pointers are read plainly. */
export function eventRule(
  kind: RuleKind,
  rule:
    & Partial<Omit<EventRule, "kind" | "fields" | "rows" | "symbol">>
    & {
      readonly rows?: string;
      readonly symbol?: string | null;
      readonly fields?: Readonly<Record<string, string | FieldRule>>;
    },
): EventRule {
  const fields = Object.entries(rule.fields ?? {}).map(([name, given]) =>
    [name, typeof given === "string" ? field(given) : given] as const
  );
  return {
    name: rule.name ?? kind,
    kind,
    channel: rule.channel ?? "trades",
    source: rule.source ?? "ws",
    connections: rule.connections ?? null,
    when: rule.when ?? { source: "true", test: () => true, discriminator: null },
    unwrap: rule.unwrap ?? null,
    rows: rows(rule.rows ?? ""),
    where: rule.where ?? null,
    symbol: rule.symbol === null ? null : field(rule.symbol ?? "/s", { required: true }),
    exchangeTs: rule.exchangeTs ?? null,
    fields: new Map(fields),
    book: rule.book ?? null,
    merge: rule.merge ?? null,
    skipFirstFrame: rule.skipFirstFrame ?? false,
  };
}

/** Where a book's levels are: pairs of price and size under two pointers. */
export function bookFields(bids: string, asks: string, options: Partial<BookFields> = {}): BookFields {
  const level = { price: source("/0"), size: source("/1"), id: null };
  return {
    snapshot: false,
    bids: rows(bids),
    asks: rows(asks),
    levels: null,
    bidLevel: level,
    askLevel: level,
    side: null,
    dropMalformedLevels: false,
    ...options,
  };
}

/** A control rule that does nothing unless said. */
export function controlRule(name: string, rule: Partial<Omit<ControlRule, "name">>): ControlRule {
  return {
    name,
    action: "ignore",
    connections: null,
    text: null,
    when: null,
    correlation: null,
    rows: null,
    echo: [],
    accepted: null,
    rejected: null,
    reason: null,
    capture: null,
    reply: null,
    alias: null,
    ...rule,
  };
}

/** A plan with one connection, `public`, and no rules unless given. */
export function framePlan(plan: Partial<FramePlan> = {}): FramePlan {
  return {
    exchange: "test",
    decode: new Map([["public", "text" as const]]),
    urls: new Map([["public", ["wss://test.invalid/ws"]]]),
    controls: [],
    events: [],
    parse: null,
    aliasKey: null,
    socketSequence: null,
    canonical: new Map([["public", new Map([["BTCUSDT", "BTC/USDT"]])]]),
    channels: new Map(),
    books: [],
    wanted: null,
    ...plan,
  };
}
