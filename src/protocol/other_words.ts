import type { Channel } from "../model/mod.ts";
import type { AskedItem } from "./catalogue.ts";
import { isList, isObject, type Json } from "./words.ts";

/** What a message means that no descriptor writes, read by the words in it. */
export interface ReadByWords {
  readonly isLeaving: boolean;
  readonly items: readonly AskedItem[];
  readonly id: Json | undefined;
}

/** Most texts of a message that are looked at. */
const TEXTS_MAX = 10_000;
/** Most words of them that are compared with names, each with every name. */
const WORDS_MAX = 10_000;
/** A word of so many letters may be the beginning of another one for the same channel. */
const PREFIX_MIN = 4;
/** Begins a request, alone or before the channel: `SUBSCRIBE`, `unsub`, `subscribeTrades`. */
const ASKS = /^(un)?sub(?:scribe|scription|scriptions)?(?=$|[^a-z])/i;
const ID_KEYS = /^(?:id|req_?id|request_?id|cid)$/i;

/** Words of this field for channels, where a message has none of the descriptor's. */
const FIELD_WORDS: ReadonlyMap<Channel, readonly string[]> = new Map([
  ["trades", ["trade", "match", "transaction", "deal", "execution", "fill"]],
  ["book", ["book", "orderbook", "depth", "level2", "l2"]],
  ["quotes", ["quote", "bbo", "bookticker", "spread"]],
  ["ticker", ["ticker", "snapshot"]],
  ["candles", ["candle", "kline", "ohlc"]],
]);

/**
 * Reads a message that asks in other words than the descriptor, such as a client library's older spelling: by the
 * instruments and the channels whose names stand in it, of all instruments where it names none. Null where it names no
 * instrument and no channel, or asks for nothing.
 */
export function readByWords(body: Json, items: readonly AskedItem[]): ReadByWords | null {
  if (!isObject(body) && !isList(body)) return null;
  const texts = textsOf(body);
  const asking = texts.flatMap((text) => ASKS.exec(text) ?? []);
  const words = new Set(texts.flatMap(wordsOf).slice(0, WORDS_MAX));
  const ofInstruments = items.filter(({ spelling }) => spelling !== null && words.has(spelling.symbol.toLowerCase()));
  const ofChannels = named(ofInstruments.length > 0 ? ofInstruments : items, words);
  // Without a word that asks, both have to be named.
  const isAsking = asking.length > 0
    ? ofInstruments.length > 0 || ofChannels !== null
    : ofInstruments.length > 0 && ofChannels !== null;
  if (!isAsking) return null;
  const isLeaving = texts.some((text) => ASKS.exec(text)?.[1] !== undefined);
  return { isLeaving, items: ofChannels ?? ofInstruments, id: idOf(body) };
}

/** The items of the channels that words name; null where they name none. */
function named(items: readonly AskedItem[], words: ReadonlySet<string>): readonly AskedItem[] | null {
  const own = items.filter(({ spelling }) =>
    spelling?.channel != null && wordsOf(spelling.channel).some((word) => hasLike(words, word))
  );
  if (own.length > 0) return own;
  const field = items.filter(({ streams }) =>
    streams.some(({ channel }) => FIELD_WORDS.get(channel)?.some((word) => hasLike(words, word)) === true)
  );
  return field.length > 0 ? field : null;
}

/** Whether a word is there, or one that begins with it, or that it begins with. */
function hasLike(words: ReadonlySet<string>, word: string): boolean {
  if (words.has(word)) return true;
  if (word.length < PREFIX_MIN) return false;
  for (const other of words) {
    if (other.length >= PREFIX_MIN && (other.startsWith(word) || word.startsWith(other))) return true;
  }
  return false;
}

/** The whole text, its parts between the signs that separate topics, and its words, all in small letters. */
function wordsOf(text: string): readonly string[] {
  const plain = text.replace(ASKS, "").trim().toLowerCase();
  return [plain, ...plain.split(/[\s,:@/.|]+/), ...plain.split(/[^\p{L}\d]+/u)].filter((word) => word !== "");
}

/** Texts and names of members, the deepest last; `subscribeTrades` as two words. */
function textsOf(value: Json): readonly string[] {
  const texts: string[] = [];
  const waiting: Json[] = [value];
  for (let at = 0; at < waiting.length && texts.length < TEXTS_MAX; at++) {
    const next = waiting[at];
    if (typeof next === "string") texts.push(next);
    else if (isList(next)) { for (const inner of next) waiting.push(inner); }
    else if (isObject(next)) {
      for (const [key, inner] of Object.entries(next)) {
        // A name says something of its own where what it holds is no text: `{ "trades": true }`.
        if (typeof inner !== "string") texts.push(key);
        waiting.push(inner);
      }
    }
  }
  return texts.map((text) => text.replace(/^((?:un)?sub(?:scribe)?)(?=[A-Z])/, "$1 "));
}

function idOf(body: Json): Json | undefined {
  if (!isObject(body)) return undefined;
  return Object.entries(body).find(([key]) => ID_KEYS.test(key))?.[1];
}
