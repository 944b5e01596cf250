import { BACKOFF_MS_MAX, BACKOFF_MS_MIN } from "../model/mod.ts";

/**
 * Returns the longest delay before attempt `attempt` (from 1, the first one after a failure), in ms. It doubles from
 * `BACKOFF_MS_MIN` up to `BACKOFF_MS_MAX`.
 */
export function backoffCeilingMs(attempt: number): number {
  // The exponent is bounded to avoid an overflow; the cap is reached long before.
  return Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(30, Math.max(0, attempt - 1)));
}

/**
 * Returns the delay before an attempt, in ms: anything from 0 to the ceiling (full jitter), but at least what the peer
 * asked for. `random` is in [0, 1).
 */
export function backoffMs(
  attempt: number,
  { random, retryAfterMs = null }: { readonly random: number; readonly retryAfterMs?: number | null },
): number {
  return Math.max(Math.floor(random * backoffCeilingMs(attempt)), retryAfterMs ?? 0);
}
