import type { Clock, Random } from "../host/mod.ts";
import {
  type Channel,
  type ConnectionPlan,
  type ControlSignal,
  type Micros,
  type Observer,
  RESUBSCRIBE_MS_MAX,
  type Stream,
  type StreamCounts,
  type Template,
} from "../model/mod.ts";
import { AckGate, type ItemEntry, newRequest, type PendingRequest, singleRequest } from "./ack_gate.ts";
import { backoffMs } from "./backoff.ts";
import type { SendQueue } from "./send_queue.ts";
import { StreamBoard, type StreamEntry } from "./stream_board.ts";

/** What the subscriptions of a socket need of it. */
export interface SubscriptionsOptions {
  readonly exchange: string;
  readonly plan: ConnectionPlan;
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observer;
  readonly queue: SendQueue;
  /** Sends a frame now and returns the ids it carries. */
  readonly send: (template: Template) => readonly string[];
  /** A deadline may have come nearer. */
  readonly onDeadline: () => void;
  /** Every request was answered, for the first time. */
  readonly onSettled: () => void;
  readonly onAcked: (streams: readonly Stream[], at: Micros) => void;
  readonly onRejected: (streams: readonly Stream[], reason: string, at: Micros) => void;
}

/** What one socket asks for, what became of it, and which of it shows data. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #board: StreamBoard;
  readonly #gate: AckGate;
  readonly #items: readonly ItemEntry[];
  readonly #streamsOf = new Map<ItemEntry, readonly StreamEntry[]>();
  readonly #itemsOf = new Map<StreamEntry, ItemEntry[]>();
  /** Requests to be sent again, by when; the earliest first. */
  readonly #resends: { readonly dueMs: number; readonly pending: PendingRequest }[] = [];
  #settled = false;

  constructor(options: SubscriptionsOptions) {
    const { exchange, plan, observe } = options;
    this.#options = options;
    this.#board = new StreamBoard(plan, ({ stream, state, reason }) => {
      observe({ kind: "stream_state", exchange, connection: plan.key, stream, state, reason });
    });
    this.#items = plan.requests.flatMap(({ items, ack }) => items.map((item) => ({ item, ack, state: "queued" })));
    for (const entry of this.#items) this.#linkStreams(entry);
    this.#gate = new AckGate(this.#items);
  }

  get counts(): StreamCounts {
    return this.#board.counts;
  }

  get quietAcked(): number {
    return this.#board.quietAcked;
  }

  get rejected(): readonly { readonly stream: Stream; readonly reason: string }[] {
    return this.#board.rejected;
  }

  /** Whether every request was answered. */
  get settled(): boolean {
    return this.#settled;
  }

  /** When `expire` has something to do, in monotonic ms; Infinity where nothing is waited for. */
  get nextDueMs(): number {
    return Math.min(this.#gate.nextDueMs, this.#board.nextDueMs, this.#resends[0]?.dueMs ?? Infinity);
  }

  /** Queues all requests of the plan, in order. */
  start(): void {
    let at = 0;
    for (const request of this.#options.plan.requests) {
      this.#ask(newRequest(request, this.#items.slice(at, at += request.items.length)));
    }
    this.#checkSettled();
  }

  /** `words` are the exchange's, without secrets; null where it gave none. */
  acknowledge(signal: ControlSignal, words: string | null, at: Micros): void {
    const { acked, rejected } = this.#gate.acknowledge(signal);
    this.#acknowledgeItems(acked, at);
    if (rejected.length > 0) this.#rejectItems(rejected, words ?? "not accepted", at);
  }

  /**
   * Asks anew for all that brings a stream: takes it back, where there is a message for it, and asks again. False where
   * that cannot be done on this socket.
   */
  resubscribe({ channel, symbol }: Stream): boolean {
    const stream = this.#board.find(channel, symbol);
    const items = stream === undefined ? [] : this.#itemsOf.get(stream) ?? [];
    const open = items.filter(({ state }) => state !== "rejected");
    if (open.length === 0 || open.some(({ item }) => item.unsubscribe === null)) return false;
    for (const entry of open) {
      // What still waits for its turn will be asked for anyway.
      if (entry.state === "queued") continue;
      const { unsubscribe } = entry.item;
      if (unsubscribe !== null && unsubscribe !== "none") {
        this.#options.queue.request(() => {
          this.#options.send(unsubscribe);
          return true;
        });
      }
      this.#gate.requeue(entry);
      this.#ask(singleRequest(entry));
    }
    return true;
  }

  reject(signal: ControlSignal, words: string | null, at: Micros): void {
    const { exchange, plan, observe } = this.#options;
    const reason = words ?? signal.rule;
    const { rejected, split, attributed } = this.#gate.reject(signal);
    if (!attributed) {
      observe({ kind: "request_failed", exchange, connection: plan.key, outcome: "unattributed_rejection", reason });
    }
    for (const entry of split) this.#ask(singleRequest(entry));
    this.#rejectItems(rejected, reason, at);
  }

  #rejectItems(rejected: readonly ItemEntry[], reason: string, at: Micros): void {
    // A stream that several items feed is lost only with the last of them.
    const lost = new Set(
      rejected.flatMap((entry) => this.#streamsOf.get(entry) ?? [])
        .filter((stream) => this.#itemsOf.get(stream)?.every(({ state }) => state === "rejected")),
    );
    for (const stream of lost) this.#board.reject(stream, reason);
    if (lost.size > 0) this.#options.onRejected([...lost].map(({ stream }) => stream), reason, at);
    this.#checkSettled();
  }

  /** Data of a stream was seen. It confirms what nothing else confirms, and proves a rejection wrong. */
  see(channel: Channel, symbol: string): void {
    const stream = this.#board.find(channel, symbol);
    if (stream === undefined || !this.#board.see(stream)) return;
    const at = this.#options.clock.nowMicros();
    const items = this.#itemsOf.get(stream) ?? [];
    if (stream.state === "rejected") {
      for (const entry of items) this.#gate.revive(entry);
      this.#acknowledgeStreams([stream], at);
    } else if (stream.acked) this.#board.set(stream, "live");
    else if (stream.state === "stale") this.#board.set(stream, "pending");
    for (const entry of items) if (entry.ack.mode === "none") this.#acknowledgeItems(this.#gate.prove(entry), at);
  }

  /** Does what is due. True where the whole socket is silent past its deadlines. */
  expire(nowMs: number): boolean {
    for (const pending of this.#gate.expire(nowMs)) this.#expireRequest(pending, nowMs);
    while ((this.#resends[0]?.dueMs ?? Infinity) <= nowMs) {
      const resend = this.#resends.shift();
      if (resend !== undefined) this.#ask(resend.pending);
    }
    return this.#board.expire(nowMs);
  }

  /** We were not reading for a while: deadlines move by as much. */
  postpone(ms: number): void {
    this.#gate.postpone(ms);
    this.#board.postpone(ms);
  }

  #ask(pending: PendingRequest): void {
    this.#options.queue.request(() => {
      // An answer may have come while it waited for its turn.
      const open = pending.items.filter(({ state }) => state === "queued" || state === "waiting");
      if (open.length === 0 || pending.abandoned) return false;
      const { exchange, plan, clock, observe, send, onDeadline } = this.#options;
      const ids = send(pending.request.message);
      const nowMs = clock.monotonicMs();
      this.#gate.sent(pending, ids, nowMs);
      for (const stream of open.flatMap((entry) => this.#streamsOf.get(entry) ?? [])) this.#board.asked(stream, nowMs);
      observe({ kind: "request_sent", exchange, connection: plan.key, items: open.length });
      this.#checkSettled();
      onDeadline();
      return true;
    });
  }

  /** No answer came in time: what shows data needs none, the rest is asked for again after a while. */
  #expireRequest(pending: PendingRequest, nowMs: number): void {
    const { exchange, plan, clock, random, observe } = this.#options;
    const isProved = (entry: ItemEntry) => this.#streamsOf.get(entry)?.some(({ seen }) => seen) ?? false;
    const proved = pending.items.filter((entry) => entry.state === "waiting" && isProved(entry));
    for (const entry of proved) this.#acknowledgeItems(this.#gate.prove(entry), clock.nowMicros());
    const open = pending.items.filter(({ state }) => state === "waiting");
    // Where all of it shows data nothing is wrong: some exchanges never answer.
    if (open.length === 0) return;
    const reason = `no answer within ${pending.request.ack.timeoutMs} ms to ${open.length} of ${pending.items.length}`;
    observe({ kind: "request_failed", exchange, connection: plan.key, outcome: "ack_timeout", reason });
    const delayMs = Math.min(RESUBSCRIBE_MS_MAX, backoffMs(pending.attempts, { random: random.next() }));
    const again = open.length === pending.items.length ? [pending] : open.map((entry) => {
      const single = singleRequest(entry);
      single.attempts = pending.attempts;
      return single;
    });
    for (const each of again) this.#resends.push({ dueMs: nowMs + delayMs, pending: each });
    this.#resends.sort((a, b) => a.dueMs - b.dueMs);
  }

  #acknowledgeItems(entries: readonly ItemEntry[], at: Micros): void {
    if (entries.length === 0) return;
    this.#acknowledgeStreams(entries.flatMap((entry) => this.#streamsOf.get(entry) ?? []), at);
    this.#checkSettled();
  }

  #acknowledgeStreams(entries: readonly StreamEntry[], at: Micros): void {
    const streams = entries.filter((entry) => this.#board.acknowledge(entry)).map(({ stream }) => stream);
    if (streams.length > 0) this.#options.onAcked(streams, at);
  }

  #checkSettled(): void {
    if (this.#settled || !this.#gate.settled) return;
    this.#settled = true;
    this.#options.onSettled();
  }

  #linkStreams(entry: ItemEntry): void {
    const streams = entry.item.streams.flatMap(({ channel, symbol }) => this.#board.find(channel, symbol) ?? []);
    this.#streamsOf.set(entry, streams);
    for (const stream of streams) this.#itemsOf.set(stream, [...this.#itemsOf.get(stream) ?? [], entry]);
  }
}
