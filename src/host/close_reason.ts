/** Longest reason of a close frame, in bytes of UTF-8 (RFC 6455 section 5.5: 125 less the code). */
const CLOSE_REASON_BYTES_MAX = 123;

/** Cuts a reason to what a close frame has room for, between two characters. */
export function cutReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= CLOSE_REASON_BYTES_MAX) return reason;
  return new TextDecoder().decode(bytes.subarray(0, CLOSE_REASON_BYTES_MAX)).replace(/\uFFFD+$/, "");
}
