import type { Channel, ConnectionPlan, Stream, StreamCounts, StreamState } from "../model/mod.ts";

/** A stream of a socket and how far it has come. */
export interface StreamEntry {
  readonly stream: Stream;
  /** Quiet channels may show nothing for hours: they are never stale. */
  readonly quiet: boolean;
  state: StreamState;
  /** Whether it was acknowledged on this socket, by an ack or by its data. */
  acked: boolean;
  /** Whether data of it was seen on this socket. */
  seen: boolean;
  /** When data has to have been seen, in monotonic ms; null before it was asked for. */
  dueMs: number | null;
  /** The exchange's words where it was rejected. */
  reason: string | null;
}

/** The streams of one socket: their states and the deadlines of their first data. */
export class StreamBoard {
  readonly #entries: StreamEntry[] = [];
  readonly #byChannel = new Map<Channel, Map<string, StreamEntry>>();
  readonly #counts: Record<StreamState, number> = { pending: 0, acked: 0, live: 0, stale: 0, rejected: 0 };
  /** Streams in the order of their deadlines. */
  readonly #due: StreamEntry[] = [];
  #dueAt = 0;
  #seen = 0;
  readonly #firstDataTimeoutMs: number;
  readonly #observe: (entry: StreamEntry) => void;

  constructor(plan: ConnectionPlan, observe: (entry: StreamEntry) => void) {
    this.#firstDataTimeoutMs = plan.firstDataTimeoutMs;
    this.#observe = observe;
    for (const stream of plan.requests.flatMap((request) => request.items).flatMap((item) => item.streams)) {
      const symbols = this.#byChannel.get(stream.channel) ?? new Map<string, StreamEntry>();
      this.#byChannel.set(stream.channel, symbols);
      if (symbols.has(stream.symbol)) continue;
      const quiet = plan.quietChannels.includes(stream.channel);
      const entry: StreamEntry = {
        stream,
        quiet,
        state: "pending",
        acked: false,
        seen: false,
        dueMs: null,
        reason: null,
      };
      symbols.set(stream.symbol, entry);
      this.#entries.push(entry);
      this.#counts.pending++;
    }
  }

  get counts(): StreamCounts {
    return { ...this.#counts };
  }

  /** Acknowledged streams of quiet channels that have shown nothing yet: part of `counts.acked`. */
  get quietAcked(): number {
    return this.#entries.filter(({ quiet, state }) => quiet && state === "acked").length;
  }

  get rejected(): readonly { readonly stream: Stream; readonly reason: string }[] {
    return this.#entries.filter(({ state }) => state === "rejected")
      .map(({ stream, reason }) => ({ stream, reason: reason ?? "" }));
  }

  find(channel: Channel, symbol: string): StreamEntry | undefined {
    return this.#byChannel.get(channel)?.get(symbol);
  }

  /** A stream was asked for: from now on its first data is waited for. Asking again does not move the deadline. */
  asked(entry: StreamEntry, nowMs: number): void {
    if (entry.dueMs !== null) return;
    entry.dueMs = nowMs + this.#firstDataTimeoutMs;
    if (!entry.quiet) this.#due.push(entry);
  }

  /** Notes data; true where it is the first of that stream. */
  see(entry: StreamEntry): boolean {
    if (entry.seen) return false;
    entry.seen = true;
    if (!entry.quiet) this.#seen++;
    return true;
  }

  /** Notes an acknowledgement; true where it is the first of that stream. */
  acknowledge(entry: StreamEntry): boolean {
    if (entry.acked && entry.state !== "rejected") return false;
    entry.acked = true;
    this.set(entry, entry.seen ? "live" : entry.state === "stale" ? "stale" : "acked");
    return true;
  }

  /** A rejected stream that shows data all the same is live again from its next frame on. */
  reject(entry: StreamEntry, reason: string): void {
    entry.seen = false;
    entry.acked = false;
    this.set(entry, "rejected", reason);
  }

  set(entry: StreamEntry, state: StreamState, reason: string | null = null): void {
    if (entry.state === state) return;
    this.#counts[entry.state]--;
    this.#counts[state]++;
    entry.state = state;
    entry.reason = reason;
    this.#observe(entry);
  }

  /** When the next first-data deadline is, in monotonic ms; Infinity where there is none. */
  get nextDueMs(): number {
    return this.#due[this.#dueAt]?.dueMs ?? Infinity;
  }

  /** We were not reading for a while: deadlines that have not passed move by as much. */
  postpone(ms: number): void {
    for (const entry of this.#due) if (entry.dueMs !== null) entry.dueMs += ms;
  }

  /**
   * Marks streams as stale whose deadline has passed without data. True where that leaves the whole socket silent: all
   * streams that had to show data were asked for, their time is over, and none has shown any.
   */
  expire(nowMs: number): boolean {
    for (; this.nextDueMs <= nowMs; this.#dueAt++) {
      const entry = this.#due[this.#dueAt];
      if (entry.seen || entry.state === "rejected") continue;
      this.set(entry, "stale", "no data since it was asked for");
    }
    if (this.#seen > 0 || this.#counts.stale === 0) return false;
    return this.#entries.every(({ quiet, state }) => quiet || state === "stale" || state === "rejected");
  }
}
