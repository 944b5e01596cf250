import { parsePointer } from "../../src/json/mod.ts";
import type {
  BookFields,
  ControlRule,
  Decoding,
  EventRule,
  Expression,
  FieldRule,
  FrameConnection,
  FramePlan,
  Predicate,
  Rows,
  RuleKind,
  TimeUnit,
} from "../../src/model/mod.ts";

/** Builders of rules for tests of what reads frames: only pointers, without the languages. */

function segmentsOf(pointer: string): readonly string[] {
  const segments = parsePointer(pointer);
  if (segments === null) throw new Error(`Not a pointer: ${pointer}`);
  return segments;
}

/** An expression that follows a pointer from the row. */
export function source(pointer: string): Expression {
  const tree = { kind: "path", root: "row", segments: segmentsOf(pointer), offset: 0, length: pointer.length } as const;
  return { source: pointer, tree };
}

/** A predicate that holds for every frame. */
export const ALWAYS: Predicate = {
  kind: "condition",
  source: "true",
  tree: { kind: "literal", value: true, isNumber: false, offset: 0, length: 4 },
};

/** A predicate that holds where each pointer leads to one of the texts given; `null`: to anything at all. */
export function when(tests: Readonly<Record<string, string | readonly string[] | null>>): Predicate {
  return {
    kind: "table",
    source: JSON.stringify(tests),
    tests: Object.entries(tests).map(([pointer, value]) => ({
      name: pointer,
      source: source(pointer),
      checks: [
        value === null
          ? { kind: "exists", exists: true } as const
          : { kind: "one_of", texts: typeof value === "string" ? [value] : value } as const,
      ],
    })),
  };
}

/** A fan-out pointer with `*` segments. */
export function rows(pointer: string): Rows {
  const segments = segmentsOf(pointer);
  const steps: (readonly string[])[] = [];
  let from = 0;
  segments.forEach((segment, index) => {
    if (segment !== "*") return;
    steps.push(segments.slice(from, index));
    from = index + 1;
  });
  const tail = segments.slice(from);
  return { source: pointer, steps, tail: tail.length === 0 && steps.length > 0 ? null : tail };
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
    absent: options.absent ?? null,
    map: options.map ?? null,
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
    when: rule.when ?? ALWAYS,
    unwrap: rule.unwrap ?? null,
    rows: rows(rule.rows ?? ""),
    where: rule.where ?? null,
    symbol: rule.symbol === null ? null : field(rule.symbol ?? "/s", { required: true }),
    exchangeTs: rule.exchangeTs ?? null,
    fields: Object.fromEntries(fields),
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
    final: null,
    capture: null,
    reply: null,
    alias: null,
    ...rule,
  };
}

/** A connection of text frames. */
export function frameConnection(
  id: string,
  canonical: Readonly<Record<string, string>>,
  decode: Decoding = "text",
): FrameConnection {
  return { id, decode, urls: ["wss://test.invalid/ws"], canonical };
}

/** A plan with one connection, `public`, and no rules unless given. */
export function framePlan(plan: Partial<FramePlan> = {}): FramePlan {
  return {
    exchange: "test",
    connections: [frameConnection("public", { BTCUSDT: "BTC/USDT" })],
    controls: [],
    events: [],
    parse: null,
    aliasKey: null,
    socketSequence: null,
    channels: {},
    books: [],
    wanted: null,
    ...plan,
  };
}
