import { type ExchangePlan, type Micros, TARDIS_FILTERS_MAX, type WireFrame } from "../../model/mod.ts";
import { hasWord, shallowTexts } from "../../protocol/mod.ts";
import { isTexts, readTimes } from "./options.ts";

/** One filter of a raw replay. */
interface RawFilter {
  /** A channel of this program, or the exchange's word for one. */
  readonly channel: string;
  /** Native or canonical symbols; null if all. */
  readonly symbols: readonly string[] | null;
}

/** The request of a raw replay over HTTP. */
export interface RawOption {
  readonly exchange: string;
  readonly from: Micros;
  readonly to: Micros;
  /** Empty if every frame is wanted. */
  readonly filters: readonly RawFilter[];
  readonly disconnects: boolean;
}

/** Reads the parameter `options` of a raw replay. Returns a text if something is wrong. */
export function readRawOption(text: string | null): RawOption | string {
  if (text === null) return "Give the parameter options, as JSON";
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return "The parameter options is not JSON";
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) return "options has to be an object";
  const { exchange, from, to, filters = [], withDisconnects } = given as Readonly<Record<string, unknown>>;
  if (typeof exchange !== "string" || exchange === "") return "options needs exchange: the name of an instance";
  const times = readTimes(from, to);
  if (typeof times === "string") return times;
  if (!Array.isArray(filters) || filters.length > TARDIS_FILTERS_MAX) {
    return `filters has to be a list of at most ${TARDIS_FILTERS_MAX}`;
  }
  const read: RawFilter[] = [];
  for (const filter of filters as readonly unknown[]) {
    const { channel, symbols } = (filter ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof channel !== "string" || channel === "") return 'A filter needs channel: {"channel":"trade"}';
    if (symbols !== undefined && !isTexts(symbols)) return "symbols of a filter has to be a list of texts";
    read.push({ channel, symbols: symbols === undefined || symbols.length === 0 ? null : symbols });
  }
  return { exchange, ...times, filters: read, disconnects: withDisconnects === true };
}

/** Chooses frames of an instance by the filters of a request. */
export class RawFilters {
  readonly #filters: readonly RawFilter[];
  /** Native spellings by canonical symbol. */
  readonly #natives: ReadonlyMap<string, string>;

  constructor({ filters }: RawOption, plan: ExchangePlan | null) {
    this.#filters = filters;
    this.#natives = new Map((plan?.runnable?.instruments ?? []).map(({ symbol, native }) => [symbol, native]));
  }

  /** Whether a frame belongs to a channel and a symbol of one filter. */
  allows(frame: WireFrame): boolean {
    if (this.#filters.length === 0) return true;
    if (frame.text === null) return false;
    let words: readonly string[] | null = null;
    const wordsOf = () => words ??= textsOf(frame.text ?? "");
    return this.#filters.some(({ channel, symbols }) => {
      const isChannel = frame.streams.some((stream) => stream.channel === channel) ||
        wordsOf().some((text) => hasWord(text, channel));
      if (!isChannel || symbols === null) return isChannel;
      return symbols.some((symbol) =>
        frame.streams.some((stream) => stream.symbol === symbol || this.#isSpelt(stream.symbol, symbol)) ||
        wordsOf().some((text) => hasWord(text, symbol))
      );
    });
  }

  #isSpelt(symbol: string, native: string): boolean {
    return (this.#natives.get(symbol) ?? symbol).toLowerCase() === native.toLowerCase();
  }
}

function textsOf(text: string): readonly string[] {
  try {
    return shallowTexts(JSON.parse(text)).map((found) => found.text);
  } catch {
    return [text];
  }
}
