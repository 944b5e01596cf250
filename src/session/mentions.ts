import { ECHO_SEPARATOR } from "../model/mod.ts";

/** Characters of a spelling: `BTC-USDT-SWAP` does not name `BTC-USDT`, `trades` does not name `trade`. */
const SPELLING = /[\p{L}\p{N}_\-/@]/u;

/**
 * Whether the exchange's text names an item: every part of its echo key is in the text as a whole spelling. For
 * rejections without a field to match by.
 */
export function mentions(text: string, echo: string): boolean {
  const parts = echo.split(ECHO_SEPARATOR).filter((part) => part !== "");
  return parts.length > 0 && parts.every((part) => standsIn(text, part));
}

function standsIn(text: string, part: string): boolean {
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
    const before = text[at - 1] ?? " ";
    const after = text[at + part.length] ?? " ";
    if (!SPELLING.test(before) && !SPELLING.test(after)) return true;
  }
  return false;
}
