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
} from "../model/mod.ts";
import { type BackfillCursor, type CursorEnd, nextPage, type PageSeen, placeholdersIn } from "./backfill_cursor.ts";
import { lacksId, pageRequest, type Pages, type Target } from "./page_request.ts";
import type { RestAnswer, RestClient } from "./rest_client.ts";

/** A stretch of a stream that is to be fetched. */
export interface BackfillTask {
  readonly gapId: string;
  /** Null of one that is asked for on demand: nothing is known at its ends. Absent or not null: events at both ends are. */
  readonly cause?: string | null;
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

/** How the fetching of a stretch ended. */
export interface BackfillEnd {
  /** Why some of it stays missing, or may; null where nothing does. */
  readonly reason: string | null;
  /** Oldest and newest row that was seen; null where there was none. */
  readonly oldest: CursorEnd | null;
  readonly newest: CursorEnd | null;
  /** Events that were fetched for it, all pages together. */
  readonly filled: number;
  /** Whether it ended because it holds more than one stretch may. */
  readonly isTooLong: boolean;
}

export interface BackfillerOptions {
  readonly exchange: string;
  readonly plan: RestPlan;
  readonly client: RestClient;
  readonly clock: Clock;
  /** Takes an answer; returns what the page came to, or why it is none. */
  readonly onPage: (record: HttpRecord) => BackfillPage | string;
  /**
   * Nothing more is asked for on behalf of a stretch that was not told as filled; null: because all of one on demand is
   * there. May throw where it cannot be kept.
   */
  readonly onEnd: (task: BackfillTask, reason: string | null) => void;
}

/** How a walk over the pages of a stretch ended. */
interface Walk {
  readonly page: BackfillPage | null;
  readonly oldest: CursorEnd | null;
  readonly newest: CursorEnd | null;
  /** Null where the exchange has no more. */
  readonly reason: string | null;
  readonly isTooLong?: true;
}

const NO_WALK: Walk = { page: null, oldest: null, newest: null, reason: null };

/**
 * Fetches what streams have missed: for each stretch page after page, until the pages meet what is known at both ends or
 * the exchange has no more. Stretches of one instrument are fetched one after the other, few of an instance at a time.
 */
export class Backfiller {
  readonly #options: BackfillerOptions;
  #plan: RestPlan;
  readonly #abort = new AbortController();
  /** Stretches that wait, in order. */
  readonly #waiting: Waiting[] = [];
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

  /** Adds a stretch. Resolves when nothing more is asked for on its behalf. */
  fill(task: BackfillTask): Promise<BackfillEnd> {
    return new Promise((resolve) => {
      if (this.#abort.signal.aborted) return resolve(CANCELLED);
      // What is asked for on demand is no stream's newest.
      const delayMs = task.cause === null ? 0 : BACKFILL_DELAY_MS;
      this.#waiting.push({ task, dueMs: this.#options.clock.monotonicMs() + delayMs, resolve });
      this.#pump();
    });
  }

  /** Asks for nothing any more. What was not done is still known to the journal. */
  stop(): void {
    this.#abort.abort();
    for (const { resolve } of this.#waiting.splice(0)) resolve(CANCELLED);
  }

  #pump(): void {
    for (let at = 0; at < this.#waiting.length && this.#busy.size < BACKFILLS_AT_ONCE_MAX;) {
      const { task, dueMs, resolve } = this.#waiting[at];
      const key = `${task.request} ${task.native}`;
      if (this.#busy.has(key)) {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      this.#busy.add(key);
      void this.#run(task, dueMs).then(resolve).finally(() => {
        this.#busy.delete(key);
        this.#pump();
      });
    }
  }

  /** `dueMs`: monotonic ms before which it is not asked for. */
  async #run(task: BackfillTask, dueMs: number): Promise<BackfillEnd> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    const waitMs = dueMs - clock.monotonicMs();
    const backfill = this.#plan.backfills.find(({ name, connectionId }) =>
      name === task.request && connectionId === task.connectionId
    );
    const target = backfill?.targets.find(({ native }) => native === task.native);
    let walk: Walk = { ...NO_WALK, reason: "it is not configured any more" };
    if (backfill !== undefined && target !== undefined) {
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      walk = await this.#walk(task, backfill, target);
    }
    if (signal.aborted) return CANCELLED;
    const { page, reason } = walk;
    if (page?.isFilled !== true) await this.#tellEnd(task, reason);
    const { oldest, newest, isTooLong = false } = walk;
    return { reason, oldest, newest, filled: page?.filled ?? 0, isTooLong };
  }

  /** Where the end cannot be kept it is told again: the journal still knows the stretch. */
  async #tellEnd(task: BackfillTask, reason: string | null): Promise<void> {
    const { clock, onEnd } = this.#options;
    const { signal } = this.#abort;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        return onEnd(task, reason);
      } catch {
        await clock.sleep(Math.min(BACKFILL_RETRY_MS_MAX, 1000 * attempt), signal);
      }
    }
  }

  /** Walks over the pages of a stretch; the end's `reason` says why it stays unfilled, null where it is filled. */
  async #walk(task: BackfillTask, backfill: BackfillPlan, target: Target): Promise<Walk> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    const { retentionMs, direction } = backfill;
    const refuse = (reason: string) => ({ ...NO_WALK, reason });
    if (retentionMs !== null && task.to.ts / 1000 < clock.nowMs() - retentionMs) {
      return refuse(`the exchange keeps no more than ${(retentionMs / 3_600_000).toFixed(1)} hours`);
    }
    const names = placeholdersIn(target.path.source + (target.body ?? ""));
    const isWithoutId = lacksId(names, task);
    if (task.cause === null) {
      const pages = { target, names };
      const begun = isWithoutId ? await this.#begin(task, backfill, pages) : task;
      if (typeof begun === "string") return refuse(begun);
      const walk = await this.#pages(begun, backfill, pages);
      if (walk.reason !== null) return walk;
      return { ...walk, reason: whyNotWhole(walk.page, direction, names) };
    }
    if (isWithoutId) return refuse("events have no ids");
    let from = task.from;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const walk = await this.#pages({ ...task, from }, backfill, { target, names });
      const { page } = walk;
      if (signal.aborted || page?.isFilled === true || walk.reason !== null) return walk;
      if (page === null) return { ...walk, reason: "the exchange gave no page" };
      // A history that has not come to the newer end lags behind the stream.
      if (page.isToMet || attempt >= BACKFILL_ATTEMPTS_MAX) return { ...walk, reason: whyNotFilled(page, direction) };
      if (direction === "forward" && page.newest !== null && page.newest.ts >= from.ts) from = page.newest;
      await clock.sleep(Math.min(BACKFILL_RETRY_MS_MAX, BACKFILL_DELAY_MS * 2 ** attempt), signal);
    }
    return NO_WALK;
  }

  /**
   * Finds where a stretch on demand can begin whose pages are asked for by an id that is not known: the first page does
   * without one; or the id before the stretch is looked for by halves, from one that lies behind it. Returns why neither
   * can be.
   */
  async #begin(task: BackfillTask, backfill: BackfillPlan, pages: Pages): Promise<BackfillTask | string> {
    const { firstPath } = pages.target;
    const isByTime = firstPath !== undefined && [...placeholdersIn(firstPath.source)].length > 0;
    if (isByTime || (firstPath !== undefined && backfill.direction !== "forward")) return task;
    if (backfill.direction !== "forward") return NO_ID;
    let high = task.to.id;
    if (high === null) {
      if (firstPath === undefined) return NO_ID;
      const cursor = { from: task.from, to: task.to, pages: 0, rows: 0 };
      const newest = await this.#ask(task.gapId, backfill, { ...pages, cursor });
      if (typeof newest === "string") return newest;
      if (newest.oldest === null) return "the exchange gave no events to begin at";
      if (newest.oldest.ts < task.from.ts) return { ...task, from: { ...task.from, id: newest.oldest.id } };
      high = newest.oldest.id;
    }
    if (high === null || !/^\d+$/.test(high)) return NO_ID;
    const id = await this.#seek(task, backfill, { ...pages, high: BigInt(high) });
    return typeof id === "string" ? id : { ...task, from: { ...task.from, id: String(id) } };
  }

  /** Looks for an id of an event before a stretch whose page reaches it, below one that lies behind. */
  async #seek(
    task: BackfillTask,
    backfill: BackfillPlan,
    { high: highest, ...pages }: Pages & { readonly high: bigint },
  ): Promise<bigint | string> {
    let [low, high] = [0n, highest];
    const page = BigInt(backfill.pageRows ?? 1);
    while (high - low > page) {
      const middle = low + (high - low) / 2n;
      const from = { id: String(middle), ts: task.from.ts };
      const asked = await this.#ask(task.gapId, backfill, {
        ...pages,
        cursor: { from, to: task.to, pages: 0, rows: 0 },
      });
      if (typeof asked === "string") return asked;
      const { oldest, newest } = asked;
      // Nothing that far back: the history begins later.
      if (oldest === null || newest === null || newest.id === null) low = middle;
      else if (oldest.ts >= task.from.ts) high = middle;
      else if (newest.ts >= task.from.ts) return middle;
      else low = BigInt(newest.id) > middle ? BigInt(newest.id) : middle;
    }
    return low;
  }

  async #pages(
    { gapId, cause, from, to }: BackfillTask,
    backfill: BackfillPlan,
    { target, names }: Pages,
  ): Promise<Walk> {
    let cursor: BackfillCursor = { from, to, pages: 0, rows: 0 };
    let walk: Walk = NO_WALK;
    for (let pages = 0; pages < BACKFILL_PAGES_MAX; pages++) {
      const asked = await this.#ask(gapId, backfill, { target, names, cursor });
      if (typeof asked === "string") return { ...walk, reason: asked };
      // A page without rows says nothing of where the walk has come to.
      const page = {
        ...(cause === null ? ownEnds(asked, { from, to }) : asked),
        newest: asked.newest ?? walk.page?.newest ?? null,
      };
      walk = {
        ...NO_WALK,
        page,
        oldest: olderOf(walk.oldest, asked.oldest),
        newest: newerOf(walk.newest, asked.newest),
      };
      if (asked.isFilled) return walk;
      if (asked.lacksIds) return { ...walk, reason: NO_IDS };
      if (asked.filled >= FILL_EVENTS_MAX) {
        return { ...walk, reason: `more than ${FILL_EVENTS_MAX} are missing`, isTooLong: true };
      }
      if (backfill.direction === "backward" && page.isFromMet) return walk;
      if (backfill.direction === "forward" && page.isToMet) return walk;
      const next = nextPage(cursor, asked, { ...backfill, names });
      if (next === "end") return walk;
      if (next === "stuck") return { ...walk, reason: "more events are of one time than a page holds" };
      cursor = next.cursor;
    }
    return { ...walk, reason: `it takes more than ${BACKFILL_PAGES_MAX} pages`, isTooLong: true };
  }

  /** Asks for one page; returns what it came to, or why there is none. */
  async #ask(
    gapId: string,
    backfill: BackfillPlan,
    { target, names, cursor }: Pages & { readonly cursor: BackfillCursor },
  ): Promise<BackfillPage | string> {
    const { exchange, client, onPage } = this.#options;
    const own = new AbortController();
    const signal = AbortSignal.any([own.signal, this.#abort.signal]);
    let failures = 0;
    let reason = "cancelled";
    let page = null as BackfillPage | null;
    const isAnswered = await client.ask(
      {
        exchange,
        ...pageRequest(this.#plan, backfill, { target, names, cursor }),
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

/** A stretch that waits for its turn. */
interface Waiting {
  readonly task: BackfillTask;
  readonly dueMs: number;
  readonly resolve: (end: BackfillEnd) => void;
}

const NO_ID = "the exchange's history is asked for by ids, and none that lies near is known";
const NO_IDS = "events have no ids, by which those that are known could be told from those that are missing";
const CANCELLED: BackfillEnd = { reason: "cancelled", oldest: null, newest: null, filled: 0, isTooLong: false };

/** A page with the ends that it has met itself: what others before it met was looked for and not walked. */
function ownEnds(page: BackfillPage, { from, to }: Pick<BackfillTask, "from" | "to">): BackfillPage {
  const isFromMet = page.oldest !== null && page.oldest.ts < from.ts;
  return { ...page, isFromMet, isToMet: page.newest !== null && page.newest.ts > to.ts };
}

function olderOf(a: CursorEnd | null, b: CursorEnd | null): CursorEnd | null {
  return a === null || (b !== null && b.ts < a.ts) ? b : a;
}

function newerOf(a: CursorEnd | null, b: CursorEnd | null): CursorEnd | null {
  return a === null || (b !== null && b.ts >= a.ts) ? b : a;
}

/**
 * Why a stretch on demand may not be whole though its pages came to their end; null where it is. What begins at the older
 * end by its time or an id before it is whole behind that end; what is walked backward needs to have met it, or to have
 * named it.
 */
function whyNotWhole(
  page: BackfillPage | null,
  direction: BackfillPlan["direction"],
  names: ReturnType<typeof placeholdersIn>,
): string | null {
  if (page?.isFromMet === true) return null;
  const isNamed = [...names].some((name) => name === "day" || name.startsWith("from_"));
  if (direction !== "latest" && isNamed) return null;
  const rows = page?.rows ?? 0;
  if (direction === "latest") return `the newest ${rows} events do not reach so far`;
  return "the exchange's history does not reach back so far";
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
