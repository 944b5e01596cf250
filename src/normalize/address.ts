import type { FrameConnection } from "../model/mod.ts";
import type { Alias } from "./aliases.ts";

const SYMBOL = "{symbol}";

/**
 * Returns the native symbol of a session's address, for connections with one socket per symbol: the part at `{symbol}`
 * of the connection's address. Hosts are not compared, so that recordings and other sites are read too. Null if no
 * address matches.
 */
export function readAddress({ perSymbol, urls }: FrameConnection, url: string): Alias | null {
  if (perSymbol !== true) return null;
  const path = pathOf(url);
  for (const template of urls) {
    const [head, tail = ""] = pathOf(template).split(SYMBOL);
    if (!path.startsWith(head)) continue;
    const rest = path.slice(head.length);
    const end = tail === "" ? /[/?#&]|$/.exec(rest)?.index ?? rest.length : rest.indexOf(tail);
    if (end <= 0) continue;
    return new Map([["symbol", decoded(rest.slice(0, end))]]);
  }
  return null;
}

/** Returns the part of a URL after the host. */
function pathOf(url: string): string {
  return /^[a-z]+:\/\/[^/?#]*(.*)$/is.exec(url)?.[1] ?? "";
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that encodes nothing is plain text.
    return text;
  }
}
