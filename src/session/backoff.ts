import { BACKOFF_MS_MAX, BACKOFF_MS_MIN } from "../model/mod.ts";

/**
 * The longest delay before attempt `attempt` (from 1, the first one after a failure), in ms: doubles from
 * `BACKOFF_MS_MIN` to `BACKOFF_MS_MAX` and stays there, however many attempts there were.
 */
export function backoffCeilingMs(attempt: number): number {
  // Beyond 2^30 the cap is reached for sure; the exponent is bounded so that nothing overflows.
  return Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(30, Math.max(0, attempt - 1)));
}

/**
 * The delay before an attempt, in ms: full jitter, so anything from 0 to the ceiling, and never less than what the peer
 * asked for. `random` is in [0, 1).
 */
export function backoffMs(
  attempt: number,
  { random, retryAfterMs = null }: { readonly random: number; readonly retryAfterMs?: number | null },
): number {
  return Math.max(Math.floor(random * backoffCeilingMs(attempt)), retryAfterMs ?? 0);
}
