import {
  type Channel,
  type ClosedRecord,
  EXAMPLE_CHARS_MAX,
  type Gap,
  type GapCause,
  type Micros,
  type Offset,
  OPEN_GAPS_MAX,
  type SessionId,
  type Stream,
} from "../model/mod.ts";

/** A gap without the id that it gets where it is emitted. */
export type GapFields = Omit<Gap, "kind" | "gap_id">;

/** What a gap says of itself when it begins. */
interface Beginning {
  /** Null where the whole connection is concerned. */
  readonly stream: Channel | null;
  readonly cause: GapCause;
  readonly from: Micros | null;
  readonly fromSequence?: string | null;
  readonly toSequence?: string | null;
  readonly detail: string;
  readonly action: string;
}

/** Returns the gap that begins: `to_ts` is null until it ends. */
export function openedGap(gap: Beginning): GapFields {
  return {
    state: "opened",
    stream: gap.stream,
    cause: gap.cause,
    from_ts: gap.from,
    to_ts: null,
    from_sequence: gap.fromSequence ?? null,
    to_sequence: gap.toSequence ?? null,
    detail: gap.detail,
    action: gap.action,
  };
}

/** Returns the gap that is over. It never ends before it begins, also where the machine's clock was set back meanwhile. */
export function closedGap(gap: Beginning & { readonly to: Micros }): GapFields {
  const { from, to } = gap;
  return { ...openedGap(gap), state: "closed", to_ts: from === null ? to : Math.max(from, to) };
}

/** A gap of a stream that no data has ended. */
export interface OpenGap {
  readonly id: string;
  readonly cause: GapCause;
  readonly from: Micros | null;
  readonly fromSequence: string | null;
  readonly detail: string;
  /** The descriptor's connection whose session had the stream. */
  readonly connectionId: string;
  /** Offset of the record that opened it. */
  readonly since: Offset;
}

/** Open gaps of an instance by symbol and channel. */
export type StreamGaps = Map<string, Map<Channel, OpenGap[]>>;

/**
 * The open gaps of every stream, by instance. A gap follows its stream: the next data ends it, whatever socket, shard or
 * connection they come over. Bounded: past OPEN_GAPS_MAX gaps the oldest stays open in the data and is forgotten here.
 */
export class GapLedger {
  readonly #instances = new Map<string, StreamGaps>();
  #size = 0;

  /** Returns the gaps of an instance, to be looked up by streams. */
  of(exchange: string): StreamGaps {
    let gaps = this.#instances.get(exchange);
    if (gaps === undefined) this.#instances.set(exchange, gaps = new Map());
    return gaps;
  }

  /** Adds an open gap of a stream. */
  add(exchange: string, symbol: string, channel: Channel, gap: OpenGap): void {
    if (this.#size >= OPEN_GAPS_MAX) this.#evictOldest();
    const streams = this.of(exchange);
    let channels = streams.get(symbol);
    if (channels === undefined) streams.set(symbol, channels = new Map());
    const gaps = channels.get(channel);
    if (gaps === undefined) channels.set(channel, [gap]);
    else gaps.push(gap);
    this.#size++;
  }

  /** Whether a stream has an open gap, of one cause where that is given. */
  has(exchange: string, symbol: string, channel: Channel, cause?: GapCause): boolean {
    const gaps = this.#instances.get(exchange)?.get(symbol)?.get(channel);
    return gaps !== undefined && (cause === undefined || gaps.some((gap) => gap.cause === cause));
  }

  /** Adds words to what an open gap of a stream says of itself; false where there is none of that cause. */
  explain(exchange: string, { symbol, channel }: Stream, { cause, more }: { cause: GapCause; more: string }): boolean {
    const gaps = this.#instances.get(exchange)?.get(symbol)?.get(channel);
    const at = gaps?.findIndex((gap) => gap.cause === cause) ?? -1;
    if (gaps === undefined || at < 0) return false;
    gaps[at] = { ...gaps[at], detail: `${gaps[at].detail}; ${more}`.slice(0, EXAMPLE_CHARS_MAX) };
    return true;
  }

  /**
   * Removes and returns the gaps of a stream that data of a session end: those of the session's connection, and those
   * that are older than the session. Another connection that went on all the while ends nothing.
   */
  end(
    exchange: string,
    stream: { readonly symbol: string; readonly channel: Channel },
    by: { readonly session: SessionId; readonly connectionId: string },
  ): readonly OpenGap[] {
    const streams = this.#instances.get(exchange);
    const channels = streams?.get(stream.symbol);
    const gaps = channels?.get(stream.channel);
    if (streams === undefined || channels === undefined || gaps === undefined) return [];
    const isEnded = (gap: OpenGap) => gap.connectionId === by.connectionId || gap.since < by.session;
    const ended = gaps.filter(isEnded);
    if (ended.length === 0) return ended;
    this.#size -= ended.length;
    if (ended.length < gaps.length) channels.set(stream.channel, gaps.filter((gap) => !isEnded(gap)));
    else channels.delete(stream.channel);
    if (channels.size === 0) streams.delete(stream.symbol);
    return ended;
  }

  /** Yields every open gap with its stream, as they were added. */
  *entries(): Iterable<readonly [exchange: string, symbol: string, channel: Channel, gap: OpenGap]> {
    for (const [exchange, streams] of this.#instances) {
      for (const [symbol, channels] of streams) {
        for (const [channel, gaps] of channels) for (const gap of gaps) yield [exchange, symbol, channel, gap];
      }
    }
  }

  #evictOldest(): void {
    for (const streams of this.#instances.values()) {
      for (const [symbol, channels] of streams) {
        for (const [channel, gaps] of channels) {
          this.#size -= gaps.length;
          channels.delete(channel);
          if (channels.size === 0) streams.delete(symbol);
          return;
        }
      }
    }
  }
}

/** Returns why a session ended, in the words of its record. */
export function describeClose(record: ClosedRecord): string {
  const code = record.code === null ? "" : ` ${record.code}`;
  return record.reason === "" ? `${record.cause}${code}` : `${record.cause}${code}: ${record.reason}`;
}
