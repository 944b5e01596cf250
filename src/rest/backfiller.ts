import type { Clock } from "../host/mod.ts";
import {
  BACKFILL_ATTEMPTS_MAX,
  BACKFILL_DELAY_MS,
  BACKFILL_PAGES_MAX,
  BACKFILL_RETRY_MS_MAX,
  type BackfillPlan,
  BACKFILLS_AT_ONCE_MAX,
  FILL_EVENTS_MAX,
  type HttpRecord,
  type RestPlan,
  type Template,
} from "../model/mod.ts";
import {
  type BackfillCursor,
  type CursorEnd,
  cursorValues,
  fillText,
  nextPage,
  type PageSeen,
  placeholdersIn,
} from "./backfill_cursor.ts";
import type { RestAnswer, RestClient } from "./rest_client.ts";

/** A stretch of a stream that is to be fetched. */
export interface BackfillTask {
  readonly gapId: string;
  readonly connectionId: string;
  readonly request: string;
  readonly native: string;
  readonly from: CursorEnd;
  readonly to: CursorEnd;
}

/** What a page of history was found to be. */
export interface BackfillPage extends PageSeen {
  readonly isFromMet: boolean;
  readonly isToMet: boolean;
  readonly isFilled: boolean;
  readonly lacksIds: boolean;
  readonly filled: number;
}

export interface BackfillerOptions {
  readonly exchange: string;
  readonly plan: RestPlan;
  readonly client: RestClient;
  readonly clock: Clock;
  /** Takes an answer; returns what the page came to, or why it is none. */
  readonly onPage: (record: HttpRecord) => BackfillPage | string;
  /** Nothing more is asked for on behalf of a stretch that was not told as filled. May throw where it cannot be kept. */
  readonly onEnd: (task: BackfillTask, reason: string) => void;
}

/** How a walk over the pages of a stretch ended. */
interface Walk {
  readonly page: BackfillPage | null;
  /** Null where the exchange has no more. */
  readonly reason: string | null;
}

/**
 * Fetches what streams have missed: for each stretch page after page, until the pages meet what is known at both ends or
 * the exchange has no more. Stretches of one instrument are fetched one after the other, few of an instance at a time.
 */
export class Backfiller {
  readonly #options: BackfillerOptions;
  #plan: RestPlan;
  readonly #abort = new AbortController();
  /** Stretches that wait, in order. */
  readonly #waiting: { readonly task: BackfillTask; readonly dueMs: number }[] = [];
  /** Instruments of requests that are being fetched. */
  readonly #busy = new Set<string>();

  constructor(options: BackfillerOptions) {
    this.#options = options;
    this.#plan = options.plan;
  }

  /** Fetches from now on for the streams of another plan of the instance. */
  changePlan(plan: RestPlan): void {
    this.#plan = plan;
  }

  /** Stretches that are not done. */
  get pending(): number {
    return this.#waiting.length + this.#busy.size;
  }

  /** Adds a stretch. */
  fill(task: BackfillTask): void {
    if (this.#abort.signal.aborted) return;
    this.#waiting.push({ task, dueMs: this.#options.clock.monotonicMs() + BACKFILL_DELAY_MS });
    this.#pump();
  }

  /** Asks for nothing any more. What was not done is still known to the journal. */
  stop(): void {
    this.#abort.abort();
    this.#waiting.length = 0;
  }

  #pump(): void {
    for (let at = 0; at < this.#waiting.length && this.#busy.size < BACKFILLS_AT_ONCE_MAX;) {
      const { task, dueMs } = this.#waiting[at];
      const key = `${task.request} ${task.native}`;
      if (this.#busy.has(key)) {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      this.#busy.add(key);
      void this.#run(task, dueMs).finally(() => {
        this.#busy.delete(key);
        this.#pump();
      });
    }
  }

  /** `dueMs`: monotonic ms before which it is not asked for. */
  async #run(task: BackfillTask, dueMs: number): Promise<void> {
    const { clock, onEnd } = this.#options;
    const { signal } = this.#abort;
    const backfill = this.#plan.backfills.find(({ name, connectionId }) =>
      name === task.request && connectionId === task.connectionId
    );
    const target = backfill?.targets.find(({ native }) => native === task.native);
    let reason: string;
    if (backfill === undefined || target === undefined) reason = "it is not configured any more";
    else {
      const waitMs = dueMs - clock.monotonicMs();
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      const unfilled = await this.#walk(task, backfill, target);
      if (unfilled === null) return;
      reason = unfilled;
    }
    // Where the end cannot be kept it is told again: the journal still knows the stretch.
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        return onEnd(task, reason);
      } catch {
        await clock.sleep(Math.min(BACKFILL_RETRY_MS_MAX, 1000 * attempt), signal);
      }
    }
  }

  /** Returns why the stretch stays unfilled; null where it was filled, or nobody wants it any more. */
  async #walk(task: BackfillTask, backfill: BackfillPlan, target: Target): Promise<string | null> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    const { retentionMs, direction } = backfill;
    if (retentionMs !== null && task.to.ts / 1000 < clock.nowMs() - retentionMs) {
      return `the exchange keeps no more than ${(retentionMs / 3_600_000).toFixed(1)} hours`;
    }
    const names = placeholdersIn(target.path.source + (target.body ?? ""));
    if ((names.has("from_id") && task.from.id === null) || (names.has("to_id") && task.to.id === null)) {
      return "events have no ids";
    }
    let from = task.from;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const { page, reason } = await this.#pages({ ...task, from }, backfill, { target, names });
      if (signal.aborted || page?.isFilled === true) return null;
      if (reason !== null) return reason;
      if (page === null) return "the exchange gave no page";
      if (page.lacksIds) {
        return "events have no ids, by which those that are known could be told from those that are missing";
      }
      // A history that has not come to the newer end lags behind the stream.
      if (page.isToMet || attempt >= BACKFILL_ATTEMPTS_MAX) return whyNotFilled(page, direction);
      if (direction === "forward" && page.newest !== null && page.newest.ts >= from.ts) from = page.newest;
      await clock.sleep(Math.min(BACKFILL_RETRY_MS_MAX, BACKFILL_DELAY_MS * 2 ** attempt), signal);
    }
    return null;
  }

  async #pages(
    { gapId, from, to }: BackfillTask,
    backfill: BackfillPlan,
    { target, names }: { readonly target: Target; readonly names: ReturnType<typeof placeholdersIn> },
  ): Promise<Walk> {
    let cursor: BackfillCursor = { from, to, pages: 0, rows: 0 };
    let last = null as BackfillPage | null;
    for (let pages = 0; pages < BACKFILL_PAGES_MAX; pages++) {
      const asked = await this.#ask(gapId, backfill, { target, cursor });
      if (typeof asked === "string") return { page: last, reason: asked };
      // A page without rows says nothing of where the walk has come to.
      last = { ...asked, newest: asked.newest ?? last?.newest ?? null };
      if (asked.isFilled || asked.lacksIds) return { page: last, reason: null };
      if (asked.filled >= FILL_EVENTS_MAX) return { page: last, reason: `more than ${FILL_EVENTS_MAX} are missing` };
      if (backfill.direction === "backward" && asked.isFromMet) return { page: last, reason: null };
      if (backfill.direction === "forward" && asked.isToMet) return { page: last, reason: null };
      const next = nextPage(cursor, asked, { ...backfill, names });
      if (next === "end") return { page: last, reason: null };
      if (next === "stuck") return { page: last, reason: "more events are of one time than a page holds" };
      cursor = next.cursor;
    }
    return { page: last, reason: `it takes more than ${BACKFILL_PAGES_MAX} pages` };
  }

  /** Asks for one page; returns what it came to, or why there is none. */
  async #ask(
    gapId: string,
    backfill: BackfillPlan,
    { target, cursor }: { readonly target: Target; readonly cursor: BackfillCursor },
  ): Promise<BackfillPage | string> {
    const { exchange, client, onPage } = this.#options;
    const { baseUrls, headers, caCertPaths, proxy, rateLimit } = this.#plan;
    const values = cursorValues(cursor, backfill);
    const path = fillTemplate(target.path, (text) => fillText(text, values));
    const body = target.body === null ? null : fillText(target.body, values);
    const own = new AbortController();
    const signal = AbortSignal.any([own.signal, this.#abort.signal]);
    let failures = 0;
    let reason = "cancelled";
    let page = null as BackfillPage | null;
    const isAnswered = await client.ask(
      {
        exchange,
        name: backfill.name,
        native: target.native,
        method: backfill.method,
        baseUrls: backfill.baseUrls ?? baseUrls,
        path,
        headers: body === null ? headers : { "content-type": "application/json", ...headers },
        body,
        caCertPaths,
        ...(proxy === undefined ? {} : { proxy }),
        rateLimit,
        scope: `fill ${gapId} ${backfill.connectionId}`,
        retryMsMax: BACKFILL_RETRY_MS_MAX,
        accept: ({ receivedTs, url, status, body: answer }: RestAnswer) => {
          const taken = onPage({
            kind: "http",
            planHash: null,
            at: receivedTs,
            exchange,
            session: null,
            request: backfill.name,
            native: target.native,
            url,
            status,
            body: answer,
          });
          if (typeof taken === "string") return taken;
          page = taken;
          return null;
        },
        onRetry: (why) => {
          reason = why;
          if (++failures >= BACKFILL_ATTEMPTS_MAX) own.abort();
        },
      },
      "backfill",
      signal,
    );
    return isAnswered && page !== null ? page : reason;
  }
}

type Target = BackfillPlan["targets"][number];

function fillTemplate({ source, parts }: Template, fill: (text: string) => string): Template {
  return { source: fill(source), parts: parts.map((part) => typeof part === "string" ? fill(part) : part) };
}

/** Why pages that came to their end did not fill a stretch. */
function whyNotFilled({ rows, isFromMet, isToMet }: BackfillPage, direction: BackfillPlan["direction"]): string {
  if (direction === "latest") {
    return isToMet ? "the exchange gives the newest events alone" : `the newest ${rows} events do not reach so far`;
  }
  if (!isFromMet && isToMet) return "the exchange's history does not reach back to what is known";
  if (isFromMet && !isToMet) return "the exchange's history does not reach up to what is known";
  return isFromMet ? "the exchange's history has fewer events than ids say" : "the exchange's history does not have it";
}
