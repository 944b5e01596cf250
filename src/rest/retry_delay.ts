import { BACKOFF_MS_MAX, REQUEST_RETRY_MS_MIN } from "../model/mod.ts";

/**
 * Returns the delay before a request is sent again, in ms. Its ceiling doubles with each consecutive failure
 * (`failures`, from 1) up to `maxMs`; the delay is between half the ceiling and the ceiling. `random` is in [0, 1).
 */
export function retryDelayMs(
  failures: number,
  { random, maxMs = BACKOFF_MS_MAX }: { readonly random: number; readonly maxMs?: number },
): number {
  const ceiling = Math.min(REQUEST_RETRY_MS_MIN * 2 ** Math.min(Math.max(failures - 1, 0), 20), maxMs);
  return ceiling / 2 + random * ceiling / 2;
}
