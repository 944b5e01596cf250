import { streamKey, type SubscribeItem, type SubscribeRequest } from "../model/mod.ts";

/** The changes that bring a socket from its present items to the desired ones. */
export interface Reconciliation<T> {
  /** Requests to send, in order. */
  readonly subscribe: readonly SubscribeRequest[];
  /** Items to unsubscribe by their own message. */
  readonly unsubscribe: readonly T[];
  /** Items that end because a request in `subscribe` replaces them. */
  readonly replaced: readonly T[];
  /** Items no longer desired that cannot be unsubscribed on this socket. */
  readonly kept: readonly T[];
}

/** An item that a socket has requested. */
export interface AskedItem {
  readonly item: SubscribeItem;
  /** Whether its request named everything that the socket subscribes to. */
  readonly replaces: boolean;
}

/**
 * Compares desired requests with the items of a socket. A request whose items are all new is sent as it is; of a partly
 * new one only the new items are sent, one by one. If requests replace each other, any difference sends the whole
 * request again.
 */
export function next<T extends AskedItem>(
  desired: readonly SubscribeRequest[],
  actual: readonly T[],
): Reconciliation<T> {
  const wanted = new Set(desired.flatMap(({ items, replaces }) => items.map((item) => itemKey({ item, replaces }))));
  const there = new Set(actual.map(itemKey));
  const leaving = actual.filter((asked) => !wanted.has(itemKey(asked)));
  const hasReplacing = desired.some(({ replaces }) => replaces);
  const isReplaced = (asked: T) => asked.replaces && hasReplacing;
  const subscribe = desired.flatMap((request) => {
    const { items, ack, replaces } = request;
    const added = items.filter((item) => !there.has(itemKey({ item, replaces })));
    if (replaces) return added.length > 0 || leaving.some(isReplaced) ? [request] : [];
    if (added.length === items.length) return added.length > 0 ? [request] : [];
    return added.map((item) => ({ message: item.message, items: [item], ack, replaces: false }));
  });
  const replaced = subscribe.some(({ replaces }) => replaces) ? actual.filter(isReplaced) : [];
  const others = leaving.filter((asked) => !isReplaced(asked));
  return { subscribe, unsubscribe: others.filter(canEnd), replaced, kept: others.filter((asked) => !canEnd(asked)) };
}

function canEnd({ item }: AskedItem): boolean {
  return item.unsubscribe !== null && item.unsubscribe !== "none";
}

/**
 * Returns a key that is equal for equal items of two plans: streams, echo and, unless it names all items, the message.
 */
function itemKey({ item, replaces }: AskedItem): string {
  return JSON.stringify([item.streams.map(streamKey), item.echo, replaces ? null : item.message.source]);
}
