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

/** A gap without its id, which it gets when emitted. */
export type GapFields = Omit<Gap, "kind" | "gap_id">;

/** The fields of an opened gap. */
interface Beginning {
  /** Null if the whole connection is concerned. */
  readonly stream: Channel | null;
  readonly cause: GapCause;
  readonly from: Micros | null;
  readonly fromSequence?: string | null;
  readonly toSequence?: string | null;
  readonly detail: string;
  readonly action: string;
}

/** Returns the opening of a gap: its `to_ts` is null. */
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

/** Returns the closing of a gap. It never ends before it begins, even if the machine's clock was set back. */
export function closedGap(gap: Beginning & { readonly to: Micros }): GapFields {
  const { from, to } = gap;
  return { ...openedGap(gap), state: "closed", to_ts: from === null ? to : Math.max(from, to) };
}

/** An open gap of a stream. */
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
 * The open gaps of every stream, by instance. The stream's next data closes its gap, whatever socket, shard or
 * connection it comes over. Bounded: past OPEN_GAPS_MAX gaps one is evicted and never closed.
 */
export class GapLedger {
  readonly #instances = new Map<string, StreamGaps>();
  #size = 0;

  /** Returns the open gaps of an instance. */
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

  /** Whether a stream has an open gap (of `cause`, if given). */
  has(exchange: string, symbol: string, channel: Channel, cause?: GapCause): boolean {
    const gaps = this.#instances.get(exchange)?.get(symbol)?.get(channel);
    return gaps !== undefined && (cause === undefined || gaps.some((gap) => gap.cause === cause));
  }

  /** Appends text to the detail of an open gap of a stream; false if there is none of that cause. */
  explain(exchange: string, { symbol, channel }: Stream, { cause, more }: { cause: GapCause; more: string }): boolean {
    const gaps = this.#instances.get(exchange)?.get(symbol)?.get(channel);
    const at = gaps?.findIndex((gap) => gap.cause === cause) ?? -1;
    if (gaps === undefined || at < 0) return false;
    gaps[at] = { ...gaps[at], detail: `${gaps[at].detail}; ${more}`.slice(0, EXAMPLE_CHARS_MAX) };
    return true;
  }

  /**
   * Removes and returns the gaps of a stream that data of a session closes: those of the session's connection, and
   * those older than the session. A session of another connection that was open all along closes nothing.
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

  /** Yields every open gap with its stream. */
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

/** Returns why a session ended, as a gap detail. */
export function describeClose(record: ClosedRecord): string {
  const code = record.code === null ? "" : ` ${record.code}`;
  return record.reason === "" ? `${record.cause}${code}` : `${record.cause}${code}: ${record.reason}`;
}
