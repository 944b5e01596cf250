import { Rhythm, type Stall, type StallStep } from "../liveness/mod.ts";
import type { Channel, ConnectionPlan, DataAge, Micros, Stream, StreamCounts, StreamState } from "../model/mod.ts";
import { streamKey } from "../model/mod.ts";

/** Why a stream's data is missing. */
export type OpenGapCause = "disconnect" | "rejected" | "stale" | "stalled";

/** When the first data of a stream has to have been seen, in monotonic ms. */
interface Deadline {
  dueMs: number;
  /** Null where nothing is waited for any more. */
  entry: StreamEntry | null;
}

/** A stream of a connection and how far it has come. Times are wall clock unless they say otherwise. */
export interface StreamEntry {
  readonly stream: Stream;
  /** Quiet channels may show nothing for hours: they are never stale. */
  readonly quiet: boolean;
  /** Whether the configuration asks for it; else it only comes because it cannot be ended on the present socket. */
  desired: boolean;
  state: StreamState;
  /** When the state began. */
  since: Micros;
  /** Whether it was asked for on the present socket. */
  asked: boolean;
  /** Whether it was acknowledged on the present socket, by an ack or by its data. */
  acked: boolean;
  /** Whether data of it was seen on the present socket. */
  live: boolean;
  /** When data has to have been seen; null before it was asked for. */
  deadline: Deadline | null;
  /** Receive time of its last data, of any socket; null before the first. */
  lastDataTs: Micros | null;
  /** What it has shown of its gaps between data. */
  readonly rhythm: Rhythm;
  /** What is done about it since it stopped, over sockets; null while it has not. */
  stall: Stall | null;
  /** What is missing of it now, from when on; null while its data comes, and before its first socket. */
  openGap: { readonly cause: OpenGapCause; readonly from: Micros } | null;
  /** The exchange's words where it was rejected; why it is taken as stopped. */
  reason: string | null;
  /** When a rejected stream is asked for again; null where it is not, or is being asked for. */
  nextTryTs: Micros | null;
}

/** What changed with the streams that are wanted. */
export interface DesiredChange {
  readonly added: readonly Stream[];
  readonly removed: readonly Stream[];
}

/**
 * The streams of one connection, over all the sockets it takes: what is wanted of each, what was asked for, what became
 * of it, and what is missing. Everything that shows or judges a stream reads it here.
 */
export class StreamLedger {
  readonly #byChannel = new Map<Channel, Map<string, StreamEntry>>();
  readonly #counts: Record<StreamState, number> = { pending: 0, acked: 0, live: 0, stale: 0, rejected: 0 };
  readonly #plan: Pick<ConnectionPlan, "quietChannels" | "firstDataTimeoutMs">;
  readonly #now: () => Micros;
  readonly #observe: (entry: StreamEntry, before: StreamState) => void;
  readonly #rhythmOf: (stream: Stream) => Rhythm;
  /** When sockets were last replaced for streams that stood still, by step, in monotonic ms. */
  readonly #replacedMs = new Map<StallStep, number>();
  /** Earliest first. */
  #due: Deadline[] = [];
  #dueAt = 0;
  /** Streams of other than quiet channels that showed data on the present socket. */
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

  /** Wants these streams and no others. Streams that are wanted no more stay until `forget` or the end of the socket. */
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

  /** Acknowledged streams of quiet channels that have shown nothing yet: part of `counts.acked`. */
  get quietAcked(): number {
    let count = 0;
    for (const { quiet, state } of this.entries()) if (quiet && state === "acked") count++;
    return count;
  }

  get rejected(): readonly { readonly stream: Stream; readonly reason: string; readonly nextTryTs: Micros | null }[] {
    return [...this.entries()].filter(({ state }) => state === "rejected")
      .map(({ stream, reason, nextTryTs }) => ({ stream, reason: reason ?? "", nextTryTs }));
  }

  /** How old the data of the streams is, and how much of it is missing; what is not desired does not count. */
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

  /** A stream was asked for: its first data is waited for from now on, unless it already is. */
  asked(entry: StreamEntry, nowMs: number): void {
    entry.asked = true;
    if (entry.state === "rejected") entry.nextTryTs = null;
    if (entry.deadline !== null) return;
    entry.deadline = { dueMs: nowMs + this.#plan.firstDataTimeoutMs, entry };
    if (!entry.quiet) this.#due.push(entry.deadline);
  }

  /** Notes data; true where it is the first of that stream on the socket. */
  see(entry: StreamEntry, receivedTs: Micros): boolean {
    entry.lastDataTs = receivedTs;
    if (entry.live) return false;
    entry.live = true;
    entry.openGap = null;
    if (!entry.quiet) this.#seen++;
    return true;
  }

  /** Notes an acknowledgement; true where it is the first of that stream on the socket. */
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

  /** Notes a rejection, which data may prove wrong; true where the stream was not rejected before. */
  reject(entry: StreamEntry, reason: string, nextTryTs: Micros | null): boolean {
    const isNew = entry.state !== "rejected";
    if (entry.live && !entry.quiet) this.#seen--;
    entry.live = false;
    entry.acked = false;
    // Where it is asked for again, its first data is waited for anew.
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

  /** A stream that had data stands still. */
  stalled(entry: StreamEntry, stall: Stall, reason: string): void {
    entry.stall = stall;
    entry.openGap ??= this.#gap(entry, "stalled");
    this.set(entry, "stale", reason);
  }

  /** Data of a stream that stood still came. */
  resumed(entry: StreamEntry): void {
    entry.stall = null;
    entry.openGap = null;
    if (entry.live) this.set(entry, entry.acked ? "live" : "pending");
  }

  /** Whether a socket may be replaced for a stream that stands still, which is noted then: each step once in a while. */
  mayReplace(step: StallStep, nowMs: number, everyMs: number): boolean {
    if (nowMs < (this.#replacedMs.get(step) ?? -Infinity) + everyMs) return false;
    this.#replacedMs.set(step, nowMs);
    return true;
  }

  /** When the next deadline of first data is, in monotonic ms; Infinity where there is none. */
  get nextDueMs(): number {
    return this.#due[this.#dueAt]?.dueMs ?? Infinity;
  }

  /** We were not reading for a while: deadlines that have not passed move by as much, and silence begins anew. */
  postpone(ms: number, nowMs: number): void {
    for (const { stall, rhythm } of this.entries()) {
      if (stall === null && rhythm.lastMs !== null) rhythm.interrupt(nowMs);
    }
    for (const deadline of this.#due.slice(this.#dueAt)) deadline.dueMs += ms;
  }

  /**
   * Marks streams as stale whose deadline has passed without data. True where that leaves the whole socket silent: all
   * streams that had to show data were asked for, their time is over, and none has shown any.
   */
  expire(nowMs: number): boolean {
    for (; this.nextDueMs <= nowMs; this.#dueAt++) {
      const { entry } = this.#due[this.#dueAt];
      if (entry === null || entry.live || !entry.desired) continue;
      // A rejected stream is waited for anew when it is accepted.
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

  /** A stream that is wanted no more has ended. */
  forget(entry: StreamEntry): void {
    if (!this.#byChannel.get(entry.stream.channel)?.delete(entry.stream.symbol)) return;
    this.#counts[entry.state]--;
    if (entry.live && !entry.quiet) this.#seen--;
    dropDeadline(entry);
  }

  /** The socket is gone: streams that had begun on it have a gap, and all are pending again. */
  socketEnded(): void {
    for (const entry of [...this.entries()]) {
      if (!entry.desired) {
        this.forget(entry);
        continue;
      }
      if (entry.asked) entry.openGap ??= this.#gap(entry, "disconnect");
      // The silence until the next socket is not the stream's own.
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
