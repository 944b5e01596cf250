import type { ControlSignal, SubscribeItem, SubscribeRequest } from "../model/mod.ts";
import { mentions } from "./mentions.ts";

/** A subscribe item on this socket: `queued` until its request is sent, `waiting` until it is answered. */
export interface ItemEntry {
  readonly item: SubscribeItem;
  readonly ack: SubscribeRequest["ack"];
  /** Whether its request names everything that the socket subscribes to. */
  readonly replaces: boolean;
  /** Number of rejections on this socket. */
  rejections: number;
  /** `removed`: it is no longer desired. */
  state: "queued" | "waiting" | "acked" | "rejected" | "removed";
}

/** A request that was or will be sent, with its items. */
export interface PendingRequest {
  readonly request: SubscribeRequest;
  readonly items: readonly ItemEntry[];
  /** Ids by which answers may name it: one for each time it was sent. */
  readonly ids: Set<string>;
  /** Number of times it was sent. */
  attempts: number;
  /** When its answer is overdue, in monotonic ms; Infinity while no answer is awaited. */
  dueMs: number;
  /** Set if its items are requested in another way, so that it is not sent again. */
  abandoned: boolean;
}

/** Result of a rejection. */
export interface Rejection {
  /** The rejected items. */
  readonly rejected: readonly ItemEntry[];
  /** Items of a request that was rejected as a whole: each must be requested alone. */
  readonly split: readonly ItemEntry[];
  /** False if the rejection could not be matched with a request or item. */
  readonly attributed: boolean;
}

/** Result of an acknowledgement. */
export interface Acknowledgement {
  readonly acked: readonly ItemEntry[];
  /** Items missing from the list of accepted ones, or listed as not accepted. */
  readonly rejected: readonly ItemEntry[];
}

/** Returns an unsent request. `items` are the entries of its items, in order. */
export function newRequest(request: SubscribeRequest, items: readonly ItemEntry[]): PendingRequest {
  return { request, items, ids: new Set(), attempts: 0, dueMs: Infinity, abandoned: false };
}

/** Returns a request for one item alone. */
export function singleRequest(entry: ItemEntry): PendingRequest {
  return newRequest({ message: entry.item.message, items: [entry.item], ack: entry.ack, replaces: false }, [entry]);
}

/**
 * Matches answers with the requests and items of one socket. An answer resolves only what it names: by the id of a
 * request, by the items it echoes, or, if answers carry neither, by the order of requests.
 */
export class AckGate {
  #items: readonly ItemEntry[] = [];
  readonly #byEcho = new Map<string, ItemEntry[]>();
  /** Sent requests with unanswered items, oldest first. */
  readonly #pending: PendingRequest[] = [];
  /** Not later than the earliest `dueMs`. */
  #nextDueMs = Infinity;

  get items(): readonly ItemEntry[] {
    return this.#items;
  }

  /** Adds items that will be requested. */
  add(entries: readonly ItemEntry[]): void {
    this.#items = [...this.#items, ...entries];
    for (const entry of entries) {
      const { echo } = entry.item;
      if (echo === null) continue;
      const same = this.#byEcho.get(echo) ?? [];
      same.push(entry);
      this.#byEcho.set(echo, same);
    }
  }

  /** Removes items: answers to them are no longer awaited or matched. */
  remove(entries: readonly ItemEntry[]): void {
    const leaving = new Set(entries);
    this.#items = this.#items.filter((entry) => !leaving.has(entry));
    for (const entry of leaving) {
      const { echo } = entry.item;
      if (echo !== null) this.#byEcho.set(echo, (this.#byEcho.get(echo) ?? []).filter((one) => one !== entry));
      // Requests that still hold the entry, such as queued ones, no longer request it.
      entry.state = "removed";
    }
    for (const pending of [...this.#pending]) if (!pending.items.some(isWaiting)) this.#forget(pending);
  }

  /** Whether every item was requested and answered; items that only data confirms need no answer. */
  get settled(): boolean {
    return this.#items.every(({ state, ack }) =>
      state === "acked" || state === "rejected" || (state === "waiting" && ack.mode === "none")
    );
  }

  get nextDueMs(): number {
    return this.#nextDueMs;
  }

  /** Notes that a request was sent under these ids. */
  sent(pending: PendingRequest, ids: readonly string[], nowMs: number): void {
    for (const id of ids) pending.ids.add(id);
    pending.attempts++;
    for (const entry of pending.items) if (entry.state === "queued") entry.state = "waiting";
    const { mode, timeoutMs } = pending.request.ack;
    pending.dueMs = mode === "none" ? Infinity : nowMs + timeoutMs;
    this.#nextDueMs = Math.min(this.#nextDueMs, pending.dueMs);
    if (!this.#pending.includes(pending)) this.#pending.push(pending);
  }

  /** Returns the items that an acknowledgement confirms, and those that it rejects. */
  acknowledge(signal: ControlSignal): Acknowledgement {
    if (signal.accepted !== null || signal.rejected.length > 0) return this.#acknowledgeLists(signal);
    return { acked: this.#resolve(this.#acknowledged(signal), "acked"), rejected: [] };
  }

  /** Resolves an acknowledgement that lists items. Unlisted items are resolved only within its own request. */
  #acknowledgeLists(signal: ControlSignal): Acknowledgement {
    const waiting = this.#pending.filter(isAnswerable);
    const target = this.#byId(signal.correlation) ??
      (signal.correlation === null && waiting.length === 1 ? waiting[0] : null);
    const refused = this.#echoed(signal.rejected, target).filter(isWaiting);
    const named = this.#echoed(signal.accepted ?? [], target).filter((entry) =>
      isWaiting(entry) && !refused.includes(entry)
    );
    const others = (target?.items ?? []).filter((entry) => isWaiting(entry) && !refused.includes(entry));
    const acked = signal.accepted === null ? others : named;
    const rejected = signal.accepted === null ? refused : [...refused, ...others.filter((one) => !named.includes(one))];
    return { acked: this.#resolve(acked, "acked"), rejected: this.#resolve(rejected, "rejected") };
  }

  /** Confirms an item because of its data. */
  prove(entry: ItemEntry): readonly ItemEntry[] {
    return this.#resolve([entry], "acked");
  }

  /** Confirms a rejected item because data proves the rejection wrong. It may be rejected again. */
  revive(entry: ItemEntry): void {
    if (entry.state === "rejected") entry.state = "acked";
  }

  /** Marks an item to be requested again. */
  requeue(entry: ItemEntry): void {
    entry.state = "queued";
    for (const pending of [...this.#pending]) if (!pending.items.some(isWaiting)) this.#forget(pending);
  }

  /** Matches a rejection, by the most certain evidence first. */
  reject(signal: ControlSignal): Rejection {
    const target = this.#byId(signal.correlation);
    const named = this.#echoed(signal.echoes, target);
    if (named.length > 0) return this.#rejectItems(named);
    if (target !== null) return this.#rejectRequest(target);
    const spelled = signal.reason === null ? [] : this.#spelledOut(signal.reason);
    if (spelled.length > 0) return this.#rejectItems(spelled);
    // A rejection that echoes something else does not concern the only waiting request.
    const answerable = signal.echoes.length > 0 ? [] : this.#pending.filter(isAnswerable);
    if (answerable.length === 1) return this.#rejectRequest(answerable[0]);
    return { rejected: [], split: [], attributed: false };
  }

  /** Returns requests whose answer is overdue. They stay known, because a late answer still counts. */
  expire(nowMs: number): readonly PendingRequest[] {
    if (nowMs < this.#nextDueMs) return [];
    const expired = this.#pending.filter(({ dueMs }) => dueMs <= nowMs);
    for (const pending of expired) pending.dueMs = Infinity;
    this.#nextDueMs = Math.min(Infinity, ...this.#pending.map(({ dueMs }) => dueMs));
    return expired;
  }

  /** Extends all deadlines by the time of a reading pause. */
  postpone(ms: number): void {
    for (const pending of this.#pending) pending.dueMs += ms;
    this.#nextDueMs += ms;
  }

  #forget(pending: PendingRequest): void {
    const at = this.#pending.indexOf(pending);
    if (at >= 0) this.#pending.splice(at, 1);
  }

  #acknowledged(signal: ControlSignal): readonly ItemEntry[] {
    const target = this.#byId(signal.correlation);
    const named = this.#echoed(signal.echoes, target).filter(isWaiting);
    if (signal.echoes.length > 0) {
      // An ack that echoes items confirms these; if the request's items have no echo to compare, its id decides.
      const comparable = (target?.items ?? this.#items).some(({ item }) => item.echo !== null);
      if (named.length > 0 || comparable || target === null) return named;
    }
    if (target !== null) return target.request.ack.mode === "item" ? loneItem(target) : target.items;
    if (signal.correlation !== null && this.#pending.some(({ request }) => request.ack.correlated)) return [];
    const waiting = this.#pending.filter((pending) => pending.request.ack.mode === "request" && isAnswerable(pending));
    // For requests with ids the order of answers proves nothing, so the ack must be unambiguous.
    if (waiting.some(({ request }) => request.ack.correlated)) return waiting.length === 1 ? waiting[0].items : [];
    return waiting[0]?.items ?? [];
  }

  #byId(correlation: string | null): PendingRequest | null {
    if (correlation === null) return null;
    return this.#pending.find(({ ids, request }) => request.ack.correlated && ids.has(correlation)) ?? null;
  }

  /** Returns items with one of these echoes; if the request named by id has any, only those. */
  #echoed(echoes: readonly string[], target: PendingRequest | null): readonly ItemEntry[] {
    const found = echoes.flatMap((echo) => this.#byEcho.get(echo) ?? []).filter(({ state }) => state !== "queued");
    const own = found.filter((entry) => target?.items.includes(entry));
    return own.length > 0 ? own : found;
  }

  /** Returns items named in the exchange's text; if any of them wait for an answer, only those. */
  #spelledOut(reason: string): readonly ItemEntry[] {
    const named = this.#items.filter(({ item, state }) =>
      item.echo !== null && state !== "queued" && mentions(reason, item.echo)
    );
    const waiting = named.filter(isWaiting);
    if (named.length > 0) return waiting.length > 0 ? waiting : named;
    return this.#namedBySymbol(reason);
  }

  /**
   * Returns waiting items without an echo whose symbol is in the text; if the text names the channel of any of them
   * too, only those.
   */
  #namedBySymbol(reason: string): readonly ItemEntry[] {
    const named = this.#items.filter((entry) => {
      const { echo, spelling } = entry.item;
      return isWaiting(entry) && echo === null && spelling !== null && mentions(reason, spelling.symbol);
    });
    const exact = named.filter(({ item }) => item.spelling?.channel && mentions(reason, item.spelling.channel));
    return exact.length > 0 ? exact : named;
  }

  #rejectItems(entries: readonly ItemEntry[]): Rejection {
    return { rejected: this.#resolve(entries, "rejected"), split: [], attributed: true };
  }

  #rejectRequest(pending: PendingRequest): Rejection {
    const open = pending.items.filter(isWaiting);
    if (pending.items.length === 1 || pending.request.replaces) return this.#rejectItems(open);
    pending.abandoned = true;
    this.#forget(pending);
    for (const entry of open) entry.state = "queued";
    return { rejected: [], split: open, attributed: true };
  }

  #resolve(entries: readonly ItemEntry[], state: "acked" | "rejected"): readonly ItemEntry[] {
    const changed = entries.filter((entry) =>
      entry.state !== state && entry.state !== "removed" &&
      (state === "rejected" || isWaiting(entry))
    );
    for (const entry of changed) entry.state = state;
    for (const pending of [...this.#pending]) if (!pending.items.some(isWaiting)) this.#forget(pending);
    return changed;
  }
}

function isWaiting(entry: ItemEntry): boolean {
  return entry.state === "waiting";
}

function isAnswerable(pending: PendingRequest): boolean {
  return pending.request.ack.mode !== "none";
}

/**
 * Returns the item of a request with a single one: if items are acknowledged one by one, an ack that names only the
 * request is unambiguous only then.
 */
function loneItem(pending: PendingRequest): readonly ItemEntry[] {
  return pending.items.length === 1 ? pending.items : [];
}
