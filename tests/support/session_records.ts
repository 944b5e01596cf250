import {
  buildDerivation,
  type FramePlan,
  type JournalRecord,
  type Offset,
  writeDerivation,
} from "../../src/model/mod.ts";

export const RECORDS_DEDUP = { enabled: true, windowSeconds: 300, keysMax: 1000 };
const TOPS = { levels: 5, intervalMs: 1 };
const START = 1_767_225_600_000_000;

/** A frame of a connection, or the answer of a request. */
interface SourceFrame {
  readonly origin:
    | { readonly kind: "ws"; readonly connectionId: string; readonly binary: boolean }
    | { readonly kind: "http"; readonly request: string; readonly native: string };
  readonly payload: Uint8Array;
}

/** A record with its offset. */
export type PlacedRecord = readonly [Offset, JournalRecord];

/** Sessions with every feature on over frames of a descriptor, after the plan that they are derived by: a second one begins half-way, after the first was closed. */
export function sessionRecords(
  { plan, frames }: { readonly plan: FramePlan; readonly frames: readonly SourceFrame[] },
): readonly PlacedRecord[] {
  const { hash, body } = writeDerivation(buildDerivation(plan, { dedup: RECORDS_DEDUP, bookTops: TOPS }));
  const records: PlacedRecord[] = [];
  let at = START;
  const place = (make: (at: number) => JournalRecord): Offset => {
    const offset = at++;
    records.push([offset, make(offset)]);
    return offset;
  };
  place((at) => ({ kind: "plan", at, hash, body }));
  for (const half of [frames.slice(0, frames.length / 2), frames]) {
    const sessions = new Map<string, Offset>();
    for (const { origin, payload } of half) {
      const connection = origin.kind === "ws" ? origin.connectionId : plan.connections[0].id;
      const session = sessions.get(connection) ?? place((at) => ({
        kind: "opened",
        at,
        exchange: plan.exchange,
        connection,
        url: addressOf(plan, connection),
        descriptorHash: "",
        planHash: hash,
        streams: [],
      }));
      sessions.set(connection, session);
      if (origin.kind === "ws") {
        place((at) => ({ kind: "frame", session, at, binary: origin.binary, payload }));
      } else {
        const { request, native } = origin;
        const { exchange } = plan;
        const http = {
          kind: "http",
          planHash: hash,
          exchange,
          session,
          request,
          native,
          url: "",
          status: 200,
        } as const;
        place((at) => ({ ...http, at, body: payload }));
      }
    }
    const drop = [...sessions.values()][0];
    place((at) => ({
      kind: "dropped",
      session: drop,
      at,
      frames: 1,
      fromTs: at,
      toTs: at,
      toOffset: null,
      reason: "",
    }));
    for (const session of sessions.values()) {
      place((at) => ({ kind: "closed", session, at, cause: "peer", code: 1006, reason: "" }));
    }
  }
  return records;
}

/** An address of a connection; where it names a symbol, the first one of the map. */
function addressOf({ connections }: FramePlan, id: string): string {
  const found = connections.find((connection) => connection.id === id);
  const [native = ""] = Object.keys(found?.canonical ?? {});
  return (found?.urls[0] ?? "").replace(/\{symbol(?:_lower|_upper)?\}/, native);
}
