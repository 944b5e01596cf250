import { ECHO_SEPARATOR } from "../model/mod.ts";

/** What belongs to a spelling: `BTC-USDT` is not named by `BTC-USDT-SWAP`, `trade` not by `trades`. */
const SPELLING = /[\p{L}\p{N}_\-/@]/u;

/**
 * Whether the exchange's words name an item: every part of its echo key stands in the text as a whole spelling. For
 * rejections that carry no field to match by.
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
