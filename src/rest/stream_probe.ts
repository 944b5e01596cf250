import type { Clock } from "../host/mod.ts";
import {
  type BackfillPlan,
  type Channel,
  type HttpRecord,
  type Micros,
  PROBE_MS_MAX,
  PROBE_SETTLE_MS,
  PROBES_AT_ONCE_MAX,
  type RestPlan,
  type RestRequestPlan,
} from "../model/mod.ts";
import { type CursorEnd, placeholdersIn } from "./backfill_cursor.ts";
import { lacksId, pageRequest } from "./page_request.ts";
import type { RestClient, RestRequest } from "./rest_client.ts";

/** A silent stream, by its connection in the descriptor. */
export interface ProbedStream {
  readonly connectionId: string;
  readonly channel: Channel;
  readonly symbol: string;
}

/** What a silent stream had last: an event of a history, or the number of a book. */
export type LastKnown =
  | { readonly kind: "event"; readonly last: CursorEnd }
  | { readonly kind: "book"; readonly request: string; readonly sequence: bigint };

/** What an answer has, read and not kept. */
export type ProbeAnswer =
  | { readonly kind: "event"; readonly rows: readonly { readonly id: string | null; readonly ts: Micros | null }[] }
  | { readonly kind: "book"; readonly sequence: bigint | null };

/** What the exchange says of a silent stream: it has later data, none, or nothing that says either. */
export type ProbeFinding = "behind" | "quiet" | "unknown";

export interface StreamProbeOptions {
  readonly exchange: string;
  readonly plan: RestPlan;
  readonly client: RestClient;
  readonly clock: Clock;
  /** What the stream had last; null where that is not known. */
  readonly lastOf: (stream: ProbedStream) => LastKnown | null;
  /** Reads an answer without keeping it; null where it is none. */
  readonly read: (record: HttpRecord, stream: ProbedStream) => ProbeAnswer | null;
  /** Compares ids of events; null where they say nothing of their order. */
  readonly compareIds: (a: string, b: string) => number | null;
}

/**
 * Asks an exchange over REST whether a stream that is silent has gone on: for the events behind its last one, by the way
 * that its history is fetched, or for the number of its book. Each question has a deadline of its own and keeps the
 * limits of the host; what cannot be told is `unknown`.
 */
export class StreamProbe {
  readonly #options: StreamProbeOptions;
  #plan: RestPlan;
  #underWay = 0;
  readonly #abort = new AbortController();

  constructor(options: StreamProbeOptions) {
    this.#options = options;
    this.#plan = options.plan;
  }

  /** Asks from now on by another plan of the instance. */
  changePlan(plan: RestPlan): void {
    this.#plan = plan;
  }

  /** Asks for nothing any more. */
  stop(): void {
    this.#abort.abort();
  }

  /** Asks about a stream; null where there is no way, or too many are asked about. Never rejects. */
  probe(stream: ProbedStream): Promise<ProbeFinding> | null {
    if (this.#abort.signal.aborted || this.#underWay >= PROBES_AT_ONCE_MAX) return null;
    const known = this.#options.lastOf(stream);
    if (known === null) return null;
    const request = known.kind === "event" ? this.#historyOf(stream, known.last) : this.#bookOf(stream, known.request);
    if (request === null) return null;
    this.#underWay++;
    return this.#ask(stream, known, request).finally(() => this.#underWay--);
  }

  #historyOf(stream: ProbedStream, last: CursorEnd): Asked | null {
    for (const backfill of this.#plan.backfills) {
      if (backfill.channel !== stream.channel || backfill.connectionId !== stream.connectionId) continue;
      const target = backfill.targets.find(({ symbol }) => symbol === stream.symbol);
      if (target === undefined) continue;
      const asked = this.#pageOf(backfill, target, last);
      if (asked !== null) return asked;
    }
    return null;
  }

  /** The page behind the last event, or the newest one. */
  #pageOf(backfill: BackfillPlan, target: BackfillPlan["targets"][number], last: CursorEnd): Asked | null {
    const now = this.#options.clock.nowMicros();
    const cursor = { from: last, to: { id: null, ts: Math.max(now, last.ts) }, pages: 0, rows: 0 };
    const names = placeholdersIn(target.path.source + (target.body ?? ""));
    if (lacksId(names, cursor) && target.firstPath === undefined) return null;
    return pageRequest(this.#plan, backfill, { target, names, cursor });
  }

  #bookOf({ symbol }: ProbedStream, name: string): Asked | null {
    const request = this.#plan.requests.find((each) => each.name === name);
    const target = request?.targets.find((each) => each.symbol === symbol && each.native !== "");
    return request === undefined || target === undefined ? null : snapshotRequest(this.#plan, request, target);
  }

  async #ask(stream: ProbedStream, known: LastKnown, request: Asked): Promise<ProbeFinding> {
    const { exchange, client, clock, read } = this.#options;
    const own = new AbortController();
    const timer = clock.after(PROBE_MS_MAX, () => own.abort());
    let answer = null as ProbeAnswer | null;
    try {
      await client.ask(
        {
          exchange,
          ...request,
          scope: `probe ${stream.connectionId} ${stream.channel}`,
          accept: ({ receivedTs: at, url, status, body }) => {
            const { name, native } = request;
            const record = { at, exchange, url, status, body, request: name, native } as const;
            answer = read({ kind: "http", planHash: null, session: null, ...record }, stream);
            return answer === null ? "it holds nothing of what was asked for" : null;
          },
          // Whoever has no answer at once takes the steps that it would have taken without one.
          onRetry: () => own.abort(),
        },
        "probe",
        AbortSignal.any([own.signal, this.#abort.signal]),
      );
    } finally {
      timer.cancel();
    }
    if (answer === null) return "unknown";
    const finding = this.#judge(known, answer);
    // What has just happened may be on its way; data that come meanwhile end the question.
    if (finding === "behind") await clock.sleep(PROBE_SETTLE_MS, this.#abort.signal);
    return finding;
  }

  #judge(known: LastKnown, answer: ProbeAnswer): ProbeFinding {
    if (known.kind === "book") {
      if (answer.kind !== "book" || answer.sequence === null) return "unknown";
      return answer.sequence > known.sequence ? "behind" : "quiet";
    }
    if (answer.kind !== "event") return "unknown";
    const { last } = known;
    let finding: ProbeFinding = "quiet";
    for (const { id, ts } of answer.rows) {
      const order = id === null || last.id === null ? null : this.#options.compareIds(id, last.id);
      if (order !== null) {
        if (order > 0) return "behind";
      } else if (ts === null) finding = "unknown";
      else if (ts > last.ts) return "behind";
    }
    return finding;
  }
}

type Asked = Omit<RestRequest, "exchange" | "scope" | "accept">;

/** Returns the request for one instrument of a declared request. */
export function snapshotRequest(
  { baseUrls, headers, caCertPaths, proxy, rateLimit }: RestPlan,
  request: RestRequestPlan,
  { native, path, body }: RestRequestPlan["targets"][number],
): Asked {
  return {
    name: request.name,
    native,
    method: request.method ?? "GET",
    baseUrls: request.baseUrls ?? baseUrls,
    path,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    body: body ?? null,
    caCertPaths,
    ...(proxy === undefined ? {} : { proxy }),
    rateLimit,
  };
}
