import {
  type Channel,
  type ClosedRecord,
  type Gap,
  type Micros,
  type OpenedRecord,
  type SessionId,
  STREAMS_MAX,
} from "../model/mod.ts";

/** A gap with the symbol it concerns. */
export interface StreamGap {
  readonly symbol: string;
  readonly gap: Gap;
}

/** What has to survive a restart, as plain values. */
export interface GapState {
  readonly sessions: readonly SessionGapState[];
  readonly pending: readonly PendingGapState[];
}

interface SessionGapState {
  readonly session: SessionId;
  readonly place: string;
  readonly lastTs: Micros;
  readonly streams: readonly (readonly [symbol: string, channel: Channel, lastTs: Micros])[];
}

interface PendingGapState {
  readonly place: string;
  readonly symbol: string;
  readonly channel: Channel;
  readonly from: Micros;
  readonly detail: string;
}

interface PendingGap {
  readonly from: Micros;
  readonly detail: string;
}

interface SessionTrack {
  /** Exchange instance and connection: gaps go on from one session of a place to the next. */
  readonly place: string;
  lastTs: Micros;
  /** symbol → channel → time of its last data. */
  readonly lastData: Map<string, Map<Channel, Micros>>;
  /** Gaps of the place that no data has ended yet; shared with later sessions of the place. */
  readonly pending: Map<string, Map<Channel, PendingGap>>;
}

/**
 * Turns closed sessions into gaps: when a session ends, each of its streams has a hole from its last frame on, and the
 * first frame of that stream in a later session of the same connection ends it.
 */
export class GapTracker {
  readonly #sessions = new Map<SessionId, SessionTrack>();
  readonly #pending = new Map<string, Map<string, Map<Channel, PendingGap>>>();

  /** A session begins; its streams are expected from now on. */
  opened(session: SessionId, record: OpenedRecord): void {
    const place = `${record.exchange} ${record.connection}`;
    const track: SessionTrack = { place, lastTs: record.at, lastData: new Map(), pending: this.#pendingOf(place) };
    for (const stream of record.streams) {
      let channels = track.lastData.get(stream.symbol);
      if (channels === undefined) track.lastData.set(stream.symbol, channels = new Map());
      channels.set(stream.channel, record.at);
    }
    this.#sessions.set(session, track);
    if (this.#sessions.size > STREAMS_MAX) {
      const [oldest] = this.#sessions.keys();
      this.#sessions.delete(oldest);
    }
  }

  /** Data of a stream came; returns the gap that it ends, if any. */
  sawData(session: SessionId, channel: Channel, symbol: string, receivedTs: Micros): Gap | null {
    const track = this.#sessions.get(session);
    if (track === undefined) return null;
    track.lastTs = receivedTs;
    let channels = track.lastData.get(symbol);
    if (channels === undefined) track.lastData.set(symbol, channels = new Map());
    channels.set(channel, receivedTs);
    if (track.pending.size === 0) return null;
    const waiting = track.pending.get(symbol);
    const pending = waiting?.get(channel);
    if (waiting === undefined || pending === undefined) return null;
    waiting.delete(channel);
    if (waiting.size === 0) track.pending.delete(symbol);
    return disconnectGap(channel, pending, receivedTs);
  }

  /** Whether the stream was there before and has not come back. */
  isMissing(session: SessionId, channel: Channel, symbol: string): boolean {
    return this.#sessions.get(session)?.pending.get(symbol)?.has(channel) ?? false;
  }

  /** The session has ended: every stream of it is missing from here on. */
  closed(session: SessionId, record: ClosedRecord): void {
    const track = this.#sessions.get(session);
    if (track === undefined) return;
    this.#sessions.delete(session);
    const detail = describeClose(record);
    for (const [symbol, channels] of track.lastData) {
      let waiting = track.pending.get(symbol);
      if (waiting === undefined) track.pending.set(symbol, waiting = new Map());
      for (const [channel, from] of channels) {
        if (!waiting.has(channel)) waiting.set(channel, { from, detail });
      }
    }
  }

  /** Time of the last data of a session; null where it is not known. */
  lastTs(session: SessionId): Micros | null {
    return this.#sessions.get(session)?.lastTs ?? null;
  }

  saveState(): GapState {
    const sessions: SessionGapState[] = [];
    for (const [session, track] of this.#sessions) {
      const streams: [string, Channel, Micros][] = [];
      for (const [symbol, channels] of track.lastData) {
        for (const [channel, lastTs] of channels) streams.push([symbol, channel, lastTs]);
      }
      sessions.push({ session, place: track.place, lastTs: track.lastTs, streams });
    }
    const pending: PendingGapState[] = [];
    for (const [place, symbols] of this.#pending) {
      for (const [symbol, channels] of symbols) {
        for (const [channel, gap] of channels) {
          pending.push({ place, symbol, channel, from: gap.from, detail: gap.detail });
        }
      }
    }
    return { sessions, pending };
  }

  restoreState(state: GapState): void {
    this.#sessions.clear();
    this.#pending.clear();
    for (const { place, symbol, channel, from, detail } of state.pending) {
      const symbols = this.#pendingOf(place);
      let channels = symbols.get(symbol);
      if (channels === undefined) symbols.set(symbol, channels = new Map());
      channels.set(channel, { from, detail });
    }
    for (const { session, place, lastTs, streams } of state.sessions) {
      const lastData = new Map<string, Map<Channel, Micros>>();
      for (const [symbol, channel, at] of streams) {
        let channels = lastData.get(symbol);
        if (channels === undefined) lastData.set(symbol, channels = new Map());
        channels.set(channel, at);
      }
      this.#sessions.set(session, { place, lastTs, lastData, pending: this.#pendingOf(place) });
    }
  }

  #pendingOf(place: string): Map<string, Map<Channel, PendingGap>> {
    let pending = this.#pending.get(place);
    if (pending === undefined) this.#pending.set(place, pending = new Map());
    return pending;
  }
}

function disconnectGap(channel: Channel, pending: PendingGap, receivedTs: Micros): Gap {
  return {
    kind: "gap",
    gap_id: "",
    state: "closed",
    stream: channel,
    cause: "disconnect",
    from_ts: pending.from,
    to_ts: receivedTs,
    from_sequence: null,
    to_sequence: null,
    detail: pending.detail,
    action: "reconnected",
  };
}

function describeClose(record: ClosedRecord): string {
  const code = record.code === null ? "" : ` ${record.code}`;
  return record.reason === "" ? `${record.cause}${code}` : `${record.cause}${code}: ${record.reason}`;
}
