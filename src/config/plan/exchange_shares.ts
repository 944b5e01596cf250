import {
  type ConnectionPlan,
  type HeldShares,
  type RestPlan,
  shardKey,
  shareConnectionKey,
  shareOf,
  type ShareStreams,
  type Stream,
  streamKey,
} from "../../model/mod.ts";
import type { DescriptorValues } from "../schema_descriptor.ts";
import type { ItemText } from "./items.ts";

/**
 * Assigns each part of an exchange to a share of a group. A subscription that serves several shares, such as a feed of all
 * instruments, belongs to the exchange's own share, so that it is made once.
 */
export class ExchangeShares {
  readonly #exchange: string;
  readonly #isWhole: boolean;
  readonly #shares: HeldShares;

  constructor(descriptor: DescriptorValues, shares: HeldShares) {
    this.#exchange = descriptor.meta.name;
    this.#isWhole = descriptor.parse?.socket_sequence !== undefined;
    this.#shares = shares;
  }

  /** Shares that this collector holds, in order. */
  get held(): readonly number[] {
    return [...this.#shares.held].sort((a, b) => a - b);
  }

  /** Returns the share of a symbol; for the empty symbol, the share of indivisible parts. */
  of(symbol: string): number {
    return shareOf(shardKey(this.#exchange, symbol, this.#isWhole || symbol === ""), this.#shares.count);
  }

  isHeld(symbol: string): boolean {
    return this.#shares.held.has(this.of(symbol));
  }

  /** Returns the items of each held share that has any. */
  divide(items: readonly ItemText[]): ReadonlyMap<number, readonly ItemText[]> {
    const found = new Map<number, ItemText[]>(this.held.map((share) => [share, []]));
    for (const item of items) {
      const shares = new Set(item.streams.map(({ symbol }) => this.of(symbol)));
      const [only] = shares;
      found.get(shares.size === 1 ? only : this.of(""))?.push(item);
    }
    return new Map([...found].filter(([, own]) => own.length > 0));
  }

  /** Returns the sockets of a share. Their keys contain the share, so that shares come and go independently. */
  named(sockets: readonly ConnectionPlan[], share: number): readonly ConnectionPlan[] {
    return sockets.map((socket) => ({ ...socket, key: shareConnectionKey(socket.key, share) }));
  }

  /** Returns the REST requests that serve the held shares. */
  narrowed(rest: RestPlan): RestPlan {
    return {
      ...rest,
      requests: rest.requests.map((request) => ({
        ...request,
        // An answer for all instruments belongs to whatever session asked for it; one that is polled to one collector.
        targets: request.targets.filter(({ symbol }) =>
          (symbol === "" && request.everyMs === null) || this.isHeld(symbol)
        ),
      })),
      backfills: rest.backfills.map((backfill) => ({
        ...backfill,
        targets: backfill.targets.filter(({ symbol }) => symbol === "" || this.isHeld(symbol)),
      })),
    };
  }

  /** Returns the streams of each held share that has any. */
  streams(sockets: ReadonlyMap<number, readonly ConnectionPlan[]>, rest: RestPlan): readonly ShareStreams[] {
    const polled = rest.requests.filter(({ everyMs }) => everyMs !== null).flatMap(({ channel, targets }) =>
      targets.map(({ symbol }) => ({ channel, symbol }))
    );
    return this.held.flatMap((share) => {
      const subscribed = (sockets.get(share) ?? []).flatMap(({ requests }) =>
        requests.flatMap(({ items }) => items.flatMap(({ streams }) => streams))
      );
      const polls = polled.filter(({ symbol }) => this.of(symbol) === share);
      const streams = unique([...subscribed, ...polls]);
      return streams.length === 0 ? [] : [{ share, streams }];
    });
  }
}

function unique(streams: readonly Stream[]): readonly Stream[] {
  return [...new Map(streams.map((stream) => [streamKey(stream), stream])).values()];
}
