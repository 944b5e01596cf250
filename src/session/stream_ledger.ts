import { Rhythm, type Stall, type StallStep } from "../liveness/mod.ts";
import type { Channel, ConnectionPlan, DataAge, Micros, Stream, StreamCounts, StreamState } from "../model/mod.ts";
import { streamKey } from "../model/mod.ts";

/** Why a stream's data is missing. */
export type OpenGapCause = "disconnect" | "rejected" | "stale" | "stalled";

/** When the first data of a stream is due, in monotonic ms. */
interface Deadline {
  dueMs: number;
  /** Null if it is no longer awaited. */
  entry: StreamEntry | null;
}

/** The state of a stream of a connection. Times are wall clock unless noted. */
export interface StreamEntry {
  readonly stream: Stream;
  /** Whether its channel is quiet: it may show nothing for hours and is never stale. */
  readonly quiet: boolean;
  /** Whether the configuration asks for it. False: it still comes, because it cannot be unsubscribed on this socket. */
  desired: boolean;
  state: StreamState;
  /** When the state began. */
  since: Micros;
  /** Whether it was requested on the present socket. */
  asked: boolean;
  /** Whether it was acknowledged on the present socket, by an ack or by its data. */
  acked: boolean;
  /** Whether it has had data on the present socket. */
  live: boolean;
  /** When its first data is due; null before it was requested. */
  deadline: Deadline | null;
  /** Receive time of its last data, of any socket; null before the first. */
  lastDataTs: Micros | null;
  /** Statistics of its gaps between data. */
  readonly rhythm: Rhythm;
  /** Its stall and the last step against it, over sockets; null if it has not stalled. */
  stall: Stall | null;
  /** Its open gap: cause and beginning; null while data comes, and before the first socket. */
  openGap: { readonly cause: OpenGapCause; readonly from: Micros } | null;
  /** Why it was rejected (the exchange's text) or counts as stalled or stale; null otherwise. */
  reason: string | null;
  /** When a rejected stream is requested again; null if it is not, or is being requested. */
  nextTryTs: Micros | null;
}

/** Change of the desired streams. */
export interface DesiredChange {
  readonly added: readonly Stream[];
  readonly removed: readonly Stream[];
}

/**
 * The streams of one connection, over all its sockets: what is desired, requested, acknowledged, live and missing. The
 * single source for everyone who shows or judges a stream.
 */
export class StreamLedger {
  readonly #byChannel = new Map<Channel, Map<string, StreamEntry>>();
  readonly #counts: Record<StreamState, number> = { pending: 0, acked: 0, live: 0, stale: 0, rejected: 0 };
  readonly #plan: Pick<ConnectionPlan, "quietChannels" | "firstDataTimeoutMs">;
  readonly #now: () => Micros;
  readonly #observe: (entry: StreamEntry, before: StreamState) => void;
  readonly #rhythmOf: (stream: Stream) => Rhythm;
  /** When sockets were last replaced because of stalled streams, by step, in monotonic ms. */
  readonly #replacedMs = new Map<StallStep, number>();
  /** Earliest first. */
  #due: Deadline[] = [];
  #dueAt = 0;
  /** Number of streams of not quiet channels with data on the present socket. */
  #seen = 0;

  constructor(
    plan: Pick<ConnectionPlan, "quietChannels" | "firstDataTimeoutMs">,
    now: () => Micros,
    observe: (entry: StreamEntry, before: StreamState) => void,
    rhythmOf: (stream: Stream) => Rhythm = () => new Rhythm(),
  ) {
    this.#rhythmOf = rhythmOf;
    this.#plan = plan;
    this.#now = now;
    this.#observe = observe;
  }

  /** Sets the desired streams. Streams no longer desired stay until `forget` or the end of the socket. */
  setDesired(streams: Iterable<Stream>): DesiredChange {
    const before = new Set(this.entries());
    const added: Stream[] = [];
    for (const stream of streams) {
      const entry = this.find(stream.channel, stream.symbol) ?? this.#add(stream);
      before.delete(entry);
      if (!entry.desired) added.push(stream);
      entry.desired = true;
    }
    const removed = [...before].filter(({ desired }) => desired);
    for (const entry of removed) entry.desired = false;
    return { added, removed: removed.map(({ stream }) => stream) };
  }

  *entries(): Iterable<StreamEntry> {
    for (const symbols of this.#byChannel.values()) yield* symbols.values();
  }

  find(channel: Channel, symbol: string): StreamEntry | undefined {
    return this.#byChannel.get(channel)?.get(symbol);
  }

  get counts(): StreamCounts {
    return { ...this.#counts };
  }

  /** Number of acknowledged streams of quiet channels without data so far; included in `counts.acked`. */
  get quietAcked(): number {
    let count = 0;
    for (const { quiet, state } of this.entries()) if (quiet && state === "acked") count++;
    return count;
  }

  get rejected(): readonly { readonly stream: Stream; readonly reason: string; readonly nextTryTs: Micros | null }[] {
    return [...this.entries()].filter(({ state }) => state === "rejected")
      .map(({ stream, reason, nextTryTs }) => ({ stream, reason: reason ?? "", nextTryTs }));
  }

  /** Returns the age of the data of desired streams, and how many streams are missing. */
  dataAge(now: Micros): DataAge {
    const silentBefore = now - this.#plan.firstDataTimeoutMs * 1000;
    let oldest: StreamEntry | null = null;
    let [silent, missing] = [0, 0];
    for (const entry of this.entries()) {
      if (!entry.desired) continue;
      if (entry.openGap !== null) missing++;
      if (entry.quiet) continue;
      if ((entry.lastDataTs ?? -Infinity) < silentBefore) silent++;
      if (entry.lastDataTs === null) continue;
      if (oldest === null || entry.lastDataTs < (oldest.lastDataTs ?? 0)) oldest = entry;
    }
    return {
      oldestTs: oldest?.lastDataTs ?? null,
      oldestStream: oldest === null ? null : streamKey(oldest.stream),
      silent,
      missing,
    };
  }

  /** Notes that a stream was requested, and awaits its first data from now on, unless it already is awaited. */
  asked(entry: StreamEntry, nowMs: number): void {
    entry.asked = true;
    if (entry.state === "rejected") entry.nextTryTs = null;
    if (entry.deadline !== null) return;
    entry.deadline = { dueMs: nowMs + this.#plan.firstDataTimeoutMs, entry };
    if (!entry.quiet) this.#due.push(entry.deadline);
  }

  /** Notes data; true if it is the first of the stream on the socket. */
  see(entry: StreamEntry, receivedTs: Micros): boolean {
    entry.lastDataTs = receivedTs;
    if (entry.live) return false;
    entry.live = true;
    entry.openGap = null;
    if (!entry.quiet) this.#seen++;
    return true;
  }

  /** Notes an acknowledgement; true if it is the first of the stream on the socket. */
  acknowledge(entry: StreamEntry): boolean {
    if (entry.acked && entry.state !== "rejected") return false;
    entry.acked = true;
    entry.nextTryTs = null;
    this.set(
      entry,
      entry.state === "stale" && (!entry.live || entry.stall !== null) ? "stale" : entry.live ? "live" : "acked",
    );
    return true;
  }

  /** Notes a rejection, which data may prove wrong; true if the stream was not rejected before. */
  reject(entry: StreamEntry, reason: string, nextTryTs: Micros | null): boolean {
    const isNew = entry.state !== "rejected";
    if (entry.live && !entry.quiet) this.#seen--;
    entry.live = false;
    entry.acked = false;
    // If it is requested again, its first data is awaited again.
    dropDeadline(entry);
    entry.stall = null;
    entry.rhythm.interrupt(null);
    entry.nextTryTs = nextTryTs;
    entry.openGap ??= this.#gap(entry, "rejected");
    this.set(entry, "rejected", reason);
    entry.reason = reason;
    return isNew;
  }

  set(entry: StreamEntry, state: StreamState, reason: string | null = null): void {
    if (entry.state === state) return;
    const before = entry.state;
    this.#move(entry, state);
    entry.reason = reason;
    this.#observe(entry, before);
  }

  /** Notes that a stream has stalled. */
  stalled(entry: StreamEntry, stall: Stall, reason: string): void {
    entry.stall = stall;
    entry.openGap ??= this.#gap(entry, "stalled");
    this.set(entry, "stale", reason);
  }

  /** Notes that a stalled stream has data again. */
  resumed(entry: StreamEntry): void {
    entry.stall = null;
    entry.openGap = null;
    if (entry.live) this.set(entry, entry.acked ? "live" : "pending");
  }

  /** Whether a socket may be replaced because of a stalled stream: once per step in `everyMs`. Notes the time if so. */
  mayReplace(step: StallStep, nowMs: number, everyMs: number): boolean {
    if (nowMs < (this.#replacedMs.get(step) ?? -Infinity) + everyMs) return false;
    this.#replacedMs.set(step, nowMs);
    return true;
  }

  /** When the next first data is due, in monotonic ms; Infinity if none is. */
  get nextDueMs(): number {
    return this.#due[this.#dueAt]?.dueMs ?? Infinity;
  }

  /** Extends pending deadlines by the time of a reading pause, and restarts silences. */
  postpone(ms: number, nowMs: number): void {
    for (const { stall, rhythm } of this.entries()) {
      if (stall === null && rhythm.lastMs !== null) rhythm.interrupt(nowMs);
    }
    for (const deadline of this.#due.slice(this.#dueAt)) deadline.dueMs += ms;
  }

  /**
   * Marks streams as stale whose deadline has passed without data. True if the whole socket is silent: all streams that
   * must show data were requested, their deadlines have passed, and none has had data.
   */
  expire(nowMs: number): boolean {
    for (; this.nextDueMs <= nowMs; this.#dueAt++) {
      const { entry } = this.#due[this.#dueAt];
      if (entry === null || entry.live || !entry.desired) continue;
      // The data of a rejected stream is awaited again when it is accepted.
      if (entry.state === "rejected") {
        dropDeadline(entry);
        continue;
      }
      entry.openGap ??= this.#gap(entry, "stale");
      this.set(entry, "stale", "no data since it was asked for");
    }
    if (this.#seen > 0 || this.#counts.stale === 0) return false;
    let isSilent = false;
    for (const { quiet, desired, state } of this.entries()) {
      if (quiet || !desired) continue;
      if (state !== "stale" && state !== "rejected") return false;
      isSilent ||= state === "stale";
    }
    return isSilent;
  }

  /** Removes a stream that is no longer desired and has ended. */
  forget(entry: StreamEntry): void {
    if (!this.#byChannel.get(entry.stream.channel)?.delete(entry.stream.symbol)) return;
    this.#counts[entry.state]--;
    if (entry.live && !entry.quiet) this.#seen--;
    dropDeadline(entry);
  }

  /** Notes the end of the socket: requested streams have a gap, and all are pending again. */
  socketEnded(): void {
    for (const entry of [...this.entries()]) {
      if (!entry.desired) {
        this.forget(entry);
        continue;
      }
      if (entry.asked) entry.openGap ??= this.#gap(entry, "disconnect");
      // The silence until the next socket is not the stream's.
      if (entry.stall === null) entry.rhythm.interrupt(null);
      Object.assign(entry, { asked: false, acked: false, live: false, deadline: null, reason: null, nextTryTs: null });
      if (entry.state !== "pending") this.#move(entry, "pending");
    }
    this.#due = [];
    this.#dueAt = 0;
    this.#seen = 0;
  }

  #add(stream: Stream): StreamEntry {
    const symbols = this.#byChannel.get(stream.channel) ?? new Map<string, StreamEntry>();
    this.#byChannel.set(stream.channel, symbols);
    const entry: StreamEntry = {
      stream,
      quiet: this.#plan.quietChannels.includes(stream.channel),
      desired: false,
      state: "pending",
      since: this.#now(),
      asked: false,
      acked: false,
      live: false,
      deadline: null,
      lastDataTs: null,
      rhythm: this.#rhythmOf(stream),
      stall: null,
      openGap: null,
      reason: null,
      nextTryTs: null,
    };
    symbols.set(stream.symbol, entry);
    this.#counts.pending++;
    return entry;
  }

  #move(entry: StreamEntry, state: StreamState): void {
    this.#counts[entry.state]--;
    this.#counts[state]++;
    entry.state = state;
    entry.since = this.#now();
  }

  #gap(entry: StreamEntry, cause: OpenGapCause): { readonly cause: OpenGapCause; readonly from: Micros } {
    return { cause, from: entry.lastDataTs ?? entry.since };
  }
}

function dropDeadline(entry: StreamEntry): void {
  if (entry.deadline !== null) entry.deadline.entry = null;
  entry.deadline = null;
}
