import type { Envelope } from "../model/mod.ts";

/**
 * Returns an event as one line of JSON, without a line break: common fields first, then those of its kind. Times are
 * integers in µs since the epoch; prices, sizes, sequences and ids are strings with the exchange's digits; levels are
 * `[["price","size"], …]`; fields that the exchange did not give are null. A backfilled event ends with
 * `"backfilled":true`, an event of merged collectors with `seen_by`. `collector` is absent if it is unknown.
 */
export function eventJson(envelope: Envelope, collector: string | null = null): string {
  const { kind, ...fields } = envelope.event;
  const copies = envelope.seen_by ?? null;
  const name = copies?.[0].collector ?? collector;
  return JSON.stringify({
    kind,
    exchange: envelope.exchange,
    symbol: envelope.symbol,
    native_symbol: envelope.native_symbol,
    exchange_ts: envelope.exchange_ts,
    received_ts: envelope.received_ts,
    ...(name !== null && { collector: name }),
    session: envelope.session,
    offset: envelope.offset,
    index: envelope.index,
    ...fields,
    ...(envelope.backfilled === true ? { backfilled: true } : {}),
    ...(copies === null ? {} : { seen_by: copies }),
  });
}
