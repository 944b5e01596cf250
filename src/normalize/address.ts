import type { FrameConnection } from "../model/mod.ts";
import type { Alias } from "./aliases.ts";

const SYMBOL = "{symbol}";

/**
 * What the address of a session says of its frames, for connections with a socket for each symbol: the native symbol, where
 * the connection's address has `{symbol}`. Hosts are not compared, so that recordings and other sites are read too. Null
 * where the connection has no such address.
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

/** What stands behind the host. */
function pathOf(url: string): string {
  return /^[a-z]+:\/\/[^/?#]*(.*)$/is.exec(url)?.[1] ?? "";
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Percent signs that encode nothing stand for themselves.
    return text;
  }
}
