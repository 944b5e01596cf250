import type { FramePlan } from "../model/mod.ts";

/**
 * Returns the id of the connection for a URL of a recording: of those with the same host, the one whose path shares
 * most segments, or the first declared of several. Null if no connection has that host.
 */
export function matchConnection(plan: Pick<FramePlan, "connections">, url: string): string | null {
  return nearestConnection(plan, url)?.id ?? null;
}

/**
 * Finds the connection whose address is most like a URL. The score rises with the shared part of the path, so it can
 * rank descriptors that share a host. Null if no connection has the host.
 */
export function nearestConnection(
  plan: Pick<FramePlan, "connections">,
  url: string,
): { readonly id: string; readonly score: number } | null {
  const wanted = partsOf(url);
  if (wanted === null) return null;
  let best: { readonly id: string; readonly score: number } | null = null;
  for (const { id, urls } of plan.connections) {
    for (const candidate of urls) {
      const parts = partsOf(candidate);
      if (parts === null || parts.host !== wanted.host) continue;
      const score = sharedSegments(parts.segments, wanted.segments);
      if (best === null || score > best.score) best = { id, score };
    }
  }
  return best;
}

interface UrlParts {
  readonly host: string;
  readonly segments: readonly string[];
}

/** Returns the host without port, and the path segments; null if the text is no URL. Placeholders count as text. */
function partsOf(url: string): UrlParts | null {
  const match = /^[a-z]+:\/\/([^/:?#]+)(?::\d+)?([^?#]*)/i.exec(url);
  if (match === null) return null;
  return { host: match[1].toLowerCase(), segments: match[2].split("/").filter((segment) => segment !== "") };
}

/** Returns the number of segments that both share from the front or from the end, plus one if all are equal. */
function sharedSegments(left: readonly string[], right: readonly string[]): number {
  const least = Math.min(left.length, right.length);
  let front = 0;
  while (front < least && left[front] === right[front]) front++;
  let back = 0;
  while (back < least && left[left.length - 1 - back] === right[right.length - 1 - back]) back++;
  const isEqual = front === left.length && front === right.length;
  return Math.max(front, back) + (isEqual ? 1 : 0);
}
