import type { BackfillPlan, RestPlan, Template } from "../model/mod.ts";
import { type BackfillCursor, cursorValues, fillText, type placeholdersIn } from "./backfill_cursor.ts";
import type { RestRequest } from "./rest_client.ts";

/** What a backfill asks for one instrument. */
export type Target = BackfillPlan["targets"][number];

/** What is asked for, and the placeholders of a stretch that it names. */
export interface Pages {
  readonly target: Target;
  readonly names: ReturnType<typeof placeholdersIn>;
}

/** Returns the request for a page of history; without an id that it names the first one is asked for by its own path. */
export function pageRequest(
  { baseUrls, headers, caCertPaths, proxy, rateLimit }: RestPlan,
  backfill: BackfillPlan,
  { target, names, cursor }: Pages & { readonly cursor: BackfillCursor },
): Omit<RestRequest, "exchange" | "scope" | "accept"> {
  const values = cursorValues(cursor, backfill);
  const isFirst = cursor.pages === 0 && lacksId(names, cursor);
  const asked = isFirst && target.firstPath !== undefined ? target.firstPath : target.path;
  const body = target.body === null ? null : fillText(target.body, values);
  return {
    name: backfill.name,
    native: target.native,
    method: backfill.method,
    baseUrls: backfill.baseUrls ?? baseUrls,
    path: fillTemplate(asked, (text) => fillText(text, values)),
    headers: body === null ? headers : { "content-type": "application/json", ...headers },
    body,
    caCertPaths,
    ...(proxy === undefined ? {} : { proxy }),
    rateLimit,
  };
}

/** Whether a request names the id of an end that has none. */
export function lacksId(names: Pages["names"], { from, to }: Pick<BackfillCursor, "from" | "to">): boolean {
  return (names.has("from_id") && from.id === null) || (names.has("to_id") && to.id === null);
}

function fillTemplate({ source, parts }: Template, fill: (text: string) => string): Template {
  return { source: fill(source), parts: parts.map((part) => typeof part === "string" ? fill(part) : part) };
}
