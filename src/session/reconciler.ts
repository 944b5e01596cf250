import { streamKey, type SubscribeItem, type SubscribeRequest } from "../model/mod.ts";

/** What a socket has to be asked so that it brings what is wanted, and no more. */
export interface Reconciliation<T> {
  /** Requests to send, in order. */
  readonly subscribe: readonly SubscribeRequest[];
  /** Items to end by their own message. */
  readonly unsubscribe: readonly T[];
  /** Items that end without a message, because a request to send replaces all of them. */
  readonly replaced: readonly T[];
  /** Items that are wanted no more and cannot be ended on this socket. */
  readonly kept: readonly T[];
}

/** An item that a socket was asked for. */
export interface AskedItem {
  readonly item: SubscribeItem;
  /** Whether its request held everything that is asked for on the socket. */
  readonly replaces: boolean;
}

/**
 * Compares what is wanted with what a socket was asked for. A request whose items are all new goes out as it is; of one
 * that is partly there, the new items alone. Where requests replace each other, any difference sends the whole anew.
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

/** What makes an item the same in two plans: its streams, its echo and, unless that holds all others too, its message. */
function itemKey({ item, replaces }: AskedItem): string {
  return JSON.stringify([item.streams.map(streamKey), item.echo, replaces ? null : item.message.source]);
}
