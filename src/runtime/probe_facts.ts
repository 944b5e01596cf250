import { compareIds, eventMark, type NumberedBook, numberOf } from "../derive/mod.ts";
import type { HttpRecord, RestPlan, TradeIdOrder } from "../model/mod.ts";
import type { LastKnown, ProbeAnswer, ProbedStream } from "../rest/mod.ts";
import type { Intake } from "./intake.ts";

/** What a silent stream had last: its last event, or the number of its book where a snapshot can be asked for. */
export function lastKnown(
  intake: Intake,
  exchange: string,
  { stream: { connectionId, channel, symbol }, rest }: { readonly stream: ProbedStream; readonly rest: RestPlan },
): LastKnown | null {
  if (channel !== "book") {
    const last = intake.lastOf(exchange, { channel, symbol });
    return last === null ? null : { kind: "event", last };
  }
  const request = rest.requests.find((each) =>
    each.channel === "book" && each.everyMs === null && each.connectionId === connectionId
  );
  const valid = [...intake.bookViews(exchange, { symbol, depth: 0 })].findLast(({ state }) => state === "valid");
  const sequence = numberOf(valid?.sequence ?? null);
  return request === undefined || sequence === null ? null : { kind: "book", request: request.name, sequence };
}

/** Reads what an answer says of a stream; null if it is none. */
export function readProbe(intake: Intake, record: HttpRecord, stream: ProbedStream): ProbeAnswer | null {
  const events = intake.lookHttp(record, stream);
  if (events === null) return null;
  const own = events.filter(({ channel, symbol }) => channel === stream.channel && symbol === stream.symbol);
  if (stream.channel !== "book") {
    const rows = own.flatMap(({ event, exchange_ts: ts }) => {
      const mark = eventMark(event, ts ?? record.at);
      return mark === null ? [] : [{ id: mark.id, ts: ts === null && event.kind === "trade" ? null : mark.ts }];
    });
    return { kind: "event", rows };
  }
  const [book] = own;
  return { kind: "book", sequence: numberOf(book?.event.kind === "book_snapshot" ? book.event.sequence : null) };
}

/** Reads a snapshot of a book; null if it is none, or has no number. */
export function readSnapshot(intake: Intake, record: HttpRecord, stream: ProbedStream): NumberedBook | null {
  const events = intake.lookHttp(record, stream);
  const found = events?.find(({ symbol, event }) => symbol === stream.symbol && event.kind === "book_snapshot");
  if (found === undefined || found.event.kind !== "book_snapshot") return null;
  const { bids, asks, sequence } = found.event;
  const number = numberOf(sequence);
  return number === null ? null : { sequence: number, bids, asks };
}

/** Compares ids where the exchange's say their order. */
export function orderOfIds(order: TradeIdOrder | undefined): (a: string, b: string) => number | null {
  return order === undefined ? () => null : compareIds;
}
