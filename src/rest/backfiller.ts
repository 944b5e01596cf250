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

/** A stretch of a stream to fetch. */
export interface BackfillTask {
  readonly gapId: string;
  /** Null for a stretch on demand, whose ends are not known events. Otherwise both ends are known events. */
  readonly cause?: string | null;
  readonly connectionId: string;
  readonly request: string;
  readonly native: string;
  readonly from: CursorEnd;
  readonly to: CursorEnd;
}

/** Result of reading a page of history. */
export interface BackfillPage extends PageSeen {
  readonly isFromMet: boolean;
  readonly isToMet: boolean;
  readonly isFilled: boolean;
  readonly lacksIds: boolean;
  readonly filled: number;
}

/** Result of fetching a stretch. */
export interface BackfillEnd {
  /** Why some of it is or may be missing; null if nothing is. */
  readonly reason: string | null;
  /** Oldest and newest row of all pages; null if there was none. */
  readonly oldest: CursorEnd | null;
  readonly newest: CursorEnd | null;
  /** Events fetched for it, over all pages. */
  readonly filled: number;
  /** Whether it ended because it has more events or pages than one stretch may have. */
  readonly isTooLong: boolean;
}

export interface BackfillerOptions {
  readonly exchange: string;
  readonly plan: RestPlan;
  readonly client: RestClient;
  readonly clock: Clock;
  /** Accepts an answer; returns the page, or why it is none. */
  readonly onPage: (record: HttpRecord) => BackfillPage | string;
  /**
   * Called when a stretch ends that was not emitted as filled. `reason` is null if a stretch on demand is complete. May
   * throw if the end cannot be journaled.
   */
  readonly onEnd: (task: BackfillTask, reason: string | null) => void;
}

/** Result of walking over the pages of a stretch. */
interface Walk {
  readonly page: BackfillPage | null;
  readonly oldest: CursorEnd | null;
  readonly newest: CursorEnd | null;
  /** Null if the exchange has no more pages. */
  readonly reason: string | null;
  readonly isTooLong?: true;
}

const NO_WALK: Walk = { page: null, oldest: null, newest: null, reason: null };

/**
 * Fetches what streams have missed: for each stretch page by page, until the pages reach the known events at both ends
 * or the exchange has no more. Stretches of one instrument are fetched one after another, and at most
 * BACKFILLS_AT_ONCE_MAX of an instance at once.
 */
export class Backfiller {
  readonly #options: BackfillerOptions;
  #plan: RestPlan;
  readonly #abort = new AbortController();
  /** Waiting stretches, in order. */
  readonly #waiting: Waiting[] = [];
  /** Requests and instruments that are being fetched. */
  readonly #busy = new Set<string>();

  constructor(options: BackfillerOptions) {
    this.#options = options;
    this.#plan = options.plan;
  }

  /** Uses another plan of the instance from now on. */
  changePlan(plan: RestPlan): void {
    this.#plan = plan;
  }

  /** Number of unfinished stretches. */
  get pending(): number {
    return this.#waiting.length + this.#busy.size;
  }

  /** Adds a stretch. Resolves when nothing more is requested for it. */
  fill(task: BackfillTask): Promise<BackfillEnd> {
    return new Promise((resolve) => {
      if (this.#abort.signal.aborted) return resolve(CANCELLED);
      // Stretches on demand need no delay, because they are old enough to be in the history.
      const delayMs = task.cause === null ? 0 : BACKFILL_DELAY_MS;
      this.#waiting.push({ task, dueMs: this.#options.clock.monotonicMs() + delayMs, resolve });
      this.#pump();
    });
  }

  /** Stops all requests. The journal still knows the unfinished stretches. */
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

  /** Fetches a stretch, not before `dueMs` (monotonic ms). */
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

  /** Reports the end of a stretch, repeatedly if it cannot be journaled. */
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

  /** Walks over the pages of a stretch. The result's `reason` says why it is not filled; null if it is. */
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
      // A history that does not reach the newer end lags behind the stream.
      if (page.isToMet || attempt >= BACKFILL_ATTEMPTS_MAX) return { ...walk, reason: whyNotFilled(page, direction) };
      if (direction === "forward" && page.newest !== null && page.newest.ts >= from.ts) from = page.newest;
      await clock.sleep(Math.min(BACKFILL_RETRY_MS_MAX, BACKFILL_DELAY_MS * 2 ** attempt), signal);
    }
    return NO_WALK;
  }

  /**
   * Finds the beginning of a stretch on demand whose pages are requested by an unknown id: the first page needs no id,
   * or the id before the stretch is found by binary search, from an id after it. Returns the reason if neither is
   * possible.
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
    if (high === null || !isNumber(high)) return NO_ID;
    const id = await this.#seek(task, backfill, { ...pages, high: BigInt(high) });
    return typeof id === "string" ? id : { ...task, from: { ...task.from, id: String(id) } };
  }

  /** Finds, by binary search below `high`, an id before a stretch whose page reaches the stretch. */
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
      // There is nothing that far back: the history begins later.
      if (oldest === null || newest === null || newest.id === null) low = middle;
      else if (oldest.ts >= task.from.ts) high = middle;
      else if (newest.ts >= task.from.ts) return middle;
      else if (!isNumber(newest.id)) return NO_ID;
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
      // A page without rows does not move the position of the walk.
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

  /** Requests one page; returns it, or why there is none. */
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

/** A waiting stretch. */
interface Waiting {
  readonly task: BackfillTask;
  readonly dueMs: number;
  readonly resolve: (end: BackfillEnd) => void;
}

const NO_ID = "the exchange's history is asked for by ids, and none that lies near is known";
const NO_IDS = "events have no ids, by which those that are known could be told from those that are missing";
const CANCELLED: BackfillEnd = { reason: "cancelled", oldest: null, newest: null, filled: 0, isTooLong: false };

/** Whether an id can be searched for by halves. */
function isNumber(id: string): boolean {
  return /^\d+$/.test(id);
}

/** Returns a page with only the ends that it has reached itself, because earlier pages were a search, not a walk. */
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
 * Returns why a stretch on demand may be incomplete after its last page; null if it is complete. Pages that name the
 * older end, by time or by an id before it, are complete after it; a backward walk must have reached or named it.
 */
function whyNotWhole(
  page: BackfillPage | null,
  direction: BackfillPlan["direction"],
  names: ReturnType<typeof placeholdersIn>,
): string | null {
  if (page?.isFromMet === true) return null;
  const isNamed = [...names].some((name) => name === "day" || name === "yyyymmdd" || name.startsWith("from_"));
  if (direction !== "latest" && isNamed) return null;
  const rows = page?.rows ?? 0;
  if (direction === "latest") return `the newest ${rows} events do not reach so far`;
  return "the exchange's history does not reach back so far";
}

/** Returns why a stretch is not filled after its last page. */
function whyNotFilled({ rows, isFromMet, isToMet }: BackfillPage, direction: BackfillPlan["direction"]): string {
  if (direction === "latest") {
    return isToMet ? "the exchange gives the newest events alone" : `the newest ${rows} events do not reach so far`;
  }
  if (!isFromMet && isToMet) return "the exchange's history does not reach back to what is known";
  if (isFromMet && !isToMet) return "the exchange's history does not reach up to what is known";
  return isFromMet ? "the exchange's history has fewer events than ids say" : "the exchange's history does not have it";
}
