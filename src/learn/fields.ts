import { bare, isDecimal, isList, isObject, isSymbol, type Json, kindText, SYMBOL_MARK, timeNear } from "./values.ts";

/** A message to learn from. */
export interface LearnedMessage {
  readonly body: Json;
  /** Receive time, µs. */
  readonly at: number;
}

/** A source that a field may be read from. */
export interface Guess {
  /** Pointer, relative to the row, or an expression. */
  readonly from: string;
  /** Whether both its name and its values support it. */
  readonly isSure: boolean;
}

/** One kind of message and what it seems to be. */
export interface MessageKind {
  /** Path of the text that identifies it; null if its keys identify it. */
  readonly at: readonly string[] | null;
  /** Path of a text that other kinds have and this one has not; null if there is none. */
  readonly without: readonly string[] | null;
  /** The text, with `SYMBOL_MARK` in place of a symbol. */
  readonly pattern: string;
  readonly messages: number;
  /** Keys at the root. */
  readonly keys: readonly string[];
  readonly kind: "trade" | "book" | "quote" | "ticker" | "candle" | null;
  /** Fan-out pointer. */
  readonly rows: string;
  readonly symbol: Guess | null;
  readonly fields: Readonly<Record<string, Guess>>;
  /** Sources of a level's price and size, for books only; null if `/0` and `/1`. */
  readonly level: { readonly price: string; readonly size: string } | null;
  /** Condition of a snapshot; null if none was found. */
  readonly snapshot: { readonly text: string; readonly isSure: boolean } | null;
  readonly example: string;
}

/** Names of fields, without case and separators, the likeliest first. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  price: ["p", "price", "px", "tradeprice", "contprice", "rate", "dealprice", "fillpx"],
  size: ["q", "size", "sz", "qty", "quantity", "amount", "v", "volume", "contqty", "baseqty", "vol", "a"],
  side: [
    "side",
    "s",
    "takerside",
    "direction",
    "takerordertype",
    "makerside",
    "m",
    "ordertype",
    "t",
    "ts",
    "dealtype",
    "d",
    "tickdirection",
  ],
  trade_id: ["tradeid", "t", "i", "id", "tid", "execid", "trdmatchid", "a", "seq", "uuid", "tradeguid"],
  exchange_ts: [
    "t",
    "ts",
    "e",
    "time",
    "timestamp",
    "createtime",
    "tradetime",
    "timems",
    "date",
    "datetime",
    "microtimestamp",
    "ct",
    "ut",
  ],
  open: ["o", "open", "openprice", "open24h", "openpx"],
  high: ["h", "high", "highprice", "high24h", "highpx", "max"],
  low: ["l", "low", "lowprice", "low24h", "lowpx", "min"],
  close: ["c", "close", "closeprice"],
  last: ["last", "lastprice", "c", "lastpx", "price", "close", "lasttradeprice"],
  volume: ["v", "volume", "vol", "volume24h", "vol24h", "basevolume", "volumebase", "quantity"],
  quote_volume: ["quotevolume", "turnover", "turnover24h", "volccy24h", "q", "volumequote", "amount", "quotevol"],
  open_ts: ["t", "start", "starttime", "opentime", "time", "timestamp", "ts"],
  interval: ["i", "interval", "period"],
  closed: ["x", "confirm", "closed", "isclosed"],
  bid_price: ["bidprice", "bidpx", "bestbid", "bestbidprice", "bid", "b", "bid1price"],
  bid_size: [
    "bidsize",
    "bidsz",
    "bidqty",
    "bestbidsize",
    "bestbidquantity",
    "bestbidamount",
    "bidquantity",
    "bid1size",
  ],
  ask_price: ["askprice", "askpx", "bestask", "bestaskprice", "ask", "a", "ask1price"],
  ask_size: [
    "asksize",
    "asksz",
    "askqty",
    "bestasksize",
    "bestaskquantity",
    "bestaskamount",
    "askquantity",
    "ask1size",
  ],
  bids: ["b", "bids", "bid", "buy", "buys"],
  asks: ["a", "asks", "ask", "sell", "sells"],
  symbol: [
    "s",
    "symbol",
    "instid",
    "pair",
    "market",
    "product",
    "productid",
    "coin",
    "instrument",
    "instrumentname",
    "code",
    "currencypair",
    "marketcode",
    "contractcode",
  ],
};
const SIDES = ["buy", "sell", "b", "s", "bid", "ask", "true", "false", "buyer", "seller", "1", "2", "long", "short"];
const LETTER_CASES: Readonly<
  Record<
    string,
    { readonly bid_price: string; readonly bid_size: string; readonly ask_price: string; readonly ask_size: string }
  >
> = {
  letters: { bid_price: "b", bid_size: "B", ask_price: "a", ask_size: "A" },
};

/** Recognises what a kind of messages is. `at` and `pattern` identify the kind. */
export function readKind(
  messages: readonly LearnedMessage[],
  told: {
    readonly at: readonly string[] | null;
    readonly pattern: string;
    readonly symbols: readonly string[];
    readonly place: readonly string[] | null;
  },
): MessageKind {
  const { at, pattern } = told;
  const first = messages[0];
  const base = {
    at,
    pattern,
    without: at === null ? told.place : null,
    messages: messages.length,
    keys: Object.keys(first.body as object),
    example: JSON.stringify(first.body).slice(0, 200),
  };
  const nothing: MessageKind = { ...base, kind: null, rows: "", symbol: null, fields: {}, level: null, snapshot: null };
  for (const rows of rowPaths(messages)) {
    const found = rowsOf(messages, rows);
    if (found.length === 0) continue;
    for (const read of [readBook, readCandle, readTrade, readQuote, readTicker]) {
      const made = read(found, messages);
      if (made === null) continue;
      return { ...nothing, ...made, rows, symbol: symbolOf(found, messages, told) };
    }
  }
  return nothing;
}

interface Row {
  readonly body: Json;
  readonly at: number;
}

type Reading = Partial<Pick<MessageKind, "kind" | "fields" | "level" | "snapshot">> | null;

/** Returns the paths where rows may be: lists of objects first, then inner objects, then the root. */
function rowPaths(messages: readonly LearnedMessage[]): readonly string[] {
  const found = new Map<string, number>();
  const add = (path: string, rank: number) => found.set(path, Math.max(found.get(path) ?? 0, rank));
  for (const { body } of messages.slice(0, 50)) {
    const walk = (value: Json, path: string, depth: number) => {
      if (isObject(value)) {
        add(path, 1 + depth / 10);
        if (depth < 3) {
          for (const [key, inner] of Object.entries(value)) walk(inner, `${path}/${escaped(key)}`, depth + 1);
        }
      } else if (isList(value) && isObject(value[0])) {
        add(`${path}/*`, 3);
        if (depth < 3) {
          for (const [key, inner] of Object.entries(value[0])) {
            if (isList(inner) && isObject(inner[0])) add(`${path}/*/${escaped(key)}/*`, 2.9);
          }
        }
      }
    };
    walk(body, "", 0);
  }
  return [...found].sort((a, b) => b[1] - a[1]).map(([path]) => path);
}

function rowsOf(messages: readonly LearnedMessage[], path: string): readonly Row[] {
  const rows: Row[] = [];
  for (const { body, at } of messages.slice(0, 500)) {
    const walk = (value: Json | undefined, keys: readonly string[]) => {
      const [key, ...rest] = keys;
      if (key === undefined) {
        if (isObject(value)) rows.push({ body: value, at });
      } else if (key === "*") { if (isList(value)) { for (const one of value.slice(0, 20)) walk(one, rest); } }
      else if (isObject(value)) walk(value[key.replaceAll("~1", "/").replaceAll("~0", "~")], rest);
    };
    walk(body, path === "" ? [] : path.slice(1).split("/"));
  }
  return rows;
}

function readTrade(rows: readonly Row[]): Reading {
  const price = find(rows, "price", isDecimal);
  const size = price === null ? null : find(rows, "size", isDecimal, [price.from]);
  const side = find(rows, "side", isSide);
  if (price === null || size === null) return null;
  const time = timeOf(rows);
  const id = find(rows, "trade_id", (value) => isDecimal(value) || typeof value === "string", [
    price.from,
    size.from,
    side?.from ?? "",
    time?.from ?? "",
  ]);
  // A price and a size alone may be anything: a trade has a side, or an id with a time.
  if (side === null && (id === null || time === null)) return null;
  return {
    kind: "trade",
    fields: present({
      exchange_ts: time,
      trade_id: id === null ? null : sureIf(id, areDistinct(rows, id.from)),
      price,
      size,
      side,
    }),
  };
}

function readBook(rows: readonly Row[], messages: readonly LearnedMessage[]): Reading {
  const isLevels = (value: Json | undefined) => isList(value) && (value.length === 0 || isLevel(value[0]));
  const pair = pairOf(rows);
  if (pair !== null) {
    return {
      kind: "book",
      ...pair,
      fields: present({ exchange_ts: timeOf(rows), ...pair.fields }),
      snapshot: snapshotOf(messages, rows, ""),
    };
  }
  const sided = sidedOf(rows);
  if (sided !== null) {
    return {
      kind: "book",
      ...sided,
      fields: present({ exchange_ts: timeOf(rows), ...sided.fields }),
      snapshot: snapshotOf(messages, rows, ""),
    };
  }
  const bids = find(rows, "bids", isLevels);
  const asks = find(rows, "asks", isLevels);
  if (bids === null || asks === null || bids.from === asks.from) return null;
  const levels = rows.flatMap(({ body }) => [valueAt(body, bids.from), valueAt(body, asks.from)]).flatMap((list) =>
    isList(list) ? list : []
  );
  const sample = levels.find((level) => isLevel(level));
  if (sample === undefined) return null;
  const isBehind = isList(sample) && numbersAt(sample) === 1;
  const level = isObject(sample) ? levelOf(sample) : isBehind ? { price: "/1", size: "/2" } : null;
  const lists = { bids: { ...bids, from: `${bids.from}/*` }, asks: { ...asks, from: `${asks.from}/*` } };
  return {
    kind: "book",
    fields: present({ exchange_ts: timeOf(rows), ...lists }),
    level,
    snapshot: snapshotOf(messages, rows, bids.from),
  };
}

/** Finds bids and asks as two lists in one list. */
function pairOf(rows: readonly Row[]): Pick<MessageKind, "fields" | "level"> | null {
  const isPair = (value: Json | undefined): value is readonly Json[] =>
    isList(value) && value.length === 2 && value.every((side) => isList(side) && side.length > 0 && isLevel(side[0]));
  const [first] = rows;
  const key = Object.keys(first.body as object).find((key) =>
    rows.every(({ body }) => isPair(valueAt(body, `/${escaped(key)}`)))
  );
  if (key === undefined) return null;
  const from = `/${escaped(key)}`;
  const pair = valueAt(first.body, from);
  const sample = isPair(pair) && isList(pair[0]) ? pair[0][0] : null;
  const side = (index: number): Guess => ({ from: `${from}/${index}/*`, isSure: false });
  return { fields: { bids: side(0), asks: side(1) }, level: isObject(sample) ? levelOf(sample) : null };
}

/** Finds a list of levels that begin with their side. */
function sidedOf(rows: readonly Row[]): Pick<MessageKind, "fields" | "level"> | null {
  const isSided = (value: Json | undefined) =>
    isList(value) && value.length > 0 &&
    value.every((one) =>
      isList(one) && one.length >= 3 && typeof one[0] === "string" && isSide(one[0]) && isDecimal(one[1]) &&
      isDecimal(one[2])
    );
  const key = Object.keys(rows[0].body as object).find((key) =>
    rows.every(({ body }) => isSided(valueAt(body, `/${escaped(key)}`)))
  );
  if (key === undefined) return null;
  return { fields: { levels: { from: `/${escaped(key)}/*`, isSure: true } }, level: { price: "/1", size: "/2" } };
}

function readCandle(rows: readonly Row[]): Reading {
  const [open, high, low, close] = ["open", "high", "low", "close"].map((name) => find(rows, name, isDecimal));
  if (open === null || high === null || low === null || close === null) return null;
  const isOrdered = rows.every(({ body }) => Number(valueAt(body, high.from)) >= Number(valueAt(body, low.from)));
  const interval = find(rows, "interval", (value) => typeof value === "string" || typeof value === "number");
  const closed = find(rows, "closed", (value) => typeof value === "boolean" || value === "0" || value === "1");
  // A ticker has these too, and more: a candle has an interval or says whether it is closed.
  if (!isOrdered || (interval === null && closed === null)) return null;
  const volume = find(rows, "volume", isDecimal);
  const start = findTime(rows, "open_ts");
  return { kind: "candle", fields: present({ interval, open_ts: start, open, high, low, close, volume, closed }) };
}

function readQuote(rows: readonly Row[]): Reading {
  const letters = LETTER_CASES.letters;
  const isLetters = rows.every(({ body }) =>
    Object.values(letters).every((key) => isDecimal(valueAt(body, `/${key}`)))
  );
  const exact = (key: string): Guess => ({ from: `/${key}`, isSure: false });
  const [bidPrice, bidSize, askPrice, askSize] = isLetters
    ? [exact(letters.bid_price), exact(letters.bid_size), exact(letters.ask_price), exact(letters.ask_size)]
    : ["bid_price", "bid_size", "ask_price", "ask_size"].map((name) => find(rows, name, isDecimal));
  if (bidPrice === null || askPrice === null) return null;
  const isStatistics = find(rows, "high", isDecimal) !== null && find(rows, "low", isDecimal) !== null;
  if (isStatistics) return null;
  const inOrder = rows.every(({ body }) =>
    Number(valueAt(body, bidPrice.from)) <= Number(valueAt(body, askPrice.from))
  );
  const sure = (guess: Guess | null) => guess === null ? null : { ...guess, isSure: inOrder };
  return {
    kind: "quote",
    fields: present({
      exchange_ts: timeOf(rows),
      bid_price: sure(bidPrice),
      bid_size: sure(bidSize),
      ask_price: sure(askPrice),
      ask_size: sure(askSize),
    }),
  };
}

function readTicker(rows: readonly Row[]): Reading {
  const last = find(rows, "last", isDecimal);
  const others = ["open", "high", "low", "volume", "quote_volume"].map((name) =>
    [name, find(rows, name, isDecimal, [last?.from ?? ""])] as const
  );
  if (last === null || others.filter(([, guess]) => guess !== null).length < 2) return null;
  return { kind: "ticker", fields: present({ exchange_ts: timeOf(rows), last, ...Object.fromEntries(others) }) };
}

/** Finds the likeliest key of a field whose values fit in most rows. */
function find(
  rows: readonly Row[],
  field: string,
  fits: (value: Json | undefined) => boolean,
  taken: readonly string[] = [],
): Guess | null {
  const keys = new Map<string, number>();
  for (const { body } of rows) {
    for (const [key, value] of Object.entries(body as object)) if (fits(value)) keys.set(key, (keys.get(key) ?? 0) + 1);
  }
  for (const [rank, name] of NAMES[field].entries()) {
    // Of two keys that differ in case alone the smaller letter comes first.
    const named = [...keys].filter(([key, count]) => bare(key) === name && count >= rows.length * 0.9).map(([key]) =>
      key
    )
      .sort((a, b) => a < b ? 1 : -1).filter((key) => !taken.includes(`/${escaped(key)}`));
    if (named.length > 0) {
      return { from: `/${escaped(named[0])}`, isSure: named[0].length > 1 && named.length === 1 && rank < 8 };
    }
  }
  return null;
}

function timeOf(rows: readonly Row[]): Guess | null {
  return findTime(rows, "exchange_ts");
}

/** Finds a field whose values are times near the receive times; the one with the likeliest name. */
function findTime(rows: readonly Row[], field: string): Guess | null {
  const [first] = rows;
  const keys = Object.keys(first.body as object).filter((key) =>
    rows.every(({ body, at }) => timeNear(valueAt(body, `/${escaped(key)}`), at))
  );
  const rankOf = (key: string) => {
    const rank = NAMES[field].indexOf(bare(key));
    return rank < 0 ? NAMES[field].length : rank;
  };
  // Of two names an upper-case letter is the event's own time; the open of a candle is the earliest time.
  const countOf = (key: string) => Number(valueAt(first.body, `/${escaped(key)}`));
  const later = (a: string, b: string) => field === "open_ts" ? countOf(a) - countOf(b) : a < b ? -1 : 1;
  const [best] = keys.sort((a, b) => rankOf(a) - rankOf(b) || later(a, b));
  return best === undefined ? null : { from: `/${escaped(best)}`, isSure: true };
}

function symbolOf(
  rows: readonly Row[],
  messages: readonly LearnedMessage[],
  { at, pattern, symbols }: {
    readonly at: readonly string[] | null;
    readonly pattern: string;
    readonly symbols: readonly string[];
  },
): Guess | null {
  const isOne = (value: Json | undefined) =>
    typeof value === "string" && (isSymbol(value) || symbols.includes(bare(value)));
  const inRow = find(rows, "symbol", isOne);
  if (inRow !== null) return { ...inRow, isSure: true };
  // A longer name says enough by itself.
  const isWord = (value: Json | undefined) => typeof value === "string" && /^[\w.:@/-]{1,40}$/.test(value);
  const named = find(rows, "symbol", isWord);
  if (named !== null && named.from.length > 4) return { ...named, isSure: false };
  const [first] = messages;
  const outside = textPathsOf(first.body, []).find((path) =>
    messages.every(({ body }) => isOne(valueAt(body, `/${path.map(escaped).join("/")}`)))
  );
  if (outside !== undefined) return { from: `root${outside.map(member).join("")}`, isSure: true };
  const topic = at !== null && pattern.includes(SYMBOL_MARK) ? splitOf(at, pattern) : null;
  if (topic !== null) return topic;
  for (const path of textPathsOf(first.body, [])) {
    const patterns = new Set(messages.map(({ body }) => {
      const text = valueAt(body, `/${path.map(escaped).join("/")}`);
      return typeof text === "string" ? kindText(text, symbols) : "";
    }));
    const [only] = patterns;
    const found = patterns.size === 1 && only.includes(SYMBOL_MARK) ? splitOf(path, only) : null;
    if (found !== null) return found;
  }
  return null;
}

/** Returns the part of a text that is the symbol; null if no separator stands beside it. */
function splitOf(at: readonly string[], pattern: string): Guess | null {
  const [before, after] = pattern.split(SYMBOL_MARK);
  const root = `root${at.map(member).join("")}`;
  const separator = before.at(-1) ?? after[0] ?? "";
  if (separator === "" || /[A-Za-z0-9]/.test(separator)) return null;
  const index = before === "" ? 0 : before.split(separator).length - 1;
  return { from: `split(${root}, '${separator}', ${index})`, isSure: false };
}

function* textPathsIn(value: Json, path: readonly string[]): Iterable<readonly string[]> {
  if (!isObject(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    // Expressions name members by words alone.
    if (!/^[A-Za-z_]\w*$/.test(key)) continue;
    if (typeof inner === "string") yield [...path, key];
    else if (path.length < 2) yield* textPathsIn(inner, [...path, key]);
  }
}

function textPathsOf(value: Json, path: readonly string[]): readonly (readonly string[])[] {
  return [...textPathsIn(value, path)];
}

/** Finds what identifies a snapshot: a word near the root, or an equal number of levels in every message. */
function snapshotOf(messages: readonly LearnedMessage[], rows: readonly Row[], bids: string): MessageKind["snapshot"] {
  for (const path of textPathsOf(messages[0].body, [])) {
    const words = new Set(messages.map(({ body }) => valueAt(body, `/${path.map(escaped).join("/")}`)));
    const whole = ["snapshot", "partial", "Snapshot", "SNAPSHOT", "l2snapshot"].find((word) => words.has(word));
    if (whole !== undefined) {
      return { text: JSON.stringify(`root${path.map(member).join("")} == '${whole}'`), isSure: true };
    }
  }
  const counts = new Set(rows.map(({ body }) => {
    const list = valueAt(body, bids);
    return isList(list) ? list.length : 0;
  }));
  const isSame = counts.size === 1 && rows.length > 2 && !counts.has(0);
  return isSame ? { text: "true", isSure: false } : null;
}

function levelOf(level: { readonly [key: string]: Json }): MessageKind["level"] {
  const row = [{ body: level, at: 0 }];
  const price = find(row, "price", isDecimal) ?? { from: "/limit_price", isSure: false };
  const size = find(row, "size", isDecimal, [price.from]);
  return { price: price.from, size: size?.from ?? "/size" };
}

function isLevel(value: Json): boolean {
  if (isList(value)) return numbersAt(value) !== null;
  return isObject(value) && Object.values(value).filter(isDecimal).length >= 2;
}

/** Returns the index of a level's price, which its size follows: 0, or 1 behind a word; null if neither. */
function numbersAt(level: readonly Json[]): number | null {
  if (isDecimal(level[0]) && isDecimal(level[1])) return 0;
  return typeof level[0] === "string" && isDecimal(level[1]) && isDecimal(level[2]) ? 1 : null;
}

function isSide(value: Json | undefined): boolean {
  return typeof value === "boolean" || (typeof value === "string" && SIDES.includes(value.toLowerCase())) ||
    value === 1 || value === 2;
}

function areDistinct(rows: readonly Row[], from: string): boolean {
  const ids = rows.map(({ body }) => valueAt(body, from));
  return new Set(ids).size === ids.length;
}

function valueAt(value: Json | undefined, pointer: string): Json | undefined {
  for (const key of pointer === "" ? [] : pointer.slice(1).split("/")) {
    value = isObject(value) ? value[key.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return value;
}

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function member(key: string): string {
  return `.${key}`;
}

function sureIf(guess: Guess, isSure: boolean): Guess {
  return { ...guess, isSure: guess.isSure && isSure };
}

function present(fields: Readonly<Record<string, Guess | null>>): Readonly<Record<string, Guess>> {
  return Object.fromEntries(Object.entries(fields).flatMap(([name, guess]) => guess === null ? [] : [[name, guess]]));
}
