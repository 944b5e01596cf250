import { gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import { type Decoding, FRAME_BYTES_MAX } from "../model/mod.ts";

/**
 * Returns the bytes of a frame's text, decompressed as the connection declares; a text message is never compressed.
 * Null if the compression is damaged or truncated, or the frame exceeds FRAME_BYTES_MAX before or after decompression.
 */
export function decodePayload(payload: Uint8Array, decoding: Decoding, binary: boolean): Uint8Array | null {
  if (payload.length > FRAME_BYTES_MAX) return null;
  if (!binary || decoding === "text") return payload;
  const inflate = decoding === "gzip" ? gunzipSync : decoding === "deflate_raw" ? inflateRawSync : inflateOf(payload);
  if (inflate === null) return payload;
  try {
    return inflate(payload, { maxOutputLength: FRAME_BYTES_MAX });
  } catch {
    // zlib throws on damage and on too much output alike; either way there is no text.
    return null;
  }
}

/** Returns the decompressor for the first bytes: gzip (RFC 1952), zlib (RFC 1950), or null for text. */
function inflateOf(payload: Uint8Array): typeof gunzipSync | null {
  const [first = 0, second = 0] = payload;
  if (first === 0x1f && second === 0x8b) return gunzipSync;
  return first === 0x78 && ((first << 8) | second) % 31 === 0 ? inflateSync : null;
}
