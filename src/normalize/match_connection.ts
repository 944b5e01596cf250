import type { FramePlan } from "../model/mod.ts";

/**
 * The connection id for a URL seen in a recording: the same host, and of several the one whose path shares most of its
 * segments; the first declared of those that are equally near. Null where no connection has that host.
 */
export function matchConnection(plan: Pick<FramePlan, "connections">, url: string): string | null {
  return nearestConnection(plan, url)?.id ?? null;
}

/**
 * Finds the connection whose address is most like a URL. The score is greater the more of the path agrees, so that it
 * tells descriptors apart that share a host; null where no connection has the host.
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

/** Host without port, and path segments; null for text that is no URL. Placeholders of a template count as text. */
function partsOf(url: string): UrlParts | null {
  const match = /^[a-z]+:\/\/([^/:?#]+)(?::\d+)?([^?#]*)/i.exec(url);
  if (match === null) return null;
  return { host: match[1].toLowerCase(), segments: match[2].split("/").filter((segment) => segment !== "") };
}

/** How many segments both have in order from the front, or from the end; a point more where all are equal. */
function sharedSegments(left: readonly string[], right: readonly string[]): number {
  const least = Math.min(left.length, right.length);
  let front = 0;
  while (front < least && left[front] === right[front]) front++;
  let back = 0;
  while (back < least && left[left.length - 1 - back] === right[right.length - 1 - back]) back++;
  const isEqual = front === left.length && front === right.length;
  return Math.max(front, back) + (isEqual ? 1 : 0);
}
