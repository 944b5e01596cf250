import { BACKFILL_PLACEHOLDERS, type BackfillPlaceholder, type BackfillPlan, type Micros } from "../model/mod.ts";

/** One end of the rest of a stretch. */
export interface CursorEnd {
  /** Null if only its time is known. */
  readonly id: string | null;
  readonly ts: Micros;
}

/** The rest of a stretch, and the number of pages and rows fetched. */
export interface BackfillCursor {
  readonly from: CursorEnd;
  readonly to: CursorEnd;
  readonly pages: number;
  readonly rows: number;
}

const DAY_MS = 86_400_000;

/** Returns the newer end of the next request: that of the stretch, or of its window. */
function endOf(cursor: BackfillCursor, { windowMs }: Pick<BackfillPlan, "windowMs">): Micros {
  return windowMs === null ? cursor.to.ts : Math.min(cursor.to.ts, cursor.from.ts + windowMs * 1000);
}

/**
 * Returns the values of a request's placeholders. Times of the older end are one unit earlier and those of the newer
 * end one unit later, so that the answer has both ends, whether the exchange includes its bounds or not.
 */
export function cursorValues(
  cursor: BackfillCursor,
  plan: Pick<BackfillPlan, "windowMs">,
): Readonly<Record<BackfillPlaceholder, string>> {
  const from = cursor.from.ts;
  const to = endOf(cursor, plan);
  const [fromMs, toMs] = [Math.floor(from / 1000) - 1, Math.floor(to / 1000) + 1];
  return {
    from_id: cursor.from.id ?? "",
    to_id: cursor.to.id ?? "",
    from_s: String(Math.floor(from / 1_000_000) - 1),
    to_s: String(Math.floor(to / 1_000_000) + 1),
    from_ms: String(fromMs),
    to_ms: String(toMs),
    from_us: String(from - 1),
    to_us: String(to + 1),
    from_ns: `${from - 1}999`,
    to_ns: `${to}001`,
    from_iso: new Date(fromMs).toISOString(),
    to_iso: new Date(toMs).toISOString(),
    day: dayOf(from),
    yyyymmdd: dayOf(from).replaceAll("-", ""),
    page: String(cursor.pages + 1),
    offset: String(cursor.rows),
  };
}

/** The day of a time, in UTC, as YYYY-MM-DD. */
function dayOf(time: Micros): string {
  return new Date(Math.floor(time / 1000)).toISOString().slice(0, 10);
}

/** Fills the placeholders of a stretch in a text; other braces stay. */
export function fillText(text: string, values: Readonly<Record<BackfillPlaceholder, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => isPlaceholder(name) ? values[name] : whole);
}

/** Returns the placeholders of a stretch in a text. */
export function placeholdersIn(text: string): ReadonlySet<BackfillPlaceholder> {
  return new Set([...text.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => isPlaceholder(name) ? [name] : []));
}

function isPlaceholder(name: string): name is BackfillPlaceholder {
  return BACKFILL_PLACEHOLDERS.some((known) => known === name);
}

/** Result of reading a page. */
export interface PageSeen {
  readonly rows: number;
  readonly oldest: CursorEnd | null;
  readonly newest: CursorEnd | null;
}

/** The next request, or why there is none. `end`: the exchange has no more; `stuck`: the page did not advance. */
export type NextPage = { readonly cursor: BackfillCursor } | "end" | "stuck";

/** Returns what follows a page. */
export function nextPage(
  cursor: BackfillCursor,
  page: PageSeen,
  plan: Pick<BackfillPlan, "direction" | "pageRows" | "windowMs"> & {
    readonly names: ReadonlySet<BackfillPlaceholder>;
  },
): NextPage {
  const { direction, pageRows, names } = plan;
  if (direction === "latest") return "end";
  const pages = cursor.pages + 1;
  const rows = cursor.rows + page.rows;
  const isLast = page.rows === 0 || (pageRows !== null && page.rows < pageRows);
  const isCounted = names.has("page") || names.has("offset");
  if (isLast) {
    const next = direction === "forward" ? nextWindow(cursor, plan) : null;
    return next === null ? "end" : { cursor: { ...cursor, from: next, pages: 0, rows: 0 } };
  }
  if (isCounted) return { cursor: { ...cursor, pages, rows } };
  if (direction === "forward") {
    const { newest } = page;
    if (newest === null || isSame(newest, cursor.from, names.has("from_id"))) return "stuck";
    return { cursor: { ...cursor, from: newest, pages, rows } };
  }
  const { oldest } = page;
  if (oldest === null || isSame(oldest, cursor.to, names.has("to_id"))) return "stuck";
  return { cursor: { ...cursor, to: oldest, pages, rows } };
}

/** Returns where the next window or day begins; null if there is none. */
function nextWindow(
  cursor: BackfillCursor,
  plan: { readonly windowMs: number | null; readonly names: ReadonlySet<BackfillPlaceholder> },
): CursorEnd | null {
  const isDaily = plan.names.has("day") || plan.names.has("yyyymmdd");
  const day = isDaily ? (Math.floor(cursor.from.ts / 1000 / DAY_MS) + 1) * DAY_MS * 1000 : null;
  const end = day ?? (plan.windowMs === null ? null : endOf(cursor, plan));
  // Pages that follow by ids have no time windows.
  if (end === null || plan.names.has("from_id") || end >= cursor.to.ts) return null;
  return { id: null, ts: end };
}

function isSame(a: CursorEnd, b: CursorEnd, byId: boolean): boolean {
  return byId ? a.id === b.id : a.ts === b.ts;
}
