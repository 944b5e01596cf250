import type { ControlSignal, SubscribeItem, SubscribeRequest } from "../model/mod.ts";
import { mentions } from "./mentions.ts";

/** An item of the plan on this socket: `queued` until it was asked for, `waiting` until it was answered. */
export interface ItemEntry {
  readonly item: SubscribeItem;
  readonly ack: SubscribeRequest["ack"];
  /** Whether its request holds everything that is asked for on the socket. */
  readonly replaces: boolean;
  /** How often it was rejected on this socket. */
  rejections: number;
  /** `removed`: it is wanted no more. */
  state: "queued" | "waiting" | "acked" | "rejected" | "removed";
}

/** A request that was or will be sent, with the items it asks for. */
export interface PendingRequest {
  readonly request: SubscribeRequest;
  readonly items: readonly ItemEntry[];
  /** What its answers may call it: the ids of every time it was sent. */
  readonly ids: Set<string>;
  /** How often it was sent. */
  attempts: number;
  /** When its answer is overdue, in monotonic ms; Infinity while it is not waited for. */
  dueMs: number;
  /** Set where its items are asked for in another way: it is not sent again. */
  abandoned: boolean;
}

/** What a rejection comes to. */
export interface Rejection {
  /** Items that are rejected. */
  readonly rejected: readonly ItemEntry[];
  /** Items of a request that was refused as a whole: each has to be asked for alone. */
  readonly split: readonly ItemEntry[];
  /** False where it could not be told what the rejection is about. */
  readonly attributed: boolean;
}

/** What an acknowledgement comes to. */
export interface Acknowledgement {
  readonly acked: readonly ItemEntry[];
  /** Items that the acknowledgement leaves out of what it accepts, or names as not accepted. */
  readonly rejected: readonly ItemEntry[];
}

/** A request that was not sent yet. `items` are the entries of its items, in their order. */
export function newRequest(request: SubscribeRequest, items: readonly ItemEntry[]): PendingRequest {
  return { request, items, ids: new Set(), attempts: 0, dueMs: Infinity, abandoned: false };
}

/** The request for one item alone. */
export function singleRequest(entry: ItemEntry): PendingRequest {
  return newRequest({ message: entry.item.message, items: [entry.item], ack: entry.ack, replaces: false }, [entry]);
}

/**
 * Matches answers with the requests and items of one socket. An answer settles what it names and no more: by the id of a
 * request, by the items it echoes, by the order of requests where answers carry neither.
 */
export class AckGate {
  #items: readonly ItemEntry[] = [];
  readonly #byEcho = new Map<string, ItemEntry[]>();
  /** Requests sent and not settled, oldest first. */
  readonly #pending: PendingRequest[] = [];
  /** Not later than the earliest `dueMs`. */
  #nextDueMs = Infinity;

  get items(): readonly ItemEntry[] {
    return this.#items;
  }

  /** Items are going to be asked for. */
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

  /** Items are gone: no answer is waited for, and none is taken for them. */
  remove(entries: readonly ItemEntry[]): void {
    const leaving = new Set(entries);
    this.#items = this.#items.filter((entry) => !leaving.has(entry));
    for (const entry of leaving) {
      const { echo } = entry.item;
      if (echo !== null) this.#byEcho.set(echo, (this.#byEcho.get(echo) ?? []).filter((one) => one !== entry));
      // Whatever still holds it, such as a request that waits for its turn, asks for it no more.
      entry.state = "removed";
    }
    for (const pending of [...this.#pending]) if (!pending.items.some(isWaiting)) this.#forget(pending);
  }

  /** Whether every item was asked for and answered; items that only data confirms need not have been. */
  get settled(): boolean {
    return this.#items.every(({ state, ack }) =>
      state === "acked" || state === "rejected" || (state === "waiting" && ack.mode === "none")
    );
  }

  get nextDueMs(): number {
    return this.#nextDueMs;
  }

  /** A request has left under these ids. */
  sent(pending: PendingRequest, ids: readonly string[], nowMs: number): void {
    for (const id of ids) pending.ids.add(id);
    pending.attempts++;
    for (const entry of pending.items) if (entry.state === "queued") entry.state = "waiting";
    const { mode, timeoutMs } = pending.request.ack;
    pending.dueMs = mode === "none" ? Infinity : nowMs + timeoutMs;
    this.#nextDueMs = Math.min(this.#nextDueMs, pending.dueMs);
    if (!this.#pending.includes(pending)) this.#pending.push(pending);
  }

  /** The items that an acknowledgement confirms, and those that it turns down. */
  acknowledge(signal: ControlSignal): Acknowledgement {
    if (signal.accepted !== null || signal.rejected.length > 0) return this.#acknowledgeLists(signal);
    return { acked: this.#settle(this.#acknowledged(signal), "acked"), rejected: [] };
  }

  /** An acknowledgement that lists items: what it says of the others is said of its own request alone. */
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
    return { acked: this.#settle(acked, "acked"), rejected: this.#settle(rejected, "rejected") };
  }

  /** Data confirms an item. */
  prove(entry: ItemEntry): readonly ItemEntry[] {
    return this.#settle([entry], "acked");
  }

  /** Data proves a rejection wrong: the item counts as confirmed and may be rejected anew. */
  revive(entry: ItemEntry): void {
    if (entry.state === "rejected") entry.state = "acked";
  }

  /** An item that was asked for is to be asked for again. */
  requeue(entry: ItemEntry): void {
    entry.state = "queued";
    for (const pending of [...this.#pending]) if (!pending.items.some(isWaiting)) this.#forget(pending);
  }

  /** What a rejection is about, from the surest sign to the weakest. */
  reject(signal: ControlSignal): Rejection {
    const target = this.#byId(signal.correlation);
    const named = this.#echoed(signal.echoes, target);
    if (named.length > 0) return this.#rejectItems(named);
    if (target !== null) return this.#rejectRequest(target);
    const spelled = signal.reason === null ? [] : this.#spelledOut(signal.reason);
    if (spelled.length > 0) return this.#rejectItems(spelled);
    // A rejection that echoes something else is not about the one request that happens to be waiting.
    const answerable = signal.echoes.length > 0 ? [] : this.#pending.filter(isAnswerable);
    if (answerable.length === 1) return this.#rejectRequest(answerable[0]);
    return { rejected: [], split: [], attributed: false };
  }

  /** Requests whose answer is overdue; they stay known, because a late answer still counts. */
  expire(nowMs: number): readonly PendingRequest[] {
    if (nowMs < this.#nextDueMs) return [];
    const expired = this.#pending.filter(({ dueMs }) => dueMs <= nowMs);
    for (const pending of expired) pending.dueMs = Infinity;
    this.#nextDueMs = Math.min(Infinity, ...this.#pending.map(({ dueMs }) => dueMs));
    return expired;
  }

  /** We were not reading for a while: what is waited for has as much more time. */
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
      // An ack that echoes items confirms these; where the request's items have no echo to compare, its id has to do.
      const comparable = (target?.items ?? this.#items).some(({ item }) => item.echo !== null);
      if (named.length > 0 || comparable || target === null) return named;
    }
    if (target !== null) return target.request.ack.mode === "item" ? loneItem(target) : target.items;
    if (signal.correlation !== null && this.#pending.some(({ request }) => request.ack.correlated)) return [];
    const waiting = this.#pending.filter((pending) => pending.request.ack.mode === "request" && isAnswerable(pending));
    // The order of answers tells nothing about requests that have ids: then the ack has to be unmistakable.
    if (waiting.some(({ request }) => request.ack.correlated)) return waiting.length === 1 ? waiting[0].items : [];
    return waiting[0]?.items ?? [];
  }

  #byId(correlation: string | null): PendingRequest | null {
    if (correlation === null) return null;
    return this.#pending.find(({ ids, request }) => request.ack.correlated && ids.has(correlation)) ?? null;
  }

  /** Items with one of these echoes; those of the request named by id before all others. */
  #echoed(echoes: readonly string[], target: PendingRequest | null): readonly ItemEntry[] {
    const found = echoes.flatMap((echo) => this.#byEcho.get(echo) ?? []).filter(({ state }) => state !== "queued");
    const own = found.filter((entry) => target?.items.includes(entry));
    return own.length > 0 ? own : found;
  }

  /** Items that the exchange's words name: those that wait for an answer before those that had one. */
  #spelledOut(reason: string): readonly ItemEntry[] {
    const named = this.#items.filter(({ item, state }) =>
      item.echo !== null && state !== "queued" && mentions(reason, item.echo)
    );
    const waiting = named.filter(isWaiting);
    if (named.length > 0) return waiting.length > 0 ? waiting : named;
    return this.#namedBySymbol(reason);
  }

  /**
   * Items without an echo that wait and whose symbol the words name; of these the ones whose channel they name as well,
   * where there are any.
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
    return { rejected: this.#settle(entries, "rejected"), split: [], attributed: true };
  }

  #rejectRequest(pending: PendingRequest): Rejection {
    const open = pending.items.filter(isWaiting);
    if (pending.items.length === 1 || pending.request.replaces) return this.#rejectItems(open);
    pending.abandoned = true;
    this.#forget(pending);
    for (const entry of open) entry.state = "queued";
    return { rejected: [], split: open, attributed: true };
  }

  #settle(entries: readonly ItemEntry[], state: "acked" | "rejected"): readonly ItemEntry[] {
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

/** Where items are acknowledged one by one, an ack that names only the request is clear if it asked for one item. */
function loneItem(pending: PendingRequest): readonly ItemEntry[] {
  return pending.items.length === 1 ? pending.items : [];
}
