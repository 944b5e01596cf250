import {
  type Channel,
  type ControlSignal,
  type Micros,
  REJECTED_RETRY_MS_MAX,
  REJECTED_RETRY_MS_MIN,
  REJECTED_TRIES_MAX,
  RESUBSCRIBE_MS_MAX,
  type Stream,
  streamKey,
  type SubscribeRequest,
  type Template,
} from "../model/mod.ts";
import { AckGate, type ItemEntry, newRequest, type PendingRequest, singleRequest } from "./ack_gate.ts";
import { backoffMs } from "./backoff.ts";
import { next } from "./reconciler.ts";
import type { SendQueue } from "./send_queue.ts";
import type { SessionOptions } from "./session_api.ts";
import { StallWatch } from "./stall_watch.ts";
import type { StreamEntry, StreamLedger } from "./stream_ledger.ts";

/** What the subscriptions need of their socket. */
export interface SubscribingSocket {
  readonly queue: SendQueue;
  /** Sends a frame now and returns the ids in it. */
  send(template: Template): readonly string[];
  /** A deadline may have come nearer. */
  schedule(): void;
  /** Called when every request was answered for the first time. */
  settled(): void;
  acked(streams: readonly Stream[], at: Micros): void;
  rejected(streams: readonly Stream[], reason: string, at: Micros): void;
  stalled(stream: Stream, stall: { readonly from: Micros; readonly action: string; readonly reason: string }): void;
  /** Ends the socket, so that another takes its place: at the next address, where that is wanted. */
  replace(isElsewhere: boolean, reason: string): void;
}

/**
 * Reconciles one socket with the desired requests: subscribes to missing items, unsubscribes surplus ones, and notes
 * the results in the ledger.
 */
export class Subscriptions {
  readonly #options: SessionOptions;
  readonly #socket: SubscribingSocket;
  readonly #ledger: StreamLedger;
  readonly #gate = new AckGate();
  readonly #itemsOf = new Map<StreamEntry, ItemEntry[]>();
  /** Requests to send again, earliest first. */
  readonly #resends: { readonly dueMs: number; readonly pending: PendingRequest }[] = [];
  readonly #stalls: StallWatch;
  #desired: readonly SubscribeRequest[];
  #started = false;
  #settled = false;

  constructor(
    options: SessionOptions,
    { socket, ledger, desired }: {
      readonly socket: SubscribingSocket;
      readonly ledger: StreamLedger;
      readonly desired: readonly SubscribeRequest[];
    },
  ) {
    this.#options = options;
    this.#socket = socket;
    this.#ledger = ledger;
    this.#desired = desired;
    this.#stalls = new StallWatch(options, {
      ledger,
      schedule: () => socket.schedule(),
      resubscribe: (stream) => this.resubscribe(stream),
      replace: (isElsewhere, reason) => socket.replace(isElsewhere, reason),
      tell: (stream, stall) => socket.stalled(stream, stall),
    });
  }

  /** Whether every request was answered. */
  get settled(): boolean {
    return this.#settled;
  }

  /** When `expire` must be called, in monotonic ms; Infinity if nothing is awaited. */
  get nextDueMs(): number {
    const { nextDueMs } = this.#stalls;
    return Math.min(this.#gate.nextDueMs, this.#ledger.nextDueMs, nextDueMs, this.#resends[0]?.dueMs ?? Infinity);
  }

  /** Sends all desired requests, in order. */
  start(): void {
    this.#started = true;
    this.#reconcile();
    this.#checkSettled();
  }

  /** Replaces the desired requests and sends the difference. Returns undesired streams that keep coming. */
  setDesired(requests: readonly SubscribeRequest[]): readonly Stream[] {
    this.#desired = requests;
    return this.#started ? this.#reconcile() : [];
  }

  /** Applies an acknowledgement. `words`: the exchange's text without secrets; null if there is none. */
  acknowledge(signal: ControlSignal, words: string | null, at: Micros): void {
    if (signal.correlation !== null) this.#socket.queue.answered(signal.correlation);
    const { acked, rejected } = this.#gate.acknowledge(signal);
    this.#acknowledgeItems(acked, at);
    if (rejected.length > 0) this.#rejectItems(rejected, { reason: words ?? "not accepted", at, final: signal.final });
  }

  /**
   * Subscribes again to all items of a stream, after unsubscribing them if there is a message for that. False if that
   * is not possible on this socket.
   */
  resubscribe({ channel, symbol }: Stream): boolean {
    const stream = this.#ledger.find(channel, symbol);
    const items = stream === undefined ? [] : this.#itemsOf.get(stream) ?? [];
    const open = items.filter(({ state }) => state !== "rejected");
    if (open.length === 0 || open.some(({ item }) => item.unsubscribe === null)) return false;
    for (const entry of open) {
      // A queued item will be requested anyway.
      if (entry.state === "queued") continue;
      this.#sendUnsubscribe(entry);
      this.#gate.requeue(entry);
      this.#ask(singleRequest(entry));
    }
    return true;
  }

  reject(signal: ControlSignal, words: string | null, at: Micros): void {
    if (signal.correlation !== null) this.#socket.queue.answered(signal.correlation);
    const { exchange, plan, observe } = this.#options;
    const reason = words ?? signal.rule;
    const { rejected, split, attributed } = this.#gate.reject(signal);
    if (!attributed) {
      observe({ kind: "request_failed", exchange, connection: plan.key, outcome: "unattributed_rejection", reason });
    }
    for (const entry of split) this.#ask(singleRequest(entry));
    this.#rejectItems(rejected, { reason, at, final: signal.final });
  }

  /** Notes data of a stream. It confirms items without acks, and proves a rejection wrong. */
  see(channel: Channel, symbol: string, receivedTs: Micros): void {
    const stream = this.#ledger.find(channel, symbol);
    if (stream === undefined) return;
    this.#stalls.see(stream, receivedTs);
    if (!this.#ledger.see(stream, receivedTs)) return;
    const at = this.#options.host.clock.nowMicros();
    const items = this.#itemsOf.get(stream) ?? [];
    if (stream.state === "rejected") {
      for (const entry of items) this.#gate.revive(entry);
      this.#acknowledgeStreams([stream], at);
    } else if (stream.acked) this.#ledger.set(stream, "live");
    else if (stream.state === "stale") this.#ledger.set(stream, "pending");
    for (const entry of items) if (entry.ack.mode === "none") this.#acknowledgeItems(this.#gate.prove(entry), at);
  }

  /**
   * Does what is due. `heardMs`: when the socket last received anything. True if the whole socket is silent past its
   * deadlines.
   */
  expire(nowMs: number, heardMs: number): boolean {
    this.#stalls.sweep(nowMs, heardMs);
    for (const pending of this.#gate.expire(nowMs)) this.#expireRequest(pending, nowMs);
    while ((this.#resends[0]?.dueMs ?? Infinity) <= nowMs) {
      const resend = this.#resends.shift();
      if (resend !== undefined) this.#askAgain(resend.pending);
    }
    return this.#ledger.expire(nowMs);
  }

  /** Extends deadlines by the time of a reading pause. */
  postpone(ms: number): void {
    this.#gate.postpone(ms);
    this.#ledger.postpone(ms, this.#options.host.clock.monotonicMs());
  }

  #reconcile(): readonly Stream[] {
    const { subscribe, unsubscribe, replaced, kept } = next(this.#desired, this.#gate.items);
    for (const entry of unsubscribe) if (entry.state !== "queued") this.#sendUnsubscribe(entry);
    this.#removeItems([...unsubscribe, ...replaced, ...kept.filter(({ state }) => state === "queued")]);
    for (const request of subscribe) {
      const { ack, replaces } = request;
      const entries = request.items.map((item): ItemEntry => ({ item, ack, replaces, rejections: 0, state: "queued" }));
      this.#addItems(entries);
      this.#ask(newRequest(request, entries));
    }
    // A stream without any item left has ended.
    for (const stream of [...this.#ledger.entries()]) {
      if (!stream.desired && !this.#itemsOf.has(stream)) this.#ledger.forget(stream);
    }
    return kept.filter(({ state }) => state !== "removed").flatMap(({ item }) => item.streams);
  }

  #addItems(entries: readonly ItemEntry[]): void {
    this.#gate.add(entries);
    for (const entry of entries) {
      for (const stream of this.#streamsOf(entry)) {
        this.#itemsOf.set(stream, [...this.#itemsOf.get(stream) ?? [], entry]);
      }
    }
  }

  #removeItems(entries: readonly ItemEntry[]): void {
    this.#gate.remove(entries);
    for (const entry of entries) {
      for (const stream of this.#streamsOf(entry)) {
        const others = (this.#itemsOf.get(stream) ?? []).filter((one) => one !== entry);
        if (others.length > 0) this.#itemsOf.set(stream, others);
        else this.#itemsOf.delete(stream);
      }
    }
  }

  #sendUnsubscribe({ item: { unsubscribe }, ack }: ItemEntry): void {
    if (unsubscribe === null || unsubscribe === "none") return;
    this.#socket.queue.request(() => {
      const ids = this.#socket.send(unsubscribe);
      return isAnswered(ack) ? ids : [];
    });
  }

  #ask(pending: PendingRequest): void {
    this.#socket.queue.request(() => {
      // An answer may have come while it was queued.
      const open = pending.items.filter(({ state }) => state === "queued" || state === "waiting");
      if (open.length === 0 || pending.abandoned) return false;
      if (pending.items.some(({ state }) => state === "removed")) return this.#askAlone(pending, open);
      const { exchange, plan, host, observe } = this.#options;
      const ids = this.#socket.send(pending.request.message);
      const nowMs = host.clock.monotonicMs();
      this.#gate.sent(pending, ids, nowMs);
      for (const stream of open.flatMap((entry) => this.#streamsOf(entry))) this.#ledger.asked(stream, nowMs);
      observe({ kind: "request_sent", exchange, connection: plan.key, items: open.length });
      this.#checkSettled();
      this.#socket.schedule();
      return isAnswered(pending.request.ack) ? ids : [];
    });
  }

  /** Requests the remaining items one by one, because the request names items no longer desired. */
  #askAlone(pending: PendingRequest, open: readonly ItemEntry[]): false {
    pending.abandoned = true;
    for (const entry of open) this.#ask(singleRequest(entry));
    return false;
  }

  /** Sends a request again for items that were not answered, or were rejected temporarily. */
  #askAgain(pending: PendingRequest): void {
    for (const entry of pending.items) if (entry.state === "rejected") this.#gate.requeue(entry);
    this.#ask(pending);
  }

  #resendLater(pending: PendingRequest, dueMs: number): void {
    this.#resends.push({ dueMs, pending });
    this.#resends.sort((a, b) => a.dueMs - b.dueMs);
    this.#socket.schedule();
  }

  /** Handles an overdue request: items with data count as confirmed, the others are requested again later. */
  #expireRequest(pending: PendingRequest, nowMs: number): void {
    const { exchange, plan, host, observe } = this.#options;
    const isProved = (entry: ItemEntry) => this.#streamsOf(entry).some(({ live }) => live);
    const proved = pending.items.filter((entry) => entry.state === "waiting" && isProved(entry));
    for (const entry of proved) this.#acknowledgeItems(this.#gate.prove(entry), host.clock.nowMicros());
    const open = pending.items.filter(({ state }) => state === "waiting");
    // If all items have data nothing is wrong: some exchanges never answer.
    if (open.length === 0) return;
    const delayMs = Math.min(RESUBSCRIBE_MS_MAX, backoffMs(pending.attempts, { random: host.random.next() }));
    const reason = this.#describeSilence(open, pending, delayMs);
    observe({ kind: "request_failed", exchange, connection: plan.key, outcome: "ack_timeout", reason });
    const again = open.length === pending.items.length ? [pending] : open.map((entry) => {
      const single = singleRequest(entry);
      single.attempts = pending.attempts;
      return single;
    });
    for (const each of again) this.#resendLater(each, nowMs + delayMs);
  }

  /** Returns a log text: which subscription was not answered, and what happens next. */
  #describeSilence(open: readonly ItemEntry[], { request, items }: PendingRequest, delayMs: number): string {
    const streams = open.flatMap(({ item }) => item.streams).map(streamKey);
    const named = streams.slice(0, STREAMS_NAMED_MAX).join(", ");
    const more = streams.length > STREAMS_NAMED_MAX ? ` and ${streams.length - STREAMS_NAMED_MAX} more` : "";
    const part = open.length === items.length ? "" : ` (the other ${items.length - open.length} were answered)`;
    return `the exchange did not answer the subscription of ${named}${more} within ${request.ack.timeoutMs} ms${part}; ` +
      `asking again in ${delayMs} ms`;
  }

  #acknowledgeItems(entries: readonly ItemEntry[], at: Micros): void {
    if (entries.length === 0) return;
    for (const entry of entries) entry.rejections = 0;
    this.#acknowledgeStreams(entries.flatMap((entry) => this.#streamsOf(entry)), at);
    this.#checkSettled();
  }

  #acknowledgeStreams(entries: readonly StreamEntry[], at: Micros): void {
    const acked = entries.filter((entry) => this.#ledger.acknowledge(entry));
    const nowMs = this.#options.host.clock.monotonicMs();
    for (const entry of acked) if (!entry.live) this.#ledger.asked(entry, nowMs);
    if (acked.length > 0) this.#socket.acked(acked.map(({ stream }) => stream), at);
  }

  /**
   * Marks items as rejected. A rejection may be temporary (a rate limit, an overload): unless the descriptor calls it
   * final, the item is requested again after a growing delay, and given up after `REJECTED_TRIES_MAX` rejections.
   */
  #rejectItems(
    rejected: readonly ItemEntry[],
    { reason, at, final }: { readonly reason: string; readonly at: Micros; readonly final: boolean },
  ): void {
    const { clock, random } = this.#options.host;
    const nextTryTs = new Map<ItemEntry, Micros>();
    for (const entry of rejected) {
      entry.rejections++;
      if (final || entry.rejections >= REJECTED_TRIES_MAX) continue;
      const delayMs = rejectedDelayMs(entry.rejections, random.next());
      nextTryTs.set(entry, clock.nowMicros() + delayMs * 1000);
      this.#resendLater(singleRequest(entry), clock.monotonicMs() + delayMs);
    }
    // A stream of several items is rejected only if all of them are.
    const lost = new Set(
      rejected.flatMap((entry) => this.#streamsOf(entry))
        .filter((stream) => this.#itemsOf.get(stream)?.every(({ state }) => state === "rejected")),
    );
    const told = [...lost].filter((stream) => {
      const times = (this.#itemsOf.get(stream) ?? []).flatMap((entry) => nextTryTs.get(entry) ?? []);
      return this.#ledger.reject(stream, reason, times.length === 0 ? null : Math.min(...times));
    });
    if (told.length > 0) this.#socket.rejected(told.map(({ stream }) => stream), reason, at);
    this.#checkSettled();
  }

  #checkSettled(): void {
    if (this.#settled || !this.#started || !this.#gate.settled) return;
    this.#settled = true;
    this.#socket.settled();
  }

  #streamsOf({ item }: ItemEntry): readonly StreamEntry[] {
    return item.streams.flatMap(({ channel, symbol }) => this.#ledger.find(channel, symbol) ?? []);
  }
}

/** Whether answers name their request. */
function isAnswered({ mode, correlated }: ItemEntry["ack"]): boolean {
  return correlated && mode !== "none";
}

/** Most streams that a log line names. */
const STREAMS_NAMED_MAX = 3;

/**
 * Returns the delay after a number of rejections, in ms: doubles up to a cap, with jitter to spread items that were
 * rejected together. `random` is in [0, 1).
 */
function rejectedDelayMs(rejections: number, random: number): number {
  const ceilingMs = Math.min(REJECTED_RETRY_MS_MAX, REJECTED_RETRY_MS_MIN * 2 ** Math.min(30, rejections - 1));
  return Math.round(ceilingMs * (1 + random) / 2);
}
